-- What a call answered under its client-made id, so that a repeat of it answers the same. Needs event_head.lua.
local function memory_key(call_id) return group .. ':k:' .. call_id end

local function recall(call_id)
  local packed = call('GET', memory_key(call_id))
  return packed and cmsgpack.unpack(packed)
end

local function remember(call_id, milliseconds, answer)
  call('SET', memory_key(call_id), cmsgpack.pack(answer), 'PX', milliseconds)
end
