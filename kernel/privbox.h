/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's own interfaces. Lower parts know nothing of higher ones:
 *
 *   symbols, cpu          what the kernel and the machine offer
 *   limits                what users may have
 *   trust, image          digests; the verified bytes
 *   process               an address space bound to an image
 *   space, stack          where safe stacks lie in it; what they are made of
 *   switch, entry.S ...   contexts: promotion, demotion, gate
 *   main                  device and requests
 */
#ifndef PRIVBOX_H
#define PRIVBOX_H

#include <linux/kref.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "privbox_uapi.h"

#define PB_GATE_VERSION 1
#define PB_MANIFEST_VERSION 1
#define PB_GATE_SIZE 0x4000UL
#define PB_GATE_PAGES (PB_GATE_SIZE >> PAGE_SHIFT)
#define PB_SAFE_BIT 21
#define PB_SAFE_HEADROOM (32UL << 10)
#define PB_UNSAFE_GAP (64UL << 10)
/* Contract, rule 8: where addresses of the process may lie. One limit for all paging modes. */
#define PB_LOWEST (64UL << 10)
#define PB_HIGHEST min(TASK_SIZE_MAX - PAGE_SIZE, (1UL << 47) - PAGE_SIZE)

/* --- symbols.c: kernel functions that are not exported --- */
int pb_symbols_init(void);	/* logs what is missing */

/* --- cpu.c --- */
int pb_cpu_check(void);		/* refuses, with one line in the log, what cannot be served */
u64 pb_cpu_flags(void);		/* PRIVBOX_INFO_* of the machine and the parameters */
const char *pb_cpu_missing(void);
bool pb_cpu_needs(u32 what);	/* PB_DOES_*: a bug of this machine asks for it. Valid from pb_cpu_check() on */
int pb_cpu_thread(void);	/* current is to run in the box; ENODEV: it cannot */

/* --- limits.c: what each user may have; processes and stacks charge it --- */
struct pb_user;
struct pb_user *pb_user_charge(unsigned long contexts, unsigned long pages);	/* ERR_PTR: EDQUOT, ENOMEM */
void pb_user_uncharge(struct pb_user *user, unsigned long contexts, unsigned long pages);

/* --- stack.c --- */
struct pb_process;
struct pb_stack {
	unsigned long start;	/* B: bit 21 set, lower bits clear; an address of its process's, as the next two */
	unsigned long bottom;	/* lowest mapped byte */
	unsigned long top;	/* behind the highest */
	unsigned long size;	/* usable: top - start */
	struct page **pages;	/* from bottom to top */
	unsigned int n_pages;
	struct page *tables[2];	/* their entries: of those below start, of the others */
	struct pb_user *user;	/* who is charged for all this */
};
unsigned long pb_stack_size(unsigned long wish);	/* 0: too much */
/* Zeroed; `wish`: where it is to start, or 0. May sleep, as the next. */
int pb_stack_alloc(struct pb_process *process, struct pb_stack *stack, unsigned long size, unsigned long wish);
void pb_stack_free(struct pb_process *process, struct pb_stack *stack);
unsigned long pb_stack_peak(const struct pb_stack *stack);
void pb_stack_exit(void);	/* frees what is kept for the next thread */

/* --- space.c: where stacks lie in a process's address space --- */
struct pb_space {
	struct mutex lock;
	unsigned long *areas;	/* page table of the third level; NULL: there has been no stack */
	unsigned long *above;	/* five levels: of the fourth */
	unsigned int first;	/* area to begin with */
};
bool pb_space_taken(void);
void pb_space_init(struct pb_space *space);
unsigned long pb_space_map(struct pb_process *process, unsigned long wish, struct page *const tables[2]);
void pb_space_unmap(struct pb_process *process, unsigned long start);
void pb_space_free(struct pb_process *process);

/* --- trust.c --- */
bool pb_trusted(const u8 digest[PRIVBOX_DIGEST_SIZE]);

/* --- image.c: one copy per digest --- */
struct pb_image {
	struct kref ref;
	struct list_head list;
	u8 digest[PRIVBOX_DIGEST_SIZE];
	u32 level, strength;
	unsigned long size;		/* of the box, gate included */
	struct page **pages;		/* size / PAGE_SIZE - 4: text and tables, without the gate */
	u32 *starts;			/* of functions, relative to the box, ascending */
	u32 n_starts;
};
bool pb_image_starts(const struct pb_image *image, unsigned long offset);	/* exact member */
int pb_image_init(void);	/* the gate's pages */
void pb_image_exit(void);
struct page *pb_gate_page(unsigned int i);
/* What can be said without looking at lists and text. */
int pb_image_check(const struct privbox_bind *bind);
/* Of what was checked: copies, hashes, compares; fills bind->digest in whenever it could be computed. */
struct pb_image *pb_image_get(struct privbox_bind *bind);
void pb_image_put(struct pb_image *image);

/* --- process.c: an address space bound to (image, base) --- */

/* The thunk reads the first two words by the per-CPU copies (switch.c). */
struct pb_slot {
	unsigned long normal;		/* all ones: free */
	unsigned long clone;
};
struct pb_process {
	struct kref ref;		/* contexts, mappings */
	struct hlist_node node;
	struct mm_struct *mm;		/* mmgrab */
	struct pb_image *image;
	unsigned long base;
	unsigned long landing;
	long unsafe_sp;			/* offset from the FS base */
	/*
	 * Open addressing: slot of A is at byte offset (u32)A & mask, then upwards to the first free one.
	 * Holds the process's map and every function start with itself. Targets are function starts only.
	 */
	unsigned long mask;
	struct pb_slot *slots;
	atomic_t mappings;
	struct pb_user *user;		/* who is charged n_pages for the slots */
	unsigned long n_pages;
	struct pb_space space;
};
/* Of current's address space. Fills bind->digest in. */
struct pb_process *pb_process_bind(struct privbox_bind *bind);
int pb_process_mmap(struct vm_area_struct *vma);
/* Where current may map: only over its box. */
unsigned long pb_process_place(unsigned long address, unsigned long size);
struct pb_process *pb_process_get(struct mm_struct *mm);	/* NULL: not bound; mapped or not */
void pb_process_put(struct pb_process *process);
bool pb_process_mapped(const struct pb_process *process);

/* --- switch.c and the assembly --- */
/* What they do, where pb_cpu_needs() it, about bugs of the CPU: cpu.c refuses machines that need more. */
#define PB_DOES_RETPOLINES (1 << 0)	/* no indirect branch of the gate and of the stubs is predicted */
#define PB_DOES_CLEAR_BUFFERS (1 << 1)	/* VERW on each way into the box, as the kernel does it on its way to ring 3 */
#define PB_DOES_FENCE_SWAPGS (1 << 2)	/* LFENCE behind each conditional swapgs */
extern const u32 pb_switch_does;
int pb_switch_init(void);
void pb_switch_exit(void);
extern const char pb_gate_bytes[], pb_gate_bytes_end[];		/* at most PB_GATE_SIZE, position independent */
int pb_context_attach(struct pb_process *process, unsigned long safe_stack);	/* takes its own reference */
int pb_context_snapshot(bool take);			/* of current, for fork.c; may sleep */
int pb_snapshot_adopt(struct pb_process *process, u64 *safe_stack);	/* fork.c */
int pb_context_stats(struct privbox_stats *stats);		/* of current; -ESRCH: it has none */
unsigned long pb_context_count(void);

#endif
