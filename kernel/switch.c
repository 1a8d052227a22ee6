// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: one per thread, from its request to its end or its exec.
 *
 * A context follows its thread from CPU to CPU by preempt notifiers. The CPU that runs the thread has the context in
 * pb_cpu and, while the thread is inside (in the box or its gate), the alternative IDT. Whatever is scheduled in next
 * finds the stock IDT (requirement 5).
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/entry-common.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>

#include "context.h"

DEFINE_PER_CPU_ALIGNED(struct pb_cpu, pb_cpu);

static_assert(PB_WORK == EXIT_TO_USER_MODE_WORK, "this kernel has work for the way to user mode that calls.S does not know");

/* gate.S and prepare_gate(); entry.S; demote.S. */
const u32 pb_switch_does = PB_DOES_RETPOLINES | PB_DOES_CLEAR_BUFFERS | PB_DOES_FENCE_SWAPGS;

static atomic_long_t n_contexts = ATOMIC_LONG_INIT(0);
static atomic64_t n_threads = ATOMIC64_INIT(0);

static void sched_in(struct preempt_notifier *notifier, int cpu);
static void sched_out(struct preempt_notifier *notifier, struct task_struct *next);

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

/* --- freeing, from whatever context a context ends in --- */

static LLIST_HEAD(dead);

static void free_dead(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&dead);
	struct pb_context *context, *next;

	/* sched_out() and whoever called it may still be at the context, on another CPU, with interrupts off. */
	synchronize_rcu();
	llist_for_each_entry_safe(context, next, list, free) {
		pb_snapshot_drop(context);
		pb_stack_free(context->process, &context->stack);
		pb_process_put(context->process);
		kfree(context);
		atomic_long_dec(&n_contexts);
		module_put(THIS_MODULE);
	}
}
static DECLARE_WORK(free_work, free_dead);

static void queue_free(struct irq_work *work)
{
	schedule_work(&free_work);
}
static struct irq_work free_irq_work = IRQ_WORK_INIT(queue_free);

/* Also under the lock of a run queue, where no work can be queued: by an interrupt that comes later. */
static void release(struct pb_context *context)
{
	if (llist_add(&context->free, &dead))
		irq_work_queue(&free_irq_work);
}

/* --- on and off a CPU; interrupts off --- */

static __always_inline void load(struct pb_context *context)
{
	struct pb_cpu *cpu = this_cpu_ptr(&pb_cpu);

	cpu->context = context;
	cpu->task = context->task;
	cpu->regs = context->regs;
	cpu->slots = context->process->slots;
	cpu->mask = context->process->mask;
	cpu->unsafe_sp = context->unsafe_sp;
	if (context->mark)	/* the flag stayed behind */
		set_thread_flag(TIF_USER_RETURN_NOTIFY);
	if (context->inside)
		pb_load_idt(&pb_alternative_idtr);
}

static __always_inline void unload(struct pb_context *context)
{
	if (context->inside)
		pb_load_idt(&pb_stock_idtr);
	if (context->inside == PB_OUTSIDE)
		context->inside = 0;
	this_cpu_write(pb_cpu.context, NULL);
	context->calls += this_cpu_read(pb_cpu.calls);
	this_cpu_write(pb_cpu.calls, 0);
}

static void notrace sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct pb_context *context = container_of(notifier, struct pb_context, notifier);

	if (context->leaving)
		return;
	local_irq_disable();	/* they are on, as after each switch */
	load(context);
	/* exec: nothing of this context is of use any more. */
	if (unlikely(current->mm != context->process->mm) && !context->inside)
		pb_set_mark(context, PB_STALE);
	local_irq_enable();
}

static void notrace sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct pb_context *context = container_of(notifier, struct pb_context, notifier);

	if (context->leaving)
		return;
	context->switches += context->inside == PB_INSIDE;
	unload(context);
	/* Requirement 11: the last time that this thread runs. Its list of notifiers is never walked again. */
	if (READ_ONCE(current->__state) == TASK_DEAD)
		release(context);
}

/* --- beginning and end --- */

static struct pb_context *find_context(void)
{
	struct preempt_notifier *notifier;

