// SPDX-License-Identifier: GPL-2.0
/*
 * Turns the scheduler's preemption notifiers on and leaves them on. privbox.ko turns them on when it is loaded and off when it is unloaded, as
 * KVM does with its first and last machine; each of that changes an instruction in the middle of the scheduler, by way of a breakpoint, under the eyes
 * of the other CPUs. A processor does that right. QEMU's software CPU, every few hundred times, still runs the breakpoint when the kernel
 * has done with it, and that is an Oops ("int3 ... __schedule"). A guest loads this while it has one CPU only; from then on
 * privbox.ko changes a counter.
 */
#include <linux/module.h>
#include <linux/preempt.h>

static int __init scheduler_key_init(void)
{
	preempt_notifier_inc();
	return 0;
}

module_init(scheduler_key_init);
MODULE_DESCRIPTION("Leaves preemption notifiers on, for guests on QEMU");
MODULE_LICENSE("GPL");
