#!lua flags=allow-oom
-- The stream as a reader sees it now, and its events behind an ordinal.
-- KEYS  the stream: reads :h and :s
-- ARGV  ring command, the ordinal, how many events, how many bytes of data make an answer: one event more may pass this
-- Gives {"unknown"}; or {"slice", last ms, last, first, max_length, greatest age in ms or 0, then of each event its id,
--       source and data}
-- Cost  O(events), and a search, O(log n) of n events in the stream, unless they are the newest 100
-- include: event_fetch.lua
if not is_known then return { 'unknown' } end
local from = math.max(ARGV[2] + 1, first)
local slice = { 'slice', text(last_ms), text(last), text(first), text(length), text(age) }
return append_events(slice, fetch(from, ARGV[3] + 0, ARGV[4] + 0))
