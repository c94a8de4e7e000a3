#!lua flags=allow-oom
-- Where the audit log begins and ends, and what lies beyond that. No arguments.
-- Gives {'bounds', number of the newest entry, its hash, number of the last that was removed, its hash, a number that
-- is stored there and does not belong to the log}; '' for what there is not.
-- Cost: O(1), and a thousand looks where something does not belong.
-- include: audit.lua
local newest, anchor = audit_bounds()

-- Below the anchor, in the first part of all and in those beside the anchor.
local function stored_below_anchor()
  if anchor == 0 then return nil end
  local part = chunk_of(anchor + 1)
  for _, gone in ipairs({ 0, part - 1 }) do
    if gone >= 0 and gone < part and call('EXISTS', chunk_key(gone)) == 1 then
      return lowest_stored(gone * 1000 + 1, (gone + 1) * 1000) or gone * 1000 + 1
    end
  end
  local known = math.min(newest, (part + 1) * 1000) - anchor
  return anchor > part * 1000 and call('HLEN', chunk_key(part)) > known and lowest_stored(part * 1000 + 1, anchor) or nil
end

local stray = stored_below_anchor() or recorded_behind_head(newest, anchor)
local found = call('HMGET', meta, 'n', 'h', 'a', 'b')
return { 'bounds', found[1] or '', found[2] or '', found[3] or '', found[4] or '', stray and text(stray) or '' }
