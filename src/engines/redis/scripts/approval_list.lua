#!lua flags=allow-oom
-- Requests in the order of their ids. Arguments behind the two of approval_settle.lua: type or '', agent or '', the id
-- behind which to go on ('': the beginning), how many and how many bytes of contexts and votes make a page,
-- the first letter of each state asked for.
-- Gives {'page', [reading]…}: there may be more behind the last; {'approvals', [reading]…}: there are none; {'again'}
-- Cost: O(log n) of n requests for each state, and the page; or a run's worth of what is due, 3 ms.
-- include: approval_settle.lua
-- include: approval_answer.lua
local instead = settle()
if instead then return instead end
local type, agent = ARGV[4] ~= '' and ARGV[4] or nil, ARGV[5] ~= '' and ARGV[5] or nil
local count, bytes_max, states = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]

-- In their order, as many as a page holds.
local function ids_behind(after)
  local ids = {}
  for state in string.gmatch(states, '.') do
    for _, id in ipairs(places_on(index, way(state, type, agent), after, count)) do ids[#ids + 1] = id end
  end
  if #states > 1 then table.sort(ids) end
  return { unpack(ids, 1, math.min(#ids, count)) }
end

local page, bytes, after = {}, 0, ARGV[6]
repeat
  local ids = ids_behind(after)
  for _, id in ipairs(ids) do
    if #page == count or bytes >= bytes_max then return { 'page', unpack(page) } end
    local found = call('HMGET', record_key(id), 'r', 'c', 'v')
    local record = found[1] and unpacked_record(found[1])
    -- One that somebody spoilt hides no others; whoever asks for it by its id is told.
    local row = record and reading(nil, id, record, found[2], found[3])
    if row then
      page[#page + 1] = row
      bytes = bytes + #found[2] + #(found[3] or '')
    end
    after = id
  end
until #ids < count
return { #page == count and 'page' or 'approvals', unpack(page) }
