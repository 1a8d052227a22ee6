/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * System-call wrappers of the box: arguments as in C, -1 and errno on failure. They are no
 * cancellation points. Variadic ones find the rest of their arguments in the va area.
 */
#include "box.h"

#define VA_AREA %fs:__privbox_va_area@tpoff

/* RAX = -errno. errno's address comes from a variable, so it is masked. */
FUNCTION __privbox_syscall_failed
	movq	%fs:__privbox_errno@tpoff, %rdx
	movabsq	$MASK, %rcx
	andq	%rcx, %rdx
	negl	%eax
	movl	%eax, (%rdx)
	movq	$-1, %rax
	RETURN
END __privbox_syscall_failed

FUNCTION __errno_location
	movq	%fs:__privbox_errno@tpoff, %rax
	RETURN
END __errno_location

.macro DO number
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	movl	$\number, %eax
	call	__privbox_gate_syscall
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	cmpq	$-4095, %rax
	jae	__privbox_syscall_failed.privbox
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
.endm

.macro SYSCALL name, number, args
FUNCTION \name
	.if \args >= 4
	movq	%rcx, %r10
	.endif
	DO	\number
END \name
.endm

/* A fifth argument the C function does not have: the size of the signal mask. */
.macro SYSCALL_MASK5 name, number
FUNCTION \name
	movq	%rcx, %r10
	movl	$8, %r8d
	DO	\number
END \name
.endm

SYSCALL read, 0, 3
ALIAS __read, read
SYSCALL write, 1, 3
ALIAS __write, write
SYSCALL close, 3, 1
ALIAS __close, close
SYSCALL stat, 4, 2
ALIAS stat64, stat
SYSCALL fstat, 5, 2
ALIAS fstat64, fstat
SYSCALL lstat, 6, 2
ALIAS lstat64, lstat
SYSCALL poll, 7, 3
ALIAS __poll, poll
SYSCALL lseek, 8, 3
ALIAS lseek64, lseek
SYSCALL mprotect, 10, 3
SYSCALL munmap, 11, 2
SYSCALL pread, 17, 4
ALIAS pread64, pread
SYSCALL pwrite, 18, 4
ALIAS pwrite64, pwrite
SYSCALL readv, 19, 3
SYSCALL writev, 20, 3
SYSCALL access, 21, 2
SYSCALL pipe, 22, 1
SYSCALL sched_yield, 24, 0
SYSCALL msync, 26, 3
SYSCALL madvise, 28, 3
SYSCALL dup, 32, 1
SYSCALL dup2, 33, 2
SYSCALL nanosleep, 35, 2
SYSCALL getpid, 39, 0
SYSCALL sendfile, 40, 4
ALIAS sendfile64, sendfile
SYSCALL socket, 41, 3
SYSCALL connect, 42, 3
SYSCALL accept, 43, 3
SYSCALL sendto, 44, 6
SYSCALL recvfrom, 45, 6
SYSCALL sendmsg, 46, 3
SYSCALL recvmsg, 47, 3
SYSCALL shutdown, 48, 2
SYSCALL bind, 49, 2
SYSCALL listen, 50, 2
SYSCALL getsockname, 51, 3
SYSCALL getpeername, 52, 3
SYSCALL socketpair, 53, 4
SYSCALL setsockopt, 54, 5
SYSCALL getsockopt, 55, 5
SYSCALL flock, 73, 2
SYSCALL fsync, 74, 1
SYSCALL fdatasync, 75, 1
SYSCALL truncate, 76, 2
ALIAS truncate64, truncate
SYSCALL ftruncate, 77, 2
ALIAS ftruncate64, ftruncate
SYSCALL chdir, 80, 1
SYSCALL fchdir, 81, 1
SYSCALL rename, 82, 2
SYSCALL mkdir, 83, 2
SYSCALL rmdir, 84, 1
SYSCALL link, 86, 2
SYSCALL unlink, 87, 1
SYSCALL symlink, 88, 2
SYSCALL readlink, 89, 3
SYSCALL chmod, 90, 2
SYSCALL fchmod, 91, 2
SYSCALL chown, 92, 3
SYSCALL fchown, 93, 3
SYSCALL lchown, 94, 3
SYSCALL getuid, 102, 0
SYSCALL getgid, 104, 0
SYSCALL geteuid, 107, 0
SYSCALL getegid, 108, 0
SYSCALL getppid, 110, 0
SYSCALL gettid, 186, 0
SYSCALL setxattr, 188, 5
SYSCALL lsetxattr, 189, 5
SYSCALL fsetxattr, 190, 5
SYSCALL getxattr, 191, 4
SYSCALL lgetxattr, 192, 4
SYSCALL fgetxattr, 193, 4
SYSCALL listxattr, 194, 3
SYSCALL llistxattr, 195, 3
SYSCALL flistxattr, 196, 3
SYSCALL epoll_create, 213, 1
SYSCALL clock_gettime, 228, 2
ALIAS __clock_gettime, clock_gettime
SYSCALL epoll_wait, 232, 4
SYSCALL epoll_ctl, 233, 4
SYSCALL inotify_add_watch, 254, 3
SYSCALL inotify_rm_watch, 255, 2
SYSCALL mkdirat, 258, 3
SYSCALL fchownat, 260, 5
SYSCALL fstatat, 262, 4
ALIAS fstatat64, fstatat
SYSCALL unlinkat, 263, 3
SYSCALL renameat, 264, 4
SYSCALL linkat, 265, 5
SYSCALL symlinkat, 266, 3
SYSCALL readlinkat, 267, 4
SYSCALL splice, 275, 6
SYSCALL tee, 276, 4
SYSCALL utimensat, 280, 4
SYSCALL fallocate, 285, 4
ALIAS fallocate64, fallocate
SYSCALL timerfd_create, 283, 2
SYSCALL timerfd_settime, 286, 4
SYSCALL timerfd_gettime, 287, 2
SYSCALL accept4, 288, 4
SYSCALL eventfd, 290, 2
SYSCALL epoll_create1, 291, 1
SYSCALL dup3, 292, 3
SYSCALL pipe2, 293, 2
SYSCALL recvmmsg, 299, 5
SYSCALL sendmmsg, 307, 4
SYSCALL renameat2, 316, 5
SYSCALL getrandom, 318, 3
SYSCALL memfd_create, 319, 2
SYSCALL copy_file_range, 326, 6
SYSCALL statx, 332, 5

