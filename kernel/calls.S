/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the gate's entries lead to. They arrive at CPL 0 with interrupts off (system calls: on), EFLAGS.AC set, the
 * kernel's GS base, RSP on the safe stack at the return address of box code's call (exit: above it), and
 * leave for the box or for user mode.
 */
#include "asm.h"
#include <asm/unistd.h>

	.section .noinstr.text, "ax"

/*
 * Work before user mode, on the way out of the box. User-return notifiers are work: the module's own is not asked for (no
 * mark), so it is another's.
 */
#define PB_LEAVING_WORK (PB_WORK | _TIF_NEED_FPU_LOAD | _TIF_IO_BITMAP | _TIF_USER_RETURN_NOTIFY)

/*
 * System calls: RAX number, RDI RSI RDX R10 R8 R9 arguments; interrupts are on. The standing registers become
 * the system call's pt_regs, the kernel stack is the thread's own and empty.
 *
 * Up to pb_gate_window_end the safe stack is still in use, and whatever interrupts is a demotion (demote.S) with
 * RIP = the gate's entry: nothing has been lost so far but RAX, RCX and R11, and these instructions start again.
 */
	.balign 64
	.globl pb_gate_window, pb_gate_window_end
pb_gate_window:
	ANNOTATE_NOENDBR
	HINT_NONE
.Lnosys:
	movq	$-38, %rax		/* the same again, as a number */
	xorl	%ecx, %ecx
	xorl	%r11d, %r11d
	CLEAR_CPU_BUFFERS
	ANNOTATE_UNRET_SAFE
	ret
	int3
.Lslow:
	cli
	jmp	.Lslow_off
/* Ends with RSP = RDI - 8, on the kernel stack, where box code's RSP is; RAX = number. */
.macro TO_KERNEL_STACK
	movq	CPU(TASK), %r11
	incq	CPU(CALLS)
	cmpq	$0, TASK_SYSCALL_WORK(%r11)
	jne	.Lslow			/* seccomp, audit, ptrace, tracing: they see every call */
	cmpl	$NR_syscalls, %eax
	jae	.Lnosys
	andl	$(PB_CALL_SLOTS - 1), %eax	/* also where that was mispredicted */
	movq	CPU(REGS), %rcx
	movq	%rdi, RDI(%rcx)
	movq	%rsi, RSI(%rcx)
	movq	%rdx, RDX(%rcx)
	movq	%r10, R10(%rcx)
	movq	%r8, R8(%rcx)
	movq	%r9, R9(%rcx)
	movq	%rax, ORIG_RAX(%rcx)
	movq	%rsp, -8(%rcx)
	leaq	-8(%rcx), %rsp
.endm

SYM_CODE_START(pb_gate_syscall_retpoline)
	HINT_NONE
	ENDBR
	TO_KERNEL_STACK
	jmp	.Lcall_retpoline
SYM_CODE_END(pb_gate_syscall_retpoline)

/* For CPUs that do not need retpolines, whatever the kernel was built with (switch.c). */
SYM_CODE_START(pb_gate_syscall)
	HINT_NONE
	ENDBR
	TO_KERNEL_STACK
pb_gate_window_end:
	ANNOTATE_NOENDBR
	UNWIND_HINT_REGS offset=8
	movq	%rcx, %rdi
	ASM_CLAC
	ANNOTATE_RETPOLINE_SAFE
	call	*pb_calls(, %rax, 8)
.Lcalled:
	cli
	movq	CPU(TASK), %r11
	testl	$(PB_WORK | _TIF_NEED_FPU_LOAD), TASK_FLAGS(%r11)
	jz	pb_back
	jmp	.Lwork

.Lcall_retpoline:
	UNWIND_HINT_REGS offset=8
	movq	%rcx, %rdi
	ASM_CLAC
	movq	pb_calls(, %rax, 8), %rax
	call	__x86_indirect_thunk_rax
	jmp	.Lcalled

