-- Looks at two records whose removal may be due: those that are over go, the others get their new time. One that cannot
-- be read stays, for whoever asks for it to be told. Needs call, group, now.
local due = call('ZRANGEBYSCORE', group .. ':x', '-inf', string.format('%.0f', now), 'LIMIT', 0, 2)
for _, other in ipairs(due) do
  local found = call('HGET', group .. ':r', other)
  local removal = now
  if found and #found >= 117 then
    local ttl, finished, _, renewed = struct.unpack('>dddd', found, 34)
    removal = (finished > 0 and finished or renewed + math.ceil(ttl / 1000)) + 86400000000
    if not (removal > now) then call('HDEL', group .. ':r', other) call('HDEL', group .. ':s', other) end
  end
  if removal > now then
    call('ZADD', group .. ':x', string.format('%.0f', removal), other)
  else
    call('ZREM', group .. ':x', other)
  end
end
