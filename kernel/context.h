/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A thread that can run in the box: what the C side and the assembly share.
 *
 *   context        one per thread (switch.c), in kernel memory
 *   state          a suspended stay in the box, on the thread's safe stack
 *   activation     what an entry leaves on the safe stack for its exit
 *   try record     what a try leaves there for its throw (docs/gate-abi.md)
 *
 * States, activations and try records lie on the safe stack because that is where nothing but the
 * gate, the module and the box's verified pushes write (contract, rule 9); lists lead upwards.
 */
#ifndef PRIVBOX_CONTEXT_H
#define PRIVBOX_CONTEXT_H

#include "privbox_uapi.h"

/* For the assembly, which cannot include privbox.h. */
#define PB_ASM_GATE_VERSION	1
#define PB_ASM_SAFE_BIT		21
#define PB_ASM_UNSAFE_GAP	0x10000

/* struct pb_context */
#define PB_CTX_REGS		0
#define PB_CTX_TASK		8
#define PB_CTX_STACK_BOTTOM	16
#define PB_CTX_STACK_SIZE	24
#define PB_CTX_TEXT		32
#define PB_CTX_TEXT_SIZE	40
#define PB_CTX_LANDING		48
#define PB_CTX_SUSPENDED	56
#define PB_CTX_ACTIVATION	64
#define PB_CTX_TRY		72
#define PB_CTX_TAG		80
#define PB_CTX_TOKEN		88
#define PB_CTX_GATE_RSP		96
#define PB_CTX_PAGEFAULTS	104
#define PB_CTX_MARK		112
#define PB_CTX_INSIDE		116
#define PB_CTX_CALLOUTS		120
#define PB_CTX_UNSAFE_SP		128
#define PB_CTX_RESUME_IP		136
#define PB_CTX_CALL_IP		144
#define PB_CTX_MM_AT		152
#define PB_CTX_MM		160
#define PB_CTX_MAPPINGS		168
#define PB_CTX_ENTRIES		176
#define PB_CTX_RESUMES		184
#define PB_CTX_FEATURES_AT	192

/* struct pb_state */
#define PB_STATE_NEXT		0
#define PB_STATE_TAG		8
#define PB_STATE_KIND		16
#define PB_STATE_ACTIVATION	24
#define PB_STATE_TRY		32
#define PB_STATE_REGS		40

/* struct pb_activation */
#define PB_ACT_EXIT		0
#define PB_ACT_PREVIOUS		8
#define PB_ACT_TRY		16
#define PB_ACT_SP		24
#define PB_ACT_SIZE		32

/* Where an activation lies: this far below the end of the safe stack, or below a state. */
#define PB_ACT_GAP		16
#define PB_STATE_GAP		128

/* A try record */
#define PB_TRY_NEXT		0
#define PB_TRY_TOKEN		8
#define PB_TRY_ACTIVATION	16
#define PB_TRY_SUSPENDED	24
#define PB_TRY_R15		32

/* struct pb_cpu */
#define PB_CPU_CONTEXT		0
#define PB_CPU_SLOTS		8
#define PB_CPU_MASK		16
#define PB_CPU_UNSAFE_SP	24
#define PB_CPU_SYSCALL		32
#define PB_CPU_CALLOUT		40
#define PB_CPU_BLOCK		48
#define PB_CPU_EXIT		56
#define PB_CPU_TASK		64
#define PB_CPU_REGS		72
#define PB_CPU_CALLS		80

/* pb_state.kind; pb_context.mark as well, for what the user-return notifier is to do */
#define PB_NONE			0
#define PB_DEMOTED		1
#define PB_CALLED_OUT		2
#define PB_IN_SYSCALL		3	/* the landing's `syscall` runs it */
#define PB_ENTER		4	/* only mark */
#define PB_DEAD			5	/* only kind: never continues */
#define PB_STALE		6	/* only mark: the thread has another address space than its context */

