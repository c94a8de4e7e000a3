#!lua flags=allow-oom
-- Adds a vote to a pending request, decides it, or both, and records that. Arguments behind the two of
-- approval_settle.lua: id, id of the change, the version that was seen, first letter of the new state, who decided, the
-- reason and its hash; of a vote: responder, '1' (approves) or '0', reason and its hash, time, key id, signature.
-- Gives {'changed', reading}, also when this change was made before; {'superseded', reading}; {'again'};
-- {'error', code, message}
-- Cost: O(log n) of n requests, one or two entries of the audit log (0.2 ms each), the context, and the votes before;
-- or a run's worth of what is due, 3 ms.
-- include: approval_settle.lua
-- include: approval_answer.lua
local instead = settle()
if instead then return instead end
local id, change, state, responder = ARGV[4], ARGV[5], ARGV[7], ARGV[11]
local record, trouble = find_record(id)
if trouble then return trouble end
if not record then
  return error_answer('not_found', 'no approval request apr_' .. id .. ': it never existed, or is older than kept')
end
local key = record_key(id)
local changes = call('HGET', key, 'm') or ''
if string.find(changes, change, 1, true) then return full_reading('changed', id, record) end
if record[STATE] ~= 'p' or record[VERSION] ~= tonumber(ARGV[6]) then return full_reading('superseded', id, record) end
local refusal = refuse_to_record()
if refusal then return refusal end

record[VERSION] = record[VERSION] + 1
if responder then
  local packed = call('HGET', key, 'v')
  local votes = not packed and {} or unpacked(packed)
  if not votes then return damaged(id) end
  for _, part in ipairs({ responder, ARGV[12], ARGV[13], ARGV[15], ARGV[16], ARGV[17] }) do votes[#votes + 1] = part end
  call('HSET', key, 'v', cmsgpack.pack(votes))
  append_entry('vote', 'apr_' .. id, record[TYPE], record[AGENT], responder,
    ARGV[12] == '1' and 'approved' or 'rejected', ARGV[16], record[CONTEXT_HASH], ARGV[14])
end
if state ~= 'p' then decide(id, record, state, ARGV[8], ARGV[9], ARGV[10]) end
call('HSET', key, 'm', changes .. change .. ',')
write_record(id, record)
-- include: approval_ring.lua
return full_reading('changed', id, record)
