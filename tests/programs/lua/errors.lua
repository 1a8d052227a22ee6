-- Errors: pcall, error with tables, xpcall with traceback, nested, in metamethods, in coroutines, out of memory of the stack.
print(pcall(error, 'plain', 0))
print(pcall(error, {code = 5}) == false, select(2, pcall(error, {code = 5})).code)
print(pcall(function() local x = nil; return x.y end))
print(pcall(function() return 1 + {} end))
print(pcall(function() return #5 end))
print(pcall(function() return {} < {} end))
print(pcall(function() return ('x'):bad() end))
print(pcall(string.rep))
print(pcall(setmetatable, 1, 2))
print(select('#', pcall(function() return 1, 2, 3 end)))
print(xpcall(function() error('inner') end, function(m) return 'handled: ' .. m end))
print(xpcall(function(...) return select('#', ...) end, print, 1, 2, 3))
local function nested(n) if n == 0 then error('deep') end local ok, m = pcall(nested, n - 1) error(m .. n, 0) end
print(pcall(nested, 10))
local function overflow() return 1 + overflow() end
local ok, m = pcall(overflow)
print(ok, m:match('stack overflow') ~= nil)
local ok, m = pcall(string.rep, 'x', 1 << 60)
print(ok, m)
local count = 0
for i = 1, 2000 do local ok, e = pcall(function() if i % 2 == 0 then error(i) end return i end) count = count + (ok and 1 or e) end
print(count)
local mt = setmetatable({}, {__index = function(t, k) error('no ' .. k, 2) end, __gc = function() error('ignored') end})
print(pcall(function() return mt.field end))
local co = coroutine.create(function() local ok, e = pcall(function() coroutine.yield(1) error('after yield') end) coroutine.yield(e) error({'last'}) end)
print(coroutine.resume(co)) print(coroutine.resume(co)) local ok, e = coroutine.resume(co) print(ok, e[1], coroutine.status(co)) print(coroutine.resume(co))
print(assert(1, 'unused'), pcall(assert, false, 'message'), pcall(assert, nil))
do local ok, e = pcall(function() local a <close> = setmetatable({}, {__close = function(_, e) print('closing', e) end}) error('leaves', 0) end) print(ok, e) end
print((debug.traceback('trace', 1):gsub('\n.*', '')))
print(tostring(nil), tostring(true), tonumber('0x10'), tonumber('z', 36), tonumber('8', 8), tonumber('1e1'), tonumber(' 5 '), tonumber('5x'))
print(pcall(load, 'x ='), load('x ='))
print(pcall(require, 'missing_module_for_test') == false)
