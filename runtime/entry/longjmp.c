/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * longjmp in normal code to a jmp_buf that setjmp filled in the box (docs/box-abi.md): the pass
 * calls this instead of longjmp. The throw is done in the box, by an activation of its own, which
 * is abandoned with everything else.
 */
#include "state.h"
#include <setjmp.h>

#define JUMP_MAGIC 0x50425f4a4d505f31

struct box_jump {
	uint64_t magic, token, site;
};

/* box/throw.S: enters the box for the gate's throw; comes back only if the token is not live. */
long __privbox_throw_from_outside(uint64_t token, long value, long site) PB_HIDDEN;

_Noreturn void __privbox_longjmp(jmp_buf env, int value) PB_HIDDEN;
void __privbox_longjmp(jmp_buf env, int value)
{
	const struct box_jump *jump = (const struct box_jump *)(const void *)env;

	if (jump->magic != JUMP_MAGIC)
		longjmp(env, value);
	__privbox_throw_from_outside(jump->token, value ? value : 1, (long)jump->site);
	__privbox_fail("longjmp to a function of the box that has returned",
		       "the program's setjmp is no longer active (undefined behaviour in C)");
}
