-- Pools: sums over the windows of the members of one scope that are alike, for one breaker.

-- Numbers are packed, which costs a third of the time of text; redis/packing.py has the same
-- formats. A row is a slot with its number and the columns of a view. Each slot that counts has a
-- place of its own among the rows, which it takes over from the one that is RING seconds older.
local ROW = '>i4hhhhhhhhi4i8i4hh'
local ROW_SIZE, RING = 40, 8
-- Sums are members and totals. A window, as a member sends it: calls and failures, sums with itself
-- as the only member, rows.
local SUMS, CALLS = '>i4i4i4i4i4i4i4i8i4', '>i4i4'
local WINDOW_SUMS, WINDOW_ROWS = 9, 49
local POOL = '>i4Bc40c320I4c0I4c0I4c0I4c0'
local STORED = '>i4i4i4I4c0I4c0I4c0'
local NO_SUMS, NO_ROWS = string.rep('\0', 40), string.rep('\0', RING * ROW_SIZE)
local UNCHANGED, NO_UNITS = {0, 0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0}
local UNIT_COLUMN = {1, 3} -- of hosts and zones, the first two scopes; the third is the fleet
local NOT_COUNTED = -1

-- What is text is shown as it is, and read only by those who change it. `worst` and `episode` are
-- empty while there is none.
local function unpacked(value)
  local pool = {}
  if value then
    pool.generation, pool.is_open, pool.sums, pool.rows, pool.states, pool.worst, pool.episode,
      pool.leases = struct.unpack(POOL, value)
  else
    pool.generation, pool.is_open, pool.sums, pool.rows, pool.states, pool.worst, pool.episode,
      pool.leases = 0, 0, NO_SUMS, NO_ROWS, '{}', '', '', ''
  end
  return pool
end

