-- Episodes, changed by compare-and-set only, and the leases of their probes.

local NO_EPISODE = {0, 0, 'closed', 0, 0, 1, 0, 0, 0, 0, 0, ''}

local function episode_of(pool)
  return pool.episode ~= '' and cjson.decode(pool.episode) or NO_EPISODE
end

local function settle(pool, member, result)
  if not given(result) or pool.leases == '' then return end
  local leases = cmsgpack.unpack(pool.leases)
  local held = leases.held[member]
  if not held or held.id ~= result[1] then return end
  leases.held[member] = nil
  local back = result[2] == 'unused' and held.price or held.price - 1
  leases.tokens = math.min(1, math.max(MAX_DEBT, leases.tokens + back))
  pool.leases = cmsgpack.pack(leases)
end

local function load_only(rows) -- without evidence: calls, failures, and who had them
  local kept = {}
  for at = 1, #rows, ROW_SIZE do
    local number, _, _, _, _, _, _, _, _, offered, busy, ended, active, slow =
      struct.unpack(ROW, rows, at)
    kept[#kept + 1] = struct.pack(ROW, number, 0, 0, 0, 0, 0, 0, 0, 0, offered, busy, ended,
                                  active, slow)
  end
  return table.concat(kept)
end

local function change_episode(field, member, scope)
  local pool, proposal = pool_at(field), scope[6]
  settle(pool, member, scope[5])
  if not given(proposal) then return end
  local held = episode_of(pool)
  if held[1] > (scope[3] or 0) or proposal[1] <= held[1] then return end
  if proposal[2] ~= held[2] then
    pool.rows, pool.worst, pool.leases = load_only(pool.rows), '', ''
  end
  pool.episode, pool.generation, pool.is_open =
    text(proposal), proposal[2], proposal[3] == 'open' and 1 or 0
  S.dirty[field], S.episodes = true, S.episodes + 1
  later('ZADD', KEY.episodes, S.episodes, field)
  later('HSET', KEY.hub, 'episodes', S.episodes)
end

local function new_lease(l, episode, host, wants) -- nil if it is not its turn
  local price = math.min(1, math.max(LEAST_PRICE, wants * USE_WITHIN))
  if wants <= 0 then return nil end
  if host ~= l.last_host then l.other_host, l.other_asked_at = host, now
  elseif now - l.other_asked_at < OTHER_HOST then return nil end
  if l.tokens < price then return nil end
  if l.other_host == host then l.other_asked_at = 0 end
  l.tokens, l.number, l.last_host = l.tokens - price, l.number + 1, host
  local lease = {id = text(episode[2]) .. '.' .. text(l.number), price = price,
                 lost = now + LEASE_KEPT}
  lease['until'] = now + USE_WITHIN
  return lease
end

local function grant(pool, member, host, wants)
  local l = pool.leases ~= '' and cmsgpack.unpack(pool.leases)
    or {tokens = 1, at = now, number = 0, held = {}, last_host = '', other_host = '',
        other_asked_at = 0}
  local episode = episode_of(pool)
  local rate = 1 / 2 ^ math.max(0, episode[9] - 1)
  l.tokens, l.at = math.min(1, l.tokens + rate * math.max(0, now - l.at)), now
  for each, lease in pairs(l.held) do if now >= lease.lost then l.held[each] = nil end end
  l.held[member] = l.held[member] or new_lease(l, episode, host, wants)
  pool.leases = cmsgpack.pack(l)
  return l.held[member]
end

-- Pools of a member's scopes whose episode has changed since the number `after`.
local function episodes_after(after, info)
  local found = {}
  if after == S.episodes then return '[]' end
  for _, field in ipairs(read('ZRANGEBYSCORE', KEY.episodes, '(' .. text(after), '+inf')) do
    for _, scope in ipairs(scopes_of(info)) do
      if scope and field:sub(-#scope - 1) == '@' .. scope then
        found[#found + 1] = cjson.encode(field)
      end
    end
  end
  return '[' .. table.concat(found, ',') .. ']'
end
