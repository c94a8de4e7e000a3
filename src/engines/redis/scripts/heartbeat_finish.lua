#!lua flags=allow-oom
-- Marks the incarnation finished with its final status.
-- KEYS  the agent's heartbeat shard: writes :r, :s, :x, :v and times to live
-- ARGV  ring command, agent, incarnation (16 bytes), final status
-- Gives 1, also when it had finished with this status; nil, {"conflict", newest}, {"finished", status} or {"damaged"}
-- Cost  O(log n) of n agents in the shard
-- include: heartbeat_find.lua
local status = ARGV[4]
if finished > 0 and string.sub(record, 118, 117 + status_size) == status then return 1 end
-- include: heartbeat_refuse_finished.lua
call('HSET', records, agent, string.sub(record, 1, 41) .. struct.pack('>dd', now, now)
  .. string.sub(record, 58, 113) .. struct.pack('>HH', #status, task_size) .. status
  .. string.sub(record, 118 + status_size))
call('ZADD', group .. ':x', string.format('%.0f', now + 86400000000), agent)
-- include: heartbeat_remove.lua
-- include: heartbeat_ring.lua
-- include: heartbeat_refresh.lua
return 1
