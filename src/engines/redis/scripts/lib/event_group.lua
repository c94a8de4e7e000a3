-- A group of the stream: how far it was given out, and what is pending, three times: by ordinal, by the time when it
-- was given, and what else there is to know. Every member of these has 16 digits.
-- include: event_head.lua
local name = ARGV[2]
local members, by_ordinal, by_time, pending = group .. ':g', group .. ':o:' .. name, group .. ':t:' .. name,
  group .. ':p:' .. name

-- `lost` counts what is gone, from `lost_from` to `lost_to`, until a member was told. delivered_ms: 0 if the event was
-- not given, so that its time is not known.
local packed = is_known and call('HGET', members, name)
local delivered, used, lost, lost_from, lost_to, delivered_ms = 0, 0, 0, 0, 0, 0
if packed then delivered, used, lost, lost_from, lost_to, delivered_ms = struct.unpack('>dddddd', packed) end

local function save_group()
  call('HSET', members, name, struct.pack('>dddddd', delivered, now, lost, lost_from, lost_to, delivered_ms))
end

-- Of the stream, which is what its group of keys is named after: aldis1:{namespace/e/type}
local type = string.match(group, '^[^/]*/e/(.*)}$')

local function no_group()
  return error_answer('not_found', is_known
    and 'the stream ' .. type .. ' has no group ' .. name .. ': its first read makes it'
    or 'there is no stream ' .. type)
end
