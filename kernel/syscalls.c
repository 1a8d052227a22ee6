// SPDX-License-Identifier: GPL-2.0
/*
 * Which system calls the gate makes by itself, and what it does when there is work before user mode.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/printk.h>
#include <linux/sched.h>
#include <uapi/linux/sched.h>
#include <linux/static_call.h>
#include <linux/syscalls.h>
#include <asm/unistd.h>

#include "context.h"
#include "symbols.h"

/* calls.S */
static_assert(offsetof(struct task_struct, thread_info.flags) == 0);
static_assert(offsetof(struct task_struct, thread_info.syscall_work) == 8);

/*
 * Requirement 9: an allow-list. These read nothing of their pt_regs but the arguments, change nothing of them and nothing that
 * the box rests on, and come back to where they were called, once. All others (fork and its like, exec,
 * signal frames and stacks, thread attributes such as arch_prctl's, tracing, seccomp, whatever is new) are made by user
 * mode for the box, which is always right.
 */
static const u16 fast_calls[] __initconst = {
	/* files */
	__NR_read, __NR_write, __NR_open, __NR_close, __NR_stat, __NR_fstat, __NR_lstat, __NR_lseek, __NR_pread64,
	__NR_pwrite64, __NR_readv, __NR_writev, __NR_access, __NR_pipe, __NR_dup, __NR_dup2, __NR_sendfile, __NR_fcntl,
	__NR_flock, __NR_fsync, __NR_fdatasync, __NR_truncate, __NR_ftruncate, __NR_getdents, __NR_getcwd, __NR_chdir,
	__NR_fchdir, __NR_rename, __NR_mkdir, __NR_rmdir, __NR_creat, __NR_link, __NR_unlink, __NR_symlink,
	__NR_readlink, __NR_chmod, __NR_fchmod, __NR_chown, __NR_fchown, __NR_lchown, __NR_umask, __NR_utime,
	__NR_utimes, __NR_statfs, __NR_fstatfs, __NR_sync, __NR_readahead, __NR_setxattr, __NR_lsetxattr,
	__NR_fsetxattr, __NR_getxattr, __NR_lgetxattr, __NR_fgetxattr, __NR_listxattr, __NR_llistxattr,
	__NR_flistxattr, __NR_removexattr, __NR_lremovexattr, __NR_fremovexattr, __NR_getdents64, __NR_fadvise64,
	__NR_openat, __NR_mkdirat, __NR_fchownat, __NR_futimesat, __NR_newfstatat, __NR_unlinkat, __NR_renameat,
	__NR_linkat, __NR_symlinkat, __NR_readlinkat, __NR_fchmodat, __NR_faccessat, __NR_splice, __NR_tee,
	__NR_sync_file_range, __NR_vmsplice, __NR_utimensat, __NR_fallocate, __NR_dup3, __NR_pipe2,
	__NR_inotify_init, __NR_inotify_init1, __NR_inotify_add_watch, __NR_inotify_rm_watch, __NR_preadv,
	__NR_pwritev, __NR_syncfs, __NR_renameat2, __NR_memfd_create, __NR_copy_file_range, __NR_preadv2,
	__NR_pwritev2, __NR_statx, __NR_close_range, __NR_openat2, __NR_faccessat2,
	/* waiting for them */
	__NR_poll, __NR_select, __NR_pselect6, __NR_ppoll, __NR_epoll_create, __NR_epoll_create1, __NR_epoll_ctl,
	__NR_epoll_wait, __NR_epoll_pwait, __NR_epoll_pwait2, __NR_eventfd, __NR_eventfd2, __NR_timerfd_create,
	__NR_timerfd_settime, __NR_timerfd_gettime, __NR_io_setup, __NR_io_destroy, __NR_io_getevents, __NR_io_submit,
	__NR_io_cancel, __NR_io_pgetevents, __NR_io_uring_enter,
	/* sockets */
	__NR_socket, __NR_connect, __NR_accept, __NR_sendto, __NR_recvfrom, __NR_sendmsg, __NR_recvmsg, __NR_shutdown,
	__NR_bind, __NR_listen, __NR_getsockname, __NR_getpeername, __NR_socketpair, __NR_setsockopt, __NR_getsockopt,
	__NR_accept4, __NR_recvmmsg, __NR_sendmmsg,
	/* memory */
	__NR_mmap, __NR_mprotect, __NR_munmap, __NR_brk, __NR_mremap, __NR_msync, __NR_mincore, __NR_madvise,
	__NR_mlock, __NR_munlock, __NR_mlock2,
	/* threads, time, who and where */
	__NR_futex, __NR_sched_yield, __NR_nanosleep, __NR_clock_nanosleep, __NR_clock_gettime, __NR_clock_getres,
	__NR_gettimeofday, __NR_time, __NR_times, __NR_getitimer, __NR_setitimer, __NR_alarm, __NR_timer_gettime,
	__NR_timer_settime, __NR_timer_getoverrun, __NR_getpid, __NR_gettid, __NR_getppid, __NR_getuid, __NR_geteuid,
	__NR_getgid, __NR_getegid, __NR_getresuid, __NR_getresgid, __NR_getgroups, __NR_getpgid, __NR_getpgrp,
	__NR_getsid, __NR_getcpu, __NR_getrusage, __NR_getrlimit, __NR_sysinfo, __NR_uname, __NR_getpriority,
	__NR_sched_getaffinity, __NR_sched_getscheduler, __NR_sched_getparam, __NR_getrandom, __NR_rt_sigprocmask,
	__NR_rt_sigpending, __NR_rt_sigtimedwait, __NR_kill, __NR_tgkill, __NR_tkill, __NR_wait4, __NR_waitid,
	/* messages */
	__NR_shmget, __NR_shmctl, __NR_semget, __NR_semop, __NR_semctl, __NR_semtimedop, __NR_msgget, __NR_msgsnd,
	__NR_msgrcv, __NR_msgctl, __NR_mq_timedsend, __NR_mq_timedreceive, __NR_mq_notify, __NR_mq_getsetattr,
};

