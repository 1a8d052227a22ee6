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
	for f in "$here"/gate/*.S "$here"/entry/*.[cS] "$here"/box/*.S; do
		f=${f#"$here/"}
		"$CC" $flags "$@" -c "$here/$f" -o "$lib/$(echo "${f%.*}" | tr / -).o"
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
		PRIVBOX=user timeout 200 "$name" >"$name.out" || { echo "FAILED $name: $?"; tail -3 "$name.out"; exit 1; }
		PRIVBOX=off timeout 200 "$name" off >/dev/null || { echo "FAILED off $name"; exit 1; }
	done
done
# A signal at every instruction: one link mode is enough.
name=$out/step
"$CC" -g -O2 -fPIC -static-pie -fuse-ld=lld-22 -Wl,-z,separate-code -Wl,--gc-sections -Wl,-T,"$script" \
	"$here/tests/step.c" "$here/tests/box.S" "$out/libprivbox.a" -o "$name"
PRIVBOX=user timeout 300 "$name" >"$name.out" || { echo "FAILED $name"; tail -3 "$name.out"; exit 1; }
name=$out/basic-strict
"$CC" -g -O2 -static -no-pie -fuse-ld=lld-22 -DPRIVBOX_STRICT -Wl,-z,separate-code -Wl,--gc-sections -Wl,-T,"$script" \
	"$here/tests/basic.c" "$here/tests/box.S" "$out/libprivbox-strict.a" -lpthread -o "$name"
PRIVBOX=user timeout 200 "$name" >"$name.out" || { echo "FAILED $name"; exit 1; }

objects=
for f in string integer rounding arithmetic printf; do
	"$CC" -std=c17 -O2 -Wall -Wextra -Werror -c "$here/box/$f.c" -o "$out/native-$f.o"
	objcopy --prefix-symbols=box_ "$out/native-$f.o"
	objects="$objects $out/native-$f.o"
done
"$CC" -O2 -fno-builtin "$here/tests/library.c" $objects "$out"/libprivbox/box-scan.o -lm -o "$out/library"
timeout 100 "$out/library"

# The environment: values, the status expected.
try() {
	status=0
	env "$1" timeout 20 "$out/basic-lld-22--pie" off >/dev/null 2>"$out/try.err" || status=$?
	[ "$status" = "$2" ] || { echo "FAILED: $1 gave status $status, not $2"; exit 1; }
	[ "$2" != 125 ] || grep -q valid "$out/try.err" || grep -q module "$out/try.err" ||
		{ echo "FAILED: $1 gave no useful message"; exit 1; }
}
try PRIVBOX=auto 0
try PRIVBOX=off 0
try PRIVBOX= 0
try PRIVBOX=kernel 125
try PRIVBOX=usermode 125
try "PRIVBOX=$(printf 'a\033[31m%%n%%s\n\377')" 125
try "PRIVBOX=$(head -c 100000 /dev/zero | tr '\0' u)" 125
try PRIVBOX_STATS=yes 125
try PRIVBOX_STATS=0 0
PRIVBOX=off PRIVBOX_STATS=1 "$out/basic-lld-22--pie" off 2>&1 | grep -q '^privbox: mode=off entries=0 '
echo "all runtime tests passed"
