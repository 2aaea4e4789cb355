-- Operations: what one run of the script may be asked for.

-- A view of one scope: its part of the text without empty ends, and the numbers packed, as a part
-- of its own.
local function scope_view(field, lease)
  local pool = pool_at(field)
  local shown = pool.states
  if pool.worst ~= '' or pool.episode ~= '' then
    shown = shown .. ',' .. (pool.worst ~= '' and pool.worst or '[]')
  end
  if pool.episode ~= '' then shown = shown .. ',' .. pool.episode end
  if lease then shown = shown .. ',' .. text({lease.id, lease['until']}) end
  return '[' .. shown .. ']', pool.rows == NO_ROWS and pool.sums or pool.sums .. pool.rows
end

local function place_of(scope) -- among those of `scopes_of`
  return scope:sub(1, 5) == 'host:' and 1 or scope:sub(1, 5) == 'zone:' and 2 or 3
end

-- Scopes of a breaker: [name, generation, expected, wants, result, proposal] each, without what
-- is nothing; an empty text where that is so of all scopes of the member.
local function scopes_in(argument, names)
  local scopes = {}
  if argument ~= '' then scopes = cjson.decode(argument)
  else for i, name in ipairs(names) do scopes[i] = {name} end end
  for i, scope in ipairs(scopes) do
    if type(scope[1]) ~= 'string' then table.insert(scope, 1, names[i]) end
    scope[2] = scope[2] or 0
    scope.place = place_of(scope[1])
  end
  return scopes
end