/* pb_context.inside: which IDT belongs on the thread's CPU. 0: the stock one. */
#define PB_INSIDE		1	/* in the box or its gate: the alternative one */
#define PB_OUTSIDE		2	/* in user mode or its system calls: that of outside (int3.S) */

/* Of the table of system calls: a power of two beyond them all. */
#define PB_CALL_SLOTS		512

/* Offsets from the box's start that the module itself needs. */
#define PB_GATE_SYSCALL		0x100
#define PB_GATE_EXIT		0x2c0

/* The work that a thread must not go to user mode with; static_assert in switch.c. */
#define PB_WORK (_TIF_SIGPENDING | _TIF_NOTIFY_RESUME | _TIF_UPROBE | _TIF_NEED_RESCHED | \
		 _TIF_PATCH_PENDING | _TIF_NOTIFY_SIGNAL)

#ifndef __ASSEMBLY__
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <linux/user-return-notifier.h>
#include <linux/workqueue.h>
#include <asm/desc_defs.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>

#include "privbox.h"

static_assert(PB_ASM_GATE_VERSION == PB_GATE_VERSION);
static_assert(PB_ASM_SAFE_BIT == PB_SAFE_BIT);
static_assert(PB_ASM_UNSAFE_GAP == PB_UNSAFE_GAP);

struct pb_state {
	struct pb_state *next;		/* older */
	u64 tag;
	u64 kind;
	struct pb_activation *activation;	/* the context's at that time, as the next */
	unsigned long try_head;
	/*
	 * PB_DEMOTED: all. PB_CALLED_OUT: r15, r14, r13, r12, bp, bx, then the return address of box code's
	 * call. PB_IN_SYSCALL: the same, with r9, r8, r10, dx, si, di before the return address.
	 */
	struct pt_regs regs;
};

struct pb_activation {
	unsigned long exit;		/* the return address that the clone finds */
	struct pb_activation *previous;
	unsigned long try_head;
	unsigned long sp;		/* the caller's */
};

struct pb_context {
	/*
	 * task_pt_regs(). While the thread is in the box its kernel stack is empty, and these registers stand
	 * ready for system calls: cs, ss, flags, ip of a user thread behind the landing's `syscall`. The others
	 * are the process's own of some time.
	 */
	struct pt_regs *regs;
	struct task_struct *task;
	unsigned long stack_bottom;
	unsigned long stack_size;
	unsigned long text;
	unsigned long text_size;
	unsigned long landing;
	struct pb_state *suspended;	/* youngest */
	struct pb_activation *activation;	/* youngest; in user mode: that of `suspended` */
	unsigned long try_head;
	u64 tag;			/* last one given */
	u64 token;
	unsigned long gate_rsp;		/* box code's RSP while its system call runs */
	int *pagefaults;		/* current->pagefault_disabled */
	u32 mark;
	u32 inside;			/* PB_INSIDE, PB_OUTSIDE or 0 */
	u64 callouts;
	long unsafe_sp;
	unsigned long resume_ip;	/* the landing's RESUME */
	unsigned long call_ip;		/* behind the landing's `syscall` */
	struct mm_struct **mm_at;	/* &current->mm */
	struct mm_struct *mm;		/* the process's */
	atomic_t *mappings;		/* the process's */
	u64 entries;
	u64 resumes;
	const unsigned long *features_at;	/* &current->thread.features */
	/* not seen by the assembly */
	u64 calls;			/* without those in pb_cpu.calls */
	u64 slow;
	u64 switches;
	struct pb_process *process;
	struct pb_stack stack;
	struct preempt_notifier notifier;
	struct callback_head repair;	/* demote.c's late look at __privbox_unsafe_sp */
	struct callback_head leave;	/* exec: the context is to go */
	struct pb_snapshot *snapshot;	/* fork.c */
	struct llist_node free;
	bool refused;			/* the notifier did: the die notifier is to look for itself */
	bool repairing;
	bool leaving;
};

