#!lua flags=allow-oom
-- Reads one agent, or a whole shard, in one moment: where the server queues no transaction, because it is full.
-- KEYS  the agents' heartbeat shard: reads :r and :s
-- ARGV  ring command, agent (absent: all)
-- Gives the server's TIME, then what each of the two hashes holds
-- Cost  O(1), or O(agents of the shard)
local call, records, descriptions, agent = redis.call, KEYS[1] .. ':r', KEYS[1] .. ':s', ARGV[2]
if agent then return { call('TIME'), call('HGET', records, agent), call('HGET', descriptions, agent) } end
return { call('TIME'), call('HGETALL', records), call('HGETALL', descriptions) }
