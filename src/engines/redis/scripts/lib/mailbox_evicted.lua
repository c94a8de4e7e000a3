-- include: mailbox.lua
-- Against all advice the server evicts keys, and one of a signal is gone: the mailbox forgets the signal, and whoever met
-- it is told.
local function forget_evicted(box, place)
  local counted = { e = 'live', h = 'held' }
  for _, member in ipairs(call('ZRANGE', box.index, 0, -1)) do
    if string.find(member, place, 1, true) then
      call('ZREM', box.index, member)
      local total = counted[string.sub(member, 1, 1)] or string.sub(member, 1, 2) == 'ua' and 'untold'
      if total then box[total] = box[total] - 1 end
    end
  end
  box.tombstones = box.tombstones - call('ZREM', tombstones_key(box), place)
  if box.live == 0 then box.bytes = 0 end
  save_mailbox(box)
  return error_answer('data_loss', 'the server evicted sig_' .. id_of(place)
    .. ', which is lost; set its maxmemory-policy to noeviction')
end
