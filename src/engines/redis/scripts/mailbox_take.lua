-- Takes from a mailbox, or looks into it; arguments as in lib/take_request.lua. A repeat of a take is known by its take
-- id.
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
  hold(box, id, record, now + request.within, request.holder)
  save_mailbox(box)
  ring_signal(id)
end

-- What the same take answered before, if that still stands.
local function repeat_answer(earlier)
  if earlier[1] == 'expired' then return earlier end
  local id, attempt = earlier[2], tonumber(earlier[8])
  local record = find_record(id)
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
  earlier[9] = redis.call('GET', payload_prefix .. id)
  return earlier[9] and earlier
end

local earlier = recall(request.agent, request.take_id)
local repeated = earlier and repeat_answer(earlier)
if repeated then return repeated end
if request.mode == 'recall' then return { 'none', earlier and '1' or '' } end

local found = box.live > box.held and first_place(box.index, 'q', request.types, request.source)

-- Reservations that match and stand before what was found: those of known processes, six texts each, and when the first
-- of any ends.
local function find_held()
  local reserved, due = {}, nil
  local to = found and '(h' .. string.sub(found, 1, 16) or '(h:'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', box.index, '[h', to)) do
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
  return reserved, due
end

local reserved, due = {}, nil
if box.held > 0 and (request.yields or not found) then reserved, due = find_held() end
local gives_way = request.yields and #reserved > 0

if found and not gives_way then
  local id = id_of(found)
  local record, payload = find_record(id), redis.call('GET', payload_prefix .. id)
  if not record or not payload then return forget_evicted(box, found) end
  local answer = { 'delivered', id, record[TYPE], record[SOURCE], record[TARGET], record[SENT], record[TTL],
    text(record[ATTEMPT] + 1) }
  if request.consume then
    record[ATTEMPT] = record[ATTEMPT] + 1
    if request.take_id ~= '' then record[REMEMBERED] = now + request.keep end
    if request.within then
      reserve(id, record)
    else
      finish(box, id, record, 'delivered', now)
      shorten_life(id, record)
      save_mailbox(box)
      ring_signal(id)
    end
    remember(request.agent, request.take_id, request.keep, answer)
  end
  answer[9] = payload
  return answer
end

-- The oldest untold expiry that matches, a folded one first, and what there is to do once it is told.
local function find_expiry()
  local function find_folded()
    local first, first_type
    local all = redis.call('HGETALL', folded_key(box))
    for i = 1, #all, 2 do
      local notice = cmsgpack.unpack(all[i + 1])
      if notice[1] <= now then
        redis.call('HDEL', folded_key(box), all[i])
        box.folded = box.folded - 1
        save_mailbox(box)
      elseif matches(request, all[i], notice[5]) and not (first and first[3] < notice[3]) then
        first, first_type = notice, all[i]
      end
    end
    if not first then return nil end
    local function forget_folded()
      redis.call('HDEL', folded_key(box), first_type)
      box.folded = box.folded - 1
    end
    return { 'expired', first[4], first_type, first[5], first[6], first[7], text(first[2]) }, forget_folded
  end

  if box.folded > 0 then
    local folded, forget_folded = find_folded()
    if folded then return folded, forget_folded end
  end
  local place = box.untold > 0 and first_place(box.index, 'u', request.types, request.source)
  if not place then return nil end
  local id = id_of(place)
  local record = find_record(id)
  if not record then return forget_evicted(box, place) end
  local function forget_untold()
    redis.call('ZREM', box.index, ways_of('u', id, record))
    box.untold = box.untold - 1
  end
  return { 'expired', id, record[TYPE], record[SOURCE], record[SENT], shown_expiry(record), '1' }, forget_untold
end

local expiry, forget_it
if not found and box.untold + box.folded > 0 then expiry, forget_it = find_expiry() end
if expiry and not forget_it then return expiry end -- an error
if expiry and not gives_way and request.mode == 'full' then
  if request.consume then
    forget_it()
    save_mailbox(box)
    remember(request.agent, request.take_id, request.keep, expiry)
  end
  return expiry
end

local answer = { 'nothing', text(now), due and text(due) or '', found and 'signal' or expiry and 'expiry' or 'none' }
for _, one in ipairs(reserved) do answer[#answer + 1] = one end
return answer
