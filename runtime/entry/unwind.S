/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What a call-out of the box calls in place of a function that may throw: calls the function in
 * __privbox_catch_target with all argument registers as they are. If it throws, the exception is
 * put into __privbox_unwinding, and the box, to which this returns, finds it there.
 */
#define TLS(name) %fs:name@tpoff

	.text
	.globl __privbox_catching
	.hidden __privbox_catching
	.type __privbox_catching, @function
	.p2align 4
__privbox_catching:
	.cfi_startproc
	.cfi_personality 0x1b, __privbox_personality	/* relative to here, 4 bytes */
	subq	$8, %rsp
	.cfi_def_cfa_offset 16
	movq	TLS(__privbox_catch_target), %r11
	callq	*%r11
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_def_cfa_offset 16
	.globl __privbox_catch_pad
	.hidden __privbox_catch_pad
__privbox_catch_pad:				/* RAX = the exception */
	movq	%rax, TLS(__privbox_unwinding)
	addq	$8, %rsp
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size __privbox_catching, . - __privbox_catching

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
