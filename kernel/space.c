// SPDX-License-Identifier: GPL-2.0
/*
 * Where safe stacks lie: behind an entry of the top-level page table that the kernel leaves empty (the guard hole below the
 * direct map). It is filled in for one address space only, as the kernel does with a process's LDT.
 *
 * - The entry is the same for all: where a stack lies says nothing of where the kernel keeps anything.
 * - A new address space copies the kernel half from init_mm, where the entry is empty: the child of a fork has none of its
 *   parent's stacks, and room for its own at the same addresses (fork.c).
 * - A CPU sees the stacks while it has the address space loaded: for a thread in the box, always. Who is elsewhere
 *   (a work queue, a thread that has left its address space) takes the addresses of the pages (stack.c).
 *
 * With page-table isolation mm->pgd is the kernel's table; the one that ring 3 runs on never has the entry.
 *
 * The tables are not the kernel's kind, which counts them as the process's and hands them to all address spaces. An
 * entry is set once, from 0, and cleared when no RSP is behind it and none can come. What it led to is freed after a flush
 * of all CPUs that have the address space loaded, in use or not: they may know by heart where the tables are. mm->pgd
 * itself outlives the process object, which holds a reference of the mm.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>

#include "privbox.h"
#include "symbols.h"

#define SPACE GUARD_HOLE_BASE_ADDR
#define AREA_SHIFT 23
#define HALF (1UL << PB_SAFE_BIT)
/* An entry of the third level; one table of them, which is all that is used of the space. */
#define AREAS_PER_TABLE ((unsigned int)(PUD_SIZE >> AREA_SHIFT))
#define N_AREAS (PTRS_PER_PUD * AREAS_PER_TABLE)

/* Areas are aligned, so B is at the second of an area's four entries, and the headroom at the end of the first. */
static_assert(PMD_SIZE == HALF && 4 * HALF == 1UL << AREA_SHIFT);

/* Some CPUs leave bits in entries that are none. */
static bool is_empty(unsigned long entry)
{
	return !(entry & ~_PAGE_KNL_ERRATUM_MASK);
}

static unsigned long *top_entry(const struct mm_struct *mm)
{
	return (unsigned long *)pgd_offset_pgd(mm->pgd, SPACE);
}

/* The kernel, or what it runs under, has a use of its own for the entry. */
bool __init pb_space_taken(void)
{
	return !is_empty(*top_entry(pb_kernel.init_mm));
}

static unsigned long *new_table(void)
{
	return (unsigned long *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}

/* Supervisor; what is executable is said by the last level. */
static unsigned long entry_for(const void *table)
{
	return __pa(table) | _KERNPG_TABLE;
}

static unsigned long *table_behind(unsigned long entry)
{
	return __va(entry & PTE_PFN_MASK);
}

static void free_tables(struct pb_space *space)
{
	unsigned int i;

	for (i = 0; space->areas && i < PTRS_PER_PUD; i++)
		if (space->areas[i])
			free_page((unsigned long)table_behind(space->areas[i]));
	free_page((unsigned long)space->areas);
	free_page((unsigned long)space->above);
	space->areas = NULL;
	space->above = NULL;
}

/* Under the lock, as the next ones. */
static int open_space(struct pb_process *process)
{
	struct pb_space *space = &process->space;
	unsigned long *top = top_entry(process->mm);
	unsigned long old = READ_ONCE(*top);
	int error = -ENOMEM;

	if (space->areas)
		return 0;
	space->areas = new_table();
	if (!space->areas)
		goto fail;
	if (pgtable_l5_enabled()) {
		space->above = new_table();
		if (!space->above)
			goto fail;
		space->above[0] = entry_for(space->areas);
	}
	/* Another module's, in this address space only? */
	error = -EADDRINUSE;
	if (!is_empty(old) || cmpxchg(top, old, entry_for(space->above ?: space->areas)) != old)
		goto fail;
	return 0;
fail:
	free_tables(space);
	return error;
}

/* The first of an area's entries; NULL: no memory. */
static unsigned long *entries_of(struct pb_space *space, unsigned int n)
{
	unsigned long *entry = &space->areas[n / AREAS_PER_TABLE];

	if (!*entry) {
		unsigned long *table = new_table();

		if (!table)
			return NULL;
		WRITE_ONCE(*entry, entry_for(table));
	}
	return table_behind(*entry) + n % AREAS_PER_TABLE * (PTRS_PER_PMD / AREAS_PER_TABLE);
}

static int fill_area(struct pb_space *space, unsigned int n, struct page *const tables[2])
{
	unsigned long *entries = entries_of(space, n);

	if (!entries)
		return -ENOMEM;
	if (entries[0] & _PAGE_PRESENT)
		return -EADDRINUSE;
	WRITE_ONCE(entries[0], entry_for(page_address(tables[0])));
	WRITE_ONCE(entries[1], entry_for(page_address(tables[1])));
	return 0;
}

/* The first free area, from where this process began. (Nothing counts on that it is not known.) */
static int find_area(struct pb_space *space, struct page *const tables[2], unsigned int *area)
{
	unsigned int i;
	int error;

	for (i = 0; i < N_AREAS; i++) {
		*area = (space->first + i) % N_AREAS;
		error = fill_area(space, *area, tables);
		if (error != -EADDRINUSE)
			return error;
	}
	return -EDQUOT;
}

static unsigned long start_of(unsigned int area)
{
	return SPACE + ((unsigned long)area << AREA_SHIFT) + HALF;
}

/*
 * Maps the pages of two tables of the last level: those below B, and those from B on. B is `wish`, which may be taken
 * (EADDRINUSE), or anything if that is 0. An error is negative.
 */
unsigned long pb_space_map(struct pb_process *process, unsigned long wish, struct page *const tables[2])
{
	struct pb_space *space = &process->space;
	unsigned int area = (wish - SPACE) >> AREA_SHIFT;
	int error;

	if (wish && (area >= N_AREAS || start_of(area) != wish))
		return -EINVAL;
	mutex_lock(&space->lock);
	error = open_space(process);
	if (!error)
		error = wish ? fill_area(space, area, tables) : find_area(space, tables, &area);
	mutex_unlock(&space->lock);
	return error ?: start_of(area);
}

/* Afterwards no CPU knows of the tables and pages. */
void pb_space_unmap(struct pb_process *process, unsigned long start)
{
	struct pb_space *space = &process->space;
	unsigned long *entries;

	mutex_lock(&space->lock);
	entries = entries_of(space, (start - SPACE) >> AREA_SHIFT);
	WRITE_ONCE(entries[0], 0);
	WRITE_ONCE(entries[1], 0);
	/* Under the lock: nothing else may be there before. */
	pb_kernel.flush_tlb_mm_range(process->mm, start - HALF, start + HALF, PAGE_SHIFT, true);
	mutex_unlock(&space->lock);
}

void pb_space_init(struct pb_space *space)
{
	mutex_init(&space->lock);
	space->first = get_random_u32() % N_AREAS;
}

/* No stack is left. */
void pb_space_free(struct pb_process *process)
{
	struct pb_space *space = &process->space;

	if (!space->areas)
		return;
	WRITE_ONCE(*top_entry(process->mm), 0);
	pb_kernel.flush_tlb_mm_range(process->mm, 0, TLB_FLUSH_ALL, PAGE_SHIFT, true);
	free_tables(space);
}
