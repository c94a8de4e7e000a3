#!lua flags=allow-oom
-- Returns reservations of an agent that still are as given: agent, operation id, how long it is remembered, then of
-- each id, attempt, pid, start, boot id, PID namespace. Answers how many.
-- Cost: for each id one read, for each of their types one of what the agent did with it, and one write; before it up to
-- a run's worth of these types that is due.
-- include: broadcast_settle.lua
-- include: take_request.lua
-- include: memory.lua
local agent, operation, remembered = ARGV[6], ARGV[7], tonumber(ARGV[8])

local before = recall(agent, operation)
if before then return { 'count', text(before) } end
local records = {}
for i = 9, #ARGV, 6 do
  local record = find_record(ARGV[i])
  if record and not settle(record[TYPE]) then return { 'again' } end
  records[i] = record
end

local positions, count = {}, 0
for i = 9, #ARGV, 6 do
  local record = records[i]
  local position = record and (positions[record[TYPE]] or read_position(agent, record[TYPE]))
  local hold = position and position.holds[record[ORDINAL]]
  local is_live = hold and record[ENDS] > now and hold[UNTIL] > now
  if is_live and hold[ATTEMPT] == tonumber(ARGV[i + 1]) and same_holder(hold[HOLDER], holder_from(i + 2)) then
    hold[UNTIL], hold[HOLDER] = 0, false
    positions[record[TYPE]] = position
    count = count + 1
  end
end
if count == 0 then return { 'count', '0' } end
next_commit(0)
for type, position in pairs(positions) do
  write_position(position)
  ring_readers(type)
end
remember(agent, operation, remembered, count)
return { 'count', text(count) }
