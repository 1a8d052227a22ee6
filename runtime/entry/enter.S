/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Entering the box, in user mode from here on, and the thread's variables.
 *
 * __privbox_enter: R10 = clone, arguments in their registers (box convention, docs/box-abi.md).
 * Nothing is kept on the caller's stack: the activation record lies on the safe stack, and the
 * memory below RSP becomes the unsafe stack. Callee-saved registers, MXCSR and the x87 control word
 * pass through: clones keep them as the psABI says (contract, rule 11).
 */
#include "state.h"
#include "ask.h"

/* CFA = *(RSP + 0) + 8: the word at RSP is the other stack's RSP, at its return address. */
#define CFI_OTHER_STACK .cfi_escape 0x0f, 0x05, 0x77, 0x00, 0x06, 0x23, 0x08

	.text
	.globl __privbox_enter
	.hidden __privbox_enter
	.type __privbox_enter, @function
	.p2align 6
__privbox_enter:
	.cfi_startproc
	cmpb	$0, __privbox_kernel(%rip)
	jne	__privbox_enter_kernel
	movq	TLS(__privbox_safe_sp), %r11
	testq	%r11, %r11
	je	.Lslow			/* first entry, or a handler interrupted the box */
	cmpq	TLS(__privbox_unsafe_sp), %rsp
	jae	.Lslow			/* the last activation is dead, or another stack */
	movq	%rsp, %rax
	xorq	%r11, %rax
	shrq	$PB_BLOCK_SHIFT, %rax
	je	.Lslow			/* a handler on the safe stack */
#ifdef PRIVBOX_STRICT
	btq	$46, %rsp
	jc	.Lslow			/* the unsafe stack must lie low */
#endif
	movq	%rsp, %rax
	andq	$-16, %rax
.Lactivate:				/* R11 = free safe stack, RAX = free unsafe stack */
	andq	$-16, %r11
	subq	$ACT_SIZE, %r11
	testl	$(1 << PB_SAFE_BIT), %r11d
	je	.Loverflow		/* contract, rule 13 */
	movq	%r10, -8(%rsp)		/* the red zone: kept across signals */
	movq	TLS(__privbox_safe_sp), %r10
	movq	%r11, TLS(__privbox_safe_sp)	/* reserved, before anything is written */
	movq	%r10, ACT_SAFE(%r11)
	movq	TLS(__privbox_activation), %r10
	movq	%r10, ACT_PREV(%r11)
	movq	TLS(__privbox_try_head), %r10
	movq	%r10, ACT_TRY(%r11)
	movq	TLS(__privbox_va_words), %r10
	movq	%r10, ACT_VA_WORDS(%r11)
	movq	TLS(__privbox_va_area), %r10
	movq	%r10, ACT_VA_AREA(%r11)
	movq	TLS(__privbox_unsafe_sp), %r10
	movq	%r10, ACT_UNSAFE(%r11)
	movq	%rsp, ACT_RSP(%r11)
	movq	%r11, TLS(__privbox_activation)
	movq	-8(%rsp), %r10
	movq	%rax, TLS(__privbox_unsafe_sp)
	incq	TLS(__privbox_counters)
	leaq	ACT_RSP(%r11), %rsp
	CFI_OTHER_STACK
	movq	$0, TLS(__privbox_safe_sp)
	jmp	__privbox_gate_enter	/* its call writes ACT_EXIT */

	.cfi_def_cfa %rsp, 8
.Loverflow:
	andq	$-16, %rsp
	callq	__privbox_overflow

.Lslow:
	ASK_C	__privbox_enter_slow
	jmp	.Lactivate
	.cfi_endproc
	.size __privbox_enter, . - __privbox_enter

.macro TLSVAR name, value, size=8
	.globl \name
	.hidden \name
	.type \name, @tls_object
	.size \name, \size
\name:	.quad \value
	.if \size > 8
	.zero \size - 8
	.endif
.endm
	.section .tdata.privbox, "awT", @progbits
	.p2align 4
	TLSVAR __privbox_unsafe_sp, -1
	TLSVAR __privbox_va_area, 0
	TLSVAR __privbox_va_words, 0
	TLSVAR __privbox_errno, 0
	TLSVAR __privbox_safe_sp, 0
	TLSVAR __privbox_activation, 0
	TLSVAR __privbox_try_head, 0
	TLSVAR __privbox_token, 0
	TLSVAR __privbox_counters, 0, 24
	TLSVAR __privbox_forgetting, 0
	TLSVAR __privbox_collation, 0, 16

	.section .note.GNU-stack, "", @progbits
