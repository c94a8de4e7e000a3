-- The record of `agent`, if `incarnation` is its newest, as docs/formats.md has it; otherwise it answers: nil, there is
-- none (or it is over); {"conflict", newest incarnation}; {"damaged"}.
local call, group, agent, incarnation = redis.call, KEYS[1], ARGV[2], ARGV[3]
local records = group .. ':r'
local record = call('HGET', records, agent)
if not record then return false end
if #record < 117 then return {'damaged'} end
local newest, beat_id, publish_id, published, ttl, finished, refreshed, renewed, last_beat, beats, intervals, mean,
  squares, progress, status_size, task_size = struct.unpack('>c16c8c8Bdddddddddc8HH', record)
if #record ~= 117 + status_size + task_size then return {'damaged'} end
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
if finished > 0 then
  if now - finished >= 86400000000 then return false end
elseif (now - renewed) * 1000 - ttl >= 86400000000000 then
  return false
end
if newest ~= incarnation then return {'conflict', newest} end
