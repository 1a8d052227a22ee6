/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel functions and variables that are not exported to modules.
 */
#ifndef PRIVBOX_SYMBOLS_H
#define PRIVBOX_SYMBOLS_H

#include <linux/types.h>

struct mm_struct;
struct task_struct;

/*
 * Address of a symbol of the kernel; NULL: this kernel has none of that name, and nothing is logged. Only
 * between pb_symbols_init() and the end of the module's init function.
 */
void *pb_symbol(const char *name);

/* The same, with a line in the log that names what is missing. */
void *pb_symbol_needed(const char *name);

/* What space.c, trust.c, cpu.c and process.c use. */
struct pb_kernel {
	void (*flush_tlb_mm_range)(struct mm_struct *mm, unsigned long start, unsigned long end,
				   unsigned int stride_shift, bool freed_tables);
	struct mm_struct *init_mm;
	const int *modules_disabled;
	const unsigned long *mmap_min_addr;	/* the sysctl: what binds processes without CAP_SYS_RAWIO */
	int (*spec_ctrl_get)(struct task_struct *task, unsigned long which);
	int (*spec_ctrl_set)(struct task_struct *task, unsigned long which, unsigned long control);
};
extern struct pb_kernel pb_kernel;

#endif