#define PB_CTX_AT(field, offset) static_assert(offsetof(struct pb_context, field) == (offset))
PB_CTX_AT(regs, PB_CTX_REGS);
PB_CTX_AT(task, PB_CTX_TASK);
PB_CTX_AT(stack_bottom, PB_CTX_STACK_BOTTOM);
PB_CTX_AT(stack_size, PB_CTX_STACK_SIZE);
PB_CTX_AT(text, PB_CTX_TEXT);
PB_CTX_AT(text_size, PB_CTX_TEXT_SIZE);
PB_CTX_AT(landing, PB_CTX_LANDING);
PB_CTX_AT(suspended, PB_CTX_SUSPENDED);
PB_CTX_AT(activation, PB_CTX_ACTIVATION);
PB_CTX_AT(try_head, PB_CTX_TRY);
PB_CTX_AT(tag, PB_CTX_TAG);
PB_CTX_AT(token, PB_CTX_TOKEN);
PB_CTX_AT(gate_rsp, PB_CTX_GATE_RSP);
PB_CTX_AT(pagefaults, PB_CTX_PAGEFAULTS);
PB_CTX_AT(mark, PB_CTX_MARK);
PB_CTX_AT(inside, PB_CTX_INSIDE);
PB_CTX_AT(callouts, PB_CTX_CALLOUTS);
PB_CTX_AT(unsafe_sp, PB_CTX_UNSAFE_SP);
PB_CTX_AT(resume_ip, PB_CTX_RESUME_IP);
PB_CTX_AT(call_ip, PB_CTX_CALL_IP);
PB_CTX_AT(mm_at, PB_CTX_MM_AT);
PB_CTX_AT(mm, PB_CTX_MM);
PB_CTX_AT(mappings, PB_CTX_MAPPINGS);
PB_CTX_AT(entries, PB_CTX_ENTRIES);
PB_CTX_AT(resumes, PB_CTX_RESUMES);
PB_CTX_AT(features_at, PB_CTX_FEATURES_AT);
static_assert(offsetof(struct pb_state, next) == PB_STATE_NEXT);
static_assert(offsetof(struct pb_state, tag) == PB_STATE_TAG);
static_assert(offsetof(struct pb_state, kind) == PB_STATE_KIND);
static_assert(offsetof(struct pb_state, activation) == PB_STATE_ACTIVATION);
static_assert(offsetof(struct pb_state, try_head) == PB_STATE_TRY);
static_assert(offsetof(struct pb_state, regs) == PB_STATE_REGS);
static_assert(offsetof(struct pb_activation, exit) == PB_ACT_EXIT);
static_assert(offsetof(struct pb_activation, previous) == PB_ACT_PREVIOUS);
static_assert(offsetof(struct pb_activation, try_head) == PB_ACT_TRY);
static_assert(offsetof(struct pb_activation, sp) == PB_ACT_SP);
static_assert(sizeof(struct pb_activation) == PB_ACT_SIZE);

/* What the gate finds on its CPU: copies of what belongs to the current thread. */
struct pb_cpu {
	struct pb_context *context;	/* NULL: the current thread has none */
	const struct pb_slot *slots;
	unsigned long mask;
	long unsafe_sp;
	const void *syscall;		/* these four: into calls.S */
	const void *callout;
	const void *block;
	const void *exit;
	struct task_struct *task;
	struct pt_regs *regs;
	u64 calls;			/* system calls by the gate since the thread is on the CPU */
	struct user_return_notifier urn;
	struct hlist_node **urn_head;	/* of the CPU's list of notifiers */
};
DECLARE_PER_CPU_ALIGNED(struct pb_cpu, pb_cpu);

