// SPDX-License-Identifier: GPL-2.0
/*
 * Fork in a call-out or in a signal handler: the child comes back into the box as the parent does.
 *
 * The parent's thread has what is suspended on its safe stack copied (SNAPSHOT) before it forks; the child, which
 * has bound and mapped the box again, becomes a thread with a safe stack of its own that begins with that
 * copy (ADOPT). Nothing in it depends on the process's memory, which is hostile anyway: box text and base are
 * the same, and a state is as good on one safe stack as on another once the addresses of the old one have become
 * addresses of the new one.
 *
 * Which words those are nobody needs to know: all that lie in the range of the parent's stack are moved. What the
 * verifier takes for a stack address (contract, rule 4: `Stack`) is one of them. Anything else of that value is data of
 * the process; box code masks it before it is an address.
 *
 * A process can guess, and see by what changed that it guessed right: where the kernel's vmalloc area lies is not hidden from one that
 * forks often enough. It takes a verifier that lets no slot hold a stack address at a call to move only what the module itself wrote.
 */
#include <linux/cred.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "context.h"

struct pb_snapshot {
	struct kref ref;		/* the context that took it; whoever is adopting it */
	struct list_head list;
	struct pid *owner;		/* the thread that forks */
	u64 taken;			/* when: for children that were not there yet, and none that already were */
	u64 exec_id;			/* its program: what is on the stack is not for another one */
	struct pb_process *process;	/* its, referenced */
	unsigned long bottom, top;	/* its stack */
	unsigned long usable;
	unsigned long start;		/* lowest copied address */
	struct pb_state *suspended;
	struct pb_activation *activation;
	unsigned long try_head;
	u64 tag;
	char *copy;			/* [start, top) */
};

static bool fork_states = true;
module_param_named(fork, fork_states, bool, 0644);
MODULE_PARM_DESC(fork, "children of fork come back into the box (1); 0 hides from processes where the vmalloc area lies");

static LIST_HEAD(snapshots);
static DEFINE_MUTEX(lock);

/* --- the parent --- */

static void free_snapshot(struct kref *ref)
{
	struct pb_snapshot *snapshot = container_of(ref, struct pb_snapshot, ref);

	pb_process_put(snapshot->process);
	put_pid(snapshot->owner);
	kvfree_sensitive(snapshot->copy, snapshot->top - snapshot->start);
	kfree(snapshot);
}

void pb_snapshot_drop(struct pb_context *context)
{
	struct pb_snapshot *snapshot;

	mutex_lock(&lock);
	snapshot = context->snapshot;
	context->snapshot = NULL;
	if (snapshot)
		list_del(&snapshot->list);
	mutex_unlock(&lock);
	if (snapshot)
		kref_put(&snapshot->ref, free_snapshot);
}

/* At user level nothing of the safe stack is in use below the youngest suspended state. */
int pb_snapshot_take(struct pb_context *context)
{
	struct pb_snapshot *snapshot;
	unsigned long length;

	pb_snapshot_drop(context);
	if (!READ_ONCE(fork_states))
		return -EOPNOTSUPP;
	snapshot = kzalloc(sizeof(*snapshot), GFP_KERNEL_ACCOUNT);
	if (!snapshot)
		return -ENOMEM;
	snapshot->bottom = context->stack.bottom;
	snapshot->top = context->stack.top;
	snapshot->usable = context->stack.size;
	snapshot->suspended = context->suspended;
	snapshot->activation = context->activation;
	snapshot->try_head = context->try_head;
	snapshot->tag = context->tag;
	snapshot->start = context->suspended ? (unsigned long)context->suspended : snapshot->top;
	length = snapshot->top - snapshot->start;
	snapshot->copy = kvmalloc(length ?: 1, GFP_KERNEL_ACCOUNT);
	if (!snapshot->copy) {
		kfree(snapshot);
		return -ENOMEM;
	}
	memcpy(snapshot->copy, (void *)snapshot->start, length);
	snapshot->owner = get_task_pid(current, PIDTYPE_PID);
	snapshot->exec_id = READ_ONCE(current->self_exec_id);
	snapshot->taken = ktime_get_ns();
	kref_init(&snapshot->ref);
	kref_get(&context->process->ref);
	snapshot->process = context->process;
	mutex_lock(&lock);
	context->snapshot = snapshot;
	list_add(&snapshot->list, &snapshots);
	mutex_unlock(&lock);
	return 0;
}

