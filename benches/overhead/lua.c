/*
 * Lua: recursion, tables, closures, strings, patterns, sorting, coroutines and protected calls. The state
 * allocates from a segregated pool of ours, so that allocations are work in the box and not calls out.
 */
#include "workload.h"

#include <stdio.h>
#include <string.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static const char script[] =
	"local rounds = ...\n"
	"local sum = 0\n"
	"local function add(x) sum = (sum * 31 + x) % 1000000007 end\n"
	"local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n"
	"local function queens(n)\n"
	"  local cols, up, down, count = {}, {}, {}, 0\n"
	"  local function place(row)\n"
	"    if row > n then count = count + 1 return end\n"
	"    for c = 1, n do\n"
	"      if not cols[c] and not up[row + c] and not down[row - c] then\n"
	"        cols[c], up[row + c], down[row - c] = true, true, true\n"
	"        place(row + 1)\n"
	"        cols[c], up[row + c], down[row - c] = nil, nil, nil\n"
	"      end\n"
	"    end\n"
	"  end\n"
	"  place(1)\n"
	"  return count\n"
	"end\n"
	"local Point = {} Point.__index = Point\n"
	"function Point.new(x, y) return setmetatable({ x = x, y = y }, Point) end\n"
	"Point.__add = function(a, b) return Point.new(a.x + b.x, a.y + b.y) end\n"
	"for round = 1, rounds do\n"
	"  add(fib(19)) add(queens(6))\n"
	"  local words = {}\n"
	"  for i = 1, 1500 do words[i] = ('w%d-%x'):format(i * 7919 % 1501, i + round) end\n"
	"  table.sort(words)\n"
	"  local text = table.concat(words, ' ')\n"
	"  for a, b in text:gmatch('w(%d+)%-(%x+)') do add(#a + tonumber(b, 16)) end\n"
	"  add(#text:gsub('%d%d', function(d) return d .. '!' end))\n"
	"  local p = Point.new(0, 0)\n"
	"  for i = 1, 2000 do p = p + Point.new(i, -i) end\n"
	"  add(p.x - p.y)\n"
	"  local co = coroutine.wrap(function() for i = 1, 500 do coroutine.yield(i) end return 0 end)\n"
	"  for i = 1, 500 do add(co()) end\n"
	"  for i = 1, 200 do local ok, e = pcall(error, i) add(e) end\n"
	"  local t = {} for i = 1, 3000 do t[i % 100 .. ''] = (t[i % 100 .. ''] or 0) + i end\n"
	"  add(t['42'])\n"
	"end\n"
	"return sum\n";

/* Powers of two from 16 bytes on, a free list each; nothing is ever merged. */
enum { classes = 23 };

static _Alignas(16) unsigned char arena[64 << 20];
static size_t used;
static void *free_lists[classes];

static int class_of(size_t size)
{
	int class = 0;

	while (((size_t)16 << class) < size)
		class++;
	return class;
}

static void *allocate(void *opaque, void *block, size_t old, size_t new)
{
	int from = block ? class_of(old) : -1, to = new ? class_of(new) : -1;
	void *result;

	(void)opaque;
	if (from == to)
		return block;
	if (to < 0) {
		memcpy(block, &free_lists[from], sizeof(void *));
		free_lists[from] = block;
		return NULL;
	}
	if (to >= classes)
		return NULL;
	if (free_lists[to]) {
		result = free_lists[to];
		memcpy(&free_lists[to], result, sizeof(void *));
	} else if (((size_t)16 << to) <= sizeof(arena) - used) {
		result = arena + used;
		used += (size_t)16 << to;
	} else {
		return NULL;
	}
	if (from >= 0) {
		memcpy(result, block, old < new ? old : new);
		memcpy(block, &free_lists[from], sizeof(void *));
		free_lists[from] = block;
	}
	return result;
}

uint64_t workload(unsigned rounds)
{
	lua_State *state = lua_newstate(allocate, NULL);
	uint64_t sum;

	if (!state)
		fail("lua_newstate");
	luaL_openlibs(state);
	if (luaL_loadbufferx(state, script, sizeof(script) - 1, "workload", "t") != LUA_OK)
		fail(lua_tostring(state, -1));
	lua_pushinteger(state, (lua_Integer)rounds * 3);
	if (lua_pcall(state, 1, 1, 0) != LUA_OK)
		fail(lua_tostring(state, -1));
	sum = (uint64_t)lua_tointeger(state, -1);
	lua_close(state);
	return sum;
}
