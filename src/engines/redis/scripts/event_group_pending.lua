#!lua flags=allow-oom
-- The oldest pending events of a group.
-- KEYS  the stream: reads :h, :s, :g, :o:…, :t:…, :p:…
-- ARGV  ring command, group, how many
-- Gives {"pending", of each its id, its member, for how many microseconds it has it, how often it was given}
-- Cost  O(log n) of n pending ones, and what is given
-- include: event_group.lua
if not packed then return no_group() end
local answer = { 'pending' }
local ordinals = call('ZRANGEBYSCORE', by_ordinal, text(first), '+inf', 'LIMIT', 0, ARGV[3])
if #ordinals == 0 then return answer end
local times, notes = call('ZMSCORE', by_time, unpack(ordinals)), call('HMGET', pending, unpack(ordinals))
for i, ordinal in ipairs(ordinals) do
  local ms, deliveries, consumer = string.match(notes[i], '^(%d+) (%d+) (.*)$')
  local n = #answer
  answer[n + 1], answer[n + 2] = ms .. '-' .. text(ordinal), consumer
  answer[n + 3], answer[n + 4] = text(math.max(0, now - times[i])), deliveries
end
return answer
