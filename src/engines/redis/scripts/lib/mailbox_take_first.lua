-- Most takes: nothing is due, nobody holds anything, this take was not answered before; and there is nothing, or the
-- first one is taken for good. A script makes its functions anew each time it runs, so this has none. Whatever else
-- there is to do falls through, with nothing changed.
-- include: mailbox_fields.lua
do
  local call, group, agent, take_id, source = redis.call, KEYS[1], ARGV[6], ARGV[10], ARGV[17]
  local clock = call('TIME')
  local now = clock[1] * 1000000 + clock[2]
  local totals = call('HGET', group .. ':a:' .. agent, 't')
  local live, bytes, held, untold, folded, tombstones, due, kept = 0, 0, 0, 0, 0, 0, 9007199254740991, 0
  if totals then live, bytes, held, untold, folded, tombstones, due, kept = struct.unpack('>dddddddd', totals) end

  local mode, memory = ARGV[7], group .. ':k:' .. agent .. '|' .. take_id
  if now < due and held == 0 and (mode == 'live' or mode == 'full' or mode == 'look') and not ARGV[19]
    and (take_id == '' or not call('GET', memory)) then
    local index, place = group .. ':i:' .. agent, nil
    if live > 0 then
      local way = 'qa|'
      if ARGV[18] then
        way = source ~= '' and 'qb' .. ARGV[18] .. '|' .. source .. '|' or 'qt' .. ARGV[18] .. '|'
      elseif source ~= '' then
        way = 'qs' .. source .. '|'
      end
      local first = call('ZRANGEBYLEX', index, '[' .. way, '(' .. way .. ':', 'LIMIT', '0', '1')[1]
      place = first and string.sub(first, #way + 1)
    end
    if not place and untold + folded == 0 then return { 'nothing', string.format('%d', now), '', 'none' } end

    if place and ARGV[8] == '1' and ARGV[9] == '' and mode ~= 'look' and tombstones > 0 then
      local id = string.sub(place, 18)
      local key = group .. ':s:' .. id
      local found = call('HMGET', key, 'r', 'p')
      if found[1] and found[2] then
        local record, format = cmsgpack.unpack(found[1]), string.format
        local type, from, ends, attempt = record[TYPE], record[SOURCE], record[ENDS], record[ATTEMPT] + 1
        call('ZREM', index, 'qa|' .. place, 'qt' .. type .. '|' .. place, 'qs' .. from .. '|' .. place,
          'qb' .. type .. '|' .. from .. '|' .. place, format('e%016d|', ends) .. place)
        call('ZADD', group .. ':t:' .. agent, format('%d', now), place)
        record[STATE], record[ATTEMPT], record[SETTLED] = 'delivered', attempt, now
        call('HSET', key, 'r', cmsgpack.pack(record))
        call('HDEL', key, 'p')
        call('PEXPIREAT', key, format('%d', (now + ARGV[3] + 3600000000) / 1000 + 1))
        if tombstones + 1 > ARGV[2] + 0 then
          due = 0
        elseif now + ARGV[3] < due then
          due = now + ARGV[3]
        end
        call('HSET', group .. ':a:' .. agent, 't',
          struct.pack('>dddddddd', live - 1, bytes - record[BYTES], held, untold, folded, tombstones + 1, due, kept))
        local answer = { 'delivered', id, type, from, agent, record[SENT], record[TTL], format('%d', attempt),
          found[2] }
        if take_id ~= '' then
          local keep = now + ARGV[11]
          call('SET', memory, cmsgpack.pack({ keep, answer }), 'PXAT', format('%d', keep / 1000 + 1))
        end
        redis.pcall(ARGV[1], group .. '!s:' .. id, '')
        return answer
      end
    end
  end
end
