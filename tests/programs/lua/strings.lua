-- Strings: patterns, gsub, formats, packing, utf8, buffers, comparison, a word count over generated text.
local text = ('The quick brown fox jumps over the lazy dog. '):rep(50)
print(#text, text:find('lazy'), text:find('%a+', 10), text:match('(%w+) (%w+)%.'), select(2, text:gsub('o', '0')))
print(('hello world'):gsub('(%w+)', '<%1>'), ('abc'):gsub('', '-'), ('x = 1, y = 2'):gsub('(%w+) = (%w+)', '%2 = %1'), ('a,b,,c'):gsub(',', {[','] = ';'}), ('abc'):gsub('%w', function(c) return c:byte() .. '.' end, 2))
local words = {}
for w in text:gmatch('%a+') do w = w:lower() words[w] = (words[w] or 0) + 1 end
local keys = {} for k in pairs(words) do keys[#keys + 1] = k end table.sort(keys)
for _, k in ipairs(keys) do io.write(k, '=', words[k], ' ') end print()
print(('f(a(b)c)d'):match('%b()'), ('THE (quick) fox'):find('%((%a+)%)'), ('key = value'):match('^(%w+)%s*=%s*(%w+)$'), ('%d'):gsub('%%d', 'x'), ('a.b'):find('.', 1, true), ('THE fox'):match('%f[%l]%l+'))
print(('abc'):rep(3, '-'), ('abc'):reverse(), ('abc'):sub(-2), ('abc'):sub(2, 10), ('abc'):byte(1, -1), string.char(72, 105), ('MiXed'):upper(), ('MiXed'):lower(), ('abc'):len())
print('a' < 'b', 'a' < 'B', 'abc' < 'abd', '' < 'a', 'Z' < 'a', 'a\0b' < 'a\0c')
local p = string.pack('<i4 >i2 z s1 d f B', -5, 1000, 'zero', 'counted', 1.5, 2.5, 200)
print(#p, string.unpack('<i4 >i2 z s1 d f B', p))
print(string.packsize('i4 i8 d'), pcall(string.unpack, 'i4', 'abc'))
print(utf8.char(228, 8364, 128512), utf8.len('äö€'), utf8.codepoint('€', 1), utf8.offset('aäb', 3), #utf8.charpattern)
for p, c in utf8.codes('aä€') do io.write(p, ':', c, ' ') end print()
local parts = {} for i = 1, 3000 do parts[#parts + 1] = string.format('%d:%s', i, ('x'):rep(i % 7)) end
local joined = table.concat(parts, ',')
local h = 0 for i = 1, #joined do h = (h * 31 + joined:byte(i)) % 4294967296 end print(#joined, h)
local s = '' for i = 1, 300 do s = s .. i end print(#s, s:sub(-10))
print(tostring(12345.678), 1e100, 0.1, 1/3, 100, -5 % 3, 2^63, math.pi, ('%.20f'):format(0.1), ('%5.1f|%-5d|%+d'):format(3.14159, 42, 7))
print(('x'):rep(0) == '', ('x'):rep(-1) == '', tostring('x'), #('\u{7FFFFFFF}'), '\x41\65\z
   B')
print(pcall(string.format, '%d', 1.5), pcall(string.format, '%y', 1), pcall(('x').find, 'x', '['), pcall(('x').gsub, 'x', '(', ''))
local function split(s, sep) local r = {} for piece in (s .. sep):gmatch('(.-)' .. sep:gsub('%p', '%%%0')) do r[#r + 1] = piece end return r end
print(table.concat(split('a.b.c', '.'), '|'), #split('', ','), table.concat(split('1,2,,3', ','), '|'))
