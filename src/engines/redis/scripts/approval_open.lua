#!lua
-- Opens a request, and records that. Arguments behind the two of approval_settle.lua: id, type, agent, key or '',
-- context, its hash, timeout in nanoseconds or '', the same in microseconds, hash of the policy or '', quorum, how many
-- may be pending and how many entries the audit log may hold.
-- Gives {'opened', now}, {'existed', reading}, {'again'}, {'error', code, message}
-- Cost: O(log n) of n requests, an entry of the audit log (0.2 ms), and the context; or a run's worth of what is due,
-- 3 ms.
-- include: approval_settle.lua
-- include: approval_answer.lua
local instead = settle()
if instead then return instead end
local id, type, agent, key = ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local known, record, trouble = id, find_record(id)
if not record and not trouble and key ~= '' then
  known = call('GET', key_key(agent, type, key))
  if known then record, trouble = find_record(known) end
end
if trouble then return trouble end
if record then return full_reading('existed', known, record) end

local pending = call('ZLEXCOUNT', index, '[pa|', '(pa|~')
if pending >= tonumber(ARGV[14]) then
  return error_answer('resource_exhausted', text(pending)
    .. ' approval requests are pending, the limit of a namespace; answer or cancel some')
end
local newest, anchor = audit_bounds()
if newest - anchor >= tonumber(ARGV[15]) then
  return error_answer('resource_exhausted', 'the audit log holds ' .. text(newest - anchor)
    .. ' entries, its limit; export it and remove what was exported: aldis audit export --rotate')
end
local refusal = refuse_to_record()
if refusal then return refusal end

local deadline = ARGV[11] ~= '' and now + ARGV[11]
local due = deadline or now + look_interval
record = { type, agent, key, ARGV[9], ARGV[10], ARGV[12], ARGV[13], now, deadline, due, 1, 'p', '', '', 0 }
if call('EXISTS', record_key(id)) == 1 then call('DEL', record_key(id)) end
call('HSET', record_key(id), 'c', ARGV[8])
if key ~= '' then call('SET', key_key(agent, type, key), id) end
write_record(id, record)
enter_index(id, record)
append_entry('requested', 'apr_' .. id, type, agent, agent, '', '', ARGV[9], ARGV[12])
-- include: approval_ring.lua
return { 'opened', text(now) }
