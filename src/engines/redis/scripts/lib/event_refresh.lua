-- The stream and its groups live 90 days from now, with a day to spare, so that few calls have to say so. Needs call,
-- format, group, stream, head, now_ms; sets kept.
kept = now_ms + 7862400000
local life = format('%d', kept)
call('HSET', head, 'until', life)
local names = call('HGETALL', group .. ':g')
for _, key in ipairs({ stream, head, group .. ':g' }) do call('PEXPIREAT', key, life) end
for i = 1, #names, 2 do
  for _, kind in ipairs({ ':o:', ':t:', ':p:' }) do call('PEXPIREAT', group .. kind .. names[i], life) end
end
