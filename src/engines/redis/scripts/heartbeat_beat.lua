#!lua flags=allow-oom
-- Counts a beat: adds the interval since the last one to the rhythm (Welford), renews the lease.
-- KEYS  the agent's heartbeat shard: writes :r, every 16th time :s and :x, sometimes :v and times to live
-- ARGV  ring command, agent, incarnation (16 bytes), id of this beat (8 bytes), status, progress (a big-endian double;
--       empty: unchanged), task (absent: unchanged)
-- Gives 1, also when this beat was counted before; nil, {"conflict", newest}, {"finished", status} or {"damaged"}
-- Cost  O(1)
-- include: heartbeat_find.lua
-- include: heartbeat_refuse_finished.lua
local id, status, task = ARGV[4], ARGV[5], ARGV[7]
if beat_id == id then return 1 end
if beats > 0 then
  local interval = math.max(0, now - last_beat) / 1000000 -- a clock may be set back
  local delta = interval - mean
  intervals = intervals + 1
  mean = mean + delta / intervals
  squares = squares + delta * (interval - mean)
end
beats = beats + 1
if ARGV[6] ~= '' then progress = ARGV[6] end
if not task then task = string.sub(record, 118 + status_size) end
if now - refreshed >= 3600000000 then
  refreshed = now
-- include: heartbeat_refresh.lua
end
call('HSET', records, agent, incarnation .. id .. string.sub(record, 25, 49)
  .. struct.pack('>dddddddc8HH', refreshed, now, now, beats, intervals, mean, squares, progress, #status, #task)
  .. status .. task)
if beats % 16 == 0 then
-- include: heartbeat_remove.lua
end
if published ~= 0 then
-- include: heartbeat_ring.lua
end
return 1
