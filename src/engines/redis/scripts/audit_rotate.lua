#!lua flags=allow-oom
-- Removes the entries of the audit log up to one, which becomes its anchor, and records that. Arguments: an id of this
-- call, how long to remember its answer in microseconds, number and hash of the entry, who removes them.
-- Gives {'count', how many}, {'error', code, message}
-- Cost: an entry of the audit log (0.2 ms), and O(n/1000) of n entries that go, with up to 999 more.
-- include: audit.lua
local memory = group .. ':o:' .. ARGV[2]
local earlier = call('GET', memory)
if earlier then return { 'count', earlier } end

local number, hash = tonumber(ARGV[4]), ARGV[5]
local newest, anchor = audit_bounds()
local entry = number > anchor and number <= newest and call('HGET', chunk_key(chunk_of(number)), ARGV[4])
if not entry or string.sub(entry, -65, -2) ~= hash then
  return error_answer('failed_precondition', 'the audit log holds no entry ' .. ARGV[4] .. ':' .. hash
    .. '; it holds those from ' .. text(anchor + 1) .. ' to ' .. text(newest))
end
local refusal = refuse_to_record()
if refusal then return refusal end

-- The new entry first: a part of the log that was empty for a moment would forget how long it lives.
append_entry('rotated', '', '', '', ARGV[6], '', '', '', hash)
call('HSET', meta, 'a', ARGV[4], 'b', hash)
local kept_in = chunk_of(number + 1)
for chunk = chunk_of(anchor + 1), kept_in - 1 do call('UNLINK', chunk_key(chunk)) end
local numbers = {}
for gone = math.max(anchor, kept_in * 1000) + 1, number do numbers[#numbers + 1] = text(gone) end
if #numbers > 0 then call('HDEL', chunk_key(kept_in), unpack(numbers)) end
call('SET', memory, text(number - anchor), 'PXAT', milliseconds_after(now + ARGV[3]))
return { 'count', text(number - anchor) }
