-- What every signal script begins with: its group, the server's time, the limits that each call brings, and how numbers
-- become text. ARGV[1] rings, ARGV[2..5] are limits, the script's own arguments follow.
local call, group, ring = redis.call, KEYS[1], ARGV[1]
local tombstones_max, tombstone_retention = ARGV[2] + 0, ARGV[3] + 0
local position_retention, steps_max = ARGV[4] + 0, ARGV[5] + 0

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2] -- microseconds, exact: below 2^53

-- Concatenation would round to 14 digits.
local function text(number) return string.format('%d', number) end
-- Of a fixed width, so that byte order is the order of the numbers.
local function digits(number) return string.format('%016d', number) end

-- For PXAT: a whole number of milliseconds behind `time`.
local function milliseconds_after(time) return string.format('%d', time / 1000 + 1) end

local hour = 3600 * 1000000
local never = 9007199254740991

-- The receipt of a signal changed.
local function ring_signal(id) redis.pcall(ring, group .. '!s:' .. id, '') end

local function error_answer(code, message) return { 'error', code, message } end

local function unknown_signal(id)
  return error_answer('not_found', 'no signal sig_' .. id .. ': it never existed, or its receipt is older than kept')
end
