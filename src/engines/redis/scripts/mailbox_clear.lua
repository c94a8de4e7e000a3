#!lua flags=allow-oom
-- Clears what mailbox_pending lists: agent, type or '', an id of this call, how long to remember its answer. Again
-- while there is more than one run may do; what was sent meanwhile stays.
-- Cost: O(log n) of n signals in the mailbox for each that it clears, up to a run's worth; before it up to as many that
-- are due.
-- include: mailbox_evicted.lua
-- include: mailbox_settle.lua
-- include: memory.lua
local box = open_mailbox(ARGV[6])
if not settle(box) then return { 'again' } end
local type = ARGV[7] ~= '' and ARGV[7] or nil
local before = recall(box.agent, ARGV[8]) or { count = 0, newest = box.version, is_done = false }

local places = before.is_done and {} or places_on(box.index, way('q', type), '', steps_max)
local is_done = #places < steps_max
for _, found in ipairs(places) do
  if commit_of(found) > before.newest then
    is_done = true
    break
  end
  local id = id_of(found)
  local record = find_record(id)
  if not record then return forget_evicted(box, found) end
  finish(box, id, record, 'cleared', now)
  shorten_life(id)
  ring_signal(id)
  before.count = before.count + 1
end
if #places > 0 then
  save_mailbox(box)
  before.is_done = is_done
  remember(box.agent, ARGV[8], tonumber(ARGV[9]), before)
end
return is_done and { 'count', text(before.count) } or { 'again' }
