-- include: mailbox.lua
-- A reserved one is free again.
local function release(box, id, record)
  local place = place_of(id, record)
  call('ZREM', box.index, held_members(record, place))
  box.held = box.held - 1
  record[UNTIL], record[HOLDER] = 0, false
  local all, by_type, by_source, by_both = four_ways('q', record[TYPE], record[SOURCE], place)
  call('ZADD', box.index, '0', all, '0', by_type, '0', by_source, '0', by_both)
  write_record(id, record)
end