/* recv and send: recvfrom and sendto without an address. */
.macro SYSCALL_NO_ADDRESS name, number
FUNCTION \name
	movq	%rcx, %r10
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	DO	\number
END \name
.endm
SYSCALL_NO_ADDRESS recv, 45
SYSCALL_NO_ADDRESS send, 44

/* The offset goes in two halves, of which the first has all 64 bits. */
.macro SYSCALL_OFFSET name, number
FUNCTION \name
	movq	%rcx, %r10
	xorl	%r8d, %r8d
	DO	\number
END \name
.endm
SYSCALL_OFFSET preadv, 295
ALIAS preadv64, preadv
SYSCALL_OFFSET pwritev, 296
ALIAS pwritev64, pwritev

FUNCTION epoll_pwait
	movq	%rcx, %r10
	movl	$8, %r9d		/* the size of the signal mask */
	DO	281
END epoll_pwait

/* The first variadic argument, if there can be one, in \to. It follows \named arguments in the register save area
 * that a va area starts with (docs/box-abi.md). */
.macro VA_FIRST to, named, skip
	movq	VA_AREA, %rcx
	movabsq	$MASK, %r11
	andq	%r11, %rcx
	je	\skip
	movq	8 * \named(%rcx), \to
.endm

/* O_CREAT and O_TMPFILE take a mode. */
FUNCTION open
ALIAS open64, open
ALIAS __open, open
	testl	$0x400040, %esi
	je	1f
	VA_FIRST %rdx, 2, 1f
1:	DO	2
END open

FUNCTION openat
ALIAS openat64, openat
	testl	$0x400040, %edx
	je	1f
	VA_FIRST %r10, 3, 1f
1:	DO	257
END openat

/* What takes no argument must not look for one: a stale area may be unmapped. */
FUNCTION fcntl
ALIAS fcntl64, fcntl
	cmpl	$1, %esi		/* F_GETFD */
	je	1f
	cmpl	$3, %esi		/* F_GETFL */
	je	1f
	cmpl	$9, %esi		/* F_GETOWN */
	je	1f
	cmpl	$11, %esi		/* F_GETSIG */
	je	1f
	cmpl	$1025, %esi		/* F_GETLEASE */
	je	1f
	cmpl	$1032, %esi		/* F_GETPIPE_SZ */
	je	1f
	cmpl	$1034, %esi		/* F_GET_SEALS */
	je	1f
	VA_FIRST %rdx, 2, 1f
1:	DO	72
END fcntl

FUNCTION ioctl
	VA_FIRST %rdx, 2, 1f
1:	DO	16
END ioctl

/* long syscall(long number, ...): five in the register save area, the sixth on the stack behind it. */
FUNCTION syscall
	movq	%rdi, %rax
	movq	VA_AREA, %rcx
	movabsq	$MASK, %r11
	andq	%r11, %rcx
	je	1f
	movq	8(%rcx), %rdi
	movq	16(%rcx), %rsi
	movq	24(%rcx), %rdx
	movq	32(%rcx), %r10
	movq	40(%rcx), %r8
	movq	176(%rcx), %r9
1:	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	call	__privbox_gate_syscall
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	cmpq	$-4095, %rax
	jae	__privbox_syscall_failed.privbox
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END syscall

	.section .note.GNU-stack, "", @progbits