static_assert(offsetof(struct pb_cpu, context) == PB_CPU_CONTEXT);
static_assert(offsetof(struct pb_cpu, slots) == PB_CPU_SLOTS);
static_assert(offsetof(struct pb_cpu, mask) == PB_CPU_MASK);
static_assert(offsetof(struct pb_cpu, unsafe_sp) == PB_CPU_UNSAFE_SP);
static_assert(offsetof(struct pb_cpu, syscall) == PB_CPU_SYSCALL);
static_assert(offsetof(struct pb_cpu, callout) == PB_CPU_CALLOUT);
static_assert(offsetof(struct pb_cpu, block) == PB_CPU_BLOCK);
static_assert(offsetof(struct pb_cpu, exit) == PB_CPU_EXIT);
static_assert(offsetof(struct pb_cpu, task) == PB_CPU_TASK);
static_assert(offsetof(struct pb_cpu, regs) == PB_CPU_REGS);
static_assert(offsetof(struct pb_cpu, calls) == PB_CPU_CALLS);

/* --- idt.c --- */
int pb_idt_init(void);
void pb_idt_exit(void);
bool pb_read_unsafe_sp(const struct pb_context *context, unsigned long *sp);
extern struct desc_ptr pb_stock_idtr, pb_alternative_idtr, pb_outside_idtr;
extern u32 pb_outside;			/* 0: the table of outside is not used */

/* Interrupts off; pb_context.inside changes with it (requirement 5). */
static __always_inline void pb_load_idt(const struct desc_ptr *idtr)
{
	asm volatile("lidt %0" : : "m" (*idtr));
}

/* Ring 3's, which is loaded while its thread is current. */
static __always_inline unsigned long pb_fs_base(void)
{
	unsigned long base;

	if (static_cpu_has(X86_FEATURE_FSGSBASE))
		base = rdfsbase();
	else
		rdmsrl(MSR_FS_BASE, base);
	return base;
}

/* --- syscalls.c --- */
int pb_syscalls_init(void);

/*
 * The CPUs' notifiers stay registered, and are called for threads with this flag: those with a mark. Else each
 * way of a thread with a context to user mode would call them for nothing.
 */
static __always_inline void pb_set_mark(struct pb_context *context, u32 mark)
{
	context->mark = mark;
	set_thread_flag(TIF_USER_RETURN_NOTIFY);
}

/* Others' notifiers (KVM's) need the flag. */
static __always_inline void pb_clear_notify(const struct pb_cpu *cpu)
{
	if (!cpu->urn.link.next && cpu->urn.link.pprev == cpu->urn_head)
		clear_thread_flag(TIF_USER_RETURN_NOTIFY);
}

/* --- promote.c --- */
int pb_promote_init(void);
void pb_promote_exit(void);
void pb_user_return(struct user_return_notifier *urn);
bool pb_in_place(struct pb_context *context);

/* --- fork.c --- */
struct pb_snapshot;
int pb_snapshot_take(struct pb_context *context);	/* of current; may sleep, as the next */
void pb_snapshot_drop(struct pb_context *context);

/* --- switch.c --- */
/* `fill` puts suspended states on the new safe stack, which lies in current's address space. */
int pb_context_make(struct pb_process *process, unsigned long safe_stack, unsigned long start_of_stack,
		    void (*fill)(struct pb_context *context, const struct pb_snapshot *snapshot),
		    const struct pb_snapshot *snapshot);
void pb_context_stale(struct pb_context *context);

/* --- the assembly --- */
extern const char pb_stubs[], pb_df_stub[], pb_mc_stub[], pb_outside_int3[];
extern const char pb_tail_enter[], pb_tail_resume[], pb_tail_callout[], pb_tail_syscall[];
extern const char pb_gate_syscall[], pb_gate_syscall_retpoline[], pb_gate_callout[], pb_gate_block[], pb_gate_exit[];
extern char pb_gate_text[];
/* Entries of pb_calls (syscalls.c). */
extern const char pb_call_slow[], pb_call_ioctl[], pb_call_never[], pb_call_clone[];
struct pb_gate_site {			/* an indirect jump of the gate, for CPUs that need retpolines */
	u16 at, retpoline;		/* offsets in the gate */
};
extern const struct pb_gate_site pb_gate_sites[], pb_gate_sites_end[];
#endif
#endif
