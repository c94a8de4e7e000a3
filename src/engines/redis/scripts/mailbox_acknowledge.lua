#!lua flags=allow-oom
-- Makes a reservation final. Arguments: agent, id, attempt or ''.
-- Cost: O(log n) of n signals in the mailbox; before it up to a run's worth of what is due there.
-- include: mailbox_settle.lua
-- include: acknowledgement.lua
local agent, id = ARGV[6], ARGV[7]
local record = find_kept_record(id)
if not record then return unknown_signal(id) end
local box = open_mailbox(record[TARGET])
if not settle(box) then return { 'again' } end
record = find_kept_record(id)
if not record then return unknown_signal(id) end
if box.agent ~= agent then
  return error_answer('failed_precondition', 'sig_' .. id .. ' was not sent to ' .. agent
    .. ', who cannot acknowledge it')
end
local state = record[STATE]
if state == 'live' then state = 'open' end
if state == 'delivered' then state = record[ACKNOWLEDGED] and 'acknowledged' or 'taken' end
local refused = judge_acknowledgement(id, state, record[ATTEMPT], tonumber(ARGV[8]))
if refused then return refused end
if state == 'open' then
  record[ACKNOWLEDGED] = true
  -- A take id may ask for it again.
  if record[REMEMBERED] > now then
    call('SET', group .. ':p:' .. id, call('HGET', record_prefix .. id, 'p'), 'PXAT',
      milliseconds_after(record[REMEMBERED]))
  end
  finish(box, id, record, 'delivered', now)
  shorten_life(id)
  save_mailbox(box)
  ring_signal(id)
end
return { 'done' }
