#!lua flags=allow-oom
-- Lists what takes would deliver, a page at a time: agent, type or "", the commit behind which to go on ("": all),
-- limits of a page in signals and in bytes of payloads. Answers {"pending", signals}, or {"page", commit, signals} when
-- more may follow. Cost: for each type up to a page of its live ones, and those that the agent read above its low-water
-- mark.
-- include: broadcast_list.lua
local agent, type, after = ARGV[6], ARGV[7], tonumber(ARGV[8]) or 0
local count_max, bytes_max = tonumber(ARGV[9]), tonumber(ARGV[10])

local positions = open_positions(agent, type ~= '' and { type } or {})
if not positions then return { 'again' } end
local free = list_free(positions, use(agent), after, count_max)

local signals, bytes = {}, 0
for i, found in ipairs(free) do
  local id = id_of(found.entry)
  local record, payload = find_record(id), redis.call('GET', payload_key(id))
  if not record or not payload then return evicted(found.position.type, found.entry) end
  local attempt = (found.hold and found.hold[ATTEMPT] or 0) + 1
  signals[i] = { id, record[TYPE], record[SOURCE], '', record[SENT], record[TTL], text(attempt), payload }
  bytes = bytes + #payload
  if i == count_max or bytes >= bytes_max then return { 'page', text(commit_of(found.entry)), unpack(signals) } end
end
return { 'pending', unpack(signals) }
