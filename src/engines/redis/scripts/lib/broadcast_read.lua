-- Reading a broadcast for good, and the rule of who may still make a reservation of one final.
-- include: broadcast_settle.lua

-- The first readers are listed by name, all are counted.
local readers_max = 1000

local function add_reader(id, record, agent, attempt, acknowledged)
  record[READERS] = record[READERS] + 1
  if record[READERS] == 1 then record[FIRST_READ] = now end
  if record[READERS] <= readers_max then
    local key = readers_key(id)
    redis.call('HSET', key, agent, cmsgpack.pack({ record[READERS], attempt, acknowledged, now }))
    redis.call('PEXPIREAT', key, milliseconds_after(record[ENDS] + 25 * hour))
  end
  write_record(id, record)
  ring_signal(id)
end

local function find_reader(id, agent)
  local packed = redis.call('HGET', readers_key(id), agent)
  return packed and cmsgpack.unpack(packed) or nil
end

local function read_for_good(position, appeared, id, record, attempt, acknowledged)
  finish(position, record[ORDINAL])
  write_raised(position, appeared, record[ORDINAL])
  add_reader(id, record, position.agent, attempt, acknowledged)
end

-- How the broadcast stands for the agent, as judge_acknowledgement takes it: state and attempt. Readers beyond those
-- who are listed get the benefit of the doubt.
local function standing(position, id, record, attempt)
  local reader = find_reader(id, position.agent)
  if reader then return reader[3] and 'acknowledged' or 'taken', reader[2] end
  local over = record[ENDS] <= now and 'expired' or 'open'
  if not covers(position, record[ORDINAL]) then
    local hold = position.holds[record[ORDINAL]]
    return over, hold and hold[ATTEMPT] or 0
  end
  if record[READERS] > readers_max then return 'acknowledged', attempt or 1 end
  return over, 0
end
