-- What is there to be taken by an agent, as pending and clear see it.
-- include: broadcast_settle.lua

-- At most `count` of each lane, after a commit: {entry, ordinal, position, hold}, in the order of commits.
local function list_free(positions, appeared, after, count)
  local free = {}
  for _, position in ipairs(positions) do
    local found = 0
    each_behind(lane_key('q', position.type), low_water(position), function(entry, ordinal)
      local hold = position.holds[ordinal]
      local is_held = hold and hold[UNTIL] > now
      if commit_of(entry) > after and not is_held and concerns(position, appeared, entry, ordinal) then
        free[#free + 1] = { entry = entry, ordinal = ordinal, position = position, hold = hold }
        found = found + 1
      end
      return found == count
    end)
  end
  table.sort(free, function(one, other) return one.entry < other.entry end)
  return free
end
