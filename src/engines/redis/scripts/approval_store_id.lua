#!lua flags=allow-oom
-- What the store is called. Argument: what it shall be called if it has no name yet.
-- Gives the name.
-- Cost: O(1)
-- include: audit.lua
local name = call('HGET', meta, 'i')
if not name then
  name = ARGV[2]
  call('HSET', meta, 'i', name)
  keep_store()
end
return name