/* --- the child --- */

/*
 * Of the thread that forked current, and has not become another program since; nor has current. An older child, which may have
 * given up rights since, is not shown what its parent keeps on its safe stack today.
 */
static struct pb_snapshot *find_snapshot(void)
{
	struct pb_snapshot *snapshot, *found = NULL;
	u64 exec_id = READ_ONCE(current->self_exec_id);
	struct pid *parent;

	mutex_lock(&lock);
	rcu_read_lock();
	parent = task_pid(rcu_dereference(current->real_parent));
	list_for_each_entry(snapshot, &snapshots, list)
		if (snapshot->owner == parent && snapshot->exec_id == exec_id && current->parent_exec_id == exec_id &&
		    snapshot->taken <= current->start_time)
			found = snapshot;
	rcu_read_unlock();
	if (found)
		kref_get(&found->ref);
	mutex_unlock(&lock);
	return found;
}

static bool on_stack(const struct pb_snapshot *snapshot, unsigned long value)
{
	return value - snapshot->bottom <= snapshot->top - snapshot->bottom;
}

/* The verifier lets a stack address lie in aligned slots only, and states and records are made of aligned words. */
static void move_addresses(const struct pb_snapshot *snapshot, char *stack, unsigned long length, unsigned long distance)
{
	unsigned long *word = (unsigned long *)stack;

	for (; length >= sizeof(*word); length -= sizeof(*word), word++)
		if (on_stack(snapshot, *word))
			*word += distance;
}

#define MOVED(pointer, distance) ((pointer) ? (void *)(pointer) + (distance) : NULL)

/*
 * States that were interrupted in the gate do not continue: their registers may hold addresses of the parent's
 * table. (Those of box code hold the process's own values and stack addresses.)
 */
static void bury_gate_states(struct pb_context *context)
{
	struct pb_state *state;

	for (state = context->suspended; state; state = state->next)
		if (state->kind == PB_DEMOTED && state->regs.ip - context->process->base < PB_GATE_SIZE) {
			state->kind = PB_DEAD;
			memset(&state->regs, 0, sizeof(state->regs));
		}
}

static void fill(struct pb_context *context, const struct pb_snapshot *snapshot)
{
	unsigned long length = snapshot->top - snapshot->start;
	unsigned long distance = context->stack.top - snapshot->top;
	char *stack = (char *)context->stack.top - length;

	memcpy(stack, snapshot->copy, length);
	move_addresses(snapshot, stack, length, distance);
	context->suspended = MOVED(snapshot->suspended, distance);
	context->activation = MOVED(snapshot->activation, distance);
	context->try_head = snapshot->try_head ? snapshot->try_head + distance : 0;
	context->tag = snapshot->tag;
	bury_gate_states(context);
}

/*
 * Current becomes a thread with the states of its parent; 0 or an error. `safe_stack`: the size, out. Not under the lock:
 * this takes memory and time at the caller's expense, and every context that ends takes the lock.
 */
int pb_snapshot_adopt(struct pb_process *process, u64 *safe_stack)
{
	struct pb_snapshot *snapshot = find_snapshot();
	int error = -EINVAL;

	if (!snapshot)
		return -ESRCH;
	if (snapshot->process->mm != process->mm && snapshot->process->image == process->image &&
	    snapshot->process->base == process->base) {
		*safe_stack = snapshot->usable;
		error = pb_context_make(process, snapshot->usable, fill, snapshot);
	}
	kref_put(&snapshot->ref, free_snapshot);
	return error;
}
