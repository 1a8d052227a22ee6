// SPDX-License-Identifier: GPL-2.0
/*
 * Promotion: from user mode to the box.
 *
 * The die notifier sees the landing's `int3` and only marks the thread, as demotion and the gate do. The
 * user-return notifier runs when nothing else can happen any more, interrupts off, and looks at everything it
 * consumes as it is then (requirement 1): between mark and notifier signals, tracers and other work may have
 * changed any register. It rewrites the registers so that the way back to user mode ends in a tail
 * (entry.S).
 *
 * That is valid only on ways back that look at the saved CS: those of exceptions and interrupts. System calls,
 * NMIs and new threads return to user mode whatever CS says. So a mark is made only inside an exception or
 * interrupt, and the notifier, which comes at the end of it, always takes the mark back.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/kdebug.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/traps.h>

#include "context.h"

/* The box's own flags; AC lets it reach user memory. TF, NT, DF, IOPL are never set in it. */
#define BOX_FLAGS (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

/* Contract, setting: the FS base is in the low half. Ring 3 may have changed it since it was last looked at. */
static __always_inline bool fs_base_ok(void)
{
	return pb_fs_base() < TASK_SIZE_MAX;
}

/* Call-outs and signal handlers return elsewhere than a user shadow stack says. */
static __always_inline bool shadow_stack(void)
{
#ifdef CONFIG_X86_USER_SHADOW_STACK
	return current->thread.features & 1;	/* ARCH_SHSTK_SHSTK */
#else
	return false;
#endif
}

/* Requirements 2 and 14: the thread is one that may run this box, now. 0, or the signal that it deserves. */
static __always_inline int check_thread(const struct pb_context *context, const struct pt_regs *regs)
{
	if (current->mm != context->process->mm || regs->cs != __USER_CS || regs->ss != __USER_DS ||
	    !pb_process_mapped(context->process))
		return SIGTRAP;
	if (shadow_stack() || !fs_base_ok())
		return SIGSEGV;
	return 0;
}

/* The tags of the list fall from young to old. */
static struct pb_state *find_state(const struct pb_context *context, u64 tag)
{
	struct pb_state *state = context->suspended;

	while (state && state->tag > tag)
		state = state->next;
	return state && state->tag == tag ? state : NULL;
}

/* What began after this state was suspended is gone; NULL: all of it. */
static void drop_younger(struct pb_context *context, const struct pb_state *state)
{
	context->activation = state ? state->activation : NULL;
	context->try_head = state ? state->try_head : 0;
}

static void to_tail(struct pt_regs *regs, const char *tail, const void *stack)
{
	regs->ip = (unsigned long)tail;
	regs->cs = __KERNEL_CS;
	regs->flags = X86_EFLAGS_FIXED;
	regs->sp = (unsigned long)stack;
	regs->ss = __KERNEL_DS;
}

/*
 * Requirement 1: an exact start of a function of the image. The thunk's table has each of them as its own
 * clone (table.c), and finding it there takes fewer steps than a search.
 */
static bool is_start(const struct pb_process *process, unsigned long address)
{
	const struct pb_slot *slot = (void *)process->slots + ((u32)address & process->mask);

	for (; slot->normal != ~0UL; slot++)
		if (slot->normal == address)
			return slot->clone == address;
	return false;
}

/*
 * R10 = clone. Where the activation is to lie: below the youngest state that is alive; NULL: refused.
 */
static __always_inline struct pb_activation *find_room(const struct pb_context *context, const struct pt_regs *regs,
							   const struct pb_state *state)
{
	struct pb_activation *activation;
	unsigned long top;

	if (!is_start(context->process, regs->r10))
		return NULL;
	top = state ? ((unsigned long)state - PB_STATE_GAP) & ~15UL :
		      context->stack_bottom + context->stack_size - PB_ACT_GAP;
	/* Contract, rule 11: RSP + 8 is a multiple of 16. Rule 13: no entry without the bit. */
	activation = (void *)(top - sizeof(*activation) - 8);
	if (!((unsigned long)activation & (1UL << PB_SAFE_BIT)))
		return NULL;
	return activation;
}

/*
 * What RAX says is alive. A tag that the list does not have (a handler jumped within itself, and what it interrupted has the
 * tag of a state that was dropped meanwhile) drops nothing: that is always right, and costs safe stack only.
 */
static struct pb_state *youngest_alive(const struct pb_context *context, const struct pt_regs *regs)
{
	if (!regs->ax)
		return NULL;
	return find_state(context, regs->ax) ?: context->suspended;
}

static __always_inline int enter(struct pb_context *context, struct pt_regs *regs)
{
	struct pb_state *youngest = youngest_alive(context, regs);
	struct pb_activation *activation = find_room(context, regs, youngest);
	unsigned long *stack;

	if (!activation)
		return SIGTRAP;
	drop_younger(context, youngest);
	context->suspended = youngest;
	activation->exit = context->text + PB_GATE_EXIT;
	activation->previous = context->activation;
	activation->try_head = context->try_head;
	activation->sp = regs->sp;
	context->activation = activation;
	stack = (unsigned long *)activation - 1;
	*stack = regs->r10;
	context->entries++;
	to_tail(regs, pb_tail_enter, stack);
	return 0;
}

