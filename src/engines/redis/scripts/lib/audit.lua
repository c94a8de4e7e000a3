-- The audit log: numbered entries, each the fields that src/core/audit_chain.h hashes, as they are hashed, with the
-- hash behind them. An entry costs 0.2 ms, nearly all of it for SHA-256 of some 370 bytes.
-- include: script_call.lua
-- include: sha256.lua
local meta = group .. ':m'
local day = 24 * hour
local log_retention = 401 * day -- begun anew by each entry

local function chunk_of(number) return math.floor((number - 1) / 1000) end
local function chunk_key(chunk) return group .. ':l:' .. chunk end

-- The numbers of the newest entry and of the last that was removed, and the hash of the former.
local function audit_bounds()
  local found = call('HMGET', meta, 'n', 'a', 'h')
  return (found[1] or 0) + 0, (found[2] or 0) + 0, found[3] or string.rep('0', 64)
end

-- What is kept for good lives on; older parts of the log are told so once a day.
local function keep_store()
  local life = milliseconds_after(now + log_retention)
  call('PEXPIREAT', meta, life)
  call('PEXPIREAT', group .. ':i', life)
  if (call('HGET', meta, 'u') or 0) + day > now then return end
  call('HSET', meta, 'u', text(now))
  local newest, anchor = audit_bounds()
  for chunk = chunk_of(anchor + 1), chunk_of(newest) do call('PEXPIREAT', chunk_key(chunk), life) end
end

-- What the entry says, from request_id to detail_hash, in the order of AuditEntry.
local function append_entry(kind, ...)
  local newest, _, previous_hash = audit_bounds()
  local number = newest + 1
  local fields = { text(number), kind, text(now), ... }
  fields[#fields + 1] = previous_hash
  for i, field in ipairs(fields) do fields[i] = #field .. ':' .. field .. ',' end
  local bytes = table.concat(fields)
  local hash = sha256_hex('aldis-audit-v1\0' .. bytes)
  local chunk = chunk_key(chunk_of(number))
  call('HSET', chunk, text(number), bytes .. '64:' .. hash .. ',')
  call('PEXPIREAT', chunk, milliseconds_after(now + log_retention))
  call('HSET', meta, 'n', text(number), 'h', hash)
  keep_store()
end
