-- A mailbox: its totals, its index and the records of its signals. docs/formats.md has the grammar of all of it. What few
-- calls need is made inside the functions that need it: a script makes all its other functions anew each time it runs.
-- include: signal_call.lua
-- include: four_ways.lua

-- Fields of a signal's record.
local TARGET, TYPE, SOURCE, SENT, TTL, ENDS, COMMIT, BYTES = 1, 2, 3, 4, 5, 6, 7, 8
local STATE, ATTEMPT, ACKNOWLEDGED, SETTLED, UNTIL, HOLDER, REMEMBERED = 9, 10, 11, 12, 13, 14, 15

local record_prefix, payload_prefix = group .. ':s:', group .. ':p:'

local function find_record(id)
  local packed = redis.call('HGET', record_prefix .. id, 'r')
  return packed and cmsgpack.unpack(packed) or nil
end

-- Nil also for a record that outlived its mailbox, or its receipt.
local function find_kept_record(id)
  local record = find_record(id)
  if not record then return nil end
  local ended = record[STATE] == 'live' and record[ENDS] or record[SETTLED]
  return ended + tombstone_retention > now and record or nil
end

local function write_record(id, record) redis.call('HSET', record_prefix .. id, 'r', cmsgpack.pack(record)) end

-- Totals: version (the newest commit), live ones, their bytes, held ones, untold expiries, folded notices, tombstones,
-- when something falls due, until when the keys live.
local function open_mailbox(agent)
  local key = group .. ':a:' .. agent
  local values = redis.call('HMGET', key, 'v', 't')
  local t = values[2] and cmsgpack.unpack(values[2]) or { 0, 0, 0, 0, 0, 0, never, 0 }
  return {
    agent = agent, key = key, index = group .. ':i:' .. agent, version = tonumber(values[1] or 0), live = t[1],
    bytes = t[2], held = t[3], untold = t[4], folded = t[5], tombstones = t[6], due = t[7], kept = t[8],
  }
end

local function save_mailbox(box)
  -- An index that is empty is no key any more, and forgot how long it lives.
  if box.live + box.tombstones == 0 then box.kept = 0 end
  local t = { box.live, box.bytes, box.held, box.untold, box.folded, box.tombstones, box.due, box.kept }
  redis.call('HSET', box.key, 'v', text(box.version), 't', cmsgpack.pack(t))
end

local function folded_key(box) return group .. ':f:' .. box.agent end

local function next_version(box)
  box.version = math.max(box.version + 1, now)
  return box.version
end

local function place_of(id, record) return digits(record[COMMIT]) .. '|' .. id end
local function end_member(id, record) return 'e' .. digits(record[ENDS]) .. '|' .. place_of(id, record) end
local function held_members(id, record)
  local place = place_of(id, record)
  return 'h' .. place .. '|' .. record[TYPE] .. '|' .. record[SOURCE], 'l' .. digits(record[UNTIL]) .. '|' .. place
end

-- 'q': the free ones, which a take finds. 'u': the expired ones that were not told.
local function ways_of(kind, id, record) return four_ways(kind, record[TYPE], record[SOURCE], place_of(id, record)) end

-- A lapsed reservation stands among the held ones until it is settled.
local function is_held(record) return record[STATE] == 'live' and record[UNTIL] > 0 end

local function hold(box, id, record, time, holder)
  if is_held(record) then
    redis.call('ZREM', box.index, held_members(id, record))
  else
    redis.call('ZREM', box.index, ways_of('q', id, record))
    box.held = box.held + 1
  end
  record[UNTIL], record[HOLDER] = time, holder
  local held, lapse = held_members(id, record)
  redis.call('ZADD', box.index, 0, held, 0, lapse)
  write_record(id, record)
  box.due = math.min(box.due, time)
end

local function release(box, id, record)
  redis.call('ZREM', box.index, held_members(id, record))
  box.held = box.held - 1
  record[UNTIL], record[HOLDER] = 0, false
  local all, by_type, by_source, by_both = ways_of('q', id, record)
  redis.call('ZADD', box.index, 0, all, 0, by_type, 0, by_source, 0, by_both)
  write_record(id, record)
end

-- A live one becomes a tombstone: delivered, cleared or expired.
local function finish(box, id, record, state, ended)
  redis.call('ZADD', box.index, 0, 't' .. digits(ended) .. '|' .. place_of(id, record))
  if is_held(record) then
    redis.call('ZREM', box.index, end_member(id, record), held_members(id, record))
    box.held = box.held - 1
  else
    redis.call('ZREM', box.index, end_member(id, record), ways_of('q', id, record))
  end
  record[STATE], record[SETTLED], record[UNTIL], record[HOLDER] = state, ended, 0, false
  write_record(id, record)
  box.live, box.bytes, box.tombstones = box.live - 1, box.bytes - record[BYTES], box.tombstones + 1
  box.due = math.min(box.due, box.tombstones > tombstones_max and 0 or ended + tombstone_retention)
end

-- Settled by somebody: the record is needed for as long as its receipt is kept, the payload while a take id may ask for
-- it again.
local function shorten_life(id, record)
  redis.call('PEXPIREAT', record_prefix .. id, milliseconds_after(now + tombstone_retention + hour))
  if record[REMEMBERED] > now then
    redis.call('PEXPIREAT', payload_prefix .. id, milliseconds_after(record[REMEMBERED]))
  else
    redis.call('DEL', payload_prefix .. id)
  end
end

local function shown_expiry(record) return text(tonumber(record[SENT]) + math.floor(tonumber(record[TTL]) / 1000)) end

-- Up to `count` members of a kind whose time has come (`time` nil: whatever their time), the first of them first.
local function due_members(box, kind, time, count)
  local to = time and '(' .. kind .. digits(time) .. '~' or '(' .. kind .. ':'
  return redis.call('ZRANGEBYLEX', box.index, '[' .. kind, to, 'LIMIT', 0, count)
end
