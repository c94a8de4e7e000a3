-- An index that a filter by type, by source, by both or by none reads without skipping: each entry stands in a sorted set
-- of equal scores four times, found by byte order. A *way* is the beginning that all entries of one filter share; behind
-- it is the *place*: the commit (16 digits), '|' and the id of the signal. No name has a '|' in it.
local function way(kind, type, source)
  if type and source then return kind .. 'b' .. type .. '|' .. source .. '|' end
  if type then return kind .. 't' .. type .. '|' end
  if source then return kind .. 's' .. source .. '|' end
  return kind .. 'a|'
end

-- The four members of an entry.
local function four_ways(kind, type, source, place)
  return kind .. 'a|' .. place, kind .. 't' .. type .. '|' .. place, kind .. 's' .. source .. '|' .. place,
    kind .. 'b' .. type .. '|' .. source .. '|' .. place
end

-- The first places on a way behind a commit (of 16 digits; '': from the beginning). Digits come before ':' and '|'
-- before '~'.
local function places_on(index, one_way, after, count)
  local from = after == '' and '[' .. one_way or '(' .. one_way .. after .. '~'
  local members = redis.call('ZRANGEBYLEX', index, from, '(' .. one_way .. ':', 'LIMIT', 0, count)
  for i, member in ipairs(members) do members[i] = string.sub(member, #one_way + 1) end
  return members
end

local function commit_of(place) return tonumber(string.sub(place, 1, 16)) end
local function id_of(place) return string.sub(place, 18, 43) end

-- The oldest place that matches: `types` an array (empty: any), `source` a name or nil.
local function first_place(index, kind, types, source)
  if #types == 0 then return places_on(index, way(kind, nil, source), '', 1)[1] end
  local first
  for _, type in ipairs(types) do
    local found = places_on(index, way(kind, type, source), '', 1)[1]
    if found and (not first or found < first) then first = found end
  end
  return first
end
