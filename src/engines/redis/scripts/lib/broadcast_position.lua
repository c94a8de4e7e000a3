-- What one agent has done with the broadcasts of one type: ranges of ordinals with which it has nothing to do any more,
-- of which the first begins with 0 and is the low-water mark, and its reservations.
-- include: broadcast_keys.lua

-- Fields of a reservation; as packed, its ordinal stands before them.
local ATTEMPT, UNTIL, HOLD_ENDS, HOLDER = 1, 2, 3, 4

local function position_key(agent) return group .. ':c:' .. agent end

local function unpack_position(agent, type, packed)
  local position = { agent = agent, type = type, changed = 0, ranges = { 0, 0 }, holds = {} }
  if not packed then return position end
  local changed, _, ranges, holds = unpack(cmsgpack.unpack(string.sub(packed, 17)))
  position.ranges = ranges
  if changed + position_retention <= now then return position end
  position.changed = changed
  for _, hold in ipairs(holds) do position.holds[hold[1]] = { hold[2], hold[3], hold[4], hold[5] } end
  return position
end

local function read_position(agent, type)
  return unpack_position(agent, type, redis.call('HGET', position_key(agent), type))
end

local function low_water(position) return position.ranges[2] end

-- The positions whose low-water mark is below the newest ordinal of their type, each with that ordinal. Few at a time,
-- for there is a limit to what Lua unpacks.
local function read_positions_below(agent, types, newest)
  local behind = {}
  for first = 1, #types, 500 do
    local last = math.min(first + 499, #types)
    local all = redis.call('HMGET', position_key(agent), unpack(types, first, last))
    for i = first, last do
      local packed = all[i - first + 1]
      if not packed or tonumber(string.sub(packed, 1, 16)) < newest[i] then
        local position = unpack_position(agent, types[i], packed)
        position.newest = newest[i]
        behind[#behind + 1] = position
      end
    end
  end
  return behind
end

-- The last range that begins at `ordinal` or before.
local function range_before(ranges, ordinal)
  local low, high = 1, #ranges / 2
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if ranges[2 * middle - 1] <= ordinal then low = middle else high = middle - 1 end
  end
  return low
end

local function covers(position, ordinal)
  return ordinal <= position.ranges[2 * range_before(position.ranges, ordinal)]
end

local function cover(position, ordinal)
  local ranges = position.ranges
  local last = 2 * range_before(ranges, ordinal)
  if ordinal <= ranges[last] then return end
  local follows, precedes = ranges[last] == ordinal - 1, ranges[last + 1] == ordinal + 1
  if follows and precedes then
    table.remove(ranges, last)
    table.remove(ranges, last)
  elseif follows then
    ranges[last] = ordinal
  elseif precedes then
    ranges[last + 1] = ordinal
  else
    table.insert(ranges, last + 1, ordinal)
    table.insert(ranges, last + 2, ordinal)
  end
end

local function raise_low_water(position, ordinal)
  local ranges = position.ranges
  while ranges[3] and ranges[3] <= ordinal + 1 do
    ordinal = math.max(ordinal, ranges[4])
    table.remove(ranges, 3)
    table.remove(ranges, 3)
  end
  ranges[2] = math.max(ranges[2], ordinal)
end

-- One that is read, cleared or told.
local function finish(position, ordinal)
  cover(position, ordinal)
  position.holds[ordinal] = nil
  position.changed = now
end

-- Neither types that an agent left nor agents that are gone add up: with each new one, two are looked at.
local function drop_old_positions(key)
  local some = redis.call('HRANDFIELD', key, 2, 'WITHVALUES')
  for i = 1, #some, 2 do
    local _, written = unpack(cmsgpack.unpack(string.sub(some[i + 1], 17)))
    if written + position_retention <= now then redis.call('HDEL', key, some[i]) end
  end
end

local function drop_old_readers(key, type)
  for _, agent in ipairs(redis.call('ZRANDMEMBER', key, 2)) do
    if read_position(agent, type).changed == 0 then redis.call('ZREM', key, agent) end
  end
end

local function write_position(position)
  local holds = {}
  for ordinal, hold in pairs(position.holds) do
    if hold[HOLD_ENDS] > now then
      holds[#holds + 1] = { ordinal, hold[ATTEMPT], hold[UNTIL], hold[HOLD_ENDS], hold[HOLDER] }
    end
  end
  local key = position_key(position.agent)
  local packed = cmsgpack.pack({ position.changed, now, position.ranges, holds })
  local is_new = redis.call('HSET', key, position.type, digits(low_water(position)) .. packed) == 1
  if is_new then drop_old_positions(key) end
  keep(key)
  if position.changed == 0 then return end
  local readers = lane_key('w', position.type)
  is_new = redis.call('ZADD', readers, low_water(position), position.agent) == 1
  if is_new then drop_old_readers(readers, position.type) end
  keep(readers)
end

-- Live, or a tombstone that the agent has to be told of.
local function concerns(position, appeared, entry, ordinal)
  return source_of(entry) ~= position.agent and ends_of(entry) > appeared and not covers(position, ordinal)
end

-- Visits the entries of an index behind an ordinal, in order, until `visit` answers true.
local function each_behind(key, ordinal, visit)
  local count = 16
  while true do
    local found = redis.call('ZRANGEBYSCORE', key, '(' .. text(ordinal), '+inf', 'WITHSCORES', 'LIMIT', 0, count)
    for i = 1, #found, 2 do
      ordinal = tonumber(found[i + 1])
      if visit(found[i], ordinal) then return end
    end
    if #found < 2 * count then return end
    count = 256
  end
end

-- The first of an index that concerns the agent.
local function first_concern(position, appeared, key)
  local first, first_ordinal
  each_behind(key, low_water(position), function(entry, ordinal)
    if not concerns(position, appeared, entry, ordinal) then return false end
    first, first_ordinal = entry, ordinal
    return true
  end)
  return first, first_ordinal
end

-- The first expiry that it has to be told of; `source` nil: of anybody.
local function first_owed(position, appeared, source)
  if redis.call('ZCOUNT', lane_key('g', position.type), '(' .. text(appeared), '+inf') == 0 then return nil end
  return first_concern(position, appeared, lane_key('z', position.type, source))
end

-- Before it writes: what lies below the first that concerns the agent needs no range of its own.
local function write_raised(position, appeared, finished)
  if low_water(position) < finished then
    local _, live = first_concern(position, appeared, lane_key('q', position.type))
    local _, owed = first_owed(position, appeared)
    local first = math.min(live or math.huge, owed or math.huge)
    raise_low_water(position, first == math.huge and finished or first - 1)
  end
  write_position(position)
end
