// SPDX-License-Identifier: GPL-2.0
/*
 * Safe stacks (contract, rule 13; docs/kernel-abi.md): 8 MiB of kernel addresses, of which only headroom and
 * usable part are mapped, so that an overflow meets nothing.
 *
 *	area                      B - 32 KiB        B              B + size         area + 8 MiB
 *	| nothing                 | headroom        | usable       | nothing        |
 *
 * Bits 0..20 of B are clear and bit 21 is set, so bit 21 of RSP tells usable part and headroom apart. Threads
 * come and go: some stacks of the default size are kept, mapped and zeroed.
 */
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "privbox.h"
#include "symbols.h"

#define AREA_SIZE (8UL << 20)
#define HALF (1UL << PB_SAFE_BIT)
#define MAX_SIZE (HALF - PAGE_SIZE)
#define MIN_SIZE (16UL << 10)
#define MAX_KEPT 16

static unsigned long safe_stack = 256UL << 10;
module_param(safe_stack, ulong, 0444);
MODULE_PARM_DESC(safe_stack, "bytes of a safe stack for which nobody asks a size (262144)");

static DEFINE_SPINLOCK(lock);
static struct pb_stack kept[MAX_KEPT];
static unsigned int n_kept;

unsigned long pb_stack_size(unsigned long wish)
{
	if (!wish)
		wish = safe_stack;
	if (wish > MAX_SIZE)
		return 0;
	return PAGE_ALIGN(max(wish, MIN_SIZE));
}

/* The first B with room for the headroom and a page of nothing: at most 4 MiB + 36 KiB into the area. */
static unsigned long usable_start(unsigned long area)
{
	return ALIGN(area + PAGE_SIZE + PB_SAFE_HEADROOM + HALF, 2 * HALF) - HALF;
}

static int map_page(pte_t *pte, unsigned long address, void *data)
{
	struct pb_stack *stack = data;
	struct page *page = stack->pages[(address - stack->bottom) >> PAGE_SHIFT];

	set_pte_at(pb_kernel.init_mm, address, pte, mk_pte(page, PAGE_KERNEL));
	return 0;
}

/* Undoes what was done: fields that were not reached are 0. */
static void release(struct pb_stack *stack)
{
	unsigned int i;

	/*
	 * Unmaps, and flushes TLBs before the addresses are used again. A page may be in use elsewhere before
	 * that, as with vfree(): no context has an RSP in this area any more, and nothing else of a
	 * box may point into the kernel half (contract, rules 7 and 9).
	 */
	if (stack->area)
		free_vm_area(stack->area);
	if (stack->pages)
		for (i = 0; i < stack->n_pages && stack->pages[i]; i++)
			__free_page(stack->pages[i]);
	kvfree(stack->pages);
	memset(stack, 0, sizeof(*stack));
}

static int build(struct pb_stack *stack, unsigned long size)
{
	unsigned int i;

	memset(stack, 0, sizeof(*stack));
	stack->size = size;
	stack->n_pages = (size + PB_SAFE_HEADROOM) >> PAGE_SHIFT;
	stack->pages = kvcalloc(stack->n_pages, sizeof(*stack->pages), GFP_KERNEL_ACCOUNT);
	if (!stack->pages)
		goto fail;
	for (i = 0; i < stack->n_pages; i++) {
		stack->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!stack->pages[i] || fatal_signal_pending(current))
			goto fail;
	}
	stack->area = pb_kernel.get_vm_area(AREA_SIZE, VM_MAP);
	if (!stack->area)
		goto fail;
	stack->bottom = usable_start((unsigned long)stack->area->addr) - PB_SAFE_HEADROOM;
	stack->top = stack->bottom + PB_SAFE_HEADROOM + size;
	if (apply_to_page_range(pb_kernel.init_mm, stack->bottom, stack->top - stack->bottom, map_page, stack))
		goto fail;
	return 0;
fail:
	release(stack);
	return -ENOMEM;
}

static bool take_kept(struct pb_stack *stack, unsigned long size)
{
	bool found;

	spin_lock(&lock);
	found = n_kept && kept[n_kept - 1].size == size;
	if (found)
		*stack = kept[--n_kept];
	spin_unlock(&lock);
	return found;
}

int pb_stack_alloc(struct pb_stack *stack, unsigned long size)
{
	unsigned int n_pages = (size + PB_SAFE_HEADROOM) >> PAGE_SHIFT;
	struct pb_user *user;
	int error = 0;

	if (size < MIN_SIZE || size > MAX_SIZE || size & ~PAGE_MASK)
		return -EINVAL;
	user = pb_user_charge(1, n_pages);
	if (IS_ERR(user))
		return PTR_ERR(user);
	if (!take_kept(stack, size))
		error = build(stack, size);
	if (error)
		pb_user_uncharge(user, 1, n_pages);
	else
		stack->user = user;
	return error;
}

void pb_stack_free(struct pb_stack *stack)
{
	pb_user_uncharge(stack->user, 1, stack->n_pages);
	stack->user = NULL;
	if (stack->size == pb_stack_size(0)) {
		/* Now and not when it is taken: a dead thread's data does not lie around. */
		memset((void *)stack->bottom, 0, stack->top - stack->bottom);
		spin_lock(&lock);
		if (n_kept < MAX_KEPT) {
			kept[n_kept++] = *stack;
			memset(stack, 0, sizeof(*stack));
		}
		spin_unlock(&lock);
	}
	if (stack->area)
		release(stack);
}

/* Everything was zero: what was written begins with the first byte that is not. */
unsigned long pb_stack_peak(const struct pb_stack *stack)
{
	const char *written = memchr_inv((void *)stack->bottom, 0, stack->top - stack->bottom);

	return written ? stack->top - ((unsigned long)written & PAGE_MASK) : 0;
}

void pb_stack_exit(void)
{
	while (n_kept)
		release(&kept[--n_kept]);
}
