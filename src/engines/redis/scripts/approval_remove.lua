#!lua flags=allow-oom
-- Removes records of requests that timed out, first those that are settled already. Arguments behind the two of approval_settle.lua: an id of this call, how
-- long to remember its answer in microseconds, how much longer ago than this they were settled, in microseconds, how
-- many at most.
-- Gives {'count', how many}, {'again'}
-- Cost: O(log n) of n requests for each that it removes; or a run's worth of what is due, 3 ms.
-- include: approval_settle.lua
local memory = group .. ':o:' .. ARGV[4]
local earlier = call('GET', memory)
if earlier then return { 'count', earlier } end

local function remove_timed_out()
  local to = '(o' .. digits(math.max(now - ARGV[6], 0))
  local members = call('ZRANGEBYLEX', index, '[o', to, 'LIMIT', 0, ARGV[7])
  for _, member in ipairs(members) do
    local id = string.sub(member, 19)
    local record = find_record(id)
    if record then
      remove(id, 't', record[TYPE], record[AGENT], due_member(id, record))
    else
      call('ZREM', index, member)
    end
  end
  return #members
end

local removed = remove_timed_out()
if removed == 0 then
  local instead = settle()
  if instead then return instead end
  removed = remove_timed_out()
end
if removed > 0 then call('SET', memory, text(removed), 'PXAT', milliseconds_after(now + ARGV[5])) end
return { 'count', text(removed) }
