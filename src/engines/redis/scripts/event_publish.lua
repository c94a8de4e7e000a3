#!lua
-- Commits an event. A script makes its functions anew each time it runs: here it has none.
-- KEYS  the stream: writes :s, :h, :k:…, rings; once a day times to live
-- ARGV  ring command, publication (16 bytes), for how many milliseconds it is remembered, source, data, max_length of
--       a new stream ('': none is made)
-- Gives {"place", id}, also when it was published before; {"unknown"}: there is no such stream, and none was made
-- Cost  O(1); what leaves the stream goes by whole nodes of it
local call, format, group, publication, window = redis.call, string.format, KEYS[1], ARGV[2], ARGV[3] + 0
local stream, head, memory = group .. ':s', group .. ':h', group .. ':k:'
local found = call('HMGET', head, 'ms', 'last', 'length', 'age', 'until', 'newest', 'memory')
local clock = call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local ms, last, length, age, kept = now_ms, 0, ARGV[6], 0, 0
if found[1] then
  if found[6] == publication then return { 'place', found[1] .. '-' .. found[2] } end
  ms, last, length, age, kept = math.max(now_ms, found[1]), found[2] + 0, found[3], found[4] + 0, found[5] + 0
elseif length == '' then
  return { 'unknown' }
else
  call('DEL', stream, group .. ':g')
  call('HSET', head, 'floor', '1', 'length', length, 'age', '0')
end

-- Two hashes take turns: what was published in this window, and in the one before.
local turn = math.floor(now_ms / window)
local current, before = format('%d', turn), format('%d', turn - 1)
local known = call('HGET', memory .. before, publication)
if known then return { 'place', known } end
local ms_text, ordinal = format('%d', ms), format('%d', last + 1)
local id = ms_text .. '-' .. ordinal
if call('HSETNX', memory .. current, publication, id) == 0 then
  return { 'place', call('HGET', memory .. current, publication) }
end
if found[7] ~= current then
  call('PEXPIRE', memory .. current, format('%d', 2 * window))
  if found[7] and found[7] ~= before then call('UNLINK', memory .. found[7]) end
  call('UNLINK', memory .. format('%d', turn - 2))
end

call('XADD', stream, 'MAXLEN', '~', length, id, 's', ARGV[4], 'd', ARGV[5])
call('HSET', head, 'ms', ms_text, 'last', ordinal, 'newest', publication, 'memory', current)
if age > 0 and now_ms > age then call('XTRIM', stream, 'MINID', '~', format('%d', now_ms - age)) end
if last == 0 or kept < now_ms + 7776000000 then
-- include: event_refresh.lua
end
redis.pcall(ARGV[1], group .. '!', '')
return { 'place', id }
