// SPDX-License-Identifier: GPL-2.0
/*
 * The device and its requests (docs/kernel-abi.md).
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <generated/utsrelease.h>
#include <linux/version.h>

#include "privbox.h"
#include "symbols.h"
#include "trust.h"

/* An open file: keeps what it bound until it is closed, so that mmap finds it. */
struct opened {
	struct mutex lock;
	struct pb_process *process;
};

/*
 * A request's struct begins with its size and version. Newer programs may send longer structs, as long as what
 * this module does not know of them is 0.
 */
static int get_struct(void *to, size_t size, const void __user *from)
{
	struct {
		u32 size;
		u32 abi;
	} head;
	int error;

	if (copy_from_user(&head, from, sizeof(head)))
		return -EFAULT;
	if (head.abi != PRIVBOX_ABI)
		return -EPROTO;
	if (head.size < size || head.size > PAGE_SIZE)
		return -EINVAL;
	error = copy_struct_from_user(to, size, from, head.size);
	if (error)
		return error == -E2BIG ? -EINVAL : error;
	/* What was read twice may have changed in between. */
	*(u32 *)to = head.size;
	return 0;
}

static int put_struct(void __user *to, const void *from, size_t size)
{
	return copy_to_user(to, from, size) ? -EFAULT : 0;
}

/*
 * Who changes what is trusted decides what runs in the kernel: the same right as loading modules, and refused where
 * loading them is. Of the opener as well: a file handed to a privileged program is no way in.
 */
