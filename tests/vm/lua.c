// Lua, unmodified, all of it in the box, with those scripts of tests/programs that do not call out a million times.
// privbox: -fprivbox-fn=main
// sources: lua lapi.c lauxlib.c lbaselib.c lcode.c lcorolib.c lctype.c ldblib.c ldebug.c ldo.c ldump.c lfunc.c lgc.c linit.c liolib.c llex.c lmathlib.c lmem.c loadlib.c lobject.c lopcodes.c loslib.c lparser.c lstate.c lstring.c lstrlib.c ltable.c ltablib.c ltm.c lundump.c lutf8lib.c lvm.c lzio.c
// flags: -w -lm -DLUA_USE_POSIX
// args: ../programs/lua/basics.lua ../programs/lua/coroutines.lua ../programs/lua/strings.lua
// compare
// only: 6.12 pti=on smp=2
// limit: 300
#include "../programs/lua.c"
