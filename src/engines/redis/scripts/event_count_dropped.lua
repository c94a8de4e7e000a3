#!lua flags=allow-oom
-- Adds to the events that could not be published in time.
-- KEYS  the registry: writes :d, :k:…
-- ARGV  ring command, how many, id of the call, for how many milliseconds it is remembered, how long the count lives
-- Gives {"done"}
-- Cost  O(1)
local call, group = redis.call, KEYS[1]
if call('SET', group .. ':k:' .. ARGV[3], '', 'NX', 'PX', ARGV[4]) then
  call('INCRBY', group .. ':d', ARGV[2])
  call('PEXPIRE', group .. ':d', ARGV[5])
end
return { 'done' }
