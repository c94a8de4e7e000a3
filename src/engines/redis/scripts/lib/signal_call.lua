-- What every signal script begins with: the limits that each call brings. ARGV[2..5] are limits, the script's own
-- arguments follow.
-- include: script_call.lua
local tombstones_max, tombstone_retention = ARGV[2] + 0, ARGV[3] + 0
local position_retention, steps_max = ARGV[4] + 0, ARGV[5] + 0

local never = 9007199254740991

-- The receipt of a signal changed.
local function ring_signal(id) redis.pcall(ring, group .. '!s:' .. id, '') end

local function unknown_signal(id)
  return error_answer('not_found', 'no signal sig_' .. id .. ': it never existed, or its receipt is older than kept')
end
