-- What is due comes first, by its time and then by id: a script settles some of it, or does its own work. Requests
-- time out, decided ones are removed. ARGV[2] and ARGV[3]: how much of it one run may do, and how much of that is
-- timing out, which costs an entry of the audit log each.
-- include: audit.lua
-- include: approval.lua

-- A pending one without a deadline is looked at twice a year, so that it lives on where somebody uses the store.
local look_interval = 180 * day

local function settle_one(id, state, type, agent, member)
  local record = state == 'p' and find_record(id)
  if not record then return remove(id, state, type, agent, member) end
  if record[DEADLINE] then
    record[VERSION] = record[VERSION] + 1
    decide(id, record, 't', '', '', '')
  else
    record[DUE] = now + look_interval
    call('ZADD', index, '0', due_member(id, record))
    call('ZREM', index, member)
    keep_store()
  end
  write_record(id, record)
  return record[STATE] == 't'
end

-- What to answer instead of the script's own work; nothing, if nothing was due.
local function settle()
  local members = call('ZRANGEBYLEX', index, '[d', '(d' .. digits(now) .. '~', 'LIMIT', 0, ARGV[2])
  if #members == 0 then return nil end
  local refusal = refuse_to_record()
  if refusal then return refusal end
  local timed_out = 0
  for _, member in ipairs(members) do
    local id, state, type, agent = string.match(member, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)$', 19)
    if settle_one(id, state, type, agent, member) then timed_out = timed_out + 1 end
    if timed_out == tonumber(ARGV[3]) then break end
  end
  return { 'again' }
end
