/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Puts the variadic arguments of a call into the call block of a call-out (docs/box-abi.md).
 */
#include "library.h"

struct call_block {
	uint64_t gp[6], reserved[2];
	uint64_t vec[8][4];
	uint64_t nstack, flags;
	uint64_t result[14];
	uint64_t stack[];
};
_Static_assert(offsetof(struct call_block, vec) == 64, "box ABI");
_Static_assert(offsetof(struct call_block, nstack) == 320, "box ABI");
_Static_assert(offsetof(struct call_block, stack) == 448, "box ABI");

/* Words of the register save area that a va area starts with: six integer, eight vector registers of two. */
#define SAVED_GP 6
#define SAVED 22

void __privbox_va_block(struct call_block *block, const uint64_t *area, uint64_t words, uint32_t gp,
			uint32_t vec, uint32_t stack);

/* `gp`, `vec`, `stack`: what the named arguments took. The area's stack words start with one of padding if
 * those on the stack end at an odd word. */
BOX void __privbox_va_block(struct call_block *block, const uint64_t *area, uint64_t words,
			    uint32_t gp, uint32_t vec, uint32_t stack)
{
	block->nstack = stack;
	if (!area)	/* no variadic arguments */
		return;
	for (; gp < 6; gp++)
		block->gp[gp] = area[gp];
	for (; vec < 8; vec++) {
		block->vec[vec][0] = area[SAVED_GP + 2 * vec];
		block->vec[vec][1] = area[SAVED_GP + 2 * vec + 1];
	}
	if (!words)
		return;
	uint64_t *to = block->stack + (stack & ~1u);
	for (uint64_t i = stack & 1; i < words; i++)
		to[i] = area[SAVED + i];
	block->nstack = (stack & ~1u) + words;
}
