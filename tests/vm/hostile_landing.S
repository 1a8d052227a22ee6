/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The landing of the hostile process (hostile.h, docs/kernel-abi.md).
 */
#define TLS(name) %fs:name@tpoff
#define RAX 0
#define RBX 8
#define RCX 16
#define RDX 24
#define RSI 32
#define RDI 40
#define RBP 48
#define R8 56
#define R9 64
#define R10 72
#define R11 80
#define R12 88
#define R13 96
#define R14 104
#define R15 112
#define FLAGS 120

	.text
	.globl hostile_landing
	.type hostile_landing, @function
	.p2align 6
hostile_landing:
	int3
	jmp	.Lexited
	.org hostile_landing + 0x10, 0xcc
	int3
	.org hostile_landing + 0x20, 0xcc
	jmp	hostile_landing + 0x28
	.org hostile_landing + 0x28, 0xcc
	int3
	.org hostile_landing + 0x30, 0xcc
	jmp	.Lcallout
	.org hostile_landing + 0x40, 0xcc
	ud2
	.org hostile_landing + 0x50, 0xcc
	syscall
	jmp	hostile_landing + 0x58
	.org hostile_landing + 0x58, 0xcc
	int3
	.org hostile_landing + 0x60, 0xcc
	.size hostile_landing, . - hostile_landing

/* RDI = struct regs, RSI = offset of the landing. */
	.globl hostile_jump
	.type hostile_jump, @function
	.p2align 4
hostile_jump:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	TLS(__privbox_unsafe_sp)
	pushq	%rdi
	leaq	hostile_landing(%rip), %rax
	addq	%rsi, %rax
	pushq	%rax		/* consumed by the ret below */
	movq	%rsp, TLS(__privbox_unsafe_sp)
	andq	$-16, TLS(__privbox_unsafe_sp)
	movq	RAX(%rdi), %rax
	movq	RBX(%rdi), %rbx
	movq	RCX(%rdi), %rcx
	movq	RDX(%rdi), %rdx
	movq	RSI(%rdi), %rsi
	movq	RBP(%rdi), %rbp
	movq	R8(%rdi), %r8
	movq	R9(%rdi), %r9
	movq	R10(%rdi), %r10
	movq	R11(%rdi), %r11
	movq	R12(%rdi), %r12
	movq	R13(%rdi), %r13
	movq	R14(%rdi), %r14
	movq	R15(%rdi), %r15
	pushq	FLAGS(%rdi)
	movq	RDI(%rdi), %rdi
	popfq
	ret
.Lexited:			/* RSP as after the ret: the pointer to struct regs is on top */
	pushfq
	pushq	%rdi
	movq	16(%rsp), %rdi
	movq	%rax, RAX(%rdi)
	movq	%rbx, RBX(%rdi)
	movq	%rcx, RCX(%rdi)
	movq	%rdx, RDX(%rdi)
	movq	%rsi, RSI(%rdi)
	movq	%rbp, RBP(%rdi)
	movq	%r8, R8(%rdi)
	movq	%r9, R9(%rdi)
	movq	%r10, R10(%rdi)
	movq	%r11, R11(%rdi)
	movq	%r12, R12(%rdi)
	movq	%r13, R13(%rdi)
	movq	%r14, R14(%rdi)
	movq	%r15, R15(%rdi)
	popq	RDI(%rdi)
	popq	FLAGS(%rdi)
	pushq	$2
	popfq
	addq	$8, %rsp
	popq	TLS(__privbox_unsafe_sp)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret
	.size hostile_jump, . - hostile_jump

/* R10 = function, RBX = tag. */
	.p2align 4
.Lcallout:
	movq	TLS(__privbox_unsafe_sp), %rsp
	andq	$-16, %rsp
	pushq	%rbx
	pushq	%rax
	leaq	hostile_at_callout(%rip), %rax
	movq	%rbx, RBX(%rax)
	movq	%rcx, RCX(%rax)
	movq	%rdx, RDX(%rax)
	movq	%rsi, RSI(%rax)
	movq	%rdi, RDI(%rax)
	movq	%rbp, RBP(%rax)
	movq	%r8, R8(%rax)
	movq	%r9, R9(%rax)
	movq	%r10, R10(%rax)
	movq	%r11, R11(%rax)
	movq	%r12, R12(%rax)
	movq	%r13, R13(%rax)
	movq	%r14, R14(%rax)
	movq	%r15, R15(%rax)
	popq	RAX(%rax)
	pushq	%rbx
	callq	*%r10
	popq	%rbx
	popq	%rbx
	jmp	hostile_landing + 0x10

	.globl hostile_at_callout
	.bss
	.p2align 3
	.type hostile_at_callout, @object
	.size hostile_at_callout, 128
hostile_at_callout:
	.zero	128
	.section .note.GNU-stack, "", @progbits
