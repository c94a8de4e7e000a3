#!lua flags=allow-oom
-- Events within bounds, newest first.
-- KEYS  the stream: reads :h and :s
-- ARGV  ring command, the first and the last ordinal, how many events, how many bytes of data make an answer: one event
--       more may pass this
-- Gives {"events", of each its id, source and data}; "page" instead if there are more, for another call
-- Cost  O(events), and a search, O(log n) of n events in the stream, unless the newest are wanted
-- include: event_fetch.lua
local from, to = math.max(ARGV[2], first), math.min(ARGV[3], last)
local left, bytes_max = math.min(ARGV[4], to - from + 1), ARGV[5] + 0
local answer, bytes = { 'events' }, 0
if left <= 0 then return answer end
local start = to == last and '+' or find(to)
while left > 0 do
  local page = call('XREVRANGE', stream, start, '-', 'COUNT', math.min(left, page_max))
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    if bytes >= bytes_max then
      answer[1] = 'page'
      return answer
    end
    append_events(answer, { entry })
    bytes = bytes + #entry[2][4]
  end
  left = left - #page
  start = '(' .. page[#page][1]
end
return answer
