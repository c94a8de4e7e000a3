#!lua flags=allow-oom
-- What became of a broadcast: id. Answers as a mailbox's receipt. Cost: O(readers), of whom at most 1,000 are
-- listed; before it up to a run's worth of the type that is due.
-- include: broadcast_read.lua
local id = ARGV[6]

local record = find_record(id)
if not record then return unknown_signal(id) end
if not settle(record[TYPE]) then return { 'again' } end
if redis.call('EXISTS', record_key(id)) == 0 then return unknown_signal(id) end

local state, delivered, expired, due = 'pending', '', '', ''
if record[READERS] > 0 then
  state, delivered = 'delivered', text(record[FIRST_READ])
elseif record[ENDS] <= now then
  state, expired = 'expired', shown_expiry(record)
else
  due = text(record[ENDS])
end
local answer = { 'receipt', id, state, '', delivered, expired, '1', text(record[READERS]), text(now), due }
local all, readers = redis.call('HGETALL', readers_key(id)), {}
for i = 1, #all, 2 do
  local number, _, _, read = unpack(cmsgpack.unpack(all[i + 1]))
  readers[number] = { all[i], text(read) }
end
for _, reader in ipairs(readers) do
  answer[#answer + 1] = reader[1]
  answer[#answer + 1] = reader[2]
end
return answer
