#!lua flags=allow-oom
-- Live signals of a mailbox that nobody holds, oldest first: agent, type or '', the commit behind which to go on ('':
-- from the beginning), how many signals and bytes of payloads make a page.
-- Cost: O(log n) of n signals in the mailbox, and the page; before it up to a run's worth of what is due there.
-- include: mailbox_evicted.lua
-- include: mailbox_settle.lua
local box = open_mailbox(ARGV[6])
if not settle(box) then return { 'again' } end
local count_max, bytes_max = tonumber(ARGV[9]), tonumber(ARGV[10])
local type = ARGV[7] ~= '' and ARGV[7] or nil

local signals, bytes = {}, 0
for i, found in ipairs(places_on(box.index, way('q', type), ARGV[8], count_max)) do
  local id = id_of(found)
  local record, payload = find_signal(id)
  if not record or not payload then return forget_evicted(box, found) end
  signals[i] = { id, record[TYPE], record[SOURCE], record[TARGET], record[SENT], record[TTL], text(record[ATTEMPT] + 1),
    payload }
  bytes = bytes + #payload
  if i == count_max or bytes >= bytes_max then return { 'page', string.sub(found, 1, 16), unpack(signals) } end
end
return { 'pending', unpack(signals) }
