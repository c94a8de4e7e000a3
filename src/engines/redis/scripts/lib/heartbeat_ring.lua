-- Rings for `agent`: the version for who missed it, then the message. Needs call, group, agent, now; ARGV[1].
if call('INCR', group .. ':v') == 1 then
  call('PEXPIREAT', group .. ':v', string.format('%.0f', now / 1000 + 180000000))
end
redis.pcall(ARGV[1], group .. '!', agent)
