// SPDX-License-Identifier: GPL-2.0
/*
 * Safe stacks (contract, rule 13; docs/kernel-abi.md): 8 MiB of kernel addresses, of which only headroom and
 * usable part are mapped, so that an overflow meets nothing.
 *
 *	area                      B - 32 KiB        B              B + size         area + 8 MiB
 *	| nothing                 | headroom        | usable       | nothing        |
 *
 * Bits 0..20 of B are clear and bit 21 is set, so bit 21 of RSP tells usable part and headroom apart. These addresses
 * mean the stack to CPUs that run its process only (space.c): here it is pages, and the two page tables that map them.
 *
 * Threads come and go: pages and tables of some stacks of the default size are kept, zeroed.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <asm/pgtable.h>

#include "privbox.h"

#define MAX_SIZE ((1UL << PB_SAFE_BIT) - PAGE_SIZE)
#define MIN_SIZE (16UL << 10)
#define HEADROOM_PAGES (PB_SAFE_HEADROOM >> PAGE_SHIFT)
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

/* Undoes what was done: fields that were not reached are 0. */
static void release(struct pb_stack *stack)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stack->tables); i++)
		if (stack->tables[i])
			__free_page(stack->tables[i]);
	if (stack->pages)
		for (i = 0; i < stack->n_pages && stack->pages[i]; i++)
			__free_page(stack->pages[i]);
	kvfree(stack->pages);
	memset(stack, 0, sizeof(*stack));
}

/* The tables' entry for a page: the headroom's are the last ones of the first table. */
static unsigned long *entry(const struct pb_stack *stack, unsigned int page)
{
	unsigned int n = PTRS_PER_PTE - HEADROOM_PAGES + page;

	return (unsigned long *)page_address(stack->tables[n / PTRS_PER_PTE]) + n % PTRS_PER_PTE;
}

static int build(struct pb_stack *stack, unsigned long size)
{
	/* Of one address space, and not written to so far: the CPU will say. */
	pgprot_t prot = __pgprot(pgprot_val(PAGE_KERNEL) & ~(_PAGE_GLOBAL | _PAGE_DIRTY));
	unsigned int i;

	memset(stack, 0, sizeof(*stack));
	stack->size = size;
	stack->n_pages = (size + PB_SAFE_HEADROOM) >> PAGE_SHIFT;
	stack->pages = kvcalloc(stack->n_pages, sizeof(*stack->pages), GFP_KERNEL_ACCOUNT);
	if (!stack->pages)
		goto fail;
	for (i = 0; i < ARRAY_SIZE(stack->tables); i++) {
		stack->tables[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!stack->tables[i])
			goto fail;
	}
	for (i = 0; i < stack->n_pages; i++) {
		stack->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!stack->pages[i] || fatal_signal_pending(current))
			goto fail;
		*entry(stack, i) = pte_val(pfn_pte(page_to_pfn(stack->pages[i]), prot));
	}
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

/* Of a stack that is mapped nowhere, and was: a page that has been written to has its entry marked. */
static void wipe(struct pb_stack *stack)
{
	unsigned int i;

	for (i = 0; i < stack->n_pages; i++) {
		if (*entry(stack, i) & _PAGE_DIRTY) {
			clear_highpage(stack->pages[i]);
			*entry(stack, i) &= ~_PAGE_DIRTY;
		}
	}
}

static void keep_or_release(struct pb_stack *stack)
{
	if (stack->size == pb_stack_size(0)) {
		/* Now and not when it is taken: a dead thread's data does not lie around. */
		wipe(stack);
		spin_lock(&lock);
		if (n_kept < MAX_KEPT) {
			kept[n_kept++] = *stack;
			memset(stack, 0, sizeof(*stack));
		}
		spin_unlock(&lock);
	}
	if (stack->pages)
		release(stack);
}

static unsigned long charged_pages(unsigned long size)
{
	return ((size + PB_SAFE_HEADROOM) >> PAGE_SHIFT) + ARRAY_SIZE(((struct pb_stack *)0)->tables);
}

int pb_stack_alloc(struct pb_process *process, struct pb_stack *stack, unsigned long size, unsigned long wish)
{
	struct pb_user *user;
	unsigned long start;
	int error = 0;

	if (size < MIN_SIZE || size > MAX_SIZE || size & ~PAGE_MASK)
		return -EINVAL;
	user = pb_user_charge(1, charged_pages(size));
	if (IS_ERR(user))
		return PTR_ERR(user);
	if (!take_kept(stack, size))
		error = build(stack, size);
	if (error)
		goto uncharge;
	start = pb_space_map(process, wish, stack->tables);
	if (IS_ERR_VALUE(start)) {
		error = start;
		keep_or_release(stack);
		goto uncharge;
	}
	stack->start = start;
	stack->bottom = start - PB_SAFE_HEADROOM;
	stack->top = start + size;
	stack->user = user;
	return 0;
uncharge:
	pb_user_uncharge(user, 1, charged_pages(size));
	return error;
}

void pb_stack_free(struct pb_process *process, struct pb_stack *stack)
{
	pb_space_unmap(process, stack->start);
	pb_user_uncharge(stack->user, 1, charged_pages(stack->size));
	keep_or_release(stack);
}

unsigned long pb_stack_peak(const struct pb_stack *stack)
{
	unsigned long lowest = 0;

	while (lowest < stack->n_pages && !(READ_ONCE(*entry(stack, lowest)) & _PAGE_DIRTY))
		lowest++;
	return (stack->n_pages - lowest) << PAGE_SHIFT;
}

void pb_stack_exit(void)
{
	while (n_kept)
		release(&kept[--n_kept]);
}
