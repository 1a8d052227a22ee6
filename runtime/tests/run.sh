#!/bin/sh
# Builds libprivbox.a as runtime/build.md says and runs the tests of this folder, in all link modes.
# For work on the runtime alone; `cargo xtask test` runs the same files.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
out=${OUT:-/tmp/privbox-runtime}
CC=${CC:-clang-22}
flags="-std=gnu11 -Werror -fvisibility=hidden -O2 -fPIC -g -Wall -Wextra -fno-stack-protector -ffunction-sections"
build() { # build NAME EXTRA...: libNAME.a
	lib=$out/$1; shift
	mkdir -p "$lib"; rm -f "$lib"/*.o "$lib.a"
	for f in gate/gate.S entry/enter.S entry/thread.c entry/activation.c \
		entry/longjmp.c entry/table.c entry/start.c entry/strict.c \
		box/memory.S box/syscalls.S box/throw.S; do
		"$CC" $flags "$@" -c "$here/$f" -o "$lib/$(basename "${f%.*}").o"
	done
	ar rcs "$lib.a" "$lib"/*.o
}
build libprivbox
build libprivbox-strict -DPRIVBOX_STRICT=1
script=$here/../linker-script/privbox.ld
for ld in lld-22 bfd; do
	for mode in "-static -no-pie" "-static-pie" "-pie" "-no-pie"; do
		name=$out/basic-$ld-$(echo "$mode" | tr -d ' ')
		"$CC" -g -O2 -fPIC $mode -fuse-ld=$ld -Wl,-z,separate-code -Wl,--gc-sections -Wl,-T,"$script" \
			"$here/tests/basic.c" "$here/tests/box.S" "$out/libprivbox.a" -lpthread -o "$name"
		PRIVBOX=user timeout 60 "$name" >"$name.out" || { echo "FAILED $name: $?"; tail -3 "$name.out"; exit 1; }
		PRIVBOX=off timeout 60 "$name" off >/dev/null || { echo "FAILED off $name"; exit 1; }
	done
done
name=$out/basic-strict
"$CC" -g -O2 -static -no-pie -fuse-ld=lld-22 -DPRIVBOX_STRICT -Wl,-z,separate-code -Wl,--gc-sections -Wl,-T,"$script" \
	"$here/tests/basic.c" "$here/tests/box.S" "$out/libprivbox-strict.a" -lpthread -o "$name"
PRIVBOX=user timeout 60 "$name" >"$name.out" || { echo "FAILED $name"; exit 1; }
echo "all runtime tests passed"
