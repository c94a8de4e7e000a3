-- A mailbox: its totals, its index and the records of its signals. docs/formats.md has the grammar of all of it. A
-- script makes all its functions anew each time it runs: what few runs need is made inside the blocks that need it.
-- include: signal_call.lua
-- include: four_ways.lua
-- include: mailbox_fields.lua

local record_prefix = group .. ':s:'

local function find_record(id)
  local packed = call('HGET', record_prefix .. id, 'r')
  return packed and cmsgpack.unpack(packed) or nil
end

-- Nil also for a record that outlived its mailbox, or its receipt.
local function find_kept_record(id)
  local record = find_record(id)
  if not record then return nil end
  local ended = record[STATE] == 'live' and record[ENDS] or record[SETTLED]
  return ended + tombstone_retention > now and record or nil
end

-- And the payload, of a live one.
local function find_signal(id)
  local found = call('HMGET', record_prefix .. id, 'r', 'p')
  return found[1] and cmsgpack.unpack(found[1]) or nil, found[2]
end

local function write_record(id, record) call('HSET', record_prefix .. id, 'r', cmsgpack.pack(record)) end

-- Totals: version (the newest commit), live ones, their bytes, held ones, untold expiries, folded notices, tombstones,
-- when something falls due, until when the keys live.
local function open_mailbox(agent)
  local key = group .. ':a:' .. agent
  local values = call('HMGET', key, 'v', 't')
  local box = { agent = agent, key = key, index = group .. ':i:' .. agent, version = (values[1] or 0) + 0, live = 0,
    bytes = 0, held = 0, untold = 0, folded = 0, tombstones = 0, due = never, kept = 0 }
  if values[2] then
    box.live, box.bytes, box.held, box.untold, box.folded, box.tombstones, box.due, box.kept =
      struct.unpack('>dddddddd', values[2])
  end
  return box
end

local function packed_totals(box)
  return struct.pack('>dddddddd', box.live, box.bytes, box.held, box.untold, box.folded, box.tombstones, box.due,
    box.kept)
end

local function save_mailbox(box) call('HSET', box.key, 't', packed_totals(box)) end

-- The same with a version of its own, so that readers look again.
local function save_next_version(box)
  box.version = math.max(box.version + 1, now)
  call('HSET', box.key, 'v', digits(box.version), 't', packed_totals(box))
end

local function tombstones_key(box) return group .. ':t:' .. box.agent end
local function folded_key(box) return group .. ':f:' .. box.agent end

local function place_of(id, record) return digits(record[COMMIT]) .. '|' .. id end
local function held_members(record, place)
  return 'h' .. place .. '|' .. record[TYPE] .. '|' .. record[SOURCE], 'l' .. digits(record[UNTIL]) .. '|' .. place
end

-- A lapsed reservation stands among the held ones until it is settled.
local function is_held(record) return record[STATE] == 'live' and record[UNTIL] > 0 end

-- A live one becomes a tombstone: delivered, cleared or expired.
local function finish(box, id, record, state, ended)
  local place = place_of(id, record)
  local by_end = 'e' .. digits(record[ENDS]) .. '|' .. place
  if is_held(record) then
    call('ZREM', box.index, by_end, held_members(record, place))
    box.held = box.held - 1
  else
    call('ZREM', box.index, by_end, four_ways('q', record[TYPE], record[SOURCE], place))
  end
  call('ZADD', tombstones_key(box), text(ended), place)
  -- A key that is new does not know how long it lives: longer than the totals, or settling in their last moment would
  -- not find it again.
  if box.tombstones == 0 then call('PEXPIREAT', tombstones_key(box), milliseconds_after(box.kept + hour)) end
  record[STATE], record[SETTLED], record[UNTIL], record[HOLDER] = state, ended, 0, false
  write_record(id, record)
  call('HDEL', record_prefix .. id, 'p')
  box.live, box.bytes, box.tombstones = box.live - 1, box.bytes - record[BYTES], box.tombstones + 1
  box.due = math.min(box.due, box.tombstones > tombstones_max and 0 or ended + tombstone_retention)
end

-- Settled by somebody, not by time: the record is needed for as long as its receipt is kept.
local function shorten_life(id)
  call('PEXPIREAT', record_prefix .. id, milliseconds_after(now + tombstone_retention + hour))
end

local function shown_expiry(record) return text(tonumber(record[SENT]) + math.floor(tonumber(record[TTL]) / 1000)) end
