/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What call-outs of the box call in place of a function that may throw (docs/box-abi.md, "Unwinding"): calls the
 * function with all argument registers as they are. If it throws, the exception is put into
 * __privbox_unwinding, and the box, to which this returns, finds it there.
 */
#define TLS(name) %fs:name@tpoff

/* The caller of a function expects \values values on the x87 stack, also from one that threw. */
.macro RESULTS values
	.rept \values
	fldz
	.endr
.endm

/* A function; \pad is where it lands with the exception in RAX. The language-specific data, which only
 * __privbox_personality reads, is the pad itself. */
.macro CATCHING name
	.globl \name
	.hidden \name
	.type \name, @function
	.p2align 4
\name:
	.cfi_startproc
	.cfi_personality 0x1b, __privbox_personality	/* relative to here, 4 bytes */
	.cfi_lsda 0x1b, .Lpad_\name
.endm

/* The function's address lies in the red zone, where the box has stored it. */
.macro SIMPLE name, values=0
CATCHING \name
	movq	-16(%rsp), %r11
	subq	$8, %rsp
	.cfi_def_cfa_offset 16
	callq	*%r11
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 16
.Lpad_\name:
	movq	%rax, TLS(__privbox_unwinding)
	RESULTS	\values
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size \name, . - \name
.endm

/* The first four words of the stack's are the function, how many words follow, and two that keep the alignment. */
.macro BLOCK name, values=0
CATCHING \name
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	24(%rbp), %r11
	leaq	(,%r11,8), %r10
	negq	%r10
	addq	%rsp, %r10
	andq	$-32, %r10
	leaq	(%r10,%r11,8), %rsp
	testq	%r11, %r11
	je	2f
1:	pushq	40(%rbp,%r11,8)
	decq	%r11
	jne	1b
2:	callq	*16(%rbp)
	leave
	.cfi_remember_state
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_restore_state
.Lpad_\name:
	movq	%rax, TLS(__privbox_unwinding)
	RESULTS	\values
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size \name, . - \name
.endm

	.text
	SIMPLE	__privbox_catching
	SIMPLE	__privbox_catching_1, 1
	SIMPLE	__privbox_catching_2, 2
	BLOCK	__privbox_catching_block
	BLOCK	__privbox_catching_block_1, 1
	BLOCK	__privbox_catching_block_2, 2

/* (argument, clone): enters the box as an entry function's stub does; what the thread's function leaves
 * unwinding has nobody to catch it. */
	.globl __privbox_enter_thread
	.hidden __privbox_enter_thread
	.type __privbox_enter_thread, @function
	.p2align 4
__privbox_enter_thread:
	.cfi_startproc
	subq	$8, %rsp
	.cfi_def_cfa_offset 16
	movq	%rsi, %r10
	callq	__privbox_enter
	movq	TLS(__privbox_unwinding), %rdi
	testq	%rdi, %rdi
	jne	1f
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 16
1:	callq	__privbox_raise
	.cfi_endproc
	.size __privbox_enter_thread, . - __privbox_enter_thread

	.section .note.GNU-stack, "", @progbits
