#!lua flags=allow-oom
-- Hides all but the newest events.
-- KEYS  the stream: writes :h, :s, :k:…
-- ARGV  ring command, how many stay, id of the call, for how many milliseconds it is remembered
-- Gives {"count", events hidden that a reader saw}
-- Cost  O(nodes of the stream that go)
-- include: event_head.lua
-- include: event_memory.lua
local known = recall(ARGV[3])
if known then return known end
local kept_from = math.max(first, last - ARGV[2] + 1)
local answer = { 'count', text(kept_from - first) }
if not is_known or kept_from == first then return answer end
call('HSET', head, 'floor', text(kept_from))
call('XTRIM', stream, 'MAXLEN', '=', text(last - kept_from + 1))
remember(ARGV[3], ARGV[4], answer)
return answer
