// The gate and the runtime with hand-written clones: what runtime/tests does in user mode.
// privbox: -fprivbox-fn=box_nothing -fprivbox-outside=[!b]*
// with: ../../runtime/tests/box.S
// flags: -pthread -Wno-unused-parameter
// env: PRIVBOX=kernel
// limit: 120
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../../runtime/tests/basic.c"

/* The compiler wants one. */
void box_nothing(void) {}