local function packed(pool)
  return struct.pack(POOL, pool.generation, pool.is_open, pool.sums, pool.rows, #pool.states,
                     pool.states, #pool.worst, pool.worst, #pool.episode, pool.episode,
                     #pool.leases, pool.leases)
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

-- Changes of rows by slot: calls, failures, members, those in trouble, and the load's five columns.
local function add_row(changes, row, sign, counted)
  local number, calls, failures, any, bad, _, _, _, _, offered, busy, ended, active, slow =
    struct.unpack(ROW, row)
  if number < oldest or number > newest + AHEAD then return end
  if not counted then calls, failures, any, bad = 0, 0, 0, 0 end
  local c = changes[number] or UNCHANGED
  changes[number] = {c[1] + sign * calls, c[2] + sign * failures, c[3] + sign * any,
    c[4] + sign * bad, c[5] + sign * offered, c[6] + sign * busy, c[7] + sign * ended,
    c[8] + sign * active, c[9] + sign * slow}
end

-- Changes by the rows of a window in place of another one's; what both have just so is no change.
local function changes_between(old, new, was, is)
  local changes = {}
  for at = WINDOW_ROWS, WINDOW_ROWS + (RING - 1) * ROW_SIZE, ROW_SIZE do
    local before = old and old:sub(at, at + ROW_SIZE - 1)
    local after = new and new:sub(at, at + ROW_SIZE - 1)
    if was ~= is or before ~= after then
      if before then add_row(changes, before, -1, was) end
      if after then add_row(changes, after, 1, is) end
    end
  end
  return changes
end

local function positive(value) return value < 0 and 0 or value end

local function step(before, after) return (after and 1 or 0) - (before and 1 or 0) end

-- Adds changes `c` of members and `u` of units, which are hosts and zones, to the row of a slot.
-- Returns how its own flags changed: traffic, trouble.
local function change_row(pool, number, c, u)
  local at = number % RING * ROW_SIZE
  local stored, calls, failures, any, bad, hosts, bad_hosts, zones, bad_zones, offered, busy, ended,
    active, slow = struct.unpack(ROW, pool.rows, at + 1)
  if stored ~= number then
    calls, failures, any, bad, hosts, bad_hosts, zones, bad_zones, offered, busy, ended, active,
      slow = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  end
  local had, was_bad = calls > 0, 2 * failures > calls
  calls, failures = calls + c[1], failures + c[2]
  -- A unit's flag may be of a time before the sums began anew, hence `positive`.
  local row = struct.pack(ROW, number, calls, failures, any + c[3], bad + c[4],
    positive(hosts + u[1]), positive(bad_hosts + u[2]), positive(zones + u[3]),
    positive(bad_zones + u[4]), offered + c[5], busy + c[6], ended + c[7], active + c[8],
    slow + c[9])
  pool.rows = pool.rows:sub(1, at) .. row .. pool.rows:sub(at + ROW_SIZE + 1)
  return step(had, calls > 0), step(was_bad, 2 * failures > calls)
end

-- Adds changes to the rows. `units` has what changed of narrower scopes, by slot, and gets what
-- changed of this one, if it is a unit: its traffic and its trouble in `column` and the next.
local function change_rows(pool, changes, units, column)
  for number = oldest, newest + AHEAD do
    local c, u = changes[number], units[number]
    if c or u then
      local traffic, trouble = change_row(pool, number, c or UNCHANGED, u or NO_UNITS)
      if column and (traffic ~= 0 or trouble ~= 0) then
        local unit = {unpack(u or NO_UNITS)}
        unit[column], unit[column + 1] = unit[column] + traffic, unit[column + 1] + trouble
        units[number] = unit
      end
    end
  end
end

local function is_worse(a, b) -- entries {member, host, calls, failures, time}
  local x, y = a[4] / a[3], b[4] / b[3]
  if x ~= y then return x > y end
  if a[4] ~= b[4] then return a[4] > b[4] end
  return a[1] < b[1]
end

-- The worst three, of which two are from before.
local function rank(pool, info, calls, failures)
  if failures == 0 and pool.worst == '' then return end
  local known = pool.worst ~= '' and cjson.decode(pool.worst) or {}
  local own, kept = failures > 0 and {info[1], info[3], calls, failures, now}, {}
  for _, e in ipairs(known) do
    if e[1] ~= info[1] and now - e[5] <= WINDOW then
      if own and is_worse(own, e) then kept[#kept + 1], own = own, nil end
      kept[#kept + 1] = e
    end
  end
  if own then kept[#kept + 1] = own end
  local same = #kept >= #known
  for i = 1, 3 do same = same and (kept[i] == known[i]) end
  if same then return end
  for i, w in ipairs(kept) do
    kept[i] = string.format('[%s,%s,%d,%d,%.17g]', cjson.encode(w[1]), cjson.encode(w[2]), w[3],
                            w[4], w[5])
  end
  pool.worst = #kept > 0 and '[' .. table.concat(kept, ',', 1, math.min(3, #kept)) .. ']' or ''
end

local function add_sums(sums, window, sign)
  local a, b, c, d, e, f, g, h, i = struct.unpack(SUMS, sums)
  local j, k, l, m, n, o, p, q, r = struct.unpack(SUMS, window, WINDOW_SUMS)
  return struct.pack(SUMS, a + sign * j, b + sign * k, c + sign * l, d + sign * m, e + sign * n,
                     f + sign * o, g + sign * p, h + sign * q, i + sign * r)
end

local function count_states(pool, from, to) -- nil: the member was not there, or is no more
  local states = cjson.decode(pool.states)
  for state, by in pairs({[from or ''] = -1, [to or ''] = 1}) do
    local count = state ~= '' and (states[state] or 0) + by or 0
    if state ~= '' then states[state] = count ~= 0 and count or nil end
  end
  pool.states = cjson.encode(states)
end

local function scopes_of(info) -- host, zone and fleet, each in its place; false where there is none
  if info[10] then return {false, false, 'fleet'} end -- the host is all there is
  return {info[3] ~= '' and 'host:' .. info[3], info[4] ~= '' and 'zone:' .. info[4], 'fleet'}
end

-- A stored window: {generations that it counts in by scope, state, sketch, window}.
local function stored_window(value)
  if not value then return nil end
  local host, zone, fleet, state, sketch, window = struct.unpack(STORED, value)
  return {{host, zone, fleet}, state, sketch, window}
end

local function window_text(w)
  return struct.pack(STORED, w[1][1], w[1][2], w[1][3], #w[2], w[2], #w[3], w[3], #w[4], w[4])
end

local function change_pool(field, pool, info, change)
  local old, new = change.old, change.new
  rank(pool, info, change.calls, change.failures)
  change_rows(pool, change.rows, change.units, change.column)
  local before = pool.sums
  if old then pool.sums = add_sums(pool.sums, old[4], -1) end
  if new then pool.sums = add_sums(pool.sums, new[4], 1) end
  if not (old and new and old[2] == new[2]) then
    count_states(pool, old and old[2], new and new[2])
    local had, has = struct.unpack('>i4', before) > 0, struct.unpack('>i4', pool.sums) > 0
    if had ~= has then S.idle[field] = not has end
  end
  S.dirty[field] = true
end

-- Puts a member's window in place of its last one, in all of its scopes. `generations` are those
-- that the new one counts for.
local function replace(name, info, old, new, generations)
  local before, after = old and old[4], new and new[4]
  local same = before == after and old[2] == new[2]
  local calls, failures = 0, 0
  if new then calls, failures = struct.unpack(CALLS, after) end
  local units, known = {}, {}
  for i, scope in ipairs(scopes_of(info)) do
    if scope then
      local field = name .. '@' .. scope
      local pool = pool_at(field)
      local was = old ~= nil and old[1][i] == pool.generation
      local is = new ~= nil and generations[i] == pool.generation
      local quiet = pool.worst == '' and failures == 0 -- nobody is to be ranked
      if new then new[1][i] = is and pool.generation or NOT_COUNTED end
      if not (same and was == is and quiet and next(units) == nil) then
        local kind = (was and 2 or 0) + (is and 1 or 0)
        known[kind] = known[kind] or changes_between(before, after, was, is)
        change_pool(field, pool, info,
          {old = old, new = new, rows = known[kind], units = units, column = UNIT_COLUMN[i],
           calls = is and calls or 0, failures = is and failures or 0})
      end
    end
  end
end
