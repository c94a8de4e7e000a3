-- What a call answered under its client-made id, so that a repeat of it answers the same.
-- include: signal_call.lua
local function memory_key(agent, call_id) return group .. ':k:' .. agent .. '|' .. call_id end

-- Nil: nothing is remembered, or no longer.
local function recall(agent, call_id)
  if call_id == '' then return nil end
  local packed = redis.call('GET', memory_key(agent, call_id))
  if not packed then return nil end
  local memory = cmsgpack.unpack(packed)
  return memory[1] > now and memory[2] or nil
end

local function remember(agent, call_id, keep, answer)
  if call_id == '' then return end
  local packed = cmsgpack.pack({ now + keep, answer })
  redis.call('SET', memory_key(agent, call_id), packed, 'PXAT', milliseconds_after(now + keep))
end

local function forget(agent, call_id) redis.call('DEL', memory_key(agent, call_id)) end
