/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Promotion's last step. The user-return notifier (promote.c) has rewritten the thread's user registers so
 * that the kernel's way back to user mode ends in one of these, at CPL 0, interrupts off, the kernel's GS base,
 * RSP on the safe stack. They scrub what led here, load the alternative IDT and go on to the box: flag and
 * IDTR change together with interrupts off (requirement 5), and no address of the kernel remains in
 * the thread's user registers (requirement 6).
 *
 * `ret` comes in the shadow of `sti`: nothing interrupts on a safe stack outside the box. (What comes there all the same, after an
 * NMI, demote.S takes for an interrupt of the box.)
 */
#include "asm.h"

	.section .noinstr.text, "ax"

/* Makes the standing registers what they are to be (context.h). Loses R10 and R11. */
.macro INTO_BOX
	movq	CPU(CONTEXT), %r11
	movq	PB_CTX_REGS(%r11), %r10
	movq	$__USER_CS, CS(%r10)
	movq	$__USER_DS, SS(%r10)
	movq	$0, RSP(%r10)
	movq	$0x202, EFLAGS(%r10)
	movl	$1, PB_CTX_INSIDE(%r11)
	movq	PB_CTX_CALL_IP(%r11), %r11
	movq	%r11, RIP(%r10)
	lidt	pb_alternative_idtr(%rip)
.endm

/*
 * From the gate's system calls (calls.S). At RSP: box code's RSP, then the call's registers; RAX = result.
 * From pb_to_box on: scrubs what any way to the box may have left of the kernel's (requirement 6).
 */
SYM_CODE_START(pb_back)
	HINT_NONE
	movq	8 + RDI(%rsp), %rdi
	movq	8 + RSI(%rsp), %rsi
	movq	8 + RDX(%rsp), %rdx
	movq	8 + R10(%rsp), %r10
	movq	8 + R8(%rsp), %r8
	movq	8 + R9(%rsp), %r9
	popq	%rsp
pb_to_box:
	xorl	%ecx, %ecx
	xorl	%r11d, %r11d
	CLEAR_CPU_BUFFERS
	ASM_STAC
	sti
	.globl pb_to_box_ret
pb_to_box_ret:
	ANNOTATE_NOENDBR
	ANNOTATE_UNRET_SAFE
	ret
	int3
SYM_CODE_END(pb_back)

/* At RSP: the clone's address, then the activation. Argument and callee-saved registers are the caller's. */
SYM_CODE_START(pb_tail_enter)
	HINT_NONE
	ENDBR
	INTO_BOX
	xorl	%eax, %eax
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	CLEAR_CPU_BUFFERS
	ASM_STAC
	sti
	.globl pb_tail_enter_ret
pb_tail_enter_ret:
	ANNOTATE_NOENDBR
	ANNOTATE_UNRET_SAFE
	ret
	int3
SYM_CODE_END(pb_tail_enter)

/* At RSP: the registers of a demoted state, with flags that promote.c has put right. */
SYM_CODE_START(pb_tail_resume)
	HINT_NONE
	ENDBR
	INTO_BOX
	RESUME_BOX
SYM_CODE_END(pb_tail_resume)

/* At RSP: the callee-saved registers and the return address. RAX, RDX and vector registers are the results. */
SYM_CODE_START(pb_tail_callout)
	HINT_NONE
	ENDBR
	INTO_BOX
	POP_CALLEE_SAVED
	xorl	%esi, %esi
	xorl	%edi, %edi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	jmp	pb_to_box
SYM_CODE_END(pb_tail_callout)

/* The same with the argument registers, which a system call keeps; RAX is the result. */
SYM_CODE_START(pb_tail_syscall)
	HINT_NONE
	ENDBR
	INTO_BOX
	POP_CALLEE_SAVED
	popq	%r9
	popq	%r8
	popq	%r10
	popq	%rdx
	popq	%rsi
	popq	%rdi
	jmp	pb_to_box
SYM_CODE_END(pb_tail_syscall)

	.section .note.GNU-stack, "", @progbits
