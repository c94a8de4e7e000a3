#!lua flags=allow-oom
-- A request as it is. Argument behind the two of approval_settle.lua: id.
-- Gives {'approval', reading}, {'none'}, {'again'}
-- Cost: O(log n) of n requests, and the context; or a run's worth of what is due, 3 ms.
-- include: approval_settle.lua
-- include: approval_answer.lua
local instead = settle()
if instead then return instead end
local record, trouble = find_record(ARGV[4])
if trouble then return trouble end
return record and full_reading('approval', ARGV[4], record) or { 'none' }
