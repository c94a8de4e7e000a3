#!lua flags=allow-oom
-- Entries of the audit log in the order of their numbers. Arguments: the number behind which to begin, how many numbers
-- to look at.
-- Gives {'entries', the last number that was looked at, or '' at the end of the log, number entry …}
-- Cost: O(numbers), and what it answers, wherever they are.
-- include: audit.lua
local newest, anchor = audit_bounds()
local first = math.max(tonumber(ARGV[2]), anchor) + 1
local last = math.min(first + tonumber(ARGV[3]) - 1, newest)
local answer = { 'entries', last < newest and text(last) or '' }
while first <= last do
  local chunk = chunk_of(first)
  local numbers = {}
  for number = first, math.min(last, (chunk + 1) * 1000) do numbers[#numbers + 1] = text(number) end
  for i, entry in ipairs(call('HMGET', chunk_key(chunk), unpack(numbers))) do
    if entry then
      answer[#answer + 1] = numbers[i]
      answer[#answer + 1] = entry
    end
  end
  first = first + #numbers
end
return answer