local function exchange()
  local report, info = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
  local breakers, fields, names = {}, {}, {}
  for _, scope in ipairs(scopes_of(info)) do if scope then names[#names + 1] = scope end end
  for i = 6, #ARGV, 5 do
    local name, window = ARGV[i], ARGV[i + 2]
    if #window < WINDOW_ROWS then window = window .. NO_ROWS end -- left out where all are empty
    breakers[#breakers + 1] = {name = name, state = ARGV[i + 1], window = window,
                               sketch = ARGV[i + 3], scopes = scopes_in(ARGV[i + 4], names)}
    for _, scope in ipairs(names) do fields[#fields + 1] = name .. '@' .. scope end
  end
  load(fields)
  local member = take(info, report, breakers)
  if not member then return 'null' end
  local known, applied = report[2] == S.epoch and report[3] or 0, {}
  for _, register in ipairs(report[4]) do write_mode(register) end
  for _, act in ipairs(report[5]) do applied[act[1]] = act[2] end
  sweep_silent()
  forget()
  local answer, views = {''}, {}
  for i, b in ipairs(breakers) do
    local scopes = {}
    for j, scope in ipairs(b.scopes) do
      local field, lease = b.name .. '@' .. scope[1], nil
      local pool = pool_at(field)
      if pool.is_open == 1 then
        local narrow = scope.place == 1 or info[3] == ''
        lease = grant(pool, info[1], narrow and info[1] or info[3], scope[4] or 0)
        S.dirty[field] = true
      end
      scopes[j], answer[#answer + 1] = scope_view(field, lease)
    end
    views[i] = '[' .. table.concat(scopes, ',') .. ']'
  end
  local registers = {}
  if known < S.version then
    for i, mode in ipairs(modes_after(known)) do registers[i] = mode[1] end
  end
  answer[1] = table.concat({'["' .. S.epoch .. '"', text(now), S.live, oldest,
    '[' .. table.concat(views, ',') .. ']', text(S.version), text(registers),
    acts_for(info[1], member[JOINED], applied), topic_versions(), text(S.silent),
    text(S.episodes),
    (report[7] > 0 and episodes_after(report[8], info) or '[]') .. ']'}, ',')
  return answer
end

local function is_late(sent_at) return sent_at > 0 and now - sent_at > LATE end

local function set_mode()
  local register = cjson.decode(ARGV[4])
  if is_late(register[4]) then return 'null' end
  register[3], register[4] = S.epoch, now
  write_mode(register)
  return text(register)
end

local function act()
  local given_act = cjson.decode(ARGV[4])
  if is_late(given_act[4]) then return 'null' end
  given_act[4] = now
  later('HSETNX', KEY.acts, given_act[1], text(given_act))
  return text(given_act)
end

local function look() -- everything about members and commands, for those who ask seldom
  local all, members, modes = read('HGETALL', KEY.members), {}, {}
  for i = 1, #all, 2 do
    local member = cmsgpack.unpack(all[i + 1])
    local states = member[IS_LIVE] and {} or cmsgpack.unpack(member[POOLS])
    if not member[LEFT] then
      members[all[i]] = {info = member[INFO], version = member[VERSION], states = states}
    end
  end
  all = read('HGETALL', KEY.windows)
  for i = 1, #all, 2 do
    local id, name = all[i]:match('^(%Z*)%z(.*)$')
    if members[id] then members[id].states[name] = stored_window(all[i + 1])[2] end
  end
  for _, mode in ipairs(modes_after(-1)) do modes[mode[1][1]] = {text(mode[1]), mode[2]} end
  return cjson.encode({now = text(now), members = members, modes = modes,
    live = read('ZRANGE', KEY.live, 0, -1, 'WITHSCORES'),
    gone = read('ZRANGE', KEY.gone, 0, -1, 'WITHSCORES'),
    acts = read('HGETALL', KEY.acts), applied = read('HGETALL', KEY.applied)})
end

local function pool() -- sums of one pool, and the sketches of its members
  local name, scope, sketches = ARGV[4], ARGV[5], {}
  local all = read('HGETALL', KEY.windows)
  for i = 1, #all, 2 do
    local id, its = all[i]:match('^(%Z*)%z(.*)$')
    if its == name then
      local member = scope ~= 'fleet' and member_at(id)
      local part = not member or scope == 'host:' .. member[HOST]
        or scope == 'zone:' .. member[ZONE]
      if part then sketches[#sketches + 1] = stored_window(all[i + 1])[3] end
    end
  end
  local shown, numbers = scope_view(name .. '@' .. scope)
  return {'[' .. oldest .. ',' .. shown .. ',[' .. table.concat(sketches, ',') .. ']]', numbers}
end

local OPERATIONS = {exchange = exchange, set_mode = set_mode, act = act, look = look, pool = pool,
  changes = changes, write = write_entry, take_lease = take_lease, end_lease = end_lease}

local function operate() -- decides everything, and writes nothing yet
  S = {pools = {}, dirty = {}, idle = {}, modes = {}, writes = {}, live = 0, version = 0,
       episodes = 0, silent = 0}
  local hub = read('HMGET', KEY.hub, 'epoch', 'version', 'episodes', 'second', 'silent')
  if not hub[1] then
    blank = true
    S.epoch = string.format('%015.0f-%s', math.floor(now * 1000), ARGV[3])
    later('HSET', KEY.hub, 'epoch', S.epoch)
  else
    S.epoch, S.version, S.live = hub[1], tonumber(hub[2] or 0), redis.call('ZCARD', KEY.live)
    S.episodes, S.second = tonumber(hub[3] or 0), tonumber(hub[4] or 0)
    S.silent = tonumber(hub[5] or 0)
  end
  return OPERATIONS[ARGV[1]]()
end

local function message_of(failure)
  return tostring(type(failure) == 'table' and failure.err or failure)
end

local done, answer = pcall(operate)
if not done then
  local failure = message_of(answer)
  if failure:find('NOPERM', 1, true) then return redis.error_reply(failure) end
  -- Data of somebody else: the hub begins anew, unless the report itself is what is wrong.
  blank = true
  done, answer = pcall(operate)
  if not done then return redis.error_reply('BREAKERD ' .. message_of(answer)) end
  redis.log(redis.LOG_WARNING, 'breakerd: not its own data, begins anew: ' .. failure)
end
if ARGV[1] == 'look' or ARGV[1] == 'pool' then return answer end
if blank then redis.call('DEL', unpack(KEYS)) end
for _, write in ipairs(S.writes) do redis.call(unpack(write)) end
local values = {}
for field in pairs(S.dirty) do
  values[#values + 1] = field
  values[#values + 1] = packed(S.pools[field])
end
for first = 1, #values, CHUNK do
  redis.call('HSET', KEY.pools, unpack(values, first, math.min(first + CHUNK - 1, #values)))
end
for field, empty in pairs(S.idle) do
  redis.call(empty and 'ZADD' or 'ZREM', KEY.idle, unpack(empty and {now, field} or {field}))
end
return answer
