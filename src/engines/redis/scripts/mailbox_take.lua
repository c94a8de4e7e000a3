#!lua flags=allow-oom
-- Takes from a mailbox, or looks into it; arguments as in lib/take_request.lua. A repeat of a take is known by its take
-- id.
-- Cost: O(log n) of n signals in the mailbox for each type asked for, and the reservations that stand before what is
-- found; of expiries, one notice a type. Before it up to a run's worth of what is due there.
-- include: mailbox_take_first.lua
-- include: mailbox_evicted.lua
-- include: mailbox_settle.lua
-- include: take_request.lua
-- include: memory.lua

local request = read_take_request()
local box = open_mailbox(request.agent)
if not settle(box) then return { 'again' } end
if request.mode == 'forget' then
  forget(request.agent, request.take_id)
  return { 'none', '' }
end

local function reserve(id, record)
  local place = place_of(id, record)
  if is_held(record) then
    call('ZREM', box.index, held_members(record, place))
  else
    call('ZREM', box.index, four_ways('q', record[TYPE], record[SOURCE], place))
    box.held = box.held + 1
  end
  record[UNTIL], record[HOLDER] = now + request.within, request.holder
  local held, lapse = held_members(record, place)
  call('ZADD', box.index, '0', held, '0', lapse)
  write_record(id, record)
  box.due = math.min(box.due, record[UNTIL])
  save_mailbox(box)
  ring_signal(id)
end

local earlier = recall(request.agent, request.take_id)
if earlier then
  -- What the same take answered before, if that still stands.
  local function repeat_answer()
    if earlier[1] == 'expired' then return earlier end
    local id, attempt = earlier[2], tonumber(earlier[8])
    local record, payload = find_signal(id)
    if record and record[STATE] == 'live' then
      if record[ATTEMPT] ~= attempt then return nil end
      if record[UNTIL] > now then
        record[HOLDER] = request.holder
        write_record(id, record)
      elseif request.within then
        reserve(id, record)
      else
        return nil
      end
    elseif record and (record[STATE] ~= 'delivered' or record[ATTEMPT] ~= attempt) then
      return nil
    end
    earlier[9] = earlier[9] or payload or call('GET', group .. ':p:' .. id)
    return earlier[9] and earlier
  end

  local repeated = repeat_answer()
  if repeated then return repeated end
end
if request.mode == 'recall' then return { 'none', earlier and '1' or '' } end

local found = box.live > box.held and first_place(box.index, 'q', request.types, request.source)

-- Reservations that match and stand before what was found: those of known processes, six texts each, and when the first
-- of any ends.
local reserved, due
if box.held > 0 and (request.yields or not found) then
  reserved = {}
  local to = found and '(h' .. string.sub(found, 1, 16) or '(h:'
  for _, member in ipairs(call('ZRANGEBYLEX', box.index, '[h', to)) do
    local id = id_of(string.sub(member, 2))
    local type, source = string.match(member, '^([^|]*)|([^|]*)$', 46)
    local record = matches(request, type, source) and find_record(id)
    if record then
      due = math.min(due or never, record[UNTIL], record[ENDS])
      local holder = record[HOLDER]
      if holder then
        for _, one in ipairs({ id, text(record[ATTEMPT]), holder[1], holder[2], holder[3], holder[4] }) do
          reserved[#reserved + 1] = one
        end
      end
    end
  end
end
local gives_way = request.yields and reserved and #reserved > 0

if found and not gives_way then
  local id = id_of(found)
  local record, payload = find_signal(id)
  if not record or not payload then return forget_evicted(box, found) end
  local attempt = record[ATTEMPT] + 1
  local answer = { 'delivered', id, record[TYPE], record[SOURCE], record[TARGET], record[SENT], record[TTL],
    text(attempt) }
  if request.consume then
    record[ATTEMPT] = attempt
    if request.within then
      record[REMEMBERED] = request.take_id ~= '' and now + request.keep or 0
      reserve(id, record)
    else
      finish(box, id, record, 'delivered', now)
      shorten_life(id)
      save_mailbox(box)
      ring_signal(id)
      answer[9] = payload -- which the record has no longer
    end
    remember(request.agent, request.take_id, request.keep, answer)
  end
  answer[9] = payload
  return answer
end

local expiry
if not found and box.untold + box.folded > 0 then
  local forget_it

  local function find_folded()
    local first, first_type
    local all = call('HGETALL', folded_key(box))
    for i = 1, #all, 2 do
      local notice = cmsgpack.unpack(all[i + 1])
      if notice[1] <= now then
        call('HDEL', folded_key(box), all[i])
        box.folded = box.folded - 1
        save_mailbox(box)
      elseif matches(request, all[i], notice[5]) and not (first and first[3] < notice[3]) then
        first, first_type = notice, all[i]
      end
    end
    if not first then return end
    expiry = { 'expired', first[4], first_type, first[5], first[6], first[7], text(first[2]) }
    forget_it = function()
      call('HDEL', folded_key(box), first_type)
      box.folded = box.folded - 1
    end
  end

  -- The oldest untold expiry that matches, a folded one first.
  if box.folded > 0 then find_folded() end
  local place = not expiry and box.untold > 0 and first_place(box.index, 'u', request.types, request.source)
  if place then
    local id = id_of(place)
    local record = find_record(id)
    if not record then return forget_evicted(box, place) end
    expiry = { 'expired', id, record[TYPE], record[SOURCE], record[SENT], shown_expiry(record), '1' }
    forget_it = function()
      call('ZREM', box.index, four_ways('u', record[TYPE], record[SOURCE], place))
      box.untold = box.untold - 1
    end
  end

  if expiry and not gives_way and request.mode == 'full' then
    if request.consume then
      forget_it()
      save_mailbox(box)
      remember(request.agent, request.take_id, request.keep, expiry)
    end
    return expiry
  end
end

local answer = { 'nothing', text(now), due and text(due) or '', found and 'signal' or expiry and 'expiry' or 'none' }
for _, one in ipairs(reserved or {}) do answer[#answer + 1] = one end
return answer
