-- The rule of an acknowledgement: `state` is open, acknowledged, taken (for good), expired or cleared; `newest` how often
-- it was taken; `attempt` what the caller knows, or nil. Answers an error, or nil when it stands.
-- include: signal_call.lua
local function judge_acknowledgement(id, state, newest, attempt)
  local name = 'sig_' .. id
  if state == 'expired' then
    return error_answer('failed_precondition', name .. ' was not acknowledged before its time to live ran out')
  end
  if state == 'cleared' then
    return error_answer('failed_precondition', name .. ' was cleared, it cannot be acknowledged')
  end
  local asked = attempt or newest
  if asked < newest or (state == 'taken' and not attempt and newest > 1) then
    return error_answer('conflict', 'the reservation of ' .. name .. ' lapsed and another taker has it (attempt '
      .. newest .. '); drop what you did for it')
  end
  if asked > newest or newest == 0 or state == 'taken' then
    return error_answer('failed_precondition', name
      .. ' is not reserved by you; take it with acknowledge_within first')
  end
  return nil
end
