/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The gate's translation table: from the normal address of a function to its clone.
 *
 * The slot of an address is its low 32 bits under the mask, taken as a byte offset: functions are
 * mostly 16-byte aligned and slots have 16 bytes, so nothing is shifted or multiplied. The table
 * is large enough that nearly every function has its slot for itself, and the thunk's first
 * comparison decides. Others go to the next free slot; there is room behind the last one, so
 * probing never wraps and always ends at a free slot.
 */
#define _GNU_SOURCE
#include "state.h"
#include <sys/mman.h>

#define PAGE 4096
#define MAX_GROWTH 4	/* at most 2^4 times the smallest power of two that holds all */
#define MAX_BYTES (1 << 20)	/* larger than that only if more than a sixteenth is not at home */

static struct pb_slot empty[1] = { { PB_EMPTY, 0 } };

/* A page of its own, because it becomes read-only. */
union {
	struct pb_table table;
	char page[PAGE];
} storage __asm__("__privbox_table") PB_HIDDEN __attribute__((aligned(PAGE))) = {
	.table = { 0, empty, 0 },
};

struct entry {
	uintptr_t normal, clone;
};

static struct pb_slot *home(struct pb_slot *slots, uint64_t mask, uintptr_t address)
{
	return (struct pb_slot *)((char *)slots + ((uint32_t)address & mask));
}

/* Fills the slots and returns how many functions are not at home. */
static size_t fill(struct pb_slot *slots, uint64_t mask, size_t total, const struct entry *map,
		   size_t n)
{
	size_t displaced = 0;

	for (size_t i = 0; i < total; i++)
		slots[i] = (struct pb_slot){ PB_EMPTY, 0 };
	for (size_t i = 0; i < n; i++) {
		if (!map[i].clone || !map[i].normal)
			continue;
		struct pb_slot *at = home(slots, mask, map[i].normal), *s = at;
		while (s->normal != PB_EMPTY && s->normal != map[i].normal)
			s++;
		if (s->normal == map[i].normal)
			continue;	/* several units take the same function's address */
		displaced += s != at;
		*s = (struct pb_slot){ map[i].normal, map[i].clone };
	}
	return displaced;
}

/* The linker's table is relocated: nobody writes to it any more. */
void __privbox_protect_map(void)
{
	mprotect(__privbox_map_page_start, (size_t)(__privbox_map_page_end - __privbox_map_page_start),
		 PROT_READ);
}

/* False: no memory. */
bool __privbox_build_table(void)
{
	const struct entry *map = (const struct entry *)__privbox_map_start;
	size_t n = (size_t)(__privbox_map_end - __privbox_map_start) / 2;
	size_t size = 1, grow = 0;

	__privbox_protect_map();
	while (size < 2 * n)
		size *= 2;
	for (; n; grow++, size *= 2) {
		size_t total = size + n + 1, bytes = (total * sizeof(struct pb_slot) + PAGE - 1) & -PAGE;
		struct pb_slot *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (slots == MAP_FAILED)
			return false;
		uint64_t mask = (size - 1) * sizeof(struct pb_slot);
		size_t displaced = fill(slots, mask, total, map, n);
		/* Each may be the one that a hot loop calls: as few as memory in measure allows. */
		bool large = 2 * bytes > MAX_BYTES && displaced * 16 <= n;
		if (displaced * 256 <= n || large || grow == MAX_GROWTH) {
			mprotect(slots, bytes, PROT_READ);
			storage.table = (struct pb_table){ mask, slots, n };
			break;
		}
		munmap(slots, bytes);
	}
	return !mprotect(&storage, sizeof storage, PROT_READ);
}