/* The call is done, RAX = result. Before user mode could go on, something is to be done: so before the box. */
.Lwork:
	UNWIND_HINT_REGS offset=8
	movq	%rax, 8 + RAX(%rsp)
	testl	$PB_WORK, TASK_FLAGS(%r11)
	jz	1f
	call	pb_only_switched	/* what a call that sleeps has */
	testb	%al, %al
	jz	3f
	movq	CPU(TASK), %r11
	testl	$_TIF_NEED_FPU_LOAD, TASK_FLAGS(%r11)
	jz	2f
1:	call	switch_fpu_return
2:	movq	8 + RAX(%rsp), %rax
	jmp	pb_back
3:	call	pb_suspend
	UNWIND_HINT_REGS
	movq	%rsp, %rdi
	call	pb_exit_work
	testb	%al, %al
	jz	.Lto_user
	movq	RAX(%rsp), %rax		/* callee-saved registers are still box code's */
	movq	CPU(CONTEXT), %rcx
	pushq	PB_CTX_GATE_RSP(%rcx)
	UNWIND_HINT_REGS offset=8
	jmp	pb_back

/* The slow way, without the module's hands on the call: user mode makes it, by the landing's `syscall`. */
.Lslow_off:
	HINT_NONE
	movq	CPU(REGS), %rcx
	movq	%rsp, -8(%rcx)
	leaq	-8(%rcx), %rsp
	UNWIND_HINT_REGS offset=8
	movq	%rdi, RDI(%rcx)
	movq	%rsi, RSI(%rcx)
	movq	%rdx, RDX(%rcx)
	movq	%r10, R10(%rcx)
	movq	%r8, R8(%rcx)
	movq	%r9, R9(%rcx)
	movl	%eax, %eax
	movq	%rax, ORIG_RAX(%rcx)
	ASM_CLAC
	cld
	movq	%rcx, %rdi
	call	pb_may_call
	testb	%al, %al
	movq	$-38, %rax
	jz	pb_back
.Lsuspend_slow:
	call	pb_suspend
	UNWIND_HINT_REGS
	movq	%rsp, %rdi
	call	pb_leave_for_syscall
.Lto_user:
	jmp	__SCT__pb_to_user
SYM_CODE_END(pb_gate_syscall)

/*
 * The call as a suspended state, from the standing registers and the callee-saved ones, which stay as they are.
 * Above the return address: box code's RSP, which goes, and the standing registers.
 */
SYM_CODE_START_LOCAL(pb_suspend)
	HINT_NONE
	popq	%r11
	popq	%r10
	movq	CPU(CONTEXT), %rcx
	movq	%rsp, %rdi
	movq	%r10, PB_CTX_GATE_RSP(%rcx)
	movq	%r10, %rsp
	pushq	RDI(%rdi)
	pushq	RSI(%rdi)
	pushq	RDX(%rdi)
	pushq	R10(%rdi)
	pushq	R8(%rdi)
	pushq	R9(%rdi)
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	PB_CTX_TRY(%rcx)
	pushq	PB_CTX_ACTIVATION(%rcx)
	pushq	$PB_IN_SYSCALL
	incq	PB_CTX_TAG(%rcx)
	pushq	PB_CTX_TAG(%rcx)
	pushq	PB_CTX_SUSPENDED(%rcx)
	movq	%rsp, PB_CTX_SUSPENDED(%rcx)
	movq	%rdi, %rsp
	pushq	%r11
	RET
SYM_CODE_END(pb_suspend)

/* In the table of calls for all that are not fast: called as they would be. */
SYM_CODE_START(pb_call_slow)
	HINT_NONE
	ENDBR
	cli
	addq	$8, %rsp
	UNWIND_HINT_REGS offset=8
	jmp	.Lsuspend_slow
SYM_CODE_END(pb_call_slow)

