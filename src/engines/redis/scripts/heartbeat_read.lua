#!lua flags=allow-oom
-- Reads one agent, or a whole shard, in one moment. Sent as a read, with its text and the keys it reads: a server that
-- is full answers it, where it would refuse MULTI; and while a cluster moves the slot, it is known who has the keys.
-- KEYS  :r and :s of a heartbeat shard
-- ARGV  agent (absent: all)
-- Gives the server's TIME, then what each of the two hashes holds
-- Cost  O(1), or O(agents of the shard)
local call, agent = redis.call, ARGV[1]
if agent then return { call('TIME'), call('HGET', KEYS[1], agent), call('HGET', KEYS[2], agent) } end
return { call('TIME'), call('HGETALL', KEYS[1]), call('HGETALL', KEYS[2]) }
