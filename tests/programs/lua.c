// Lua: runs the scripts named in its arguments, each in a protected call in a state of its own, then all in one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"
static int traceback(lua_State *L) {
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}
// A C function that Lua calls with an upvalue and that may throw.
static int checked(lua_State *L) {
    lua_Integer n = luaL_checkinteger(L, 1);
    lua_pushinteger(L, n + lua_tointeger(L, lua_upvalueindex(1)));
    if (n < 0) return luaL_error(L, "negative: %d", (int)n);
    return 1;
}
static int finish(lua_State *L, int status, lua_KContext k) {
    lua_pushinteger(L, (lua_Integer)k + status);
    return 1;
}
// Yields across a C frame.
static int pause_(lua_State *L) { return lua_yieldk(L, lua_gettop(L), 7, finish); }
static int run(lua_State *L, const char *script) {
    const char *name = strrchr(script, '/');
    printf("== %s\n", name ? name + 1 : script);
    lua_pushcfunction(L, traceback);
    int status = luaL_loadfile(L, script);
    if (status == LUA_OK) status = lua_pcall(L, 0, 0, -2);
    if (status != LUA_OK) printf("failed: %d %s\n", status, lua_tostring(L, -1));
    lua_settop(L, 0);
    return status != LUA_OK;
}
static lua_State *make(void) {
    lua_State *L = luaL_newstate();
    if (!L) exit(2);
    // The seed of string hashes is an address: nothing printed may depend on the order of a table.
    luaL_openlibs(L);
    lua_pushinteger(L, 100);
    lua_pushcclosure(L, checked, 1);
    lua_setglobal(L, "checked");
    lua_register(L, "pause", pause_);
    return L;
}
int main(int argc, char **argv) {
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        lua_State *L = make();
        failed += run(L, argv[i]);
        lua_close(L);
    }
    lua_State *L = make();
    for (int i = argc - 1; i > 0; i--) failed += run(L, argv[i]);
    static const char last[] = "print(checked(5), pcall(checked, -1), pcall(checked, {}))"
                               "local c = coroutine.wrap(function() return pause(1, 2) end) print(c()) print(c())";
    if (luaL_dostring(L, last)) printf("failed: %s\n", lua_tostring(L, -1));
    lua_close(L);
    printf("%s\n", LUA_RELEASE);
    return failed;
}
