-- Members: take what one reports, and sweep away those that are silent. A member is stored as
-- {text of its facts, incarnation, seq, joined, version of registers, live, left, host, zone, names
-- of its pools, packed, or states by pool once it is not live}.

local INFO, INCARNATION, SEQ, JOINED, VERSION, IS_LIVE, LEFT, HOST, ZONE, POOLS =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10

local function is_silent(member) return member and not member[IS_LIVE] and not member[LEFT] end

local function count_silent(by)
  S.silent = S.silent + by
  later('HSET', KEY.hub, 'silent', S.silent)
end

local function window_field(id, name) return id .. '\0' .. name end

local function store(id, member, at, was_live)
  later('HSET', KEY.members, id, cmsgpack.pack(member))
  later('ZADD', member[IS_LIVE] and KEY.live or KEY.gone, at, id)
  if member[IS_LIVE] ~= was_live then
    later('ZREM', member[IS_LIVE] and KEY.gone or KEY.live, id)
    S.live = S.live + (member[IS_LIVE] and 1 or -1)
  end
end

local function held_windows(id, names) -- by name
  local fields, found = {}, {}
  for i, name in ipairs(names) do fields[i] = window_field(id, name) end
  for first = 1, #fields, CHUNK do
    local last = math.min(first + CHUNK - 1, #fields)
    local values = read('HMGET', KEY.windows, unpack(fields, first, last))
    for i = first, last do found[names[i]] = stored_window(values[i - first + 1]) end
  end
  return found
end

local function remove_window(id, name, info, window)
  replace(name, info, window)
  later('HDEL', KEY.windows, window_field(id, name))
end

local function keep_window(id, name, old, new) -- write it, unless it is there
  local same = old and old[2] == new[2] and old[3] == new[3] and old[4] == new[4]
  for i = 1, 3 do same = same and old[1][i] == new[1][i] end
  if not same then later('HSET', KEY.windows, window_field(id, name), window_text(new)) end
end

local function generations_of(breaker)
  local found = {NOT_COUNTED, NOT_COUNTED, NOT_COUNTED}
  for _, scope in ipairs(breaker.scopes) do found[scope.place] = scope[2] end
  return found
end

local function member_at(id)
  local value = read('HMGET', KEY.members, id)[1]
  return value and cmsgpack.unpack(value)
end

-- Takes a report, unless the hub has it or a newer one: {seq, epoch, version of registers,
-- registers, applied, leaving, seq of the report that it goes on from; 0: it is whole}. Returns
-- what is held then; nil if a report is wanted that is whole.
local function take(info, report, breakers)
  local id, held = info[1], member_at(info[1])
  local same = held and held[INCARNATION] == info[2]
  local live = not report[6]
  local goes_on = live and same and held[IS_LIVE] and held[SEQ] == report[7]
    and held[INFO] == ARGV[5]
  if report[7] > 0 and not goes_on then return nil end
  if held and (held[INCARNATION] > info[2] or same and held[SEQ] >= report[1]) then return held end
  local names, old = {}, {}
  for i, b in ipairs(breakers) do names[i] = b.name end
  if goes_on then old = held_windows(id, names)
  elseif held and held[IS_LIVE] then
    old = held_windows(id, cmsgpack.unpack(held[POOLS]))
    if held[HOST] ~= info[3] or held[ZONE] ~= info[4] then
      local before = {id, 0, held[HOST], held[ZONE]}
      for name, window in pairs(old) do remove_window(id, name, before, window) end
      old = {}
    end
  end
  for _, b in ipairs(breakers) do
    for _, scope in ipairs(b.scopes) do change_episode(b.name .. '@' .. scope[1], id, scope) end
  end
  local joined = same and held[JOINED] or report[2] ~= '' and 0 or now
  local member = {ARGV[5], info[2], report[1], joined, report[3], live, report[6], info[3],
                  info[4], goes_on and held[POOLS] or cmsgpack.pack(names)}
  for _, b in ipairs(breakers) do
    if live then
      local new = {{NOT_COUNTED, NOT_COUNTED, NOT_COUNTED}, b.state, b.sketch, b.window}
      replace(b.name, info, old[b.name], new, generations_of(b))
      keep_window(id, b.name, old[b.name], new)
      old[b.name] = nil
    end
  end
  if not goes_on then
    for name, window in pairs(old) do remove_window(id, name, info, window) end
  end
  if not live then member[POOLS] = cmsgpack.pack({}) end
  if is_silent(held) then count_silent(-1) end
  store(id, member, now, held and held[IS_LIVE] or false)
  S.heard = id
  return member
end

local function silence(id, at)
  local member = member_at(id)
  if not member then return end
  local info, states = cjson.decode(member[INFO]), {}
  for name, window in pairs(held_windows(id, cmsgpack.unpack(member[POOLS]))) do
    states[name] = window[2]
    remove_window(id, name, info, window)
  end
  member[POOLS], member[IS_LIVE] = cmsgpack.pack(states), false
  count_silent(1)
  store(id, member, at, true)
end

local function sweep_silent()
  local live = read('ZRANGE', KEY.live, 0, 0, 'WITHSCORES')
  if not live[1] or now - tonumber(live[2]) < SILENT then return end
  local swept = 0
  live = read('ZRANGE', KEY.live, 0, SWEPT, 'WITHSCORES')
  for i = 1, #live, 2 do
    local due = live[i] ~= S.heard and now - tonumber(live[i + 1]) >= SILENT and swept < SWEPT
    if due then
      swept = swept + 1
      silence(live[i], tonumber(live[i + 1]))
    end
  end
end

local function forget() -- members and pools that are long gone; looked for once a second
  if S.second == newest then return end
  later('HSET', KEY.hub, 'second', newest)
  local gone = read('ZRANGE', KEY.gone, 0, 0, 'WITHSCORES')
  if gone[1] and gone[1] ~= S.heard and now - tonumber(gone[2]) >= FORGET then
    if is_silent(member_at(gone[1])) then count_silent(-1) end
    later('HDEL', KEY.members, gone[1])
    later('ZREM', KEY.gone, gone[1])
  end
  for _, field in ipairs(read('ZRANGEBYSCORE', KEY.idle, 0, now - FORGET, 'LIMIT', 0, 20)) do
    if not S.dirty[field] then
      later('HDEL', KEY.pools, field)
      later('ZREM', KEY.idle, field)
      later('ZREM', KEY.episodes, field)
    end
  end
end
