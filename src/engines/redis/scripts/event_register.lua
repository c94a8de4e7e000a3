#!lua
-- Makes a type one of the namespace's streams, before anything of it is there, or says that it still is one.
-- KEYS  the registry: writes :t, :v, times to live, rings
-- ARGV  ring command, type, how many streams there may be, after how many milliseconds without such a call one is gone,
--       the types that do not count
-- Gives {"done"}
-- Cost  O(log n) of n streams; what is gone is removed when there is a new one
local call, format, group, type, retention = redis.call, string.format, KEYS[1], ARGV[2], ARGV[4] + 0
local types, version = group .. ':t', group .. ':v'
local clock = call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local is_new = not call('ZSCORE', types, type)
if is_new then
  call('ZREMRANGEBYSCORE', types, '-inf', format('%d', now_ms - retention))
  local counted, counts = call('ZCARD', types), true
  for i = 5, #ARGV do
    if call('ZSCORE', types, ARGV[i]) then counted = counted - 1 end
    if ARGV[i] == type then counts = false end
  end
  if counts and counted >= ARGV[3] + 0 then
    return { 'error', 'resource_exhausted', 'the namespace has ' .. ARGV[3]
      .. ' streams, its limit, and all of them were used within the last 90 days: use fewer event types' }
  end
end
call('ZADD', types, format('%d', now_ms), type)
if is_new then call('INCR', version) end
for _, key in ipairs({ types, version, group .. ':d' }) do call('PEXPIRE', key, ARGV[4]) end
if is_new then redis.pcall(ARGV[1], group .. '!', type) end
return { 'done' }
