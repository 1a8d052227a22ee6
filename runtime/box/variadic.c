/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Spreads the variadic arguments of a call over the call block of a call-out (docs/box-abi.md).
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

void __privbox_va_block(struct call_block *block, const uint64_t *area, const char *kinds, uint32_t gp,
			uint32_t vec, uint32_t stack);

BOX void __privbox_va_block(struct call_block *block, const uint64_t *area, const char *kinds,
			    uint32_t gp, uint32_t vec, uint32_t stack)
{
	for (; *kinds; kinds++, area++) {
		char kind = *kinds;
		uint32_t words = 1 + (kind == 'v');

		if (kind == 'p')	/* padding of the area, not of the call's stack */
			continue;
		if (kind == 'i' && gp < 6) {
			block->gp[gp++] = area[0];
			continue;
		}
		if ((kind == 's' || words == 2) && vec < 8) {
			block->vec[vec][0] = area[0];
			if (words == 2)
				block->vec[vec][1] = area[1];
			vec++;
		} else {
			/* 'M' is the first word of one that is aligned to 16 bytes, 'm' another word. */
			if (kind == 'M' || words == 2)
				stack += stack & 1;
			block->stack[stack++] = area[0];
			if (words == 2)
				block->stack[stack++] = area[1];
		}
		kinds += words - 1;
		area += words - 1;
	}
	block->nstack = stack;
}
