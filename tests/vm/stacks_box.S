/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What runs in the box of stacks.h: text that no verifier would let pass. It stands at 0x4000 of the box, behind the gate.
 */
#define TEXT 0x4000
#define GATE_CALLOUT 0x1c0

	.section .rodata
	.p2align 12
	.globl stacks_text, stacks_text_end
	.type stacks_text, @object
stacks_text:
/* 0x00: where the stack is. */
	movq	%rsp, %rax
	ret

/* 0x20: what is in memory, at any address. */
	.org stacks_text + 0x20, 0xcc
	movq	(%rdi), %rax
	ret

/* 0x40: puts it there. */
	.org stacks_text + 0x40, 0xcc
	movq	%rsi, (%rdi)
	ret

/* 0x60: fills the stack and more. */
	.org stacks_text + 0x60, 0xcc
1:	pushq	%rdi
	jmp	1b

/* 0x80: counts at RSI until there is something at RDI. */
	.org stacks_text + 0x80, 0xcc
1:	incq	(%rsi)
	cmpq	$0, (%rdi)
	je	1b
	movq	(%rsi), %rax
	ret

/* 0xc0: puts the RDX words at RSI on the stack, calls RDI outside, and puts what is there then back where it was. RAX: what RDI said. */
	.org stacks_text + 0xc0, 0xcc
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	movq	%rsp, %r12
	movq	%rsi, %rbx
	movq	%rdx, %rbp
1:	testq	%rdx, %rdx
	jz	2f
	decq	%rdx
	pushq	(%rsi, %rdx, 8)
	jmp	1b
2:	andq	$-16, %rsp
	movq	%rdi, %r10
	call	stacks_text - TEXT + GATE_CALLOUT
	leaq	(, %rbp, 8), %rcx
	movq	%r12, %rdx
	subq	%rcx, %rdx
	movq	%rdx, %rsp
3:	testq	%rbp, %rbp
	jz	4f
	popq	(%rbx)
	addq	$8, %rbx
	decq	%rbp
	jmp	3b
4:	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.org stacks_text + 0x140, 0xcc
stacks_text_end:
	.size stacks_text, . - stacks_text
	.section .note.GNU-stack, "", @progbits
