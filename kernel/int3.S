/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The landing's `int3` without the way through the kernel.
 *
 * When a thread leaves the box by the exit or a call-out (calls.S), its CPU gets the table of outside: the stock IDT with
 * another handler of vector 3, this one. It stays loaded until the thread comes back to the box or is switched from
 * the CPU (switch.c). An entry, or the return of the youngest call-out, that promote.c would accept as it
 * stands goes straight to its tail; everything else, also all that is doubtful, goes to the stock handler with nothing changed. All
 * other vectors are the stock ones. idt.c says on which machines; with page-table isolation on none: this code
 * and the table are not mapped for ring 3 there.
 *
 * It owes what promote.c owes (requirements 1, 2, 14), and what the stock entry does: GS, AC, DF. There is no exit work:
 * interrupts have been off since user mode, and a thread with work takes the stock way. The CPU pushed its frame on
 * the entry stack, which is empty again as soon as RSP leaves it.
 */
#include "asm.h"

	.section .noinstr.text, "ax"

/* From RSP, with three registers pushed */
#define SAVED_RAX	0
#define SAVED_RCX	8
#define SAVED_R11	16
#define FRAME_RIP	24
#define FRAME_CS	32
#define FRAME_FLAGS	40
#define FRAME_RSP	48
#define FRAME_SS	56

SYM_CODE_START(pb_outside_int3)
	UNWIND_HINT_IRET_REGS
	ENDBR
	testb	$3, 8(%rsp)
	jz	.Lstock			/* the kernel's own, with whatever GS */
	ASM_CLAC
	cld
	swapgs
	ALTERNATIVE "", "lfence", X86_FEATURE_FENCE_SWAPGS_USER
	pushq	%r11
	pushq	%rcx
	pushq	%rax
	UNWIND_HINT_IRET_REGS offset=24
	movq	CPU(CONTEXT), %r11
	testq	%r11, %r11
	jz	.Lnot

	/* check_thread() */
	movq	PB_CTX_MM_AT(%r11), %rcx
	movq	(%rcx), %rcx
	cmpq	PB_CTX_MM(%r11), %rcx
	jne	.Lnot
	cmpq	$__USER_CS, FRAME_CS(%rsp)
	jne	.Lnot
	cmpq	$__USER_DS, FRAME_SS(%rsp)
	jne	.Lnot
	movq	PB_CTX_MAPPINGS(%r11), %rcx
	cmpl	$0, (%rcx)
	jle	.Lnot
	movq	PB_CTX_FEATURES_AT(%r11), %rcx
	testb	$1, (%rcx)		/* a user shadow stack */
	jnz	.Lnot
	rdfsbase %rcx
	cmpq	pb_fs_limit(%rip), %rcx
	jae	.Lnot

	/* Single steps belong to the kernel; the other flags are never set there, and never here. */
	movl	FRAME_FLAGS(%rsp), %ecx
	andl	$(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_IOPL | X86_EFLAGS_VM), %ecx
	cmpl	$X86_EFLAGS_IF, %ecx
	jne	.Lnot
	movq	CPU(TASK), %rcx
	testl	$(PB_WORK | _TIF_NEED_FPU_LOAD), TASK_FLAGS(%rcx)
	jnz	.Lnot
	cmpl	$PB_NONE, PB_CTX_MARK(%r11)
	jne	.Lnot

	movq	FRAME_RIP(%rsp), %rcx
	subq	PB_CTX_LANDING(%r11), %rcx
	cmpq	$(PRIVBOX_LANDING_ENTER + 1), %rcx
	jne	.Lreturn

	/* is_start(): the first slot or nothing. A free slot is all ones. */
	testq	%r10, %r10
	jle	.Lnot
	movl	%r10d, %eax
	andl	CPU(MASK), %eax
	addq	CPU(SLOTS), %rax
	cmpq	%r10, (%rax)
	jne	.Lnot
	cmpq	%r10, 8(%rax)
	jne	.Lnot

	/* find_room(). RAX becomes the activation; the context changes when nothing can stop it any more. */
	movq	PB_CTX_SUSPENDED(%r11), %rcx
	testq	%rcx, %rcx
	jz	1f
	movq	SAVED_RAX(%rsp), %rax
	cmpq	%rax, PB_STATE_TAG(%rcx)
	je	2f
	cmpq	$-1, %rax
	je	2f
	jmp	.Lnot
1:	movq	PB_CTX_STACK_BOTTOM(%r11), %rax
	addq	PB_CTX_STACK_SIZE(%r11), %rax
	subq	$(PB_ACT_GAP + PB_ACT_SIZE + 8), %rax
	movq	%rcx, PB_ACT_PREVIOUS(%rax)
	movq	%rcx, PB_ACT_TRY(%rax)
	movq	%rcx, PB_CTX_TRY(%r11)
	jmp	3f
2:	leaq	-PB_STATE_GAP(%rcx), %rax
	andq	$-16, %rax
	subq	$(PB_ACT_SIZE + 8), %rax
	testl	$(1 << PB_ASM_SAFE_BIT), %eax
	jz	.Lnot
	pushq	PB_STATE_ACTIVATION(%rcx)
	popq	PB_ACT_PREVIOUS(%rax)
	movq	PB_STATE_TRY(%rcx), %rcx
	movq	%rcx, PB_ACT_TRY(%rax)
	movq	%rcx, PB_CTX_TRY(%r11)
3:	movq	PB_CTX_TEXT(%r11), %rcx
	addq	$PB_GATE_EXIT, %rcx
	movq	%rcx, PB_ACT_EXIT(%rax)
	movq	FRAME_RSP(%rsp), %rcx
	movq	%rcx, PB_ACT_SP(%rax)
	movq	%rax, PB_CTX_ACTIVATION(%r11)
	incq	PB_CTX_ENTRIES(%r11)
	movq	%r10, -8(%rax)
	movq	SAVED_RCX(%rsp), %rcx
	leaq	-8(%rax), %rsp
	HINT_NONE
	lfence				/* R10 is what was checked, also in transient execution (requirement 15) */
	jmp	pb_tail_enter

.Lreturn:
	UNWIND_HINT_IRET_REGS offset=24
	cmpq	$(PRIVBOX_LANDING_RETURN + 1), %rcx
	jne	.Lnot
	movq	PB_CTX_SUSPENDED(%r11), %rcx
	testq	%rcx, %rcx
	jz	.Lnot
	cmpq	%rbx, PB_STATE_TAG(%rcx)
	jne	.Lnot
	cmpq	$PB_CALLED_OUT, PB_STATE_KIND(%rcx)
	jne	.Lnot
	pushq	PB_STATE_ACTIVATION(%rcx)
	popq	PB_CTX_ACTIVATION(%r11)
	pushq	PB_STATE_TRY(%rcx)
	popq	PB_CTX_TRY(%r11)
	pushq	PB_STATE_NEXT(%rcx)
	popq	PB_CTX_SUSPENDED(%r11)
	incq	PB_CTX_RESUMES(%r11)
	movq	SAVED_RAX(%rsp), %rax
	leaq	PB_STATE_REGS(%rcx), %rsp
	HINT_NONE
	lfence
	jmp	pb_tail_callout

.Lnot:
	UNWIND_HINT_IRET_REGS offset=24
	popq	%rax
	popq	%rcx
	popq	%r11
	UNWIND_HINT_IRET_REGS
	swapgs
.Lstock:
	jmp	__SCT__pb_stock_int3
SYM_CODE_END(pb_outside_int3)

	.section .note.GNU-stack, "", @progbits
