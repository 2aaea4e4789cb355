-- Pools: sums over the windows of the members of one scope that are alike, for one breaker.

-- What each exchange needs is stored in front, and the rest as one text behind it, for those that
-- change something: `shown` is the end of the pool's part in a view.
local function empty_pool()
  local totals = {}
  for i = 1, TOTALS do totals[i] = 0 end
  return {rows = {}, version = 0, generation = 0, phase = 'closed', failing = 0, shown = '',
          members = 0, totals = totals, states = {}, worst = {}, leases = {},
          episode = {0, 0, 'closed', 0, 0, 1, 0, 0, 0, 0, 0, ''}}
end

local function unpacked(value)
  if not value then return empty_pool() end
  local v = cmsgpack.unpack(value)
  return {rows = v[1], version = v[2], generation = v[3], phase = v[4], failing = v[5],
          shown = v[6], rest = v[7]}
end

local function whole(pool) -- with all fields
  if pool.rest then
    local v = cmsgpack.unpack(pool.rest)
    pool.members, pool.totals, pool.states, pool.worst, pool.episode, pool.leases, pool.rest =
      v[1], v[2], v[3], v[4], v[5], v[6], nil
  end
  return pool
end

local function show(pool) -- brings what is in front up to date
  local states = {}
  for state, count in pairs(pool.states) do
    states[#states + 1] = cjson.encode(state) .. ':' .. count
  end
  local e, worst = pool.episode, pool.worst
  pool.version, pool.generation, pool.phase, pool.failing = e[1], e[2], e[3], #worst
  pool.shown = string.format(SUMS, unpack(pool.totals)) .. ',' .. pool.members
    .. ',{' .. table.concat(states, ',') .. '}'
  if e[1] == 0 and #worst == 0 then return end
  local told = {}
  for i, w in ipairs(worst) do
    told[i] = string.format('[%s,%s,%d,%d,%.17g]', cjson.encode(w[1]), cjson.encode(w[2]), w[3],
                            w[4], w[5])
  end
  pool.shown = pool.shown .. ',[' .. table.concat(told, ',') .. ']'
  if e[1] > 0 then pool.shown = pool.shown .. ',' .. text(e) end
end

local function packed(pool)
  local rest = cmsgpack.pack({pool.members, pool.totals, pool.states, pool.worst, pool.episode,
                              pool.leases})
  return cmsgpack.pack({pool.rows, pool.version, pool.generation, pool.phase, pool.failing,
                        pool.shown, rest})
end

local function load(fields)
  for first = 1, #fields, CHUNK do
    local last = math.min(first + CHUNK - 1, #fields)
    local values = read('HMGET', KEY.pools, unpack(fields, first, last))
    for i = first, last do S.pools[fields[i]] = unpacked(values[i - first + 1]) end
  end
end

local function pool_at(field)
  if not S.pools[field] then load({field}) end
  return S.pools[field]
end

local function row_of(text_of_row) -- columns as in a message; its number is left out
  return text_of_row and cjson.decode('[0,' .. text_of_row .. ']') or zeros()
end

local function add_slots(slots, sign, counts, into)
  for i = 1, #slots do
    local slot = slots[i]
    local number, calls, failures = slot[1], slot[2] or 0, slot[3] or 0
    if number >= oldest and number <= newest + AHEAD then
      local row = into[number] or zeros()
      into[number] = row
      if counts then
        local counted = math.min(calls, CAP)
        local exact = calls > 0 and counted * failures / calls or 0
        local failed = math.floor(exact + 0.5)
        if failed - exact == 0.5 and failed % 2 == 1 then failed = failed - 1 end
        row[2], row[3] = row[2] + sign * counted, row[3] + sign * failed
        if calls > 0 then row[4] = row[4] + sign end
        if 2 * failures > calls then row[5] = row[5] + sign end
      end
      local ended, slow = slot[6] or 0, slot[7] or 0
      row[10], row[11] = row[10] + sign * (slot[4] or 0), row[11] + sign * (slot[5] or 0)
      row[12] = row[12] + sign * ended
      if ended > 0 then row[13] = row[13] + sign end
      if 2 * slow > ended then row[14] = row[14] + sign end
    end
  end
end

local function is_same(a, b)
  return a[2] == b[2] and a[3] == b[3] and a[4] == b[4] and a[5] == b[5] and a[6] == b[6]
    and a[7] == b[7]
end

local function differing(old, new) -- slots of each that the other does not have just so
  local by, gone, come = {}, {}, {}
  for i = 1, #old do by[old[i][1]] = old[i] end
  for i = 1, #new do
    local number = new[i][1]
    if by[number] and is_same(by[number], new[i]) then by[number] = nil
    else come[#come + 1] = new[i] end
  end
  for _, slot in pairs(by) do gone[#gone + 1] = slot end
  return gone, come
end

local function apply(pool, changes, units, column) -- `units` gets what changed of the scope itself
  for number in pairs(pool.rows) do if number < oldest then pool.rows[number] = nil end end
  for number, change in pairs(changes) do
    local row = row_of(pool.rows[number])
    local traffic, bad, any = row[2] > 0, 2 * row[3] > row[2], false
    for i = 2, COLUMNS do
      row[i] = math.max(0, (row[i] or 0) + change[i])
      any = any or row[i] > 0
    end
    pool.rows[number] = any and string.format(ROW, unpack(row, 2)) or nil
    local has, is = row[2] > 0, 2 * row[3] > row[2]
    if column and (has ~= traffic or is ~= bad) then
      local unit = units[number] or zeros()
      units[number] = unit
      if has ~= traffic then unit[column] = unit[column] + (has and 1 or -1) end
      if is ~= bad then unit[column + 1] = unit[column + 1] + (is and 1 or -1) end
    end
  end
end

local function is_worse(a, b) -- entries {member, host, calls, failures, time}
  local x, y = a[4] / a[3], b[4] / b[3]
  if x ~= y then return x > y end
  if a[4] ~= b[4] then return a[4] > b[4] end
  return a[1] < b[1]
end

local function rank(pool, info, calls, failures) -- the worst three, of which two are from before
  if failures == 0 and #pool.worst == 0 then return end
  local own, kept = failures > 0 and {info[1], info[3], calls, failures, now}, {}
  for _, e in ipairs(pool.worst) do
    if e[1] ~= info[1] and now - e[5] <= WINDOW then
      if own and is_worse(own, e) then kept[#kept + 1], own = own, nil end
      kept[#kept + 1] = e
    end
  end
  if own then kept[#kept + 1] = own end
  pool.worst = {kept[1], kept[2], kept[3]}
end

local function count_window(pool, totals, state, sign)
  for i = 1, TOTALS do pool.totals[i] = pool.totals[i] + sign * (totals[i] or 0) end
  local count = (pool.states[state] or 0) + sign
  pool.states[state] = count ~= 0 and count or nil
  pool.members = pool.members + sign
end

local function scopes_of(info)
  local scopes = {}
  if info[10] then return {'fleet'} end -- the host is all there is
  if info[3] ~= '' then scopes[1] = 'host:' .. info[3] end
  if info[4] ~= '' then scopes[#scopes + 1] = 'zone:' .. info[4] end
  scopes[#scopes + 1] = 'fleet'
  return scopes
end

-- Changes of rows by a window in place of another one, which the scopes share that count alike.
local function changes_between(known, before, after, was, is)
  local kind = (was and 2 or 0) + (is and 1 or 0)
  if not known[kind] then
    local gone, come, changes = before, after, {}
    if was == is then gone, come = differing(before, after) end
    add_slots(gone, -1, was, changes)
    add_slots(come, 1, is, changes)
    known[kind] = changes
  end
  return known[kind]
end

local function with_units(changes, units) -- a copy, with what changed of narrower scopes
  if next(units) == nil then return changes end
  local all = {}
  for number, change in pairs(changes) do all[number] = change end
  for number, unit in pairs(units) do
    local change = {unpack(changes[number] or zeros())}
    for i = 6, 9 do change[i] = change[i] + unit[i] end
    all[number] = change
  end
  return all
end

local function window_of(window) -- slots, their numbers made whole; totals; calls; failures
  if not window then return {{}, {}, 0, 0} end
  local parts = cjson.decode(window[1])
  local calls, failures = 0, 0
  for _, slot in ipairs(parts[2]) do
    slot[1] = parts[1] + slot[1]
    calls, failures = calls + (slot[2] or 0), failures + (slot[3] or 0)
  end
  return {parts[2], parts[3], calls, failures}
end

-- A window: {text of [first number, slots, totals], {scope = generation counted}, state, text of
-- its sketch}. The numbers of its slots are behind the first.
local function replace(name, info, old, new, generations)
  local same = old and new and old[1] == new[1] and old[3] == new[3]
  local before = window_of(old)
  local after = same and before or window_of(new)
  local units, known = {}, {}
  for _, scope in ipairs(scopes_of(info)) do
    local field = name .. '@' .. scope
    local pool = pool_at(field)
    local generation = pool.generation
    local was = old ~= nil and old[2][scope] == generation
    local is = new ~= nil and generations[scope] == generation
    if new then new[2][scope] = is and generation or nil end
    local quiet = pool.failing == 0 and after[4] == 0 -- nobody is to be ranked
    if not (same and was == is and quiet and next(units) == nil) then
      whole(pool)
      local changes = changes_between(known, before[1], after[1], was, is)
      apply(pool, with_units(changes, units), units, UNIT_COLUMN[scope:match('^(%a+):')])
      rank(pool, info, is and after[3] or 0, is and after[4] or 0)
      local members = pool.members
      if old then count_window(pool, before[2], old[3], -1) end
      if new then count_window(pool, after[2], new[3], 1) end
      if (members == 0) ~= (pool.members == 0) then S.idle[field] = pool.members == 0 end
      S.dirty[field] = true
      show(pool)
    end
  end
end
