#!lua flags=allow-oom
-- The groups of a stream.
-- KEYS  the stream: reads :h, :s, :g, :o:…
-- ARGV  ring command
-- Gives {"groups", of each its name, the ordinal up to which events were given out, how many wait, how many are
--       pending}
-- Cost  O(groups · log n) of n pending ones
-- include: event_head.lua
local answer = { 'groups' }
local groups = is_known and call('HGETALL', group .. ':g') or {}
for i = 1, #groups, 2 do
  local delivered = struct.unpack('>d', groups[i + 1])
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3] = groups[i], text(delivered), text(last - math.max(delivered, first - 1))
  answer[n + 4] = text(call('ZCOUNT', group .. ':o:' .. groups[i], text(first), '+inf'))
end
return answer
