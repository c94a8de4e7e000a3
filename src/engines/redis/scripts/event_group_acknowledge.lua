#!lua flags=allow-oom
-- Makes events of a group done.
-- KEYS  the stream: writes :g, :o:…, :t:…, :p:…, :k:…
-- ARGV  ring command, group, id of the call, for how many milliseconds it is remembered, then of each event its
--       ordinal and its ms
-- Gives {"count", how many of them were pending}
-- Cost  O(events · log n) of n pending ones
-- include: event_group.lua
-- include: event_memory.lua
local known = recall(ARGV[3])
if known then return known end
if not packed then return no_group() end
local asked, done = {}, {}
for i = 5, #ARGV, 2 do asked[#asked + 1] = digits(ARGV[i]) end
for i, note in ipairs(#asked > 0 and call('HMGET', pending, unpack(asked)) or {}) do
  -- Another time: another event, whose ordinal the server lost meanwhile.
  if note and string.match(note, '^%d+') == ARGV[2 * i + 4] then done[#done + 1] = asked[i] end
end
local count = #done > 0 and call('HDEL', pending, unpack(done)) or 0
save_group()
local answer = { 'count', text(count) }
if count > 0 then
  call('ZREM', by_ordinal, unpack(done))
  call('ZREM', by_time, unpack(done))
  remember(ARGV[3], ARGV[4], answer)
end
return answer
