-- Operations: what one run of the script may be asked for.

-- The answer is shorter than a view: numbers of slots are behind the oldest, names that the member
-- knows and empty ends are left out.
local function scope_view(field, lease)
  local pool, rows = pool_at(field), {}
  for number = oldest, newest + AHEAD do
    local row = pool.rows[number]
    if row then rows[#rows + 1] = '[' .. number - oldest .. ',' .. row .. ']' end
  end
  if pool.shown == '' then show(pool) end
  return '[[' .. table.concat(rows, ',') .. '],' .. pool.shown
    .. (lease and ',' .. text({lease.id, lease['until']}) or '') .. ']'
end

local function scopes_in(argument, names)
  local scopes = cjson.decode(argument)
  for i, scope in ipairs(scopes) do
    if type(scope[1]) ~= 'string' then table.insert(scope, 1, names[i]) end
    scope[2] = scope[2] or 0
  end
  return scopes
end

local function exchange()
  local report, info = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
  local breakers, fields, names = {}, {}, scopes_of(info)
  for i = 6, #ARGV, 5 do
    local name = ARGV[i]
    breakers[#breakers + 1] = {name = name, state = ARGV[i + 1], window = ARGV[i + 2],
                               sketch = ARGV[i + 3], scopes = scopes_in(ARGV[i + 4], names)}
    for _, scope in ipairs(names) do fields[#fields + 1] = name .. '@' .. scope end
  end
  load(fields)
  local member = take(info, report, breakers)
  local known, applied = report[2] == S.epoch and report[3] or 0, {}
  for _, register in ipairs(report[4]) do write_mode(register) end
  for _, act in ipairs(report[5]) do applied[act[1]] = act[2] end
  sweep()
  local views = {}
  for i, b in ipairs(breakers) do
    local scopes = {}
    for j, scope in ipairs(b.scopes) do
      local field, lease = b.name .. '@' .. scope[1], nil
      local pool = pool_at(field)
      if pool.phase == 'open' then
        local narrow = scope[1]:sub(1, 5) == 'host:' or info[3] == ''
        lease = grant(pool, info[1], narrow and info[1] or info[3], scope[4] or 0)
        S.dirty[field] = true
      end
      scopes[j] = scope_view(field, lease)
    end
    views[i] = '[' .. table.concat(scopes, ',') .. ']'
  end
  local registers = {}
  if known < S.version then
    for i, mode in ipairs(modes_after(known)) do registers[i] = mode[1] end
  end
  return table.concat({'["' .. S.epoch .. '"', text(now), S.live, oldest,
    '[' .. table.concat(views, ',') .. ']', text(S.version), text(registers),
    acts_for(info[1], member.joined, applied), topic_versions(),
    S.silent .. ']'}, ',')
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
    for name, window in pairs(member.windows) do member.silent[name] = window[3] end
    if not member.left then
      members[all[i]] = {info = member.info, version = member.version, states = member.silent}
    end
  end
  for _, mode in ipairs(modes_after(-1)) do modes[mode[1][1]] = {text(mode[1]), mode[2]} end
  return cjson.encode({now = text(now), members = members, modes = modes,
    live = read('ZRANGE', KEY.live, 0, -1, 'WITHSCORES'),
    gone = read('ZRANGE', KEY.gone, 0, -1, 'WITHSCORES'),
    acts = read('HGETALL', KEY.acts), applied = read('HGETALL', KEY.applied)})
end

local function pool() -- sums of one pool, and the sketches of its members
  local name, scope, sketches = ARGV[4], ARGV[5], {}
  local all = read('HVALS', KEY.members)
  for i = 1, #all do
    local member = cmsgpack.unpack(all[i])
    local window = member.windows[name]
    local part = scope == 'fleet' or scope == 'host:' .. member.host
      or scope == 'zone:' .. member.zone
    if window and part then sketches[#sketches + 1] = window[4] end
  end
  return '[' .. oldest .. ',' .. scope_view(name .. '@' .. scope) .. ',['
    .. table.concat(sketches, ',') .. ']]'
end

local OPERATIONS = {exchange = exchange, set_mode = set_mode, act = act, look = look, pool = pool,
  changes = changes, write = write_entry, take_lease = take_lease, end_lease = end_lease}

local function operate() -- decides everything, and writes nothing yet
  S = {pools = {}, dirty = {}, idle = {}, modes = {}, writes = {}, version = 0, live = 0,
       silent = 0}
  local hub = read('HMGET', KEY.hub, 'epoch', 'version', 'silent')
  if not hub[1] then
    blank = true
    S.epoch = string.format('%015.0f-%s', math.floor(now * 1000), ARGV[3])
    later('HSET', KEY.hub, 'epoch', S.epoch)
  else
    S.epoch, S.version, S.live = hub[1], tonumber(hub[2] or 0), redis.call('ZCARD', KEY.live)
    S.silent = tonumber(hub[3] or 0)
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
  values[#values + 1] = packed(whole(S.pools[field]))
end
for first = 1, #values, CHUNK do
  redis.call('HSET', KEY.pools, unpack(values, first, math.min(first + CHUNK - 1, #values)))
end
for field, empty in pairs(S.idle) do
  redis.call(empty and 'ZADD' or 'ZREM', KEY.idle, unpack(empty and {now, field} or {field}))
end
return answer
