#!lua flags=allow-oom
-- Compares and sets the published state.
-- KEYS  the agent's heartbeat shard: writes :r
-- ARGV  ring command, agent, incarnation (16 bytes), id of this change (8 bytes), numbers of the expected and the next
--       state
-- Gives 1: it is stored, now or by an earlier call with this id; 0: another one was published; nil,
--       {"conflict", newest} or {"damaged"}
-- Cost  O(1)
-- include: heartbeat_find.lua
if publish_id == ARGV[4] then return 1 end
if published ~= tonumber(ARGV[5]) then return 0 end
call('HSET', records, agent,
  string.sub(record, 1, 24) .. ARGV[4] .. string.char(tonumber(ARGV[6])) .. string.sub(record, 34))
return 1
