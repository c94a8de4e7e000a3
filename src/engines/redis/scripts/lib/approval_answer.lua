-- A request as scripts answer it: the server's time, how long it has yet, the record, six texts a vote. Behind `kind`,
-- or without one. Nil where somebody spoilt it.
-- include: approval.lua
local function reading(kind, id, record, context, votes)
  local remaining, decided = '', ''
  if record[STATE] ~= 'p' then
    decided = text(record[DECIDED])
  elseif record[DEADLINE] then
    remaining = text(record[DEADLINE] - now)
  end
  local answer = { text(now), remaining, id, record[TYPE], record[AGENT], record[KEY], context, record[CONTEXT_HASH],
    record[TIMEOUT], record[POLICY_HASH], record[QUORUM], text(record[OPENED]), text(record[VERSION]),
    state_names[record[STATE]], record[RESPONDER], record[REASON], decided }
  if not context then return nil end
  if votes then
    local parts = unpacked(votes)
    if not parts then return nil end
    for _, part in ipairs(parts) do answer[#answer + 1] = part end
  end
  if kind then table.insert(answer, 1, kind) end
  return answer
end

local function full_reading(kind, id, record)
  local found = call('HMGET', record_key(id), 'c', 'v')
  return reading(kind, id, record, found[1], found[2]) or damaged(id)
end
