/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Forgetting activations that normal code left by longjmp or by an exception. Called by the gate
 * while the results of a call-out are in vector registers: these functions use none, and call
 * nothing that returns.
 */
#include "state.h"
#include <stdatomic.h>

#define NO_VECTORS __attribute__((target("general-regs-only")))

/* Under the mark __privbox_forgetting. A handler that interrupts this may put its activation over the record
 * as soon as safe_sp leads above it: everything is read before. */
NO_VECTORS void __privbox_pop_activation(void)
{
	volatile struct pb_activation *at = __privbox_activation;
	struct pb_activation a = *at;

	atomic_signal_fence(memory_order_seq_cst);
	__privbox_va_area = a.va_area;
	__privbox_va_words = a.va_words;
	__privbox_try_head = a.try_head;
	__privbox_tag = a.tag;
	atomic_signal_fence(memory_order_seq_cst);
	__privbox_activation = a.prev;
	atomic_signal_fence(memory_order_seq_cst);
	__privbox_safe_sp = a.safe_sp;
	atomic_signal_fence(memory_order_seq_cst);
	__privbox_unsafe_sp = a.unsafe_sp;
}

/* Below the innermost records: free if what ran there in the box was abandoned. */
NO_VECTORS uintptr_t __privbox_below_records(void)
{
	uintptr_t try = __privbox_try_head, activation = (uintptr_t)__privbox_activation;
	/* A record of try in another block is older than the activation. */
	bool newer = try && try < activation && (try ^ activation) >> PB_BLOCK_SHIFT == 0;

	return newer ? try : activation;
}

/* Handlers see by the frame's address that this function is at it. */
#define FORGET_WHILE(condition)                                                                    \
	do {                                                                                       \
		__privbox_forgetting = (uintptr_t)__builtin_frame_address(0);                      \
		atomic_signal_fence(memory_order_seq_cst);                                         \
		while (condition) {                                                                \
			if (!__privbox_activation)                                                 \
				__privbox_fail("a call out of the box returned out of order",      \
					       "coroutines must not switch stacks inside call-outs"); \
			__privbox_pop_activation();                                                \
		}                                                                                  \
		atomic_signal_fence(memory_order_seq_cst);                                         \
		__privbox_forgetting = 0;                                                          \
	} while (0)

void __privbox_callout_fixup(uintptr_t safe_sp) PB_HIDDEN;

/* A call-out returned to safe_sp, but the thread's last call-out was another one. */
NO_VECTORS void __privbox_callout_fixup(uintptr_t safe_sp)
{
	FORGET_WHILE(__privbox_safe_sp != safe_sp);
}

void __privbox_forget_younger(const struct pb_activation *own) PB_HIDDEN;

/* Kernel mode: the box goes on in `own`, or will. */
NO_VECTORS void __privbox_forget_younger(const struct pb_activation *own)
{
	FORGET_WHILE(__privbox_activation != own);
}