	/* Only the thread itself changes its list. */
	hlist_for_each_entry(notifier, &current->preempt_notifiers, link)
		if (notifier->ops == &preempt_ops)
			return container_of(notifier, struct pb_context, notifier);
	return NULL;
}

/* By the thread itself, not inside. */
static void detach(struct pb_context *context)
{
	preempt_disable();
	if (!context->leaving) {
		local_irq_disable();
		unload(context);
		local_irq_enable();
	}
	preempt_notifier_unregister(&context->notifier);
	preempt_enable();
	release(context);
}

/* Preemptible, and nothing holds the module when it is over: pb_switch_exit() waits. */
static bool left;

static void leave(struct callback_head *work)
{
	WRITE_ONCE(left, true);
	detach(container_of(work, struct pb_context, leave));
}

/* In the user-return notifier. */
void pb_context_stale(struct pb_context *context)
{
	unload(context);
	context->leaving = true;
	init_task_work(&context->leave, leave);
	if (task_work_add(current, &context->leave, TWA_RESUME)) {
		/* The thread is ending: sched_out() sees to it. */
		context->leaving = false;
	}
}

static const unsigned long *features_of_current(void)
{
#ifdef CONFIG_X86_USER_SHADOW_STACK
	return &current->thread.features;
#else
	static const unsigned long none;

	return &none;
#endif
}

static void start(struct pb_context *context)
{
	struct pb_process *process = context->process;

	context->regs = task_pt_regs(current);
	context->task = current;
	context->stack_bottom = context->stack.bottom;
	context->stack_size = context->stack.top - context->stack.bottom;
	context->text = process->base;
	context->text_size = process->image->size;
	context->landing = process->landing;
	context->resume_ip = process->landing + PRIVBOX_LANDING_RESUME;
	context->call_ip = process->landing + PRIVBOX_LANDING_SYSCALL_RETURN;
	context->unsafe_sp = process->unsafe_sp;
	context->pagefaults = &current->pagefault_disabled;
	context->mm_at = &current->mm;
	context->mm = process->mm;
	context->mappings = &process->mappings;
	context->features_at = features_of_current();
	/* No token is used twice in a process. */
	context->token = atomic64_inc_return(&n_threads) << 40;

	preempt_notifier_init(&context->notifier, &preempt_ops);
	preempt_disable();
	preempt_notifier_register(&context->notifier);
	local_irq_disable();
	load(context);
	local_irq_enable();
	preempt_enable();
}

int pb_context_make(struct pb_process *process, unsigned long safe_stack, unsigned long start_of_stack,
		    void (*fill)(struct pb_context *context, const struct pb_snapshot *snapshot),
		    const struct pb_snapshot *snapshot)
{
	struct pb_context *context = find_context();
	int error;

	/* Requirement 4: one context per task, from the box as from anywhere. */
	if (context && (context->leaving || context->process->mm == current->mm))
		return -EBUSY;
	if (process->mm != current->mm)
		return -ENXIO;
	if (context)
		detach(context);
	context = kzalloc(sizeof(*context), GFP_KERNEL_ACCOUNT);
	if (!context)
		return -ENOMEM;
	error = pb_stack_alloc(process, &context->stack, safe_stack, start_of_stack);
	if (error == -EDQUOT) {
		/* Threads that have ended count until a grace period is over: one that comes after them does not pay for that. */
		irq_work_sync(&free_irq_work);
		flush_work(&free_work);
		error = pb_stack_alloc(process, &context->stack, safe_stack, start_of_stack);
	}
	if (error) {
		kfree(context);
		return error;
	}
	kref_get(&process->ref);
	context->process = process;
	if (fill)
		fill(context, snapshot);
	__module_get(THIS_MODULE);
	atomic_long_inc(&n_contexts);
	start(context);
	return 0;
}

int pb_context_attach(struct pb_process *process, unsigned long safe_stack)
{
	return pb_context_make(process, safe_stack, 0, NULL, NULL);
}

/* Before a fork, and when it is over. */
int pb_context_snapshot(bool take)
{
	struct pb_context *context = find_context();

	if (!context || context->leaving || context->process->mm != current->mm)
		return -ESRCH;
	if (take)
		return pb_snapshot_take(context);
	pb_snapshot_drop(context);
	return 0;
}

