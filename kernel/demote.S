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
#define ERRORS 0x60227d00
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
 * the kernel runs with the user's GS base in a few places, all of them of its own. A CPU with the
 * alternative IDT has a context. RDX = context afterwards.
 */
.macro UNLESS_IN_BOX label
	testb	$3, 40(%rsp)
	jnz	\label
	movq	32(%rsp), %rsi
	testq	%rsi, %rsi
	js	\label
	movq	CPU(CONTEXT), %rdx
	subq	PB_CTX_TEXT(%rdx), %rsi
	cmpq	PB_CTX_TEXT_SIZE(%rdx), %rsi
	jae	\label
	movq	56(%rsp), %rsi
	subq	PB_CTX_STACK_BOTTOM(%rdx), %rsi
	cmpq	PB_CTX_STACK_SIZE(%rdx), %rsi
	jae	\label
.endm

/* The same for the beginning of calls.S, which is made the gate's entry. */
.macro UNLESS_IN_WINDOW label
	testb	$3, 40(%rsp)
	jnz	\label
	movq	32(%rsp), %rsi
	leaq	pb_gate_window(%rip), %rdx
	cmpq	%rdx, %rsi
	jb	\label
	leaq	pb_gate_window_end(%rip), %rdx
	cmpq	%rdx, %rsi
	jae	\label
	movq	CPU(CONTEXT), %rdx
	movq	56(%rsp), %rsi
	subq	PB_CTX_STACK_BOTTOM(%rdx), %rsi
	cmpq	PB_CTX_STACK_SIZE(%rdx), %rsi
	jae	\label
	movq	PB_CTX_TEXT(%rdx), %rsi
	addq	$PB_GATE_SYSCALL, %rsi
	movq	%rsi, 32(%rsp)
	orq	$X86_EFLAGS_IF, 48(%rsp)
.endm

/*
 * The last instruction on the way to the box, `ret` behind `sti` (entry.S): an NMI between the two takes the shadow of `sti` away, and what
 * is pending then comes there. The box has all its registers: so the `ret` is done for it. Otherwise a handler would run on the
 * safe stack, and the box go on with vector registers that the handler has used.
 */
.macro UNLESS_RETURNING label
	testb	$3, 40(%rsp)
	jnz	\label
	cmpb	$32, %dil		/* interrupts only */
	jb	\label
	movq	32(%rsp), %rsi
	leaq	pb_to_box_ret(%rip), %rdx
	cmpq	%rdx, %rsi
	je	1f
	leaq	pb_tail_enter_ret(%rip), %rdx
	cmpq	%rdx, %rsi
	jne	\label
1:	movq	CPU(CONTEXT), %rdx
	movq	56(%rsp), %rsi
	movq	(%rsi), %rsi
	movq	%rsi, 32(%rsp)
	addq	$8, 56(%rsp)
.endm

/* RBX = context. The user-return notifier is asked for: without, the mark means nothing. */
.macro MARK kind
	movq	PB_CTX_TASK(%rbx), %rax
	movl	$\kind, PB_CTX_MARK(%rbx)
	lock orb $(_TIF_USER_RETURN_NOTIFY >> 8), 1(%rax)
.endm

SYM_CODE_START_LOCAL(pb_interrupted)
	HINT_NONE
	pushq	%rsi
	pushq	%rdx
	UNLESS_IN_BOX .Lelsewhere
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
	movq	%rdx, %rbx
	movq	PB_CTX_ACTIVATION(%rbx), %rbp
	movq	PB_CTX_TAG(%rbx), %r15
	incq	%r15
	movq	%r15, PB_CTX_TAG(%rbx)
	pushq	PB_CTX_TRY(%rbx)
	pushq	%rbp
	pushq	$PB_DEMOTED
	pushq	%r15
	pushq	PB_CTX_SUSPENDED(%rbx)
	movq	%rsp, PB_CTX_SUSPENDED(%rbx)
	movq	%rsp, %r12
	movl	%edi, %esi
	testl	$(ERROR_FLAG | DEAD_FLAG), %edi
	jnz	.Lspecial
