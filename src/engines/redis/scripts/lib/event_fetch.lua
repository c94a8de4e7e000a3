-- Reading from an ordinal on. Ids begin with milliseconds, so an ordinal has to be found: what is near the end of the
-- stream by counting from there, anything else by a search, as times and ordinals grow together.
-- include: event_head.lua
local page_max = 100 -- entries at once: some MiB, if their data is as large as it may be

-- The id of the event `wanted`, which a reader sees: its ordinal lies between low and high, its time likewise.
local function find(wanted)
  local low, low_ms, high, high_ms, probe_ms, tries = 0, 0, last, last_ms, 0, 0
  local entry = call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  while entry do
    local ordinal = ordinal_of(entry[1])
    if ordinal == wanted then return entry[1] end
    if ordinal < wanted then
      low, low_ms = ordinal, string.match(entry[1], '^%d+') + 0
    else
      high, high_ms = ordinal, probe_ms - 1
    end
    -- By proportion and by halves in turns: few tries where events come evenly, and never many.
    tries = tries + 1
    local share = tries % 2 == 1 and (wanted - low) / (high - low) or 0.5
    probe_ms = low_ms + math.floor((high_ms - low_ms) * share)
    entry = high_ms >= low_ms and call('XRANGE', stream, text(probe_ms) .. '-' .. text(wanted), '+', 'COUNT', 1)[1]
  end
  return text(last_ms) .. '-' .. text(last)
end

-- At most `count` entries from the ordinal `from` on, oldest first; fewer if their data is larger than bytes_max.
-- `before`: the id of the event before them, if it is known.
local function fetch(from, count, bytes_max, before)
  local entries, bytes = {}, 0
  local left = math.min(count, last - from + 1)
  if left <= 0 then return entries end
  if left == last - from + 1 and left <= page_max then
    local newest = call('XREVRANGE', stream, '+', '-', 'COUNT', left)
    for i = #newest, 1, -1 do
      entries[#entries + 1] = newest[i]
      bytes = bytes + #newest[i][2][4]
      if bytes >= bytes_max then break end
    end
    return entries
  end
  local start = before and '(' .. before or find(from)
  while left > 0 and bytes < bytes_max do
    local page = call('XRANGE', stream, start, '+', 'COUNT', math.min(left, page_max))
    if #page == 0 then break end
    for _, entry in ipairs(page) do
      if bytes >= bytes_max then break end
      entries[#entries + 1] = entry
      bytes = bytes + #entry[2][4]
    end
    left = left - #page
    start = '(' .. page[#page][1]
  end
  return entries
end

local function append_events(answer, entries)
  for _, entry in ipairs(entries) do
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = entry[1], entry[2][2], entry[2][4]
  end
  return answer
end
