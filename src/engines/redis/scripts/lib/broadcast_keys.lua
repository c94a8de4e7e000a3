-- The keys of the broadcasts, and the small values in them. docs/formats.md has the grammar of all of it.
-- include: signal_call.lua

local day = 24 * hour

-- Longer than anything in a lane or a position can matter, counted from its last change.
local function keep(key) redis.call('PEXPIRE', key, 9 * day / 1000) end

local function lane_key(kind, type, source)
  local key = group .. ':' .. kind .. ':' .. type
  return source and key .. '|' .. source or key
end

-- What an index holds: it answers who, when and in which order without the record.
local function new_entry(commit, ends, id, source) return digits(commit) .. digits(ends) .. id .. source end
local function commit_of(entry) return tonumber(string.sub(entry, 1, 16)) end
local function ends_of(entry) return tonumber(string.sub(entry, 17, 32)) end
local function id_of(entry) return string.sub(entry, 33, 58) end
local function source_of(entry) return string.sub(entry, 59) end

-- Fields of a record.
local TYPE, SOURCE, SENT, TTL, ENDS, COMMIT, ORDINAL, READERS, FIRST_READ = 1, 2, 3, 4, 5, 6, 7, 8, 9

local function record_key(id) return group .. ':s:' .. id end
local function payload_key(id) return group .. ':p:' .. id end
local function readers_key(id) return group .. ':r:' .. id end

local function find_record(id)
  local packed = redis.call('HGET', record_key(id), 'r')
  return packed and cmsgpack.unpack(packed) or nil
end

local function write_record(id, record) redis.call('HSET', record_key(id), 'r', cmsgpack.pack(record)) end

local function shown_expiry(record) return text(tonumber(record[SENT]) + math.floor(tonumber(record[TTL]) / 1000)) end

-- The newest commit becomes one more: whoever remembers an older one looks again.
local function next_commit(at_least)
  local commit = math.max(tonumber(redis.call('GET', group .. ':v') or 0) + 1, now, at_least)
  redis.call('SET', group .. ':v', text(commit), 'PX', 18 * day / 1000)
  return commit
end

local function ring_readers(type) redis.pcall(ring, group .. '!', type) end

local function appearance_key(agent) return group .. ':e:' .. agent end

-- When the agent appeared, and its last use; nothing if that is too long ago.
local function find_appearance(agent)
  local appeared, used = string.match(redis.call('GET', appearance_key(agent)) or '', '^(%d+) (%d+)$')
  if not used or tonumber(used) + position_retention <= now then return nil end
  return tonumber(appeared), tonumber(used)
end

-- Makes the agent appear, or records its use.
local function use(agent)
  local appeared, used = find_appearance(agent)
  if appeared and appeared <= now and used + hour > now then return appeared end
  appeared = math.min(appeared or now, now) -- a clock may be set back: what is sent from now on ends after it
  redis.call('SET', appearance_key(agent), text(appeared) .. ' ' .. text(now), 'PX', 9 * day / 1000 + 1)
  return appeared
end
