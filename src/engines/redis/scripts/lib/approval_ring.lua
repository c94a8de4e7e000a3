-- Rings for the request `id`: the version for who missed it, then the message.
call('INCR', group .. ':v')
call('PEXPIREAT', group .. ':v', milliseconds_after(now + log_retention))
redis.pcall(ring, group .. '!', id)
