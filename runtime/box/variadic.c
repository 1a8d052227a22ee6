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
		switch (*kinds) {
		case 'i':
			if (gp < 6)
				block->gp[gp++] = *area;
			else
				block->stack[stack++] = *area;
			break;
		case 's':
			if (vec < 8)
				block->vec[vec++][0] = *area;
			else
				block->stack[stack++] = *area;
			break;
		case 'v':
			if (vec < 8) {
				block->vec[vec][0] = area[0];
				block->vec[vec++][1] = area[1];
			} else {
				stack += stack & 1;
				block->stack[stack++] = area[0];
				block->stack[stack++] = area[1];
			}
			kinds++;
			area++;
			break;
		case 'M':		/* the first word of one that is aligned to 16 bytes */
			stack += stack & 1;
			block->stack[stack++] = *area;
			break;
		case 'm':
			block->stack[stack++] = *area;
			break;
		default:		/* 'p': padding of the area, not of the call's stack */
			break;
		}
	}
	block->nstack = stack;
}
