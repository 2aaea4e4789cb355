-- Store: entries of one topic with their order by version, and leases; see hub/store.py. The last
-- three keys are the leases, the entries and their order. An entry is stored as VERSION AT VALUE.

local function topic_versions()
  local all, found = read('HGETALL', KEY.topics), {}
  for i = 1, #all, 2 do
    found[#found + 1] = '[' .. cjson.encode(all[i]) .. ',' .. all[i + 1] .. ']'
  end
  return '[' .. table.concat(found, ',') .. ']'
end

local function entry_text(key, stored)
  if not stored then return 'null' end
  local version, at, value = stored:match('^(%S+) (%S+) (.*)$')
  return table.concat({'[' .. cjson.encode(key), version, at, cjson.encode(value) .. ']'}, ','),
    tonumber(version), tonumber(at), value
end

local function newest_of(topic) -- also where entries have outlived the other keys
  local last = read('ZREVRANGE', KEY.order, 0, 0, 'WITHSCORES')[2]
  return math.max(tonumber(read('HMGET', KEY.topics, topic)[1] or 0), tonumber(last or 0))
end

-- ARGV: topic, its maximum age, the epoch and version that the reader knows.
local function changes()
  local after, found = ARGV[6] == S.epoch and ARGV[7] or '0', {}
  for _, key in ipairs(read('ZRANGEBYSCORE', KEY.order, '(' .. after, '+inf')) do
    local entry, _, at = entry_text(key, read('HMGET', KEY.entries, key)[1])
    if at and at >= now - tonumber(ARGV[5]) then found[#found + 1] = entry end
  end
  return table.concat({'["' .. S.epoch .. '"', text(newest_of(ARGV[4])), text(now),
    '[' .. table.concat(found, ',') .. ']]'}, ',')
end

local function lease_of(name) -- holder, term, end
  local stored = read('HMGET', KEY.leases, name)[1]
  return unpack(stored and cjson.decode(stored) or {'', 0, 0})
end

-- ARGV: topic, its maximum age and number of entries, key, value, expected version, lease, term.
local function write_entry()
  local topic, age, most = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
  local key, value = ARGV[7], ARGV[8]
  local kept = 0
  for _, each in ipairs(read('ZRANGE', KEY.order, 0, -1)) do
    local _, _, at = entry_text(each, read('HMGET', KEY.entries, each)[1])
    if at and at >= now - age then break end
    later('HDEL', KEY.entries, each); later('ZREM', KEY.order, each); kept = kept - 1
  end
  local stored = read('HMGET', KEY.entries, key)[1]
  local entry, version, at, known = entry_text(key, stored)
  if at and at < now - age then entry, version, known, stored = 'null', nil, nil, false end
  if known == '' then version = 0 end
  if ARGV[10] ~= '' and text(({lease_of(ARGV[10])})[2]) ~= ARGV[11] then
    return '["term",' .. entry .. ']'
  end
  if ARGV[9] ~= '' and text(version or 0) ~= ARGV[9] then return '["version",' .. entry .. ']' end
  version = newest_of(topic) + 1
  local new = table.concat({text(version), text(now), value}, ' ')
  later('HSET', KEY.entries, key, new); later('ZADD', KEY.order, text(version), key)
  later('HSET', KEY.topics, topic, text(version))
  local order = read('ZRANGE', KEY.order, 0, -1)
  local surplus = #order + kept + (stored and 0 or 1) - most
  for i = 1 - kept, #order do
    if surplus > 0 and order[i] ~= key then
      later('HDEL', KEY.entries, order[i]); later('ZREM', KEY.order, order[i])
      surplus = surplus - 1
    end
  end
  return '["written",' .. entry_text(key, new) .. ']'
end

-- ARGV: name, holder, seconds.
local function take_lease()
  local holder, term, ends = lease_of(ARGV[4])
  if holder ~= '' and holder ~= ARGV[5] and now < ends then
    return '[' .. cjson.encode(holder) .. ',' .. text(term) .. ',' .. text(ends - now) .. ']'
  end
  if holder ~= ARGV[5] then term = math.max(term + 1, math.floor(now)) end
  later('HSET', KEY.leases, ARGV[4], text({ARGV[5], term, now + tonumber(ARGV[6])}))
  return '[' .. cjson.encode(ARGV[5]) .. ',' .. text(term) .. ',' .. ARGV[6] .. ']'
end

-- ARGV: name, holder.
local function end_lease()
  local holder, term = lease_of(ARGV[4])
  if holder == ARGV[5] then later('HSET', KEY.leases, ARGV[4], text({'', term, 0})) end
  return 'true'
end
