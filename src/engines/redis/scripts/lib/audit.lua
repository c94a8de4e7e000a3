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

-- The lowest of these numbers, all of one part, that is stored.
local function lowest_stored(first, last)
  local numbers = {}
  for number = first, last do numbers[#numbers + 1] = text(number) end
  for i, entry in ipairs(call('HMGET', chunk_key(chunk_of(first)), unpack(numbers))) do
    if entry then return first + i - 1 end
  end
end

-- The first number behind the head that was recorded all the same: no script of ours does that, so somebody removed or
-- changed the head. What the namespace keeps beside the log tells that there was one. A part that holds no more entries
-- than it should is not looked into: if one of them is a stranger, one that belongs there is missing, and whoever reads
-- the log sees that.
local function recorded_behind_head(newest, anchor)
  local part = chunk_of(newest + 1)
  local known = newest - math.max(anchor, part * 1000)
  local first_of_next = (part + 1) * 1000 + 1
  local number = call('HLEN', chunk_key(part)) > known and lowest_stored(newest + 1, first_of_next - 1)
  if number then return number end
  if call('EXISTS', chunk_key(part + 1)) == 1 then return first_of_next end
  local is_lost = newest == 0 and (anchor > 0 or call('EXISTS', group .. ':i', group .. ':v') > 0)
  return is_lost and anchor + 1 or nil
end

-- Why nothing may be recorded: what is behind the head would be written over. Nothing, if it may.
local function refuse_to_record()
  local newest, anchor = audit_bounds()
  local number = recorded_behind_head(newest, anchor)
  return number and error_answer('data_loss', 'the audit log ends with entry ' .. text(newest) .. ', says ' .. meta
    .. ', and more was recorded, from entry ' .. text(number) .. ' on: somebody removed or changed that key, and '
    .. 'nothing is written over the rest. Keep a copy of all keys ' .. group .. ':*, find out who did it, and put that '
    .. 'key back or begin anew as docs/redis.md says') or nil
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