/*
 * Neither way (docs/gate-abi.md): they would come back on a foreign stack, or to a frame that is not the
 * box's. Also clone with a shared address space or a stack.
 */
static const u16 never_calls[] = { __NR_rt_sigreturn, __NR_vfork, __NR_clone3 };

const void *pb_calls[PB_CALL_SLOTS] __ro_after_init;
static_assert(NR_syscalls <= PB_CALL_SLOTS);
const void *pb_ioctl __ro_after_init;

/*
 * Kernel functions that are not exported are called directly all the same: without prediction, and without the
 * ENDBR that some kernels take from them.
 */
static void not_yet(struct pt_regs *regs)
{
}

static void no_way(void)
{
}
DEFINE_STATIC_CALL(pb_irqentry_exit, not_yet);
DEFINE_STATIC_CALL(pb_syscall_exit, not_yet);
DEFINE_STATIC_CALL(pb_to_user, no_way);
ARCH_ADD_TRAMP_KEY(pb_to_user);

/* Interrupts off. What a way to user mode with these registers asks for. */
asmlinkage void pb_leave(struct pt_regs *regs);
asmlinkage void pb_leave(struct pt_regs *regs)
{
	static_call(pb_irqentry_exit)(regs);
}

/* Registers as docs/kernel-abi.md has them for a system call, but for RIP and RAX. */
static void look_like_user(struct pb_context *context, struct pt_regs *regs)
{
	regs->bx = context->tag;
	regs->bp = context->activation->sp;
	regs->r12 = 0;
	regs->r13 = 0;
	regs->r14 = 0;
	regs->r15 = 0;
	regs->cx = regs->ip;
	regs->r11 = regs->flags;
	if (!pb_read_unsafe_sp(context, &regs->sp))
		regs->sp = context->activation->sp - PB_UNSAFE_GAP;
}

/* Whether the call that stands in the registers may be made by user mode; the gate's table says it for other threads. */
asmlinkage bool pb_may_call(const struct pt_regs *regs);
asmlinkage bool pb_may_call(const struct pt_regs *regs)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(never_calls); i++)
		if (regs->orig_ax == never_calls[i])
			return false;
	return regs->orig_ax != __NR_clone || !(regs->di & CLONE_VM || regs->si);
}

static void leave_box(struct pb_context *context)
{
	context->inside = 0;
	pb_load_idt(&pb_stock_idtr);
}

/* Interrupts off, before and after. User mode is to make the call. */
asmlinkage void pb_leave_for_syscall(struct pt_regs *regs);
asmlinkage void pb_leave_for_syscall(struct pt_regs *regs)
{
	struct pb_context *context = this_cpu_read(pb_cpu.context);

	leave_box(context);
	context->slow++;
	regs->ax = regs->orig_ax;
	regs->orig_ax = -1;
	local_irq_enable();
	look_like_user(context, regs);
	regs->ip = context->landing + PRIVBOX_LANDING_SYSCALL;
	local_irq_disable();
	static_call(pb_irqentry_exit)(regs);
}

/*
 * The same. The call is done, and before user mode could go on there is work: rescheduling, signals, rseq. The
 * kernel does it on registers of a thread that has just made this call by the landing's `syscall`. If it
 * leaves RIP there the thread goes straight back to the box: true. Otherwise (a handler, a restart) user mode goes on from
 * what the kernel made of them.
 */
asmlinkage bool pb_exit_work(struct pt_regs *regs);
asmlinkage bool notrace pb_exit_work(struct pt_regs *regs)
{
	struct pb_context *context = this_cpu_read(pb_cpu.context);

	local_irq_enable();
	context->slow++;
	look_like_user(context, regs);
	if (unlikely(current_thread_info()->syscall_work)) {
		/* Tracing began meanwhile: it sees the call's end. */
		static_call(pb_syscall_exit)(regs);
	} else {
		local_irq_disable();
		static_call(pb_irqentry_exit)(regs);
	}
	return pb_in_place(context);
}

int __init pb_syscalls_init(void)
{
	void *irqentry_exit = pb_symbol_needed("irqentry_exit_to_user_mode");
	void *syscall_exit = pb_symbol_needed("syscall_exit_to_user_mode");
	void *to_user = pb_symbol_needed("swapgs_restore_regs_and_return_to_usermode");
	void **table = pb_symbol_needed("sys_call_table");
	unsigned int i;

	if (!irqentry_exit || !syscall_exit || !to_user || !table)
		return -ENOPKG;
	static_call_update(pb_irqentry_exit, irqentry_exit);
	static_call_update(pb_syscall_exit, syscall_exit);
	static_call_update(pb_to_user, to_user);
	for (i = 0; i < PB_CALL_SLOTS; i++)
		pb_calls[i] = pb_call_slow;
	for (i = 0; i < ARRAY_SIZE(fast_calls); i++)
		pb_calls[fast_calls[i]] = table[fast_calls[i]];
	for (i = 0; i < ARRAY_SIZE(never_calls); i++)
		pb_calls[never_calls[i]] = pb_call_never;
	pb_calls[__NR_clone] = pb_call_clone;
	pb_ioctl = table[__NR_ioctl];
	pb_calls[__NR_ioctl] = pb_call_ioctl;
	return 0;
}