/* RBX = tag of a state that was suspended in this way. */
static int resume(struct pb_context *context, struct pt_regs *regs, u64 kind)
{
	struct pb_state *state = find_state(context, regs->bx);
	struct pt_regs *saved;

	if (!state || state->kind != kind)
		return SIGTRAP;
	saved = &state->regs;
	drop_younger(context, state);
	context->suspended = state->next;
	context->resumes++;
	switch (kind) {
	case PB_DEMOTED:
		/* Interrupts were on, but between the gate and the module: and that is how it must go on. */
		saved->flags &= BOX_FLAGS | X86_EFLAGS_IF;
		saved->flags |= X86_EFLAGS_FIXED | X86_EFLAGS_AC;
		to_tail(regs, pb_tail_resume, saved);
		break;
	case PB_CALLED_OUT:
		to_tail(regs, pb_tail_callout, saved);
		break;
	default:
		to_tail(regs, pb_tail_syscall, saved);
		break;
	}
	return 0;
}

/*
 * Promotion without a way back to user mode. The kernel has done what it had to do before user mode, with registers that the
 * module showed it, and nothing can happen any more: interrupts are off, as in the notifier. If user mode would go on from
 * where it was, the box goes on, on the caller's return: true. Otherwise it is user mode's turn.
 */
bool notrace pb_in_place(struct pb_context *context)
{
	struct pb_state *state = context->suspended;
	struct pt_regs *regs = context->regs;

	if (check_thread(context, regs) || !state || state->tag != regs->bx)
		goto user;
	if (state->kind == PB_DEMOTED ? regs->ip != context->resume_ip :
	    state->kind != PB_IN_SYSCALL || regs->ip != context->call_ip)
		goto user;
	drop_younger(context, state);
	context->suspended = state->next;
	context->resumes++;
	/* A tracer may have changed anything. CS and SS have been checked, all else is set whenever it is shown. */
	regs->ip = context->call_ip;
	regs->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	return true;
user:
	context->inside = 0;
	pb_load_idt(&pb_stock_idtr);
	return false;
}

/* Where a thread with a mark is expected. */
static const u8 expected[] = {
	[PB_DEMOTED] = PRIVBOX_LANDING_RESUME,
	[PB_CALLED_OUT] = PRIVBOX_LANDING_RETURN,
	[PB_IN_SYSCALL] = PRIVBOX_LANDING_SYSCALL_INT3,
	[PB_ENTER] = PRIVBOX_LANDING_ENTER,
};

/* Interrupts are off. 0: done. */
static __always_inline int promote(struct pb_context *context, struct pt_regs *regs, u32 mark)
{
	int error = check_thread(context, regs);

	if (error)
		return error;
	if (regs->ip != context->landing + expected[mark])
		return 0;	/* a signal's handler comes first */
	return mark == PB_ENTER ? enter(context, regs) : resume(context, regs, mark);
}

void notrace pb_user_return(struct user_return_notifier *urn)
{
	struct pb_cpu *cpu = container_of(urn, struct pb_cpu, urn);
	struct pb_context *context = cpu->context;
	u32 mark;

	pb_clear_notify(cpu);
	if (!context)
		return;
	mark = context->mark;
	if (mark == PB_STALE) {
		pb_context_stale(context);
	} else if (mark) {
		context->mark = PB_NONE;
		if (promote(context, context->regs, mark))
			context->refused = true;
	}
}

/*
 * Would be refused again? Signals are of no use in the user-return notifier: so the thread executes its `int3`
 * once more, and gets here.
 */
static int check_again(const struct pb_context *context, const struct pt_regs *regs, u32 mark)
{
	struct pb_state *state;
	int error = check_thread(context, regs);

	if (error)
		return error;
	if (mark == PB_ENTER)
		return find_room(context, regs, youngest_alive(context, regs)) ? 0 : SIGTRAP;
	state = find_state(context, regs->bx);
	return state && state->kind == mark ? 0 : SIGTRAP;
}

static __always_inline u32 mark_of(unsigned long offset)
{
	switch (offset) {
	case PRIVBOX_LANDING_ENTER:
		return PB_ENTER;
	case PRIVBOX_LANDING_RETURN:
		return PB_CALLED_OUT;
	case PRIVBOX_LANDING_RESUME_INT3:
		return PB_DEMOTED;
	case PRIVBOX_LANDING_SYSCALL_INT3:
		return PB_IN_SYSCALL;
	default:
		return PB_NONE;
	}
}

/* In user mode's int3, interrupts off. */
static int notrace die_event(struct notifier_block *block, unsigned long event, void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	struct pb_context *context;
	int error;
	u32 mark;

	if (event != DIE_INT3 || !user_mode(regs))
		return NOTIFY_DONE;
	context = this_cpu_read(pb_cpu.context);
	if (!context || regs != context->regs)
		return NOTIFY_DONE;
	mark = mark_of(regs->ip - 1 - context->landing);
	if (!mark)
		return NOTIFY_DONE;
	if (unlikely(context->refused)) {
		context->refused = false;
		error = check_again(context, regs, mark);
		if (error == SIGTRAP)
			return NOTIFY_DONE;
		if (error) {
			force_sig(error);
			return NOTIFY_STOP;
		}
	}
	pb_set_mark(context, mark);
	regs->ip = context->landing + expected[mark];	/* a signal that comes first finds a thread that has not asked yet */
	return NOTIFY_STOP;
}

static struct notifier_block die_block = {
	.notifier_call = die_event,
	.priority = INT_MAX,
};

int pb_promote_init(void)
{
	return register_die_notifier(&die_block);
}

void pb_promote_exit(void)
{
	unregister_die_notifier(&die_block);
}