int pb_context_stats(struct privbox_stats *stats)
{
	struct pb_context *context = find_context();

	if (!context || context->leaving || context->process->mm != current->mm)
		return -ESRCH;
	stats->entries = context->entries;
	preempt_disable();
	stats->gate_calls = context->calls + this_cpu_read(pb_cpu.calls);
	preempt_enable();
	stats->slow_calls = context->slow;
	stats->callouts = context->callouts;
	/* Each suspended state had a tag. */
	stats->demotions = context->tag - context->callouts - context->slow;
	stats->resumes = context->resumes;
	stats->switches = context->switches;
	stats->safe_stack_peak = pb_stack_peak(&context->stack);
	return 0;
}

unsigned long pb_context_count(void)
{
	return atomic_long_read(&n_contexts);
}

/* --- the module's --- */

/* With retpolines: direct jumps to them in the place of the gate's indirect jumps. Before any page is filled. */
static void __init prepare_gate(void)
{
	const struct pb_gate_site *site;

	if (!pb_cpu_needs(PB_DOES_RETPOLINES))
		return;
	for (site = pb_gate_sites; site < pb_gate_sites_end; site++) {
		char *at = pb_gate_text + site->at;
		s32 distance = site->retpoline - site->at - 5;

		*at = 0xe9;
		memcpy(at + 1, &distance, sizeof(distance));
	}
}

/*
 * Requirement 9: the lists of user-return notifiers are read with interrupts off, and written so. A CPU that goes offline keeps its
 * notifier: threads with a mark may still leave the kernel there.
 */
static int on_cpu(unsigned int n)
{
	struct pb_cpu *cpu = this_cpu_ptr(&pb_cpu);

	if (!hlist_unhashed(&cpu->urn.link))
		return 0;
	local_irq_disable();
	user_return_notifier_register(&cpu->urn);
	cpu->urn_head = cpu->urn.link.pprev;
	pb_clear_notify(cpu);
	local_irq_enable();
	return 0;
}

static void unregister(void *cpu)
{
	struct user_return_notifier *urn = &per_cpu_ptr(&pb_cpu, (long)cpu)->urn;

	if (!hlist_unhashed(&urn->link))
		hlist_del_init(&urn->link);
}

static void unregister_here(void *unused)
{
	unregister((void *)(long)smp_processor_id());
}

/* No thread has a mark. Whoever is asked for another's notifier in vain loses nothing but time. */
static void unregister_all(void)
{
	long n;

	cpus_read_lock();
	on_each_cpu(unregister_here, NULL, 1);
	for_each_possible_cpu(n)
		unregister((void *)n);	/* of those that are offline */
	cpus_read_unlock();
}

static int hotplug_state;

int __init pb_switch_init(void)
{
	int error, n;

	prepare_gate();
	for_each_possible_cpu(n) {
		struct pb_cpu *cpu = per_cpu_ptr(&pb_cpu, n);

		cpu->syscall = pb_cpu_needs(PB_DOES_RETPOLINES) ? pb_gate_syscall_retpoline : pb_gate_syscall;
		cpu->callout = pb_gate_callout;
		cpu->block = pb_gate_block;
		cpu->exit = pb_gate_exit;
		cpu->urn.on_user_return = pb_user_return;
	}
	error = pb_syscalls_init() ?: pb_idt_init();
	if (error)
		return error;
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "privbox:online", on_cpu, NULL);
	if (hotplug_state < 0) {
		unregister_all();
		pb_idt_exit();
		return hotplug_state;
	}
	error = pb_promote_init();
	if (error) {
		cpuhp_remove_state_nocalls(hotplug_state);
		unregister_all();
		pb_idt_exit();
		return error;
	}
	/* Once: it patches the scheduler's text, which is no thing to do for each thread. */
	preempt_notifier_inc();
	return 0;
}

/* No context is left, but the work that freed the last one may still be running. */
void pb_switch_exit(void)
{
	pb_promote_exit();
	pb_idt_exit();
	cpuhp_remove_state_nocalls(hotplug_state);
	unregister_all();
	irq_work_sync(&free_irq_work);
	flush_work(&free_work);
	preempt_notifier_dec();
	if (READ_ONCE(left))
		synchronize_rcu_tasks();
}
