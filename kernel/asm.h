/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module's assembly has in common.
 */
#ifndef PRIVBOX_ASM_H
#define PRIVBOX_ASM_H

#include <linux/linkage.h>
#include <linux/version.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/ibt.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/ptrace-abi.h>
#include <asm/segment.h>
#include <asm/smap.h>
#include <asm/thread_info.h>
#include <asm/unwind_hints.h>

#include "context.h"

/* A per-CPU variable, by an address that does not depend on where the code is. */
#define CPU(field) %gs:pb_cpu + PB_CPU_ ## field

/* struct task_struct begins with thread_info; static_asserts in syscalls.c. */
#define TASK_FLAGS		0
#define TASK_SYSCALL_WORK	8

/* RSP is on a safe stack, or there is nothing above it to find. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define HINT_NONE UNWIND_HINT_UNDEFINED
#else
#define HINT_NONE UNWIND_HINT_EMPTY
#endif

.macro POP_CALLEE_SAVED
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
.endm

/* To box code that was interrupted. At RSP: the registers of its state; EFLAGS as they were, AC with them. */
.macro RESUME_BOX
	POP_CALLEE_SAVED
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$8, %rsp
	CLEAR_CPU_BUFFERS
	iretq
.endm

#endif
