#!lua flags=allow-oom
-- Gives events to a member of a group: those whose time with another read is over, then new ones.
-- KEYS  the stream: writes :g, :o:…, :t:…, :p:…, :k:…; :h and times to live when something is made, and once a day
-- ARGV  ring command, group, member, the ordinal behind which a group that is not there yet begins ('': none is made),
--       how many events, after how many microseconds an event is taken over, id of the call, for how many milliseconds
--       it is remembered, how many groups there may be, how many microseconds without use let one go, how many lost
--       events a run removes, how many bytes of data make an answer: one event more may pass this, max_length of a new
--       stream ('': none is made)
-- Gives {"given", Gap's from, to and lost or three '', microseconds until the next one may be taken over or '', then of
--       each event its id, source and data}; {"idle", those microseconds}: nothing to give or tell; {"missing"}: no
--       such group; {"unknown"}: no such stream, and a group was to be made; {"again"}: more was lost than a run
--       removes
-- Cost  O(events · log n) of n pending ones, and a search unless the new ones are among the newest 100
-- include: event_group.lua
-- include: event_fetch.lua
-- include: event_make.lua
-- include: event_memory.lua
local consumer, start, count, take_over_after = ARGV[3], ARGV[4], ARGV[5] + 0, ARGV[6] + 0
local call_id, groups_max, retention = ARGV[7], ARGV[9] + 0, ARGV[10] + 0
local lost_max, bytes_max = ARGV[11] + 0, ARGV[12] + 0

local function next_take_over()
  local earliest = call('ZRANGE', by_time, 0, 0, 'WITHSCORES')[2]
  return earliest and text(math.max(0, earliest + take_over_after - now)) or ''
end

local known = recall(call_id)
if known then
  local answer = { 'given', known[1], known[2], known[3], next_take_over() }
  for i = 4, #known do
    -- Another member may have taken it over, or acknowledged it, since then.
    local note = call('HGET', pending, digits(ordinal_of(known[i])))
    if note and string.match(note, '^%d+ %d+ (.*)$') == consumer then
      append_events(answer, call('XRANGE', stream, known[i], known[i]))
    end
  end
  return answer
end

-- The place of a group that nobody used for long goes to a new one. False: all are in use.
local function make_room()
  if call('HLEN', members) < groups_max then return true end
  local groups, oldest, oldest_use = call('HGETALL', members), nil, now - retention
  for i = 1, #groups, 2 do
    local _, last_use = struct.unpack('>dd', groups[i + 1])
    if last_use < oldest_use then oldest, oldest_use = groups[i], last_use end
  end
  if not oldest then return false end
  call('HDEL', members, oldest)
  call('UNLINK', group .. ':o:' .. oldest, group .. ':t:' .. oldest, group .. ':p:' .. oldest)
  return true
end

local is_new = not packed
if is_new then
  if start == '' then return { 'missing' } end
  if not is_known then
    if ARGV[13] == '' then return { 'unknown' } end
    make_stream(ARGV[13], '0')
  end
  if not make_room() then
    return error_answer('resource_exhausted', 'the stream ' .. type .. ' has ' .. ARGV[9]
      .. ' groups, its limit, and all of them were used within the last 30 days: read as one of them')
  end
  call('UNLINK', by_ordinal, by_time, pending) -- of a stream that was evicted
  delivered = math.min(start, last)
end

local function lose(from, to)
  if lost == 0 then lost_from = from end
  lost, lost_to = lost + to - from + 1, to
end

-- What was pending and is not kept any more.
local gone = call('ZRANGEBYSCORE', by_ordinal, '-inf', '(' .. text(first), 'LIMIT', 0, lost_max)
if #gone > 0 then
  for _, ordinal in ipairs(gone) do lose(ordinal + 0, ordinal + 0) end
  call('ZREM', by_ordinal, unpack(gone))
  call('ZREM', by_time, unpack(gone))
  call('HDEL', pending, unpack(gone))
  if #gone == lost_max then
    save_group()
    return { 'again' }
  end
end
if delivered + 1 < first then
  lose(delivered + 1, first - 1)
  delivered, delivered_ms = first - 1, 0
end

-- Of what is given: the entries, and what to write of them.
local given, notes, times, places, bytes = {}, {}, {}, {}, 0
local function give(entry, member, ms, deliveries)
  given[#given + 1] = entry
  notes[#notes + 1], notes[#notes + 2] = member, ms .. ' ' .. deliveries .. ' ' .. consumer
  times[#times + 1], times[#times + 2] = text(now), member
  bytes = bytes + #entry[2][4]
end

local taken = call('ZRANGEBYSCORE', by_time, '-inf', text(now - take_over_after), 'LIMIT', 0, count)
table.sort(taken)
for i, note in ipairs(#taken > 0 and call('HMGET', pending, unpack(taken)) or {}) do
  if bytes >= bytes_max then break end
  local ms, deliveries = string.match(note, '^(%d+) (%d+)')
  local id = ms .. '-' .. text(taken[i])
  local entry = call('XRANGE', stream, id, id)[1]
  if entry then give(entry, taken[i], ms, text(deliveries + 1)) end
end
local left = bytes < bytes_max and #taken < count and count - #taken or 0
local before = delivered_ms > 0 and text(delivered_ms) .. '-' .. text(delivered)
for _, entry in ipairs(fetch(delivered + 1, left, bytes_max - bytes, before)) do
  local ms = string.match(entry[1], '^%d+')
  delivered, delivered_ms = ordinal_of(entry[1]), ms + 0
  places[#places + 1], places[#places + 2] = text(delivered), digits(delivered)
  give(entry, digits(delivered), ms, '1')
end

local gap = lost > 0 and { text(lost_from), text(lost_to), text(lost) } or { '', '', '' }
lost, lost_from, lost_to = 0, 0, 0
save_group()
if #given > 0 then
  call('HSET', pending, unpack(notes))
  call('ZADD', by_time, unpack(times))
  if #places > 0 then call('ZADD', by_ordinal, unpack(places)) end
end
if is_new or kept < now_ms + 7776000000 then refresh() end
if #given > 0 then
  for _, key in ipairs({ pending, by_time, by_ordinal }) do call('PEXPIREAT', key, text(kept)) end
end
if #given == 0 and gap[3] == '' and not is_new then return { 'idle', next_take_over() } end
local memory = { gap[1], gap[2], gap[3] }
for i, entry in ipairs(given) do memory[i + 3] = entry[1] end
remember(call_id, ARGV[8], memory)
return append_events({ 'given', gap[1], gap[2], gap[3], next_take_over() }, given)
