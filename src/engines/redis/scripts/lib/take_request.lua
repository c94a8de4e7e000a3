-- The arguments of a take, as signal_call.h lists them, and how holders and filters compare.
-- include: signal_call.lua

-- A process as {pid, start, boot id, PID namespace}, all texts (some exceed what Lua counts exactly); false: none.
local function holder_from(first)
  if ARGV[first] == '' then return false end
  return { ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3] }
end

local function same_holder(one, other)
  if not one or not other then return not one and not other end
  return one[1] == other[1] and one[2] == other[2] and one[3] == other[3] and one[4] == other[4]
end

local function read_take_request()
  local types = {}
  for i = 18, #ARGV do types[#types + 1] = ARGV[i] end
  return {
    agent = ARGV[6],
    mode = ARGV[7],
    consume = ARGV[8] == '1' and ARGV[7] ~= 'look',
    within = tonumber(ARGV[9]), -- nil: for good
    take_id = ARGV[10],
    keep = tonumber(ARGV[11]),
    yields = ARGV[12] == '1' or ARGV[7] == 'look',
    holder = holder_from(13),
    source = ARGV[17] ~= '' and ARGV[17] or nil,
    types = types,
  }
end

local function matches(request, type, source)
  if request.source and request.source ~= source then return false end
  if #request.types == 0 then return true end
  for _, one in ipairs(request.types) do
    if one == type then return true end
  end
  return false
end
