-- Garbage collection: both modes, finalizers, weak tables, big and many objects, resurrection, user data of files.
collectgarbage('generational')
local keep = {}
for i = 1, 30000 do local t = {i, tostring(i), {i}} if i % 100 == 0 then keep[#keep + 1] = t end end
print(#keep, keep[100][2])
collectgarbage('incremental')
local finalized = 0
for i = 1, 1000 do setmetatable({}, {__gc = function() finalized = finalized + 1 end}) end
collectgarbage() collectgarbage()
print(finalized)
local weak = setmetatable({}, {__mode = 'k'})
local strong = {}
for i = 1, 100 do local k = {} weak[k] = i if i % 10 == 0 then strong[#strong + 1] = k end end
collectgarbage()
local n = 0 for k, v in pairs(weak) do n = n + 1 end print(n)
local values = setmetatable({}, {__mode = 'v'})
values[1] = {} values[2] = keep values[3] = 'string'
collectgarbage() print(values[1], values[2] == keep, values[3])
local saved
do local t = setmetatable({'back'}, {__gc = function(o) saved = o end}) t = nil end
collectgarbage() collectgarbage() print(saved and saved[1])
local big = {} for i = 1, 200 do big[i] = ('x'):rep(10000) .. i end
local before = collectgarbage('count') big = nil collectgarbage() print(collectgarbage('count') < before - 1000)
local list for i = 1, 50000 do list = {next = list, i} end
local s = 0 while list do s = s + list[1] list = list.next end print(s)
for i = 1, 100 do collectgarbage('step', 10) end
local t = {} for i = 1, 20000 do t['k' .. i % 500] = (t['k' .. i % 500] or 0) + i end for i = 1, 400 do t['k' .. i] = nil end
local c = 0 for k, v in pairs(t) do c = c + v end print(c)
local m = {} for i = 1, 60 do m[i] = {} for j = 1, 60 do m[i][j] = i * j % 7 + 0.5 end end
local tr = 0 for i = 1, 60 do for j = 1, 60 do local x = 0 for k = 1, 60 do x = x + m[i][k] * m[k][j] end if i == j then tr = tr + x end end end print(tr)
local f = assert(io.tmpfile()) f:write('one\n', 2, '\nthree 3.5 0x10\n') f:seek('set')
for l in f:lines() do io.write('[', l, ']') end f:seek('set', 6) print(f:read('l', 'n'), f:read(1, 'a')) f:close() print(pcall(f.read, f), io.type(f))
print(os.time({year = 2020, month = 1, day = 1, hour = 12}) > 0, os.date('!%Y-%m-%d', 0), type(os.clock()), os.getenv('NO_SUCH_VARIABLE'))
