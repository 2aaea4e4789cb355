-- Commands: modes, of which the last one written wins, and acts, done once by each member.

local function is_later(a, b) -- by epoch, hub time and id
  for _, i in ipairs({3, 4, 5}) do if a[i] ~= b[i] then return a[i] > b[i] end end
  return false
end

local function write_mode(register)
  local held = S.modes[register[1]] or read('HMGET', KEY.modes, register[1])[1]
  if held and not is_later(register, cmsgpack.unpack(held)[1]) then return end
  S.version = math.max(S.version + 1, math.floor(now * 1000)) -- larger than any before
  local ends = register[2] == '' and now + KEPT or false
  S.modes[register[1]] = cmsgpack.pack({register, S.version, ends})
  later('HSET', KEY.modes, register[1], S.modes[register[1]])
  later('HSET', KEY.hub, 'version', S.version)
end

local function modes_after(version)
  local all, found = read('HGETALL', KEY.modes), {}
  for i = 1, #all, 2 do S.modes[all[i]] = S.modes[all[i]] or all[i + 1] end
  for name, packed in pairs(S.modes) do
    local mode = cmsgpack.unpack(packed)
    if mode[3] and now > mode[3] then later('HDEL', KEY.modes, name)
    elseif mode[2] > version then found[#found + 1] = mode end
  end
  table.sort(found, function(a, b) return a[2] < b[2] end)
  return found
end

local function acts_for(id, joined, applied)
  local all, due = read('HGETALL', KEY.acts), {}
  for i = 1, #all, 2 do
    local act, mark = cjson.decode(all[i + 1]), all[i] .. '\0'
    if now - act[4] > 2 * ACT_TIME then
      later('HDEL', KEY.acts, all[i])
      for _, field in ipairs(read('HKEYS', KEY.applied)) do
        if field:sub(1, #mark) == mark then later('HDEL', KEY.applied, field) end
      end
    elseif applied[all[i]] then later('HSET', KEY.applied, mark .. id, applied[all[i]])
    elseif joined <= act[4] and now - act[4] < ACT_TIME
      and not read('HMGET', KEY.applied, mark .. id)[1] then due[#due + 1] = all[i + 1] end
  end
  return '[' .. table.concat(due, ',') .. ']'
end
