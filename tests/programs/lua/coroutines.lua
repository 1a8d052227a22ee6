-- Coroutines: generators, producers and consumers, yields across pcall, wrap, close, many at once, permutations.
local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local s = 0 for i in range(1000) do s = s + i end print(s)
local function permute(a, n) n = n or #a if n <= 1 then coroutine.yield(a) else for i = 1, n do a[n], a[i] = a[i], a[n] permute(a, n - 1) a[n], a[i] = a[i], a[n] end end end
local count, h = 0, 0
for p in coroutine.wrap(function() permute({1, 2, 3, 4, 5, 6}) end) do count = count + 1 h = (h * 31 + p[1] * 7 + p[6]) % 1000003 end
print(count, h)
local all = {}
for i = 1, 500 do all[i] = coroutine.create(function(x) local t = x while true do t = t + coroutine.yield(t * i) end end) end
local total = 0
for round = 1, 20 do for i = 1, 500 do local ok, v = coroutine.resume(all[i], round) total = (total + v) % 1000000007 end end
print(total)
local function filter(p, g) return coroutine.wrap(function() for x in g do if p(x) then coroutine.yield(x) end end end) end
local primes, g = {}, coroutine.wrap(function() for i = 2, 400 do coroutine.yield(i) end end)
while true do local p = g() if not p then break end primes[#primes + 1] = p g = filter(function(x) return x % p ~= 0 end, g) end
print(#primes, primes[#primes])
print(coroutine.isyieldable(), select(2, coroutine.running()))
local co = coroutine.create(function(...) print('start', ...) print('resumed', coroutine.yield(1, 2)) return 'end' end)
print(coroutine.status(co), coroutine.resume(co, 'a', 'b')) print(coroutine.status(co), coroutine.resume(co, 'c')) print(coroutine.status(co), coroutine.resume(co))
local c = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() print('closed by close') end}) coroutine.yield() end)
coroutine.resume(c) print(coroutine.close(c), coroutine.status(c))
print(pcall(coroutine.wrap(function() error('from wrap', 0) end)))
local w = coroutine.wrap(function() return pcall(function() return coroutine.yield('in pcall') + 1 end) end)
print(w()) print(w(41))
local t = setmetatable({}, {__index = function(_, k) return coroutine.yield(k) end})
local m = coroutine.wrap(function() return t.field .. '!' end)
print(m()) print(m('value'))
table.sort({3, 1, 2}, function(a, b) return a < b end)
print(select(2, coroutine.resume(coroutine.create(function() return table.unpack({1, 2, 3}) end))))
