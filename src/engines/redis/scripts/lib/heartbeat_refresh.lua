-- The keys of the shard live 50 hours from now: longer than the longest lease, the retention and an hour without this.
-- Needs call, group, now.
local horizon = string.format('%.0f', now / 1000 + 180000000)
call('PEXPIREAT', group .. ':r', horizon)
call('PEXPIREAT', group .. ':s', horizon)
call('PEXPIREAT', group .. ':x', horizon)
call('PEXPIREAT', group .. ':v', horizon)
