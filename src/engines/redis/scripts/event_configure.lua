#!lua flags=allow-oom
-- Sets the bounds of the stream, and may make it.
-- KEYS  the stream: writes :h, :s, times to live
-- ARGV  ring command, max_length, greatest age in ms or 0, '' if none is to be made
-- Gives {"done"}; {"unknown"}: there is no such stream, and none was made
-- Cost  O(1), and what leaves the stream
-- include: event_head.lua
-- include: event_make.lua
if not is_known then
  if ARGV[4] == '' then return { 'unknown' } end
  make_stream(ARGV[2], ARGV[3])
else
  -- What the old bounds hid stays hidden.
  call('HSET', head, 'floor', text(first), 'length', ARGV[2], 'age', ARGV[3])
  call('XTRIM', stream, 'MAXLEN', '~', ARGV[2])
end
refresh()
return { 'done' }
