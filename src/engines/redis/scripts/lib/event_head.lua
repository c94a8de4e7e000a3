-- A stream at this moment: of what its head says, and what a reader sees of it, the ordinals from first to last.
-- include: script_call.lua
local format = string.format
local stream, head = group .. ':s', group .. ':h'
local now_ms = math.floor(now / 1000)
local last_ms, last, length, age, kept, first = 0, 0, 0, 0, 0, 1

local function ordinal_of(id) return string.match(id, '%-(%d+)$') + 0 end

local found = call('HMGET', head, 'ms', 'last', 'floor', 'length', 'age', 'until')
local is_known = found[1] and true
if is_known then
  last_ms, last, length, age, kept = found[1] + 0, found[2] + 0, found[4] + 0, found[5] + 0, found[6] + 0
  -- The stream may hold a few more than a reader sees; fewer if the server evicted it.
  first = math.max(found[3], last - length + 1, last - call('XLEN', stream) + 1)
  if age > 0 and now_ms > age and first <= last then
    local oldest = call('XRANGE', stream, text(now_ms - age), '+', 'COUNT', 1)[1]
    first = oldest and math.max(first, ordinal_of(oldest[1])) or last + 1
  end
end
