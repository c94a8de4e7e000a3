-- What a script begins with: its group, how to ring (ARGV[1]), the server's time, and how numbers become text.
local call, group, ring = redis.call, KEYS[1], ARGV[1]

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2] -- microseconds, exact: below 2^53

-- Concatenation would round to 14 digits.
local function text(number) return string.format('%d', number) end
-- Of a fixed width, so that byte order is the order of the numbers.
local function digits(number) return string.format('%016d', number) end

-- For PXAT: a whole number of milliseconds behind `time`.
local function milliseconds_after(time) return string.format('%d', time / 1000 + 1) end

local hour = 3600 * 1000000

local function error_answer(code, message) return { 'error', code, message } end
