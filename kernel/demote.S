/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Demotion: what interrupts box code reaches the stock kernel as if it had interrupted user code.
 *
 * The alternative IDT leads here, with the gates of the stock one. The frame that the CPU pushed is
 * looked at; whatever is not the box goes to the stock handler with nothing changed. For the box all
 * registers are saved on its safe stack, and the stock handler starts on the thread's empty kernel stack with
 * registers as at the landing's RESUME (docs/kernel-abi.md). Nothing of the box is among them: tracers
 * and signal handlers may read and change them (requirement 6).
 */
#include "asm.h"

	.section .noinstr.text, "ax"

/* Vectors for which the CPU pushes an error code. */
#define HAS_ERROR(v) \
	((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)
/* In EDI, beside the vector. */
#define ERROR_FLAG 0x100
/*
 * An x87 instruction that stores, with an exception that is not masked, neither stores nor faults until the next
 * waiting one: the verifier counts on that the exception cannot be cleared and box code continue. So a state that an
 * x87 exception interrupted is never resumed.
 */
#define DEAD_FLAG 0x200

	.balign 32
	.globl pb_stubs
pb_stubs:
	vector = 0
	.rept 256
	.balign 32, 0xcc
	HINT_NONE
	ENDBR
	.if HAS_ERROR(vector)
	pushq	%rdi
	movl	$(vector + ERROR_FLAG), %edi
	.else
	pushq	$-1
	pushq	%rdi
	.if vector == 16
	movl	$(vector + DEAD_FLAG), %edi
	.else
	movl	$vector, %edi
	.endif
	.endif
	jmp	pb_interrupted
	vector = vector + 1
	.endr
	.balign 32, 0xcc

/*
 * On the stack: RDX, RSI, RDI, error code, RIP, CS, flags, RSP, SS; RDI = vector. In the box (requirement 7) means: CPL 0,
 * RIP in the box segment, RSP on the safe stack. GS is looked at when RIP is known to lie in the low half:
 * the kernel runs with the user's GS base in a few places, all of them of its own.
 * RDX = context afterwards.
 */
.macro UNLESS_IN_BOX label
	testb	$3, 40(%rsp)
	jnz	\label
	movq	32(%rsp), %rsi
	testq	%rsi, %rsi
	js	\label
	movq	CPU(CONTEXT), %rdx
	testq	%rdx, %rdx
	jz	\label
	subq	PB_CTX_TEXT(%rdx), %rsi
	cmpq	PB_CTX_TEXT_SIZE(%rdx), %rsi
	jae	\label
	movq	56(%rsp), %rsi
	subq	PB_CTX_STACK_BOTTOM(%rdx), %rsi
	cmpq	PB_CTX_STACK_SIZE(%rdx), %rsi
	jae	\label
.endm

SYM_CODE_START_LOCAL(pb_interrupted)
	HINT_NONE
	pushq	%rsi
	pushq	%rdx
	UNLESS_IN_BOX .Lstock
.Lsave:
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	PB_CTX_TRY(%rdx)
	pushq	PB_CTX_ACTIVATION(%rdx)
	pushq	$PB_DEMOTED
	movq	PB_CTX_TAG(%rdx), %rbx
	incq	%rbx
	movq	%rbx, PB_CTX_TAG(%rdx)
	pushq	%rbx
	pushq	PB_CTX_SUSPENDED(%rdx)
	movq	%rsp, PB_CTX_SUSPENDED(%rdx)
	movq	PB_STATE_REGS + ORIG_RAX(%rsp), %rsi
	incq	PB_CTX_DEMOTIONS(%rdx)
	movl	$PB_DEMOTED, PB_CTX_MARK(%rdx)

	movl	$0, PB_CTX_INSIDE(%rdx)
	lidt	pb_stock_idtr(%rip)

	/* The standing registers hold the frame's CS, SS and flags. */
	movq	PB_CTX_REGS(%rdx), %rsp
	movq	PB_CTX_LANDING(%rdx), %rcx
	addq	$PRIVBOX_LANDING_RESUME, %rcx
	movq	%rcx, RIP(%rsp)
	movq	PB_CTX_ACTIVATION(%rdx), %rbp
	testl	$(ERROR_FLAG | DEAD_FLAG), %edi
	jnz	.Lspecial
.Lread:
	/* EFLAGS.AC is the box's: user memory may be read. A fault here is taken on the kernel stack. */
	movq	PB_CTX_UNSAFE_SP(%rdx), %rcx
	movq	PB_CTX_PAGEFAULTS(%rdx), %r8
	incl	(%r8)
.Lunsafe_sp:
	movq	%fs:(%rcx), %rax
	decl	(%r8)
	subq	$PB_ASM_UNSAFE_GAP, %rax
.Lgot_unsafe_sp:
	andq	$-16, %rax
	movq	%rax, RSP(%rsp)
	addq	$RIP, %rsp
	testl	$ERROR_FLAG, %edi
	jz	1f
	pushq	%rsi
1:	movzbl	%dil, %edi
	movq	PB_ACT_SP(%rbp), %rbp	/* entered from there */
	leaq	pb_stock(%rip), %rax
	pushq	(%rax, %rdi, 8)
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	swapgs
	ALTERNATIVE "", "lfence", X86_FEATURE_FENCE_SWAPGS_USER
	/* Not RET: some kernels' return thunks count in per-CPU variables. */
	ANNOTATE_UNRET_SAFE
	ret
	int3

.Lspecial:
	testl	$DEAD_FLAG, %edi
	jz	1f
	movq	PB_CTX_SUSPENDED(%rdx), %rax
	movq	$PB_DEAD, PB_STATE_KIND(%rax)
	movl	$PB_NONE, PB_CTX_MARK(%rdx)
1:	cmpb	$14, %dil
	jne	.Lread
	orl	$4, %esi		/* a page fault of user mode */
	movq	%cr2, %r12
	jmp	.Lread

/* __privbox_unsafe_sp is not there just now (NUMA balancing, say), or never. */
.Lno_unsafe_sp:
	ASM_CLAC
	decl	(%r8)
	cmpb	$14, %dil
	jne	1f
	movq	%r12, %cr2
1:	pushq	%rdi
	pushq	%rsi
	movq	%rdx, %rdi
	call	pb_unsafe_sp_later
	popq	%rsi
	popq	%rdi
	jmp	.Lgot_unsafe_sp
	_ASM_EXTABLE(.Lunsafe_sp, .Lno_unsafe_sp)

/* Not the box: as if the stock IDT had been loaded. */
.Lstock:
	popq	%rdx
	popq	%rsi
	/* RDI's slot becomes the address to jump to; an error code that is none goes. */
	testl	$ERROR_FLAG, %edi
	jnz	1f
	movzbl	%dil, %edi
	pushq	%rax
	leaq	pb_stock(%rip), %rax
	movq	(%rax, %rdi, 8), %rax
	movq	%rax, 16(%rsp)		/* in the place of the error code */
	popq	%rax
	popq	%rdi
	RET
1:	movzbl	%dil, %edi
	pushq	%rax
	leaq	pb_stock(%rip), %rax
	movq	(%rax, %rdi, 8), %rdi
	popq	%rax
	xchgq	%rdi, (%rsp)
	RET
SYM_CODE_END(pb_interrupted)

/*
 * Machine checks come on a stack of their own (IST). In user mode they end in SIGBUS or in nothing, in the
 * kernel often in a panic: so for box code the frame moves to the safe stack, and on as any (requirement 8).
 */
SYM_CODE_START(pb_mc_stub)
	HINT_NONE
	ENDBR
	pushq	$-1
	pushq	%rdi
	movl	$18, %edi
	pushq	%rsi
	pushq	%rdx
	UNLESS_IN_BOX .Lstock
	movq	%rsp, %rsi
	movq	56(%rsi), %rsp
	andq	$-16, %rsp
	pushq	64(%rsi)
	pushq	56(%rsi)
	pushq	48(%rsi)
	pushq	40(%rsi)
	pushq	32(%rsi)
	pushq	24(%rsi)
	pushq	16(%rsi)
	pushq	8(%rsi)
	pushq	(%rsi)
	jmp	.Lsave
SYM_CODE_END(pb_mc_stub)

/*
 * Double faults come on a stack of their own as well. One of the box, or of the stub's first pushes, means that the safe
 * stack is full, which verified code sees to that it does not become (contract, rule 13). Should it happen, the
 * registers are lost, and with them this stay in the box: SIGSEGV, address 0. An interrupt whose
 * push faulted has been accepted and must be served.
 */
SYM_CODE_START(pb_df_stub)
	HINT_NONE
	ENDBR
	pushq	%rdi
	movl	$(8 + ERROR_FLAG), %edi
	pushq	%rsi
	pushq	%rdx
	testb	$3, 40(%rsp)
	jnz	.Lstock
	movq	32(%rsp), %rsi
	testq	%rsi, %rsi
	jns	1f
	leaq	pb_stubs(%rip), %rdx
	cmpq	%rdx, %rsi
	jb	.Lstock
	leaq	.Lunsafe_sp(%rip), %rdx
	cmpq	%rdx, %rsi
	jae	.Lstock
	xorl	%esi, %esi
1:	movq	CPU(CONTEXT), %rdx
	testq	%rdx, %rdx
	jz	.Lstock
	testq	%rsi, %rsi
	jz	2f
	subq	PB_CTX_TEXT(%rdx), %rsi
	cmpq	PB_CTX_TEXT_SIZE(%rdx), %rsi
	jae	.Lstock
2:	movq	56(%rsp), %rsi		/* up to 4 KiB below the stack */
	subq	PB_CTX_STACK_BOTTOM(%rdx), %rsi
	addq	$4096, %rsi
	cmpq	PB_CTX_STACK_SIZE(%rdx), %rsi
	jae	.Lstock
	movl	$0, PB_CTX_INSIDE(%rdx)
	lidt	pb_stock_idtr(%rip)
	movq	PB_CTX_REGS(%rdx), %rsp
	ASM_CLAC
	cld
	movq	%rdx, %rbx
	movq	PB_CTX_ACTIVATION(%rdx), %rbp
	movq	%rdx, %rdi
	call	pb_overflow		/* which vector is to be served, with ERROR_FLAG */
	movl	%eax, %edi
	movq	%rbx, %rdx
	movq	PB_CTX_LANDING(%rdx), %rcx
	addq	$PRIVBOX_LANDING_RESUME, %rcx
	movq	%rcx, RIP(%rsp)
	xorl	%eax, %eax
	movq	%rax, %cr2
	movl	$6, %esi		/* user, write */
	xorl	%ebx, %ebx
	movq	PB_ACT_SP(%rbp), %rax
	jmp	.Lgot_unsafe_sp
SYM_CODE_END(pb_df_stub)

	.section .note.GNU-stack, "", @progbits
