-- Commits a targeted signal: target, id, type, source, sent, ttl in nanoseconds, ttl in microseconds, payload, how many
-- signals and how many bytes the mailbox may hold, how long the record is kept behind its deadline.
-- include: mailbox_settle.lua
local box, id = open_mailbox(ARGV[6]), ARGV[7]
local settled = settle(box)

local known = find_kept_record(id)
if known then
  if known[TARGET] ~= box.agent then settled = settle(open_mailbox(known[TARGET])) end
  if not settled then return { 'again' } end
  if find_kept_record(id) then return { 'done' } end
end

local payload, signals_max, bytes_max = ARGV[13], tonumber(ARGV[14]), tonumber(ARGV[15])
local is_full, is_heavy = box.live >= signals_max, box.bytes + #payload > bytes_max
if (is_full or is_heavy) and not settled then return { 'again' } end
if is_full then
  return error_answer('resource_exhausted', 'the mailbox of ' .. box.agent .. ' holds ' .. text(box.live)
    .. ' signals, its limit; wait until it takes some or they expire')
end
if is_heavy then
  return error_answer('resource_exhausted', 'the mailbox of ' .. box.agent .. ' holds ' .. text(box.bytes)
    .. ' bytes of payloads, and ' .. text(#payload) .. ' more would pass its limit of ' .. text(bytes_max)
    .. '; wait until it takes some or they expire')
end

local ends = now + tonumber(ARGV[12])
local record = { box.agent, ARGV[8], ARGV[9], ARGV[10], ARGV[11], ends, next_version(box), #payload, 'live', 0, false, 0,
  0, false, 0 }
write_record(id, record)
redis.call('PEXPIREAT', record_prefix .. id, milliseconds_after(ends + tonumber(ARGV[16])))
redis.call('SET', payload_prefix .. id, payload, 'PXAT', milliseconds_after(ends + hour))
local all, by_type, by_source, by_both = ways_of('q', id, record)
redis.call('ZADD', box.index, 0, all, 0, by_type, 0, by_source, 0, by_both, 0, end_member(id, record))
box.live, box.bytes, box.due = box.live + 1, box.bytes + #payload, math.min(box.due, ends)

-- The keys of the mailbox outlive all that is in it; with a day to spare, so that few sends have to say so.
local lives_on = ends + position_retention <= box.kept
if not lives_on then box.kept = ends + position_retention + 24 * hour end
save_mailbox(box)
if not lives_on then
  for _, key in ipairs({ box.key, box.index, folded_key(box) }) do
    redis.call('PEXPIREAT', key, milliseconds_after(box.kept))
  end
end
redis.call(ring, group .. '!a:' .. box.agent, '')
return { 'done' }
