// SPDX-License-Identifier: GPL-2.0
/*
 * Fork in a call-out or in a signal handler: the child comes back into the box as the parent does.
 *
 * The parent's thread has what is suspended on its safe stack copied (SNAPSHOT) before it forks; the child, which
 * has bound and mapped the box again, becomes a thread with a safe stack of its own that begins with that
 * copy (ADOPT). Nothing in it depends on the process's memory, which is hostile anyway: box text and base are
 * the same, and so are the addresses of the stack, which mean another one in another address space (space.c).
 *
 * So not a word of the copy is changed for what it looks like: what the process keeps on its stack tells it nothing of
 * the kernel. Of the parent's own the child could only use what is in states that were interrupted in the gate.
 */
#include <linux/cred.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mm.h>
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
	unsigned long start_of_stack, size_of_stack;
	unsigned long lowest;		/* copied address */
	unsigned long length;
	struct pb_state *suspended;
	struct pb_activation *activation;
	unsigned long try_head;
	u64 tag;
	char *copy;
	struct pb_user *user;		/* who is charged for it */
};

static LIST_HEAD(snapshots);
static DEFINE_MUTEX(lock);

/* --- the parent --- */

static unsigned long charged_pages(const struct pb_snapshot *snapshot)
{
	return PAGE_ALIGN(snapshot->length) >> PAGE_SHIFT;
}

static void free_snapshot(struct kref *ref)
{
	struct pb_snapshot *snapshot = container_of(ref, struct pb_snapshot, ref);

	pb_process_put(snapshot->process);
	put_pid(snapshot->owner);
	kvfree_sensitive(snapshot->copy, snapshot->length);
	pb_user_uncharge(snapshot->user, 0, charged_pages(snapshot));
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

/*
 * By a thread in its own address space. At user level nothing of the safe stack is in use below the youngest
 * suspended state.
 */
int pb_snapshot_take(struct pb_context *context)
{
	const struct pb_stack *stack = &context->stack;
	struct pb_snapshot *snapshot;
	int error;

	pb_snapshot_drop(context);
	snapshot = kzalloc(sizeof(*snapshot), GFP_KERNEL_ACCOUNT);
	if (!snapshot)
		return -ENOMEM;
	snapshot->start_of_stack = stack->start;
	snapshot->size_of_stack = stack->size;
	snapshot->suspended = context->suspended;
	snapshot->activation = context->activation;
	snapshot->try_head = context->try_head;
	snapshot->tag = context->tag;
	snapshot->lowest = context->suspended ? (unsigned long)context->suspended : stack->top;
	snapshot->length = stack->top - snapshot->lowest;
	snapshot->user = pb_user_charge(0, charged_pages(snapshot));
	if (IS_ERR(snapshot->user)) {
		error = PTR_ERR(snapshot->user);
		goto free;
	}
	error = -ENOMEM;
	snapshot->copy = kvmalloc(snapshot->length ?: 1, GFP_KERNEL_ACCOUNT);
	if (!snapshot->copy)
		goto uncharge;
	memcpy(snapshot->copy, (void *)snapshot->lowest, snapshot->length);
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
uncharge:
	pb_user_uncharge(snapshot->user, 0, charged_pages(snapshot));
free:
	kfree(snapshot);
	return error;
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

/*
 * States that were interrupted in the gate do not continue: their registers may hold addresses of the parent's
 * table, of its context or of its kernel stack. (Those of box code hold the process's own values and stack addresses.)
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
	memcpy((void *)snapshot->lowest, snapshot->copy, snapshot->length);
	context->suspended = snapshot->suspended;
	context->activation = snapshot->activation;
	context->try_head = snapshot->try_head;
	context->tag = snapshot->tag;
	bury_gate_states(context);
}

/*
 * Current becomes a thread with the states of its parent; 0 or an error. `safe_stack`: the size, out. Not under the lock:
 * this takes memory and time at the caller's expense, and every context that ends takes the lock. EADDRINUSE: another thread's
 * stack is there already, so it adopted as well, or came first.
 */
int pb_snapshot_adopt(struct pb_process *process, u64 *safe_stack)
{
	struct pb_snapshot *snapshot = find_snapshot();
	int error = -EINVAL;

	if (!snapshot)
		return -ESRCH;
	if (snapshot->process->mm != process->mm && snapshot->process->image == process->image &&
	    snapshot->process->base == process->base) {
		*safe_stack = snapshot->size_of_stack;
		error = pb_context_make(process, snapshot->size_of_stack, snapshot->start_of_stack, fill, snapshot);
	}
	kref_put(&snapshot->ref, free_snapshot);
	return error;
}
