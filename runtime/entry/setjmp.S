/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * setjmp for the box (docs/box-abi.md): libc fills the jmp_buf, so that any longjmp can use it,
 * also one inside libc or in code that knows no box. It comes back here, and from here into the box.
 */
#include "state.h"

#define TLS(name) %fs:name@tpoff

/* int __privbox_setjmp_fill(jmp_buf env, int savemask, const uint64_t *token, long site)
 *
 * What the landing needs is in callee-saved registers, which every jmp_buf holds; RBX, R12 and R13
 * are its words 0, 2 and 3 as they are, which is how longjmp in the box finds them. */
	.text
	.globl __privbox_setjmp_fill
	.hidden __privbox_setjmp_fill
	.type __privbox_setjmp_fill, @function
	.p2align 4
__privbox_setjmp_fill:
	.cfi_startproc
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	movabsq	$PB_JUMP_MAGIC, %rbx
	movq	%rdx, %r12
	movq	%rcx, %r13
	call	__sigsetjmp@PLT
	testl	%eax, %eax
	jne	.Llanding
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc

/* The frame above is long gone, and the box may have gone on below: nothing is kept at RSP. Go below
 * what the box uses, as if longjmp were a function of the normal code that enters. */
	.cfi_startproc
	.cfi_undefined %rip
.Llanding:
	movq	TLS(__privbox_unsafe_sp), %rcx
	cmpq	%rcx, %rsp
	jb	1f
	movq	%rcx, %rsp
1:	andq	$-16, %rsp
	movslq	%eax, %rdi
	movq	%r12, %rsi
	movq	%r13, %rdx
	call	__privbox_land
	ud2
	.cfi_endproc
	.size __privbox_setjmp_fill, . - __privbox_setjmp_fill

/* void __privbox_throw_from_outside(uint64_t token, long value, long site) */
	.globl __privbox_throw_from_outside
	.hidden __privbox_throw_from_outside
	.type __privbox_throw_from_outside, @function
	.p2align 4
__privbox_throw_from_outside:
	.cfi_startproc
	leaq	__privbox_throw.privbox(%rip), %r10
	jmp	__privbox_enter
	.cfi_endproc
	.size __privbox_throw_from_outside, . - __privbox_throw_from_outside

	.section .note.GNU-stack, "", @progbits
