// SPDX-License-Identifier: GPL-2.0
/*
 * The work that a switch of context leaves behind.
 *
 * For a thread with a registered struct rseq (glibc registers one for each) the scheduler sets TIF_NOTIFY_RESUME at each switch: before user
 * mode the kernel writes the numbers of the CPU into that struct, and restarts the sequence that was interrupted, if there is one. So
 * each system call that sleeps, or wakes somebody who is to run at once, would leave the gate by the slow way. Mostly there is nothing
 * to write: the thread continues where it was.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <linux/topology.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <asm/cpufeature.h>

#include "context.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
/* The rest of what resume_user_mode_work() does, in its order. Only the thread itself makes such work, or an interrupt of it. */
static __always_inline bool other_work(const struct task_struct *task)
{
#ifdef CONFIG_KEYS_REQUEST_CACHE
	if (task->cached_requested_key)
		return true;
#endif
#ifdef CONFIG_MEMCG
	if (task->memcg_nr_pages_over_high)
		return true;
#endif
#ifdef CONFIG_BLK_CGROUP
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	if (task->throttle_disk)
		return true;
#else
	if (task->throttle_queue)
		return true;
#endif
#endif
	return false;
}

/* The struct says already what __rseq_handle_notify_resume() would make it say. It is user memory, and may hold anything. */
static __always_inline bool rseq_stands(const struct task_struct *task)
{
#ifdef CONFIG_RSEQ
	struct rseq __user *rseq = task->rseq;
	u32 cpu = raw_smp_processor_id();
	bool stands = false;
	u64 cpu_ids, sequence;

	if (!rseq)
		return true;
	pagefault_disable();
	if (!user_read_access_begin(rseq, sizeof(*rseq)))
		goto out;
	static_assert(offsetof(struct rseq, cpu_id) == offsetof(struct rseq, cpu_id_start) + sizeof(u32));
	unsafe_get_user(cpu_ids, (u64 __user *)&rseq->cpu_id_start, fault);
	unsafe_get_user(sequence, &rseq->rseq_cs, fault);
	stands = cpu_ids == ((u64)cpu << 32 | cpu) && !sequence;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	{
		u32 node, concurrency;

		unsafe_get_user(node, &rseq->node_id, fault);
		unsafe_get_user(concurrency, &rseq->mm_cid, fault);
		stands = stands && node == numa_node_id() && concurrency == task_mm_cid(current);
	}
#endif
fault:
	user_read_access_end();
out:
	pagefault_enable();
	return stands;
#else
	return true;
#endif
}
#endif

/* For the kernel's own way. */
#define OTHER_WORK ((PB_WORK | _TIF_USER_RETURN_NOTIFY | _TIF_IO_BITMAP) & ~(_TIF_NEED_RESCHED | _TIF_NOTIFY_RESUME))

/*
 * Interrupts are off, a system call of the box is done, and there is work. True: that was no more than to let others run, and what a switch
 * leaves; it is done. False: the kernel's own way is to do what is left, as if nobody had looked. Kernels whose work is not known here go
 * that way always.
 */
asmlinkage bool pb_only_switched(void);
asmlinkage bool notrace pb_only_switched(void)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	struct task_struct *task = current;
	unsigned long work;

	/* Some CPUs want something at each way to user mode (calls.S): where threads change, the box gets it as well. */
	if (static_cpu_has_bug(X86_BUG_DIV0))
		return false;
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (static_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER))
		return false;
#endif
	/* As in the loop before user mode: each look is one with interrupts off. */
	for (;;) {
		work = read_thread_flags();
		if (work & OTHER_WORK || task_thread_info(task)->syscall_work)
			return false;
		if (!(work & _TIF_NEED_RESCHED))
			break;
		local_irq_enable();
		schedule();
		local_irq_disable();
	}
	if (!(work & _TIF_NOTIFY_RESUME))
		return true;
	if (other_work(task) || !rseq_stands(task))
		return false;
	clear_thread_flag(TIF_NOTIFY_RESUME);
	/*
	 * Pairs with task_work_add(), as in resume_user_mode_work(): others may add work at any time. What comes after this look sets the
	 * flag again and interrupts this CPU, in the box.
	 */
	smp_mb__after_atomic();
	if (likely(!task_work_pending(task)))
		return true;
	set_thread_flag(TIF_NOTIFY_RESUME);
#endif
	return false;
}
