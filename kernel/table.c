// SPDX-License-Identifier: GPL-2.0
/*
 * The thunk's table: from normal addresses to clones. The thunk jumps to nothing but what stands in it, so each target
 * is the start of a function that the digest covers (requirement 10 of docs/threat-model.md; contract, rule 12).
 *
 * The slot of an address is at byte offset (u32)address & mask, then upwards. There is room for the longest
 * probe behind the last slot and a free slot behind that, so that probing never wraps and always ends.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "privbox.h"
#include "table.h"

#define MAX_MAP (1UL << 22)
#define MAX_PROBE 1024UL
#define MAX_GROWTH 4	/* at most 2^4 times the smallest power of two that holds all */
#define MAX_BYTES (1UL << 30)	/* kvmalloc() warns about more than 2^31 */
#define FREE_SLOT (~0UL)

struct building {
	struct pb_process *process;
	const struct privbox_map *map;
	u64 n_map;
	u64 displaced;	/* entries that are not at home */
};

/* 0; E2BIG: too many others want the same slot. */
static int insert(struct building *building, unsigned long normal, unsigned long clone)
{
	struct pb_process *process = building->process;
	struct pb_slot *slot = (void *)process->slots + ((u32)normal & process->mask);
	unsigned long i;

	for (i = 0; i < MAX_PROBE; i++, slot++) {
		if (slot->normal == normal)
			return 0;	/* several units take the same function's address: the first one counts */
		if (slot->normal != FREE_SLOT)
			continue;
		slot->normal = normal;
		slot->clone = clone;
		building->displaced += i > 0;
		return 0;
	}
	return -E2BIG;
}

static int pause_now_and_then(u64 i)
{
	if (i % 4096)
		return 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int fill(struct building *building, unsigned long n_slots)
{
	struct pb_process *process = building->process;
	const struct pb_image *image = process->image;
	int error = 0;
	u64 i;

	memset(process->slots, 0xff, n_slots * sizeof(*process->slots));
	building->displaced = 0;
	/* First: no entry of the process's can say anything else of a clone. */
	for (i = 0; i < image->n_starts && !error; i++) {
		unsigned long start = process->base + image->starts[i];

		error = insert(building, start, start) ?: pause_now_and_then(i);
	}
	for (i = 0; i < building->n_map && !error; i++) {
		const struct privbox_map *one = &building->map[i];

		/* Weak functions that no unit defines. */
		if (!one->normal || !one->clone)
			continue;
		error = insert(building, one->normal, one->clone) ?: pause_now_and_then(i);
	}
	return error;
}

/* The process's word is believed for normal addresses: where they do not lead, its own calls do not lead. */
static int check_map(const struct building *building)
{
	const struct pb_process *process = building->process;
	u64 i;

	for (i = 0; i < building->n_map; i++) {
		const struct privbox_map *one = &building->map[i];

		if (one->clone && !pb_image_starts(process->image, one->clone - process->base))
			return -EINVAL;
		if (one->normal >= TASK_SIZE_MAX)
			return -EINVAL;
		if (pause_now_and_then(i))
			return -EINTR;
	}
	return 0;
}

static void drop(struct pb_process *process)
{
	kvfree(process->slots);
	if (process->user)
		pb_user_uncharge(process->user, 0, process->n_pages);
	process->slots = NULL;
	process->user = NULL;
}

static int allocate(struct pb_process *process, unsigned long size)
{
	unsigned long n_slots = size + MAX_PROBE + 1;
	struct pb_user *user;

	process->n_pages = PAGE_ALIGN(n_slots * sizeof(*process->slots)) >> PAGE_SHIFT;
	user = pb_user_charge(0, process->n_pages);
	if (IS_ERR(user))
		return PTR_ERR(user);
	process->user = user;
	process->mask = (size - 1) * sizeof(*process->slots);
	process->slots = kvmalloc_array(n_slots, sizeof(*process->slots), GFP_KERNEL_ACCOUNT);
	return process->slots ? 0 : -ENOMEM;
}

static int build(struct building *building)
{
	struct pb_process *process = building->process;
	u64 n = building->n_map + process->image->n_starts;
	unsigned long size = roundup_pow_of_two(2 * n);
	unsigned int grown = 0;
	bool last = false;
	int error;

	for (;;) {
		last |= grown == MAX_GROWTH || 2 * size * sizeof(*process->slots) > MAX_BYTES;
		error = allocate(process, size) ?: fill(building, size + MAX_PROBE + 1);
		if (!error && (last || building->displaced <= n / 16))
			return 0;
		drop(process);
		if (grown && !last && (error == -ENOMEM || error == -EDQUOT)) {
			/* The smaller one will do, if it held all. */
			last = true;
			size /= 2;
		} else if (last || (error && error != -E2BIG)) {
			return error;
		} else {
			grown++;
			size *= 2;
		}
	}
}

int pb_table_build(struct pb_process *process, u64 map, u64 n_map)
{
	struct building building = { .process = process, .n_map = n_map };
	struct privbox_map *copy;
	struct pb_user *user;
	unsigned long n_pages;
	int error;

	if (n_map > MAX_MAP)
		return -E2BIG;
	n_pages = (n_map * sizeof(*copy)) >> PAGE_SHIFT;
	user = pb_user_charge(0, n_pages);
	if (IS_ERR(user))
		return PTR_ERR(user);
	copy = kvmalloc_array(n_map ?: 1, sizeof(*copy), GFP_KERNEL_ACCOUNT);
	if (!copy)
		error = -ENOMEM;
	else if (copy_from_user(copy, u64_to_user_ptr(map), n_map * sizeof(*copy)))
		error = -EFAULT;
	else
		error = 0;
	building.map = copy;
	error = error ?: check_map(&building) ?: build(&building);
	kvfree(copy);
	pb_user_uncharge(user, 0, n_pages);
	return error;
}

void pb_table_free(struct pb_process *process)
{
	drop(process);
}
