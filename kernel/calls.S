/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the gate's entries lead to. They arrive at CPL 0 with interrupts off, EFLAGS.AC set, the
 * kernel's GS base, RSP on the safe stack at the return address of box code's call (exit: above it), and
 * leave for the box or for user mode.
 */
#include "asm.h"
#include <asm/unistd.h>

	.section .noinstr.text, "ax"

/* struct task_struct begins with thread_info; static_asserts in syscalls.c. */
#define TASK_FLAGS		0
#define TASK_SYSCALL_WORK	8

/*
 * A suspended state below RSP. RCX = context; the values beyond the callee-saved registers have been pushed. RBX = tag
 * afterwards. The caller moves RSP away.
 */
.macro PUSH_STATE kind
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	PB_CTX_TRY(%rcx)
	pushq	PB_CTX_ACTIVATION(%rcx)
	pushq	$\kind
	incq	PB_CTX_TAG(%rcx)
	pushq	PB_CTX_TAG(%rcx)
	pushq	PB_CTX_SUSPENDED(%rcx)
	movq	%rsp, PB_CTX_SUSPENDED(%rcx)
.endm

.macro LEAVE_BOX
	movl	$0, PB_CTX_INSIDE(%rcx)
	lidt	pb_stock_idtr(%rip)
	ASM_CLAC
	cld
.endm

/*
 * To user mode with the registers at RSP; RCX = context. Without work it is the kernel's last piece of the
 * way that is needed. User-return notifiers are work: the module's own is not asked for (no mark), so it is
 * another's. Some CPUs want something at each way to user mode.
 */
.macro TO_USER
	ALTERNATIVE_2 "", "jmp .Lleave", X86_FEATURE_IBPB_EXIT_TO_USER, "jmp .Lleave", X86_BUG_DIV0
	movq	PB_CTX_TASK(%rcx), %r11
	testl	$(PB_WORK | _TIF_NEED_FPU_LOAD | _TIF_IO_BITMAP | _TIF_USER_RETURN_NOTIFY), TASK_FLAGS(%r11)
	jnz	.Lleave
	jmp	__SCT__pb_to_user
.endm

/*
 * RAX number, RDI RSI RDX R10 R8 R9 arguments. The standing registers become the system call's pt_regs, the
 * kernel stack is the thread's own and empty.
 */