static int check_trusting(const struct file *file)
{
	if (!capable(CAP_SYS_MODULE) || !file_ns_capable(file, &init_user_ns, CAP_SYS_MODULE))
		return -EPERM;
	if (READ_ONCE(*pb_kernel.modules_disabled))
		return -EPERM;
	return security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

/* Contexts are for 64-bit user threads. */
static int check_task(void)
{
	if (in_compat_syscall() || test_thread_flag(TIF_ADDR32) || !current->mm ||
	    current->flags & (PF_KTHREAD | PF_IO_WORKER))
		return -EPERM;
	return 0;
}

static int do_info(void __user *arg)
{
	struct privbox_info info = { };
	struct privbox_info asked;
	int error = get_struct(&asked, sizeof(asked), arg);

	if (error)
		return error;
	info.size = asked.size;
	info.abi = PRIVBOX_ABI;
	info.gate_version = PB_GATE_VERSION;
	info.manifest_version = PB_MANIFEST_VERSION;
	info.flags = pb_cpu_flags();
	info.trusted = pb_trust_count();
	info.contexts = pb_context_count();
	info.default_safe_stack = pb_stack_size(0);
	strscpy(info.kernel, UTS_RELEASE, sizeof(info.kernel));
	strscpy(info.missing, pb_cpu_missing(), sizeof(info.missing));
	return put_struct(arg, &info, sizeof(info));
}

static int do_trust(struct file *file, void __user *arg, int (*change)(const u8 *digest))
{
	struct privbox_trust trust;
	int error = check_trusting(file) ?: get_struct(&trust, sizeof(trust), arg);

	return error ?: change(trust.digest);
}

static int do_list(struct file *file, void __user *arg)
{
	struct privbox_list list;
	int error = check_trusting(file) ?: get_struct(&list, sizeof(list), arg);

	if (!error)
		error = pb_trust_list(u64_to_user_ptr(list.digests), list.digests ? list.count : 0, &list.count);
	return error ?: put_struct(arg, &list, sizeof(list));
}

static int do_bind(struct file *file, void __user *arg)
{
	struct opened *opened = file->private_data;
	struct pb_process *process;
	struct privbox_bind bind;
	int error = check_task() ?: get_struct(&bind, sizeof(bind), arg);

	if (error)
		return error;
	memset(bind.digest, 0, sizeof(bind.digest));
	process = pb_process_bind(&bind);
	/* For a digest that is not trusted, the caller must know which one. */
	if (put_struct(arg + offsetof(struct privbox_bind, digest), bind.digest, sizeof(bind.digest)))
		error = -EFAULT;
	if (IS_ERR(process))
		return PTR_ERR(process);
	if (error) {
		pb_process_put(process);
		return error;
	}
	mutex_lock(&opened->lock);
	swap(opened->process, process);
	mutex_unlock(&opened->lock);
	if (process)
		pb_process_put(process);
	return 0;
}

static int do_thread(void __user *arg)
{
	struct pb_process *process;
	struct privbox_thread thread;
	int error = check_task() ?: get_struct(&thread, sizeof(thread), arg);

	if (error)
		return error;
	thread.safe_stack = pb_stack_size(thread.safe_stack);
	if (thread.flags || !thread.safe_stack)
		return -EINVAL;
	process = pb_process_get(current->mm);
	if (!process)
		return -ENXIO;
	/* Before the context exists, which cannot be taken back. */
	error = pb_cpu_thread() ?: put_struct(arg, &thread, sizeof(thread));
	if (!error)
		error = pb_process_mapped(process) ? pb_context_attach(process, thread.safe_stack) : -ENXIO;
	pb_process_put(process);
	return error;
}

static int do_snapshot(void __user *arg)
{
	struct privbox_fork fork;
	int error = get_struct(&fork, sizeof(fork), arg);

	if (error)
		return error;
	if (fork.flags & ~(u64)PRIVBOX_FORK_DROP)
		return -EINVAL;
	return pb_context_snapshot(!fork.flags);
}

static int do_adopt(void __user *arg)
{
	struct pb_process *process;
	struct privbox_thread thread;
	int error = check_task() ?: get_struct(&thread, sizeof(thread), arg);

	if (error)
		return error;
	if (thread.flags)
		return -EINVAL;
	process = pb_process_get(current->mm);
	if (!process)
		return -ENXIO;
	error = pb_cpu_thread();
	if (!error)
		error = pb_process_mapped(process) ? pb_snapshot_adopt(process, &thread.safe_stack) : -ENXIO;
	pb_process_put(process);
	/* The context exists, whether the size can be told or not. */
	return error ?: put_struct(arg, &thread, sizeof(thread));
}

static int do_stats(void __user *arg)
{
	struct privbox_stats stats;
	int error = get_struct(&stats, sizeof(stats), arg);

	error = error ?: pb_context_stats(&stats);
	return error ?: put_struct(arg, &stats, sizeof(stats));
}

/* The number encodes the size of this version's struct; longer ones say theirs in the struct. */
#define NUMBER(request) ((request) & ~IOCSIZE_MASK)

static long privbox_ioctl(struct file *file, unsigned int request, unsigned long value)
{
	void __user *arg = (void __user *)value;

	switch (NUMBER(request)) {
	case NUMBER(PRIVBOX_IOC_INFO):
		return do_info(arg);
	case NUMBER(PRIVBOX_IOC_TRUST):
		return do_trust(file, arg, pb_trust_add);
	case NUMBER(PRIVBOX_IOC_UNTRUST):
		return do_trust(file, arg, pb_trust_remove);
	case NUMBER(PRIVBOX_IOC_LIST):
		return do_list(file, arg);
	case NUMBER(PRIVBOX_IOC_BIND):
		return do_bind(file, arg);
	case NUMBER(PRIVBOX_IOC_THREAD):
		return do_thread(arg);
	case NUMBER(PRIVBOX_IOC_SNAPSHOT):
		return do_snapshot(arg);
	case NUMBER(PRIVBOX_IOC_ADOPT):
		return do_adopt(arg);
	case NUMBER(PRIVBOX_IOC_STATS):
		return do_stats(arg);
	default:
		return -ENOTTY;
	}
}

static int privbox_open(struct inode *inode, struct file *file)
{
	struct opened *opened = kzalloc(sizeof(*opened), GFP_KERNEL_ACCOUNT);

	if (!opened)
		return -ENOMEM;
	mutex_init(&opened->lock);
	file->private_data = opened;
	return 0;
}

static int privbox_release(struct inode *inode, struct file *file)
{
	struct opened *opened = file->private_data;

	if (opened->process)
		pb_process_put(opened->process);
	kfree(opened);
	return 0;
}

static int privbox_mmap(struct file *file, struct vm_area_struct *vma)
{
	return pb_process_mmap(vma);
}

/* Asked before anything is unmapped: mmap elsewhere and mremap end here. */
static unsigned long privbox_place(struct file *file, unsigned long address, unsigned long size, unsigned long pgoff,
				   unsigned long flags)
{
	return flags & MAP_FIXED ? pb_process_place(address, size) : -EINVAL;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = privbox_open,
	.release = privbox_release,
	.unlocked_ioctl = privbox_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = privbox_mmap,
	.get_unmapped_area = privbox_place,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "privbox",
	.fops = &operations,
	.mode = 0660,
};

static int __init device_init(void)
{
	return misc_register(&device);
}

static void device_exit(void)
{
	misc_deregister(&device);
}

/* In order; undone backwards. The switch looks at the gate's bytes before the image copies them. */
static const struct {
	int (*init)(void);
	void (*exit)(void);
} steps[] __refconst = {
	{ pb_symbols_init, NULL },
	{ pb_cpu_check, NULL },
	{ pb_switch_init, pb_switch_exit },
	{ pb_image_init, pb_image_exit },
	{ device_init, device_exit },
};

#ifdef PRIVBOX_DEBUG
static unsigned int fail_at;
module_param(fail_at, uint, 0444);
MODULE_PARM_DESC(fail_at, "number of the step of initialisation that fails, for tests (0: none)");
#else
static const unsigned int fail_at;
#endif

static void undo(unsigned int n)
{
	while (n--)
		if (steps[n].exit)
			steps[n].exit();
}

static int __init privbox_init(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		error = fail_at == i + 1 ? -ECANCELED : steps[i].init();
		if (error) {
			undo(i);
			return error;
		}
	}
	pr_info("ready\n");
	return 0;
}

/* Nothing refers to the module any more: no file, no mapping (which has a file), no context. */
static void __exit privbox_exit(void)
{
	undo(ARRAY_SIZE(steps));
	pb_stack_exit();
	pb_trust_exit();
}

module_init(privbox_init);
module_exit(privbox_exit);
MODULE_DESCRIPTION("Runs verified text of user processes at CPL 0");
MODULE_AUTHOR("The Privbox developers");
MODULE_LICENSE("GPL");
