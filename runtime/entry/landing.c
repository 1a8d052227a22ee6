/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Where a longjmp of normal code to a setjmp of the box arrives (setjmp.S). The throw is done in the
 * box, by an activation of its own, which is abandoned with everything else.
 */
#include "state.h"
#include <stdatomic.h>

/* Comes back only if the token is not live. */
void __privbox_throw_from_outside(uint64_t token, long value, long site) PB_HIDDEN;

_Noreturn void __privbox_dead_jump(void) PB_HIDDEN;
void __privbox_dead_jump(void)
{
	__privbox_fail("longjmp to a function of the box that has returned",
		       "the program's setjmp is no longer active (undefined behaviour in C)");
}

_Noreturn void __privbox_land(long value, const uint64_t *token, long site) PB_HIDDEN;
void __privbox_land(long value, const uint64_t *token, long site)
{
	/* A handler that interrupted the box jumped: what it interrupted is abandoned, and below the
	 * innermost records the safe stack is free. */
	if (!__privbox_safe_sp) {
		__privbox_tag = PB_KEEP_ALL;
		atomic_signal_fence(memory_order_seq_cst);
		__privbox_safe_sp = __privbox_below_records();
	}
	__privbox_throw_from_outside(*token, value, site);
	__privbox_dead_jump();
}
