#!lua
-- Commits a broadcast: id, type, source, sent, ttl in nanoseconds, ttl in microseconds, payload, limit of live ones.
-- Answers done. Cost: a fixed number of operations on sorted sets.
-- include: broadcast_settle.lua
local id, type, source, sent, ttl = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local ends, payload, live_max = now + tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13])

local known = find_record(id)
if known and not settle(known[TYPE]) then return { 'again' } end
if known and redis.call('EXISTS', record_key(id)) == 1 then return { 'done' } end
if not settle(type) then return { 'again' } end

local live = redis.call('ZCARD', lane_key('q', type))
if live >= live_max then
  return error_answer('resource_exhausted', text(live) .. ' broadcasts of type ' .. type
    .. ' are live, the limit; wait until some expire, or give them a shorter ttl')
end

local newest = redis.call('HGET', group .. ':n', type)
local commit = next_commit(newest and tonumber(newest) + 1 or 0)
local ordinal = newest and tonumber(newest) + 1 or commit
local entry = new_entry(commit, ends, id, source)
local indices = { lane_key('q', type), lane_key('q', type, source) }
for _, index in ipairs(indices) do redis.call('ZADD', index, ordinal, entry) end
redis.call('ZADD', lane_key('d', type), ends, entry)
redis.call('HSET', group .. ':n', type, text(ordinal))
redis.call('ZADD', group .. ':y', 'LT', ends, type)
for _, key in ipairs({ indices[1], indices[2], lane_key('d', type), group .. ':n', group .. ':y' }) do keep(key) end

write_record(id, { type, source, sent, ttl, ends, commit, ordinal, 0, 0 })
redis.call('PEXPIREAT', record_key(id), milliseconds_after(ends + 25 * hour))
redis.call('SET', payload_key(id), payload, 'PXAT', milliseconds_after(ends + hour / 30))
settle_others()
ring_readers(type)
return { 'done' }
