-- Makes the stream known, with bounds of its own. Needs event_head.lua.
local function make_stream(max_length, greatest_age)
  call('DEL', stream, group .. ':g')
  length, age = max_length + 0, greatest_age + 0
  call('HSET', head, 'ms', '0', 'last', '0', 'floor', '1', 'length', max_length, 'age', greatest_age, 'until', '0')
  is_known = true
end

local function refresh()
-- include: event_refresh.lua
end
