#!lua flags=allow-oom
-- What became of a targeted signal. Argument: id. Cost: O(1); before it up to a run's worth of what is due in its
-- mailbox.
-- include: mailbox_settle.lua
local id = ARGV[6]
local record = find_kept_record(id)
if not record then return unknown_signal(id) end
if not settle(open_mailbox(record[TARGET])) then return { 'again' } end
record = find_kept_record(id)
if not record then return unknown_signal(id) end
local state, has_it, taken_at, expired_at, due = record[STATE], '', '', '', ''
if state == 'live' then
  state, due = is_held(record) and 'reserved' or 'pending', text(record[ENDS])
end
if state == 'reserved' or state == 'delivered' then has_it = record[TARGET] end
if state == 'delivered' then taken_at = text(record[SETTLED]) end
if state == 'expired' then expired_at = shown_expiry(record) end
return { 'receipt', id, state, has_it, taken_at, expired_at, '0', '0', text(now), due }
