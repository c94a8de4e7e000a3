-- What time does to a mailbox: signals expire, reservations lapse, tombstones go and what was not told of them folds.
-- include: mailbox.lua

-- A script settles a bounded number of signals. False: more is due, run again before anything is looked at.
local function settle_due(box)
-- include: mailbox_evicted.lua
-- include: mailbox_release.lua
  -- Those of a kind whose time has come, the first of them first.
  local function due_members(kind, count)
    return call('ZRANGEBYLEX', box.index, '[' .. kind, '(' .. kind .. digits(now) .. '~', 'LIMIT', 0, count)
  end
  local function id_in(member) return string.sub(member, 36, 61) end

  local function settle_expired(steps)
    local members = due_members('e', steps)
    for _, member in ipairs(members) do
      local id = id_in(member)
      local record = find_record(id)
      if record then
        local all, by_type, by_source, by_both = four_ways('u', record[TYPE], record[SOURCE], place_of(id, record))
        call('ZADD', box.index, '0', all, '0', by_type, '0', by_source, '0', by_both)
        box.untold = box.untold + 1
        finish(box, id, record, 'expired', record[ENDS])
        ring_signal(id)
      else
        forget_evicted(box, string.sub(member, 19, 61))
      end
    end
    return #members
  end

  local function settle_lapsed(steps)
    local members = due_members('l', steps)
    for _, member in ipairs(members) do
      local record = find_record(id_in(member))
      if record and is_held(record) then
        release(box, id_in(member), record)
      else
        call('ZREM', box.index, member)
      end
    end
    return #members
  end

  -- One notice a type, which shows the newest: {keep until, count, commit, id, source, sent, shown expiry}.
  local function fold(id, record)
    local packed = call('HGET', folded_key(box), record[TYPE])
    local notice = packed and cmsgpack.unpack(packed) or { 0, 0, 0 }
    if not packed then box.folded = box.folded + 1 end
    -- Not simply now: what is folded must not depend on when somebody came to do it.
    if notice[1] <= math.min(now, record[ENDS] + tombstone_retention) then notice = { 0, 0, 0 } end
    notice[1], notice[2] = math.max(notice[1], record[ENDS] + position_retention), notice[2] + 1
    if record[COMMIT] >= notice[3] then
      notice[3], notice[4], notice[5] = record[COMMIT], id, record[SOURCE]
      notice[6], notice[7] = record[SENT], shown_expiry(record)
    end
    call('HSET', folded_key(box), record[TYPE], cmsgpack.pack(notice))
    call('PEXPIREAT', folded_key(box), milliseconds_after(box.kept))
  end

  local function settle_tombstones(steps)
    local beyond = math.min(math.max(box.tombstones - tombstones_max, 0), steps)
    local places = beyond > 0 and call('ZRANGE', tombstones_key(box), 0, beyond - 1) or {}
    local old = call('ZRANGEBYSCORE', tombstones_key(box), '-inf', text(now - tombstone_retention), 'LIMIT', 0, steps)
    if #old > #places then places = old end
    for _, place in ipairs(places) do
      local id = id_of(place)
      local record = find_record(id)
      if record and record[STATE] == 'expired'
        and call('ZREM', box.index, four_ways('u', record[TYPE], record[SOURCE], place)) > 0 then
        box.untold = box.untold - 1
        fold(id, record)
      end
      call('DEL', record_prefix .. id)
      call('ZREM', tombstones_key(box), place)
    end
    box.tombstones = call('ZCARD', tombstones_key(box))
    return #places
  end

  local function heed(time) box.due = math.min(box.due, time) end
  local function heed_first(kind)
    local first = call('ZRANGEBYLEX', box.index, '[' .. kind, '(' .. kind .. ':', 'LIMIT', 0, 1)[1]
    if first then heed(tonumber(string.sub(first, 2, 17))) end
  end

  -- Every expiry comes before any tombstone goes: they go in the order of their ends.
  local steps = steps_max
  for _, settle_some in ipairs({ settle_expired, settle_lapsed, settle_tombstones }) do
    if steps > 0 then steps = steps - settle_some(steps) end
  end
  box.due = steps > 0 and never or 0
  heed_first('e')
  heed_first('l')
  local oldest = call('ZRANGE', tombstones_key(box), 0, 0, 'WITHSCORES')[2]
  if oldest then heed(tonumber(oldest) + tombstone_retention) end
  save_mailbox(box)
  return steps > 0
end

local function settle(box) return now < box.due or settle_due(box) end
