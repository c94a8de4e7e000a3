#!lua flags=allow-oom
-- Renews the lease and nothing else.
-- KEYS  the agent's heartbeat shard: writes :r, sometimes :v and times to live
-- ARGV  ring command, agent, incarnation (16 bytes)
-- Gives 1; nil, {"conflict", newest}, {"finished", status} or {"damaged"}
-- Cost  O(1)
-- include: heartbeat_find.lua
-- include: heartbeat_refuse_finished.lua
if now - refreshed >= 3600000000 then
  refreshed = now
-- include: heartbeat_refresh.lua
end
call('HSET', records, agent,
  string.sub(record, 1, 49) .. struct.pack('>dd', refreshed, now) .. string.sub(record, 66))
if published == 3 then
-- include: heartbeat_ring.lua
end
return 1
