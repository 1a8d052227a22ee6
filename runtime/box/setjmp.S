/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * setjmp's and longjmp's halves in the box (docs/box-abi.md).
 */
#include "box.h"

#define MAGIC 0x50425f4a4d505f31
/* A jmp_buf: RBX, RBP, R12, R13, R14, R15, RSP, PC, and whether a signal mask follows. */
#define ENV_RBX 0
#define ENV_R12 16
#define ENV_R13 24
#define ENV_MASK 64

/* void __privbox_setjmp(jmp_buf env, int savemask, const uint64_t *token, long site) */
FUNCTION __privbox_setjmp
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	leaq	__privbox_setjmp_fill(%rip), %r10
	call	__privbox_gate_callout
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END __privbox_setjmp

/* One that the box filled is thrown to, any other is libc's; so is one whose mask must be restored. */
FUNCTION longjmp
ALIAS _longjmp, longjmp
ALIAS siglongjmp, longjmp
ALIAS __longjmp_chk, longjmp
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	movabsq	$MASK, %rcx
	movq	%rdi, %rax
	andq	%rcx, %rax
	movabsq	$MAGIC, %rdx
	cmpq	%rdx, ENV_RBX(%rax)
	jne	1f
	cmpl	$0, ENV_MASK(%rax)
	jne	1f
	movq	ENV_R13(%rax), %rdx
	movq	ENV_R12(%rax), %rdi
	andq	%rcx, %rdi
	movq	(%rdi), %rdi
	cmpl	$1, %esi		/* 0 becomes 1 */
	adcl	$0, %esi
	movslq	%esi, %rsi
	call	__privbox_gate_throw
	leaq	__privbox_dead_jump(%rip), %r10
	call	__privbox_gate_callout
8:	ud2
1:	movq	longjmp@GOTPCREL(%rip), %r10
	call	__privbox_gate_callout
	ud2
END longjmp

/* For __privbox_throw_from_outside. */
FUNCTION __privbox_throw
	jmp	__privbox_gate_throw
END __privbox_throw

	.section .note.GNU-stack, "", @progbits