/* Never from the box (syscalls.c), with the table of calls in their place. */
SYM_CODE_START(pb_call_never)
	HINT_NONE
	ENDBR
	movq	$-38, %rax
	RET
SYM_CODE_END(pb_call_never)

SYM_CODE_START(pb_call_clone)
	HINT_NONE
	ENDBR
	testl	$0x100, RDI(%rdi)	/* CLONE_VM */
	jnz	pb_call_never
	cmpq	$0, RSI(%rdi)
	je	pb_call_slow
	jmp	pb_call_never
SYM_CODE_END(pb_call_clone)

/* A virtual machine's exit loads the stock IDT, whatever was loaded at its entry: KVM_RUN belongs to user mode. */
SYM_CODE_START(pb_call_ioctl)
	HINT_NONE
	ENDBR
	cmpl	$0xae80, RSI(%rdi)
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
	movq	%r15, %rbx		/* tag */
	xorl	%eax, %eax
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	jmp	.Lleave_box
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
	xorl	%ecx, %ecx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d

/*
 * To user mode with the registers as they are, but R11, which becomes 0; RIP and RSP stand at RSP, and the other words
 * of the frame with them. Without work, and where the table of outside is used (idt.c), what the kernel does on its way is
 * this and no more.
 */
.Lleave_box:
	UNWIND_HINT_REGS
	cmpl	$0, pb_outside(%rip)
	je	.Lstock_way
	movq	CPU(TASK), %r11
	testl	$PB_LEAVING_WORK, TASK_FLAGS(%r11)
	jnz	.Lstock_way
	movq	CPU(CONTEXT), %r11
	movl	$PB_OUTSIDE, PB_CTX_INSIDE(%r11)
	lidt	pb_outside_idtr(%rip)
	xorl	%r11d, %r11d
	addq	$RIP, %rsp
	UNWIND_HINT_IRET_REGS
	swapgs
	CLEAR_CPU_BUFFERS
	iretq				/* to addresses of the low half: it cannot fault */

.Lstock_way:
	UNWIND_HINT_REGS
	xorl	%r11d, %r11d
	movq	%rcx, RCX(%rsp)
	movq	%rax, RAX(%rsp)
	movq	%rdx, RDX(%rsp)
	movq	%rsi, RSI(%rsp)
	movq	%rdi, RDI(%rsp)
	movq	%r8, R8(%rsp)
	movq	%r9, R9(%rsp)
	movq	%r10, R10(%rsp)
	movq	%r11, R11(%rsp)
	movq	%rbx, RBX(%rsp)
	movq	%rbp, RBP(%rsp)
	movq	%r12, R12(%rsp)
	movq	%r13, R13(%rsp)
	movq	%r14, R14(%rsp)
	movq	%r15, R15(%rsp)
	movq	CPU(CONTEXT), %rcx
	movl	$0, PB_CTX_INSIDE(%rcx)
	lidt	pb_stock_idtr(%rip)
	ASM_CLAC
	cld
	/* Some CPUs want something at each way to user mode. */
	ALTERNATIVE "", "jmp .Lleave", X86_BUG_DIV0
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	ALTERNATIVE "", "jmp .Lleave", X86_FEATURE_IBPB_EXIT_TO_USER
#endif
	movq	PB_CTX_TASK(%rcx), %r11
	testl	$PB_LEAVING_WORK, TASK_FLAGS(%r11)
	jnz	.Lleave
	jmp	__SCT__pb_to_user	/* the kernel's last piece of the way */
.Lleave:
	UNWIND_HINT_REGS
	/* No system call: a result that looks like the kernel's wish to restart one is none, whatever call came last. */
	movq	$-1, ORIG_RAX(%rsp)
	movq	%rsp, %rdi
	call	pb_leave
	jmp	__SCT__pb_to_user
SYM_CODE_END(pb_gate_exit)

	.section .note.GNU-stack, "", @progbits
