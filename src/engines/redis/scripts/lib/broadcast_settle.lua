-- What time does to the broadcasts of a type: they expire, their tombstones go, and what goes before its time folds for
-- the agents that have read one of the type before.
-- include: broadcast_position.lua

local steps = steps_max

-- From the live ones ('q', 'd') or from the tombstones ('z', 'g').
local function remove_from(by_order, by_end, type, entry)
  redis.call('ZREM', lane_key(by_order, type), entry)
  redis.call('ZREM', lane_key(by_order, type, source_of(entry)), entry)
  redis.call('ZREM', lane_key(by_end, type), entry)
end

local function expire_due(type)
  local due = redis.call('ZRANGEBYSCORE', lane_key('d', type), '-inf', now, 'LIMIT', 0, steps)
  local tombstones, ends = lane_key('z', type), lane_key('g', type)
  for _, entry in ipairs(due) do
    local ordinal, by_source = redis.call('ZSCORE', lane_key('q', type), entry), lane_key('z', type, source_of(entry))
    remove_from('q', 'd', type, entry)
    if ordinal then
      redis.call('ZADD', tombstones, ordinal, entry)
      redis.call('ZADD', by_source, ordinal, entry)
      redis.call('ZADD', ends, ends_of(entry), entry)
      keep(by_source)
    end
  end
  for _, key in ipairs({ tombstones, ends, group .. ':n', group .. ':y' }) do keep(key) end
  steps = steps - #due
end

-- A folded notice: {keep until, count, commit, id, source, sent, shown expiry}.
local function fold_for(agent, entry, record)
  local key = group .. ':f:' .. agent
  local packed = redis.call('HGET', key, record[TYPE])
  local notice = packed and cmsgpack.unpack(packed) or { 0, 0, 0 }
  -- Not simply now: what is folded must not depend on when somebody came to do it.
  if notice[1] <= math.min(now, record[ENDS] + tombstone_retention) then notice = { 0, 0, 0 } end
  notice[1], notice[2] = math.max(notice[1], record[ENDS] + position_retention), notice[2] + 1
  if record[COMMIT] >= notice[3] then
    notice[3], notice[4], notice[5] = record[COMMIT], id_of(entry), record[SOURCE]
    notice[6], notice[7] = record[SENT], shown_expiry(record)
  end
  redis.call('HSET', key, record[TYPE], cmsgpack.pack(notice))
  keep(key)
end

local function ask_reader(agent, type, entry, record)
  local position = read_position(agent, type)
  if position.changed == 0 then
    redis.call('ZREM', lane_key('w', type), agent)
    return
  end
  local appeared = find_appearance(agent)
  if appeared and concerns(position, appeared, entry, record[ORDINAL]) then fold_for(agent, entry, record) end
end

-- True once everybody was asked.
local function fold(type, entry)
  local record = find_record(id_of(entry))
  if not record then return true end
  local waiting = lane_key('h', type)
  if redis.call('EXISTS', waiting) == 0 then
    local readers = lane_key('w', type)
    if redis.call('ZRANGESTORE', waiting, readers, '-inf', '(' .. text(record[ORDINAL]), 'BYSCORE') == 0 then
      return true
    end
    keep(waiting)
  end
  local asked = redis.call('ZPOPMIN', waiting, steps)
  for i = 1, #asked, 2 do ask_reader(asked[i], type, entry, record) end
  steps = steps - #asked / 2
  return redis.call('EXISTS', waiting) == 0
end

-- The record may have ended by its time to live, and its id may have been sent again since.
local function drop(entry)
  local id = id_of(entry)
  local record = find_record(id)
  if record and record[COMMIT] ~= commit_of(entry) then return end
  redis.call('UNLINK', record_key(id), payload_key(id), readers_key(id))
end

local function forget_tombstone(type, entry)
  remove_from('z', 'g', type, entry)
  redis.call('UNLINK', lane_key('h', type))
  drop(entry)
  steps = steps - 1
end

-- True once no tombstone is too old or too many.
local function forget_due(type)
  local tombstones = lane_key('g', type)
  local count = redis.call('ZCARD', tombstones)
  while steps > 0 do
    local oldest = redis.call('ZRANGE', tombstones, 0, 0)[1]
    local is_old = oldest and ends_of(oldest) + tombstone_retention <= now
    if not oldest or not is_old and count <= tombstones_max then return true end
    if not is_old and not fold(type, oldest) then return false end
    forget_tombstone(type, oldest)
    count = count - 1
  end
  return false
end

-- When something is due next; a type that has nothing is no lane any more.
local function set_due(type)
  local live = redis.call('ZRANGE', lane_key('d', type), 0, 0)[1]
  local tombstone = redis.call('ZRANGE', lane_key('g', type), 0, 0)[1]
  local due = math.min(live and ends_of(live) or math.huge,
    tombstone and ends_of(tombstone) + tombstone_retention or math.huge)
  if due == math.huge then
    redis.call('ZREM', group .. ':y', type)
    redis.call('HDEL', group .. ':n', type)
  else
    redis.call('ZADD', group .. ':y', due, type)
  end
end

local function settle_due(type)
  if steps > 0 then expire_due(type) end
  if steps <= 0 or not forget_due(type) then return false end
  set_due(type)
  return true
end

-- True once nothing of the type is due.
local function settle(type)
  local due = redis.call('ZSCORE', group .. ':y', type)
  return not due or tonumber(due) > now or settle_due(type)
end

-- Two types that are due and that nobody may look at.
local function settle_others()
  for _, type in ipairs(redis.call('ZRANGEBYSCORE', group .. ':y', '-inf', now, 'LIMIT', 0, 2)) do settle_due(type) end
end

-- Whether what is due of `types` (none: all) is settled.
local function settle_all(types)
  if #types == 0 then
    for _, type in ipairs(redis.call('ZRANGEBYSCORE', group .. ':y', '-inf', now)) do
      if not settle_due(type) then return false end
    end
    return true
  end
  local dues = redis.call('ZMSCORE', group .. ':y', unpack(types))
  for i, type in ipairs(types) do
    if dues[i] and tonumber(dues[i]) <= now and not settle_due(type) then return false end
  end
  return true
end

-- The names and newest ordinals of those of `types` (none: all) that have live ones or tombstones.
local function list_lanes(types)
  local newest, names, ordinals = group .. ':n', {}, {}
  if #types == 0 then
    local all = redis.call('HGETALL', newest)
    for i = 1, #all, 2 do
      names[#names + 1], ordinals[#ordinals + 1] = all[i], tonumber(all[i + 1])
    end
    return names, ordinals
  end
  local found, seen = redis.call('HMGET', newest, unpack(types)), {}
  for i, type in ipairs(types) do
    if found[i] and not seen[type] then
      names[#names + 1], ordinals[#ordinals + 1], seen[type] = type, tonumber(found[i]), true
    end
  end
  return names, ordinals
end

-- The positions of the agent in those lanes of `types` (none: all) that have something beyond its low-water mark. Nil:
-- there is more to settle.
local function open_positions(agent, types)
  if not settle_all(types) then return nil end
  return read_positions_below(agent, list_lanes(types))
end

-- A server that throws keys away may leave an entry without record or payload: one call says so, then it is gone.
local function evicted(type, entry)
  remove_from('q', 'd', type, entry)
  remove_from('z', 'g', type, entry)
  drop(entry)
  return error_answer('data_loss', 'the server evicted sig_' .. id_of(entry)
    .. ', which is lost; set its maxmemory-policy to noeviction')
end
