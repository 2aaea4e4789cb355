-- Members: take what one reports, and sweep away those that are silent.

local function is_silent(member) return member and not member.live and not member.left end

local function count_silent(by)
  S.silent = S.silent + by
  later('HSET', KEY.hub, 'silent', S.silent)
end

local function store(id, member, at)
  local to, from = member.live and KEY.live or KEY.gone, member.live and KEY.gone or KEY.live
  later('HSET', KEY.members, id, cmsgpack.pack(member))
  later('ZADD', to, at, id)
  later('ZREM', from, id)
end

-- A report: {seq, epoch, version of registers, registers, applied, leaving}.
local function take(info, report, breakers)
  local packed = read('HMGET', KEY.members, info[1])[1]
  local held = packed and cmsgpack.unpack(packed)
  local same = held and held.incarnation == info[2]
  if held and (held.incarnation > info[2] or same and held.seq >= report[1]) then return held end
  local member = {info = ARGV[5], incarnation = info[2], seq = report[1], host = info[3],
                  zone = info[4],
                  joined = same and held.joined or report[2] ~= '' and 0 or now,
                  version = report[3], live = not report[6], left = report[6],
                  windows = {}, silent = {}}
  local old = held and held.windows or {}
  if held and (held.host ~= info[3] or held.zone ~= info[4]) then
    local before = {info[1], 0, held.host, held.zone}
    for name, window in pairs(old) do replace(name, before, window) end
    old = {}
  end
  for _, b in ipairs(breakers) do
    for _, scope in ipairs(b.scopes) do
      change_episode(b.name .. '@' .. scope[1], info[1], scope)
    end
    if member.live then member.windows[b.name] = {b.window, {}, b.state, b.sketch} end
  end
  for name, window in pairs(old) do
    if not member.windows[name] then replace(name, info, window) end
  end
  for _, b in ipairs(breakers) do
    local generations = {}
    for _, scope in ipairs(b.scopes) do generations[scope[1]] = scope[2] end
    if member.live then replace(b.name, info, old[b.name], member.windows[b.name], generations) end
  end
  S.live = S.live + (member.live and 1 or 0) - (held and held.live and 1 or 0)
  if is_silent(held) then count_silent(-1) end
  store(info[1], member, now)
  S.heard = info[1]
  return member
end

local function sweep()
  local live, swept = read('ZRANGE', KEY.live, 0, SWEPT, 'WITHSCORES'), 0
  for i = 1, #live, 2 do
    local id, at = live[i], tonumber(live[i + 1])
    local due = id ~= S.heard and now - at >= SILENT and swept < SWEPT
    local packed = due and read('HGET', KEY.members, id)
    if packed then
      swept = swept + 1
      local member = cmsgpack.unpack(packed)
      for name, window in pairs(member.windows) do
        replace(name, cjson.decode(member.info), window)
        member.silent[name] = window[3]
      end
      member.windows, member.live, S.live = {}, false, S.live - 1
      count_silent(1)
      store(id, member, at)
    end
  end
  local gone = read('ZRANGE', KEY.gone, 0, 0, 'WITHSCORES')
  if gone[1] and gone[1] ~= S.heard and now - tonumber(gone[2]) >= FORGET then
    local packed = read('HGET', KEY.members, gone[1])
    if packed and is_silent(cmsgpack.unpack(packed)) then count_silent(-1) end
    later('HDEL', KEY.members, gone[1])
    later('ZREM', KEY.gone, gone[1])
  end
  for _, field in ipairs(read('ZRANGEBYSCORE', KEY.idle, 0, now - FORGET, 'LIMIT', 0, 20)) do
    if not S.dirty[field] then later('HDEL', KEY.pools, field); later('ZREM', KEY.idle, field) end
  end
end
