#!lua flags=allow-oom
-- Takes, shows or recalls a broadcast or the expiry of one. Arguments: lib/take_request.lua.
-- Cost: one operation for all lanes in which the agent read everything, and for each other one those that its filter
-- skipped and it read above its low-water mark: of a type, or of a type and source, at most its live ones (and, when
-- nothing live matches, its tombstones).
-- include: signal_call.lua

-- Most checks find nothing new: those are answered before the rest is even set up. False: it takes a closer look.
local function is_quiet()
  local of_agent = ':' .. ARGV[6]
  local _, used = string.match(redis.call('GET', group .. ':e' .. of_agent) or '', '^(%d+) (%d+)$')
  if not used or tonumber(used) + hour <= now then return false end
  local memory, folded = group .. ':k' .. of_agent .. '|' .. ARGV[10], group .. ':f' .. of_agent
  if redis.call('EXISTS', memory, folded) > 0 then return false end
  if redis.call('ZRANGEBYSCORE', group .. ':y', '-inf', now, 'LIMIT', 0, 1)[1] then return false end
  local types, newest = { unpack(ARGV, 18) }, nil
  if #types > 0 then
    newest = redis.call('HMGET', group .. ':n', unpack(types))
  else
    local all = redis.call('HGETALL', group .. ':n')
    newest = {}
    for i = 1, math.min(#all, 1000), 2 do
      types[#types + 1], newest[#newest + 1] = all[i], all[i + 1]
    end
    if #all == 0 or #all > 1000 then return #all == 0 end
  end
  for i, packed in ipairs(redis.call('HMGET', group .. ':c' .. of_agent, unpack(types))) do
    if newest[i] and (not packed or string.sub(packed, 1, 16) < digits(newest[i])) then return false end
  end
  return true
end

if (ARGV[7] == 'live' or ARGV[7] == 'full') and is_quiet() then return { 'nothing', text(now), '', 'none' } end

-- include: take_request.lua
-- include: memory.lua
-- include: broadcast_read.lua
local request = read_take_request()
local agent = request.agent

-- Without the payload, which stays for as long.
local function remember_answer(answer)
  if not request.consume or request.take_id == '' then return end
  remember(agent, request.take_id, request.keep, answer)
  if answer[1] ~= 'delivered' then return end
  local key, at_least = payload_key(answer[2]), math.ceil(request.keep / 1000) + 1
  if redis.call('PTTL', key) < at_least then redis.call('PEXPIRE', key, at_least) end
end

-- Whether it still stands; a reservation that nobody retook is this taker's from now on.
local function renew(id, record, attempt)
  local position = read_position(agent, record[TYPE])
  local state, newest = standing(position, id, record, attempt)
  if newest ~= attempt or state == 'expired' then return false end
  if state ~= 'open' then return true end
  local hold = position.holds[record[ORDINAL]]
  if hold[UNTIL] <= now then
    if not request.within then return false end
    hold[UNTIL] = now + request.within
  end
  hold[HOLDER] = request.holder
  position.changed = now
  write_position(position)
  return true
end

-- What this take id answered before, if it still stands.
local function recalled()
  local answer = request.consume and recall(agent, request.take_id)
  if not answer or answer[1] == 'expired' then return answer end
  local id = answer[2]
  if not settle(answer[3]) then return { 'again' } end
  local record = find_record(id)
  if record and not renew(id, record, tonumber(answer[8])) then return nil end
  answer[9] = redis.call('GET', payload_key(id))
  if answer[9] then return answer end
  forget(agent, request.take_id)
  return error_answer('data_loss', 'the server evicted the payload of sig_' .. id
    .. ', which is lost; set its maxmemory-policy to noeviction')
end

-- The oldest live one that matches, unless there is an older one already; on the way, what is held in front of it.
local function find_live(position, appeared, oldest, held)
  each_behind(lane_key('q', position.type, request.source), low_water(position), function(entry, ordinal)
    if oldest and commit_of(oldest.entry) < commit_of(entry) then return true end
    if not concerns(position, appeared, entry, ordinal) then return false end
    position.is_busy = true
    local hold = position.holds[ordinal]
    local found = { entry = entry, ordinal = ordinal, position = position, hold = hold }
    if hold and hold[UNTIL] > now then
      held[#held + 1] = found
      return false
    end
    oldest = found
    return true
  end)
  return oldest
end

local function nothing(held, left)
  local due, answer = math.huge, { 'nothing', text(now), '', left }
  table.sort(held, function(one, other) return one.entry < other.entry end)
  for _, one in ipairs(held) do
    due = math.min(due, one.hold[UNTIL], ends_of(one.entry))
    local holder = one.hold[HOLDER]
    if holder then
      for _, value in ipairs({ id_of(one.entry), text(one.hold[ATTEMPT]), unpack(holder) }) do
        answer[#answer + 1] = value
      end
    end
  end
  if due < math.huge then answer[3] = text(due) end
  return answer
end

-- Those in front of what was found.
local function in_front(held, oldest)
  local some, known = {}, false
  for _, one in ipairs(held) do
    if not oldest or one.entry < oldest.entry then
      some[#some + 1] = one
      known = known or one.hold[HOLDER]
    end
  end
  return some, known
end

local function deliver(found, appeared)
  local id, position = id_of(found.entry), found.position
  local record, payload = find_record(id), redis.call('GET', payload_key(id))
  if not record or not payload then return evicted(position.type, found.entry) end
  local attempt = (found.hold and found.hold[ATTEMPT] or 0) + 1
  local answer = { 'delivered', id, record[TYPE], record[SOURCE], '', record[SENT], record[TTL], text(attempt) }
  if request.consume and request.within then
    position.holds[found.ordinal] = { attempt, now + request.within, record[ENDS], request.holder }
    position.changed = now
    write_position(position)
  elseif request.consume then
    read_for_good(position, appeared, id, record, attempt, false)
  end
  remember_answer(answer)
  answer[9] = payload
  return answer
end

-- The oldest folded notice that matches; those that were kept long enough go.
local function tell_folded()
  local key = group .. ':f:' .. agent
  local all = redis.call('HGETALL', key)
  local type, oldest
  for i = 1, #all, 2 do
    local notice = cmsgpack.unpack(all[i + 1])
    if notice[1] <= now then
      redis.call('HDEL', key, all[i])
    elseif matches(request, all[i], notice[5]) and (not oldest or notice[3] < oldest[3]) then
      type, oldest = all[i], notice
    end
  end
  if not oldest then return nil end
  if request.consume then redis.call('HDEL', key, type) end
  return { 'expired', oldest[4], type, oldest[5], oldest[6], oldest[7], text(oldest[2]) }
end

-- The oldest expiry of these lanes that the agent was not told. A lane without any for it costs no more from then on.
local function tell(positions, appeared)
  local oldest
  for _, position in ipairs(positions) do
    local entry, ordinal = first_owed(position, appeared, request.source)
    if entry and (not oldest or entry < oldest.entry) then
      oldest = { entry = entry, ordinal = ordinal, position = position }
    end
    if not entry and not position.is_busy and not request.source then
      raise_low_water(position, position.newest)
      write_position(position)
    end
  end
  if not oldest then return nil end
  local id = id_of(oldest.entry)
  local record = find_record(id)
  if not record then return evicted(oldest.position.type, oldest.entry) end
  if request.consume then
    finish(oldest.position, oldest.ordinal)
    write_raised(oldest.position, appeared, oldest.ordinal)
  end
  return { 'expired', id, oldest.position.type, source_of(oldest.entry), record[SENT], shown_expiry(record), '1' }
end

if request.mode == 'forget' then
  forget(agent, request.take_id)
  return { 'none', '' }
end
local appeared = use(agent)
local before = recalled()
if before then return before end
if request.mode == 'recall' then
  return { 'none', recall(agent, request.take_id) and '1' or '' }
end

local positions = open_positions(agent, request.types)
if not positions then return { 'again' } end
local held, oldest = {}, nil
if request.source ~= agent then
  for _, position in ipairs(positions) do oldest = find_live(position, appeared, oldest, held) end
end
if request.yields then
  local front, known = in_front(held, oldest)
  if known or request.mode == 'look' then return nothing(front, oldest and 'signal' or 'none') end
end
if oldest then return deliver(oldest, appeared) end
if request.mode == 'full' then
  local answer = tell_folded() or tell(request.source ~= agent and positions or {}, appeared)
  if answer and answer[1] == 'expired' then remember_answer(answer) end
  if answer then return answer end
end
return nothing(held, 'none')
