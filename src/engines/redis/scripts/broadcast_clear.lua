#!lua flags=allow-oom
-- Counts what pending lists as read by the agent, who is listed as no reader: agent, type or "", operation id, how long
-- it is remembered. Answers how many; again while there are more than one run may do. Cost: as broadcast_pending.lua.
-- include: broadcast_list.lua
-- include: memory.lua
local agent, type, operation, remembered = ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])

local before = recall(agent, operation) or { 0, false }
if before[2] then return { 'count', text(before[1]) } end
local positions = open_positions(agent, type ~= '' and { type } or {})
if not positions then return { 'again' } end
local appeared = use(agent)
local free = list_free(positions, appeared, 0, steps_max)

local done, last = math.min(#free, steps_max), {}
for i = 1, done do
  finish(free[i].position, free[i].ordinal)
  last[free[i].position] = free[i].ordinal
end
for position, ordinal in pairs(last) do write_raised(position, appeared, ordinal) end
local count, is_done = before[1] + done, done < steps_max
if count > 0 then remember(agent, operation, remembered, { count, is_done }) end
return is_done and { 'count', text(count) } or { 'again' }
