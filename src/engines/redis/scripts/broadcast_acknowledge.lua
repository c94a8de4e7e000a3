#!lua flags=allow-oom
-- Makes a reservation final: agent, id, attempt or "". Answers done, or why not.
-- Cost: a fixed number of operations, and the size of what the agent did with the type (ranges and reservations);
-- before it up to a run's worth of the type that is due.
-- include: broadcast_read.lua
-- include: acknowledgement.lua
local agent, id, attempt = ARGV[6], ARGV[7], tonumber(ARGV[8])

local record = find_record(id)
if not record then return unknown_signal(id) end
if not settle(record[TYPE]) then return { 'again' } end
if redis.call('EXISTS', record_key(id)) == 0 then return unknown_signal(id) end

local position = read_position(agent, record[TYPE])
local state, newest = standing(position, id, record, attempt)
local refused = judge_acknowledgement(id, state, newest, attempt)
if refused then return refused end
if state == 'open' then read_for_good(position, find_appearance(agent) or now, id, record, newest, true) end
return { 'done' }
