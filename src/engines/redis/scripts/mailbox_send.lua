#!lua
-- Commits a targeted signal: target, id, type, source, sent, ttl in nanoseconds, ttl in microseconds, payload, how many
-- signals and how many bytes the mailbox may hold, how long the record is kept behind its deadline. A script makes its
-- functions anew each time it runs: here only the block that few sends need has any.
-- Cost: O(log n) of n signals in the mailbox; before it up to a run's worth of what is due there.
local call, format = redis.call, string.format
local group, agent, id, type, source, payload = KEYS[1], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[13]
local totals, index, record = group .. ':a:' .. agent, group .. ':i:' .. agent, group .. ':s:' .. id

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]
local found = call('HMGET', totals, 'v', 't')
local version, live, bytes, held, untold, folded, tombstones, due, kept = 0, 0, 0, 0, 0, 0, 0, 9007199254740991, 0
if found[1] then version = found[1] + 0 end
if found[2] then live, bytes, held, untold, folded, tombstones, due, kept = struct.unpack('>dddddddd', found[2]) end

if now >= due or live >= ARGV[14] + 0 or bytes + #payload > ARGV[15] + 0 or call('EXISTS', record) == 1 then
-- include: mailbox_evicted.lua
-- include: mailbox_settle.lua
  local box = open_mailbox(agent)
  local settled = settle(box)
  local known = find_kept_record(id)
  if known then
    if known[TARGET] ~= agent then settled = settle(open_mailbox(known[TARGET])) end
    if not settled then return { 'again' } end
    if find_kept_record(id) then return { 'done' } end
  end
  local is_full, is_heavy = box.live >= ARGV[14] + 0, box.bytes + #payload > ARGV[15] + 0
  if (is_full or is_heavy) and not settled then return { 'again' } end
  if is_full then
    return error_answer('resource_exhausted', 'the mailbox of ' .. agent .. ' holds ' .. text(box.live)
      .. ' signals, its limit; wait until it takes some or they expire')
  end
  if is_heavy then
    return error_answer('resource_exhausted', 'the mailbox of ' .. agent .. ' holds ' .. text(box.bytes)
      .. ' bytes of payloads, and ' .. text(#payload) .. ' more would pass its limit of ' .. ARGV[15]
      .. '; wait until it takes some or they expire')
  end
  live, bytes, held, untold, folded = box.live, box.bytes, box.held, box.untold, box.folded
  tombstones, due = box.tombstones, box.due
end

local ends = now + ARGV[12]
if ends < due then due = ends end
version = version < now and now or version + 1

-- The keys of the mailbox outlive all that is in it; with a day to spare, so that few sends have to say so. An index
-- that was empty was no key, and does not know how long it lives.
local lives_on, is_first = ends + ARGV[4] <= kept, live + untold == 0
if not lives_on then kept = ends + ARGV[4] + 86400000000 end

local commit = format('%016d', version)
local place = commit .. '|' .. id
call('HSET', totals, 'v', commit, 't',
  struct.pack('>dddddddd', live + 1, bytes + #payload, held, untold, folded, tombstones, due, kept))
-- Tombstones of an earlier mailbox live a little longer than its totals.
if not found[2] then call('DEL', group .. ':t:' .. agent) end
call('HSET', record, 'p', payload, 'r', cmsgpack.pack({ agent, type, source, ARGV[10], ARGV[11], ends, version,
  #payload, 'live', 0, false, 0, 0, false, 0 }))
call('PEXPIREAT', record, format('%d', (ends + ARGV[16]) / 1000 + 1))
call('ZADD', index, '0', 'qa|' .. place, '0', 'qt' .. type .. '|' .. place, '0', 'qs' .. source .. '|' .. place,
  '0', 'qb' .. type .. '|' .. source .. '|' .. place, '0', format('e%016d|', ends) .. place)
if not lives_on or is_first then
  local life = format('%d', kept / 1000 + 1)
  call('PEXPIREAT', index, life)
  if not lives_on then
    for _, key in ipairs({ totals, group .. ':t:' .. agent, group .. ':f:' .. agent }) do
      call('PEXPIREAT', key, life)
    end
  end
end
redis.pcall(ARGV[1], group .. '!a:' .. agent, '')
return { 'done' }