.Lregisters:
	/* The standing registers hold CS, SS and flags. */
	movq	PB_CTX_REGS(%rbx), %rsp
	UNWIND_HINT_REGS
	xorl	%eax, %eax
	movq	%rax, R15(%rsp)
	movq	%rax, R14(%rsp)
	movq	%rax, R13(%rsp)
	movq	%rax, R12(%rsp)
	movq	%rax, R11(%rsp)
	movq	%rax, R10(%rsp)
	movq	%rax, R9(%rsp)
	movq	%rax, R8(%rsp)
	movq	%rax, RAX(%rsp)
	movq	%rax, RCX(%rsp)
	movq	%rax, RDX(%rsp)
	movq	%rax, RSI(%rsp)
	movq	%rax, RDI(%rsp)
	movq	PB_ACT_SP(%rbp), %rbp	/* entered from there */
	movq	%r15, RBX(%rsp)
	movq	%rbp, RBP(%rsp)
	movq	PB_CTX_RESUME_IP(%rbx), %rax
	movq	%rax, RIP(%rsp)
	/* EFLAGS.AC is the box's: user memory may be read. A fault here is taken on the kernel stack. */
	movq	PB_CTX_UNSAFE_SP(%rbx), %rcx
	movq	PB_CTX_PAGEFAULTS(%rbx), %rdx
	incl	(%rdx)
.Lunsafe_sp:
	movq	%fs:(%rcx), %rax
	ASM_CLAC
	decl	(%rdx)
	subq	$PB_ASM_UNSAFE_GAP, %rax
	andq	$-16, %rax
.Lgot_unsafe_sp:
	movq	%rax, RSP(%rsp)

	/*
	 * Handlers whose C function is known are called, as the stock entry would have after taking the thread
	 * from user mode to where it is already. They return with their exit work done.
	 */
	movzbl	%dil, %edi
	movq	pb_handlers(, %rdi, 8), %rax
	testq	%rax, %rax
	jz	.Lentry
	movq	$-1, ORIG_RAX(%rsp)
	movq	%rsp, %rdi
	call	__x86_indirect_thunk_rax
	movq	%rbx, %rdi
	call	pb_in_place
	testb	%al, %al
	jz	.Lto_user
	leaq	PB_STATE_REGS(%r12), %rsp
	HINT_NONE
	RESUME_BOX

.Lto_user:
	UNWIND_HINT_REGS
	jmp	__SCT__pb_to_user

/*
 * The stock entry, as from user mode: it finds what the CPU would have pushed at the top of the kernel stack, and saves
 * registers that say what the standing ones say. Promotion comes by a tail (entry.S).
 */
.Lentry:
	cmpb	$16, %dil
	je	1f			/* DEAD_FLAG */
	MARK PB_DEMOTED
1:	movl	$0, PB_CTX_INSIDE(%rbx)	/* requirement 5 */
	lidt	pb_stock_idtr(%rip)
	movq	RBX(%rsp), %rbx
	movq	RBP(%rsp), %rbp
	addq	$RIP, %rsp
	HINT_NONE
	movl	$ERRORS, %eax
	cmpl	$32, %edi
	jae	2f
	btl	%edi, %eax
	jnc	2f
	pushq	%rsi
2:	pushq	pb_stock(, %rdi, 8)
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
	HINT_NONE
	testl	$DEAD_FLAG, %edi
	jz	1f
	movq	$PB_DEAD, PB_STATE_KIND(%r12)
1:	movq	PB_STATE_REGS + ORIG_RAX(%r12), %rsi
	cmpb	$14, %dil
	jne	.Lregisters
	orl	$4, %esi		/* a page fault of user mode */
	movq	%cr2, %r13
	jmp	.Lregisters

/* __privbox_unsafe_sp is not there just now (NUMA balancing, say), or never. */
.Lno_unsafe_sp:
	UNWIND_HINT_REGS
	ASM_CLAC
	decl	(%rdx)
	cmpb	$14, %dil
	jne	1f
	movq	%r13, %cr2
1:	movl	%edi, %r14d
	movq	%rsi, %r13
	movq	%rbx, %rdi
	call	pb_unsafe_sp_later
	movl	%r14d, %edi
	movq	%r13, %rsi
	jmp	.Lgot_unsafe_sp
	_ASM_EXTABLE(.Lunsafe_sp, .Lno_unsafe_sp)

.Lelsewhere:
	HINT_NONE
	UNLESS_IN_WINDOW .Lreturning
	jmp	.Lsave
.Lreturning:
	UNLESS_RETURNING .Lstock
	jmp	.Lsave

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
	UNLESS_IN_BOX 1f
	jmp	2f
1:	UNLESS_IN_WINDOW .Lstock
2:	movq	%rsp, %rsi
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
	leaq	.Lregisters(%rip), %rdx
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
	movq	%rdx, %rbx
	movq	PB_CTX_REGS(%rbx), %rsp
	UNWIND_HINT_REGS
	ASM_CLAC
	cld
	movq	%rbx, %rdi
	movq	%rsp, %rsi
	call	pb_overflow		/* what is to be served, and the standing registers for it */
	movl	%eax, %edi
	xorl	%eax, %eax
	movq	%rax, %cr2
	movl	$6, %esi		/* user, write */
	jmp	.Lentry
SYM_CODE_END(pb_df_stub)

	.section .note.GNU-stack, "", @progbits