SYM_CODE_START(pb_gate_syscall)
	HINT_NONE
	ENDBR
	movq	CPU(CONTEXT), %rcx
	movq	PB_CTX_TASK(%rcx), %r11
	incq	PB_CTX_CALLS(%rcx)
	cmpq	$0, TASK_SYSCALL_WORK(%r11)
	jne	.Lslow			/* seccomp, audit, ptrace, tracing: they see every call */
	cmpl	$NR_syscalls, %eax
	jae	.Lnosys
	sbbl	%r11d, %r11d		/* all ones; zero where that was mispredicted */
	movq	%rsp, PB_CTX_GATE_RSP(%rcx)
	movq	PB_CTX_REGS(%rcx), %rsp
	UNWIND_HINT_REGS
	andl	%eax, %r11d
	movq	%rdi, RDI(%rsp)
	movq	%rsi, RSI(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r8, R8(%rsp)
	movq	%r9, R9(%rsp)
	movq	%r11, ORIG_RAX(%rsp)
	ASM_CLAC
	UNTRAIN_RET			/* these two lose RAX, RCX, RDX */
	CLEAR_BRANCH_HISTORY
	movq	pb_calls(, %r11, 8), %rax
	movq	%rsp, %rdi
	sti
	call	__x86_indirect_thunk_rax
	cli
	movq	CPU(CONTEXT), %rcx
	movq	PB_CTX_TASK(%rcx), %r11
	testl	$(PB_WORK | _TIF_NEED_FPU_LOAD), TASK_FLAGS(%r11)
	jnz	.Lwork
.Lback:
	movq	RDI(%rsp), %rdi
	movq	RSI(%rsp), %rsi
	movq	RDX(%rsp), %rdx
	movq	R10(%rsp), %r10
	movq	R8(%rsp), %r8
	movq	R9(%rsp), %r9
	movq	PB_CTX_GATE_RSP(%rcx), %rsp
	HINT_NONE
	jmp	pb_to_box

.Lnosys:
	movq	$-38, %rax
	jmp	pb_to_box

/* The call is done, RAX = result. Before user mode could go on, something is to be done: so before the box. */
.Lwork:
	UNWIND_HINT_REGS
	movq	%rax, RAX(%rsp)
	testl	$PB_WORK, TASK_FLAGS(%r11)
	jnz	1f
	call	switch_fpu_return
	movq	RAX(%rsp), %rax
	movq	CPU(CONTEXT), %rcx
	jmp	.Lback
1:	call	pb_suspend
	UNWIND_HINT_REGS
	movq	%rsp, %rdi
	call	pb_exit_work
	testb	%al, %al
	jz	.Lto_user
	movq	RAX(%rsp), %rax		/* callee-saved registers are still box code's */
	movq	CPU(CONTEXT), %rcx
	jmp	.Lback

/* The slow way, without the module's hands on the call: user mode makes it, by the landing's `syscall`. */
.Lslow:
	HINT_NONE
	movq	%rsp, PB_CTX_GATE_RSP(%rcx)
	movq	PB_CTX_REGS(%rcx), %rsp
	UNWIND_HINT_REGS
	movq	%rdi, RDI(%rsp)
	movq	%rsi, RSI(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r8, R8(%rsp)
	movq	%r9, R9(%rsp)
	movl	%eax, %eax
	movq	%rax, ORIG_RAX(%rsp)
	ASM_CLAC
	cld
.Lsuspend_slow:
	call	pb_suspend
	UNWIND_HINT_REGS
	movq	%rsp, %rdi
	call	pb_leave_for_syscall
.Lto_user:
	jmp	__SCT__pb_to_user
SYM_CODE_END(pb_gate_syscall)

/*
 * The call as a suspended state, from the registers at RSP (above our return address) and the callee-saved
 * ones, which stay as they are.
 */
SYM_CODE_START_LOCAL(pb_suspend)
	HINT_NONE
	popq	%r11
	movq	CPU(CONTEXT), %rcx
	movq	%rsp, %rdi
	movq	PB_CTX_GATE_RSP(%rcx), %rsp
	pushq	RDI(%rdi)
	pushq	RSI(%rdi)
	pushq	RDX(%rdi)
	pushq	R10(%rdi)
	pushq	R8(%rdi)
	pushq	R9(%rdi)
	PUSH_STATE PB_IN_SYSCALL
	movq	%rdi, %rsp
	pushq	%r11
	RET
SYM_CODE_END(pb_suspend)

/* In the table of calls for all that are not fast: called as they would be, with the registers at RSP + 8. */
SYM_CODE_START(pb_call_slow)
	HINT_NONE
	ENDBR
	cli
	addq	$8, %rsp
	UNWIND_HINT_REGS
	jmp	.Lsuspend_slow
SYM_CODE_END(pb_call_slow)

/* A virtual machine's exit loads the stock IDT, whatever was loaded at its entry: KVM_RUN belongs to user mode. */
SYM_CODE_START(pb_call_ioctl)
	HINT_NONE
	ENDBR
	cmpl	$0xae80, RSI + 8(%rsp)
	je	pb_call_slow
	movq	pb_ioctl(%rip), %rax
	JMP_NOSPEC rax
SYM_CODE_END(pb_call_ioctl)

/* R10 = normal code, RAX = __privbox_unsafe_sp, which the gate has read and nobody believes. */
SYM_CODE_START(pb_gate_block)
	HINT_NONE
	ENDBR
	movl	$PRIVBOX_LANDING_BLOCK, %r11d
	jmp	.Lcallout
SYM_CODE_END(pb_gate_block)

SYM_CODE_START(pb_gate_callout)
	HINT_NONE
	ENDBR
	movl	$PRIVBOX_LANDING_CALLOUT, %r11d
.Lcallout:
	pushq	%rbx
	movq	CPU(CONTEXT), %rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	PB_CTX_TRY(%rbx)
	movq	PB_CTX_ACTIVATION(%rbx), %rbp
	pushq	%rbp
	pushq	$PB_CALLED_OUT
	movq	PB_CTX_TAG(%rbx), %r15
	incq	%r15
	movq	%r15, PB_CTX_TAG(%rbx)
	pushq	%r15
	pushq	PB_CTX_SUSPENDED(%rbx)
	movq	%rsp, PB_CTX_SUSPENDED(%rbx)
	movq	PB_CTX_REGS(%rbx), %rsp
	UNWIND_HINT_REGS
	incq	PB_CTX_CALLOUTS(%rbx)
	addq	PB_CTX_LANDING(%rbx), %r11
	movq	%r11, RIP(%rsp)
	subq	$PB_ASM_UNSAFE_GAP, %rax
	andq	$-16, %rax
	movq	%rax, RSP(%rsp)
	movq	PB_ACT_SP(%rbp), %rbp	/* entered from there */
	xorl	%r11d, %r11d
	movq	%rcx, RCX(%rsp)
	movq	%rbx, %rcx
	movq	%r15, RBX(%rsp)		/* tag */
	movq	%rbp, RBP(%rsp)
	movq	%rdi, RDI(%rsp)
	movq	%rsi, RSI(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%r8, R8(%rsp)
	movq	%r9, R9(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r11, RAX(%rsp)
	movq	%r11, R11(%rsp)
	movq	%r11, R12(%rsp)
	movq	%r11, R13(%rsp)
	movq	%r11, R14(%rsp)
	movq	%r11, R15(%rsp)
	LEAVE_BOX
	TO_USER
SYM_CODE_END(pb_gate_callout)

/* The clone returned: RSP is above its return address, in the activation. */
SYM_CODE_START(pb_gate_exit)
	HINT_NONE
	ENDBR
	movq	CPU(CONTEXT), %rcx
	popq	PB_CTX_ACTIVATION(%rcx)
	popq	PB_CTX_TRY(%rcx)
	popq	%rsi			/* the caller's RSP */
	movq	PB_CTX_REGS(%rcx), %rsp
	UNWIND_HINT_REGS
	movq	%rsi, RSP(%rsp)
	movq	PB_CTX_LANDING(%rcx), %rsi
	addq	$PRIVBOX_LANDING_EXITED, %rsi
	movq	%rsi, RIP(%rsp)
	xorl	%r11d, %r11d
	movq	%rax, RAX(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%rbx, RBX(%rsp)
	movq	%rbp, RBP(%rsp)
	movq	%r12, R12(%rsp)
	movq	%r13, R13(%rsp)
	movq	%r14, R14(%rsp)
	movq	%r15, R15(%rsp)
	movq	%r11, RCX(%rsp)
	movq	%r11, RSI(%rsp)
	movq	%r11, RDI(%rsp)
	movq	%r11, R8(%rsp)
	movq	%r11, R9(%rsp)
	movq	%r11, R10(%rsp)
	movq	%r11, R11(%rsp)
	LEAVE_BOX
	TO_USER
.Lleave:
	UNWIND_HINT_REGS
	movq	%rsp, %rdi
	call	pb_leave
	jmp	__SCT__pb_to_user
SYM_CODE_END(pb_gate_exit)

	.section .note.GNU-stack, "", @progbits
