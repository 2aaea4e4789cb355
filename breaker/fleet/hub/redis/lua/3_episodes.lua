-- Episodes, changed by compare-and-set only, and the leases of their probes.

local function settle(pool, member, result)
  if not given(result) then return end
  local held = whole(pool).leases.held and pool.leases.held[member]
  if not held or held.id ~= result[1] then return end
  pool.leases.held[member] = nil
  local back = result[2] == 'unused' and held.price or held.price - 1
  pool.leases.tokens = math.min(1, math.max(MAX_DEBT, pool.leases.tokens + back))
end

local function change_episode(field, member, scope)
  local pool, proposal = pool_at(field), scope[6]
  settle(pool, member, scope[5])
  if not given(proposal) then return end
  local held = whole(pool).episode
  if held[1] > (scope[3] or 0) or proposal[1] <= held[1] then return end
  if proposal[2] ~= held[2] then
    for number, row in pairs(pool.rows) do
      local cleared, load_left = row_of(row), false
      for i = 2, #cleared do
        if i <= 1 + EVIDENCE then cleared[i] = 0 else load_left = load_left or cleared[i] > 0 end
      end
      pool.rows[number] = load_left and string.format(ROW, unpack(cleared, 2)) or nil
    end
    pool.worst, pool.leases = {}, {}
  end
  pool.episode, S.dirty[field] = proposal, true
  show(pool)
end

local function grant(pool, member, host, wants)
  local l = whole(pool).leases
  if not l.tokens then
    l = {tokens = 1, at = now, number = 0, held = {}, last_host = '', other_host = '',
         other_asked_at = 0}
  end
  pool.leases = l
  local rate = 1 / 2 ^ math.max(0, pool.episode[9] - 1)
  l.tokens, l.at = math.min(1, l.tokens + rate * math.max(0, now - l.at)), now
  for each, lease in pairs(l.held) do if now >= lease.lost then l.held[each] = nil end end
  if l.held[member] then return l.held[member] end
  local price = math.min(1, math.max(LEAST_PRICE, wants * USE_WITHIN))
  if wants <= 0 then return nil end
  if host ~= l.last_host then l.other_host, l.other_asked_at = host, now
  elseif now - l.other_asked_at < OTHER_HOST then return nil end
  if l.tokens < price then return nil end
  if l.other_host == host then l.other_asked_at = 0 end
  l.tokens, l.number, l.last_host = l.tokens - price, l.number + 1, host
  local lease = {id = text(pool.episode[2]) .. '.' .. text(l.number), price = price,
                 lost = now + LEASE_KEPT}
  lease['until'] = now + USE_WITHIN
  l.held[member] = lease
  return lease
end
