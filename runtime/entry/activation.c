/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Forgetting activations that normal code left by longjmp or by an exception. Called by the gate
 * while the results of a call-out are in vector registers: these functions use none, and call
 * nothing that returns.
 */
#include "state.h"

#define NO_VECTORS __attribute__((target("general-regs-only")))

NO_VECTORS void __privbox_pop_activation(void)
{
	struct pb_activation *a = __privbox_activation;

	__privbox_va_area = a->va_area;
	__privbox_va_desc = a->va_desc;
	__privbox_try_head = a->try_head;
	__privbox_unsafe_sp = a->unsafe_sp;
	__privbox_activation = a->prev;
	__privbox_safe_sp = a->safe_sp;
}

void __privbox_callout_fixup(uintptr_t safe_sp) PB_HIDDEN;

/* A call-out returned to safe_sp, but the thread's last call-out was another one. */
NO_VECTORS void __privbox_callout_fixup(uintptr_t safe_sp)
{
	while (__privbox_safe_sp != safe_sp) {
		if (!__privbox_activation)
			__privbox_fail("a call out of the box returned out of order",
				       "coroutines must not switch stacks inside call-outs");
		__privbox_pop_activation();
	}
}
