#!lua flags=allow-oom
-- Makes an incarnation the newest: no beats, a fresh lease, published alive.
-- KEYS  the agent's heartbeat shard: writes :r, :s, :x, :v and times to live
-- ARGV  ring command, agent, incarnation (16 bytes), lease in nanoseconds, what the agent says of itself (the
--       bytes of :s after `started`), the incarnation that it replaces (16 bytes; zeros: none may be there; empty:
--       whatever is)
-- Gives 1, also when it was started before; {"conflict", newest or zeros}
-- Cost  O(log n) of n agents in the shard
local call, group, agent, incarnation, replaces = redis.call, KEYS[1], ARGV[2], ARGV[3], ARGV[6]
local ttl = tonumber(ARGV[4])
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local newest = string.rep('\0', 16)
local record = call('HGET', group .. ':r', agent)
-- A damaged record is as good as none: starting anew is what mends it.
if record and #record >= 117 then
  local found_ttl, finished, _, renewed = struct.unpack('>dddd', record, 34)
  local status_size, task_size = struct.unpack('>HH', record, 114)
  local silence = finished > 0 and (now - finished) * 1000 or (now - renewed) * 1000 - found_ttl
  if #record == 117 + status_size + task_size and silence < 86400000000000 then newest = string.sub(record, 1, 16) end
end
if newest == incarnation then return 1 end
if replaces ~= '' and replaces ~= newest then return {'conflict', newest} end

call('HSET', group .. ':r', agent, incarnation .. string.rep('\0', 17)
  .. struct.pack('>dddddddddc8HH', ttl, 0, now, now, 0, 0, 0, 0, 0, '\127\248\0\0\0\0\0\0', 7, 0) .. 'started')
call('HSET', group .. ':s', agent, struct.pack('>d', now) .. ARGV[5])
call('ZADD', group .. ':x', string.format('%.0f', now + math.ceil(ttl / 1000) + 86400000000), agent)
-- include: heartbeat_remove.lua
-- include: heartbeat_ring.lua
-- include: heartbeat_refresh.lua
return 1
