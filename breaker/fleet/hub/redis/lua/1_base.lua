-- A hub on Redis: one run is one operation, done as a whole or not at all. hub/state.py has the
-- same semantics in Python, with the reasons; here only what changed is read, added up and written.
--
-- ARGV: operation, time ('' for the server's), a random id, and the operation's own arguments.
-- Stored: pools by POOL@SCOPE, windows by MEMBER, a zero byte and POOL, and members by id, packed;
-- `live`, `gone` and `idle` by time; `episodes`: pools by number of their episode's last change.

local KEY = {hub = KEYS[1], pools = KEYS[2], members = KEYS[3], live = KEYS[4], gone = KEYS[5],
             idle = KEYS[6], modes = KEYS[7], acts = KEYS[8], applied = KEYS[9],
             topics = KEYS[10], windows = KEYS[11], episodes = KEYS[12],
             leases = KEYS[13], entries = KEYS[14], order = KEYS[15]}
local VIEW_SLOTS, WINDOW, AHEAD = 6, 10, 2
local SILENT, FORGET, SWEPT, CHUNK = 5, 600, 3, 2000
local KEPT, ACT_TIME, LATE = 604800, 30, 1
local LEAST_PRICE, MAX_DEBT, USE_WITHIN, LEASE_KEPT, OTHER_HOST = 0.15, -2, 1, 12, 2

if redis.replicate_commands then redis.replicate_commands() end
local clock = redis.call('TIME')
local now = tonumber(ARGV[2]) or clock[1] + clock[2] / 1e6
local newest = math.floor(now)
local oldest = newest - VIEW_SLOTS + 1

local S -- caches of this run, and what it is to write
local blank = false -- true: act as if nothing were stored

local function read(...)
  if blank then return {} end
  return redis.call(...)
end

local function later(...) S.writes[#S.writes + 1] = {...} end

local function given(value) return value ~= nil and value ~= cjson.null end

local function text(value) -- numbers exactly, which cjson does not
  if type(value) == 'number' then
    return string.format(value == math.floor(value) and '%.0f' or '%.17g', value)
  elseif type(value) ~= 'table' then return cjson.encode(value) end
  local parts = {}
  for i = 1, #value do parts[i] = text(value[i]) end
  return '[' .. table.concat(parts, ',') .. ']'
end
