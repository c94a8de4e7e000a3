#!lua flags=allow-oom
-- Returns reservations that still are as given. Arguments: agent, an id of this call, how long to remember its answer,
-- then for each: id, attempt, pid, start, boot id, PID namespace.
-- Cost: O(log n) of n signals in the mailbox for each; before it up to a run's worth of what is due there.
-- include: mailbox_release.lua
-- include: mailbox_settle.lua
-- include: take_request.lua
-- include: memory.lua
local box = open_mailbox(ARGV[6])
if not settle(box) then return { 'again' } end
local earlier = recall(box.agent, ARGV[7])
if earlier then return { 'count', earlier } end
local count = 0
for i = 9, #ARGV, 6 do
  local id = ARGV[i]
  local record = find_kept_record(id)
  if record and record[TARGET] == box.agent and is_held(record) and record[ATTEMPT] == tonumber(ARGV[i + 1])
    and same_holder(record[HOLDER], holder_from(i + 2)) then
    release(box, id, record)
    ring_signal(id)
    count = count + 1
  end
end
if count > 0 then
  save_next_version(box)
  remember(box.agent, ARGV[7], tonumber(ARGV[8]), text(count))
  redis.pcall(ring, group .. '!a:' .. box.agent, '')
end
return { 'count', text(count) }
