-- The record of a request, and the index that finds it: by state, type and agent, by what is due, and by when it timed
-- out. docs/formats.md has the grammar. A record whose entry in the index is gone is none: it outlived its store.
-- include: script_call.lua
-- include: four_ways.lua
local TYPE, AGENT, KEY, CONTEXT_HASH, TIMEOUT, POLICY_HASH, QUORUM, OPENED = 1, 2, 3, 4, 5, 6, 7, 8
local DEADLINE, DUE, VERSION, STATE, RESPONDER, REASON, DECIDED = 9, 10, 11, 12, 13, 14, 15

local approval_retention = 30 * 24 * hour
local pending_retention = 401 * 24 * hour -- behind the deadline, for whoever settles it late
local state_names = { p = 'pending', a = 'approved', r = 'rejected', t = 'timed_out', c = 'cancelled' }

local index = group .. ':i'

local function record_key(id) return group .. ':r:' .. id end
local function key_key(agent, type, key) return group .. ':k:' .. agent .. '|' .. type .. '|' .. key end

local function due_member(id, record)
  return 'd' .. digits(record[DUE]) .. '|' .. id .. '|' .. record[STATE] .. '|' .. record[TYPE] .. '|' .. record[AGENT]
end
local function timed_out_member(id, time) return 'o' .. digits(time) .. '|' .. id end

-- Nil where somebody spoilt it.
local function unpacked(packed)
  local is_sound, value = pcall(cmsgpack.unpack, packed)
  return is_sound and type(value) == 'table' and value or nil
end
local function unpacked_record(packed)
  local record = unpacked(packed)
  return record and #record == DECIDED and state_names[record[STATE]] and record or nil
end
local function damaged(id)
  return error_answer('data_loss', 'the approval request apr_' .. id
    .. ' is damaged in the store; whoever still needs it has to ask again, under another key')
end

-- The record, or nil; of one that is damaged also what to answer whoever asked for it.
local function find_record(id)
  local packed = call('HGET', record_key(id), 'r')
  if not packed then return nil end
  local record = unpacked_record(packed)
  if not record then return nil, damaged(id) end
  return call('ZSCORE', index, due_member(id, record)) and record or nil
end

-- Before what it replaces leaves the index: one that was empty for a moment would forget how long it lives.
local function enter_index(id, record)
  local all, by_type, by_agent, by_both = four_ways(record[STATE], record[TYPE], record[AGENT], id)
  call('ZADD', index, '0', all, '0', by_type, '0', by_agent, '0', by_both, '0', due_member(id, record))
  if record[STATE] == 't' then call('ZADD', index, '0', timed_out_member(id, record[DECIDED])) end
end

local function leave_index(id, state, type, agent, due)
  local all, by_type, by_agent, by_both = four_ways(state, type, agent, id)
  call('ZREM', index, all, by_type, by_agent, by_both, due)
end

local function write_record(id, record)
  local key = record_key(id)
  call('HSET', key, 'r', cmsgpack.pack(record))
  local life = milliseconds_after(record[DUE] + (record[STATE] == 'p' and pending_retention or 24 * hour))
  call('PEXPIREAT', key, life)
  if record[KEY] ~= '' then call('PEXPIREAT', key_key(record[AGENT], record[TYPE], record[KEY]), life) end
end

-- A pending one leaves that state.
local function decide(id, record, state, responder, reason, reason_hash)
  local due = due_member(id, record)
  record[STATE], record[RESPONDER], record[REASON], record[DECIDED] = state, responder, reason, now
  record[DUE] = now + approval_retention
  enter_index(id, record)
  leave_index(id, 'p', record[TYPE], record[AGENT], due)
  append_entry('decided', 'apr_' .. id, record[TYPE], record[AGENT], responder, state_names[state], '',
    record[CONTEXT_HASH], reason_hash)
end

-- Also of a record that is gone already: `due` is its member of the index.
local function remove(id, state, type, agent, due)
  local packed = call('HGET', record_key(id), 'r')
  local record = packed and unpacked_record(packed)
  if record and record[KEY] ~= '' then
    local key = key_key(agent, type, record[KEY])
    if call('GET', key) == id then call('DEL', key) end
  end
  call('UNLINK', record_key(id))
  leave_index(id, state, type, agent, due)
  if state == 't' then
    call('ZREM', index, timed_out_member(id, tonumber(string.sub(due, 2, 17)) - approval_retention))
  end
end
