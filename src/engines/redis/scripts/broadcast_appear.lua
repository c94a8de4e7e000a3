#!lua flags=allow-oom
-- Makes an agent appear, or records its use: agent. Cost: O(1).
-- include: broadcast_keys.lua
use(ARGV[6])
return { 'done' }
