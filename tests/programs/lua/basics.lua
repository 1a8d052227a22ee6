-- The language: closures, varargs, metatables, integer and float arithmetic, goto, string formatting.
local function fold(f, s, ...) for i = 1, select('#', ...) do s = f(s, (select(i, ...))) end return s end
print(fold(function(a, b) return a * 3 + b end, 1, 2, 3, 4.5, 6))
local function counter() local n = 0 return function(k) n = n + (k or 1) return n end end
local a, b = counter(), counter()
print(a(), a(5), b(), a())
local V = {}
V.__index = V
V.__add = function(x, y) return setmetatable({x[1] + y[1], x[2] + y[2]}, V) end
V.__eq = function(x, y) return x[1] == y[1] and x[2] == y[2] end
V.__lt = function(x, y) return x[1] < y[1] end
V.__le = function(x, y) return x[1] <= y[1] end
V.__tostring = function(x) return '(' .. x[1] .. ',' .. x[2] .. ')' end
V.__call = function(x, k) return x[k] end
V.__len = function() return 77 end
V.__concat = function(x, y) return tostring(x) .. '~' .. tostring(y) end
V.__unm = function(x) return setmetatable({-x[1], -x[2]}, V) end
V.__close = function(x) print('closed', tostring(x)) end
local function v(x, y) return setmetatable({x, y}, V) end
print(tostring(v(1, 2) + v(3, 4)), v(1, 2) == v(1, 2), v(1, 9) < v(2, 0), v(1, 1) <= v(1, 0), v(5, 6)(2), #v(0, 0), v(1, 2) .. v(3, 4), tostring(-v(1, 2)))
do local c <close> = v(8, 9) local d <const> = 5 print(d) end
print(7 // 2, -7 // 2, 7 % -3, 7.5 // 2, 2 ^ 0.5, 1 / 0, -1 / 0, 0 / 0 ~= 0 / 0, 3 | 4, 7 & ~2, 1 << 62, 1 << 64, 5 ~ 3, math.maxinteger + 1 == math.mininteger)
print(10 == 10.0, '10' + 5, 10 .. '', 0x7fffffffffffffff, 1e15, 1e16, 123456.789e3, 2^53, -0.0, 100 // 1e-1)
print(math.type(1), math.type(1.0), math.tointeger(3.0), math.floor(-3.5), math.ceil(3.2), math.fmod(-7, 3), math.ult(1, -1), math.abs(-4), math.max(1, 5, 3))
for i = 10, 1, -3 do io.write(i, ' ') end
for i = 1.0, 2, 0.25 do io.write(i, ' ') end
print()
for i = 1, 3 do for j = 1, 3 do if j == 2 then goto continue end io.write(i, ':', j, ' ') ::continue:: end end
print()
print(string.format('%5d|%-8s|%08.3f|%x|%q|%g|%i|%c|%%|%a', 42, 'abc', 3.14159, 255, 'a\n"b"\0', 1e20, 7, 65, 1.0))
local t = {5, 2, 8, 1, 9, 3}
table.sort(t) print(table.concat(t, ' '))
table.sort(t, function(x, y) return x > y end) print(table.concat(t, ' '))
table.insert(t, 3, 100) table.remove(t, 1) print(table.concat(t, ','), #t, table.unpack(t, 2, 4))
print(table.concat(table.move({1, 2, 3}, 1, 3, 2, {9}), ' '), table.pack(1, nil, 3).n, next({}), rawlen({1, 2}), rawequal(t, t))
print(select(-2, 'a', 'b', 'c'))
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(22))
local function tail(n, s) if n == 0 then return s end return tail(n - 1, s + n) end
print(tail(100000, 0))
print(load('return 1 + ...')(41), load('syntax error here'), type(load(function() return nil end)))
print(pcall(string.dump, print), load(string.dump(function(x) return x * 2 end))(21))
