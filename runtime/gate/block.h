/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Call-outs with a call block (docs/box-abi.md), for the gate and for the landing in kernel mode.
 */

/* RBX = block, RSP a multiple of 16: loads everything for the call; RAX and RCX are scratch. R12 = the block's flags, read once:
 * another thread may change them. */
.macro BLOCK_ARGUMENTS
	movq	320(%rbx), %rcx		/* nstack */
	testq	%rcx, %rcx
	je	2f
	/* 32-byte vectors among them are aligned to 32 bytes: so is RSP at the call. */
	leaq	(,%rcx,8), %rax
	negq	%rax
	addq	%rsp, %rax
	andq	$-32, %rax
	leaq	(%rax,%rcx,8), %rsp
1:	pushq	440(%rbx,%rcx,8)
	decq	%rcx
	jne	1b
2:	movl	328(%rbx), %r12d
	testb	$1, %r12b
	jne	3f
	movups	64(%rbx), %xmm0
	movups	96(%rbx), %xmm1
	movups	128(%rbx), %xmm2
	movups	160(%rbx), %xmm3
	movups	192(%rbx), %xmm4
	movups	224(%rbx), %xmm5
	movups	256(%rbx), %xmm6
	movups	288(%rbx), %xmm7
	jmp	4f
3:	vmovups	64(%rbx), %ymm0
	vmovups	96(%rbx), %ymm1
	vmovups	128(%rbx), %ymm2
	vmovups	160(%rbx), %ymm3
	vmovups	192(%rbx), %ymm4
	vmovups	224(%rbx), %ymm5
	vmovups	256(%rbx), %ymm6
	vmovups	288(%rbx), %ymm7
4:	movq	(%rbx), %rdi
	movq	8(%rbx), %rsi
	movq	16(%rbx), %rdx
	movq	24(%rbx), %rcx
	movq	32(%rbx), %r8
	movq	40(%rbx), %r9
	movl	$8, %eax
.endm

/* After the call: RBX and R12 as then. */
.macro BLOCK_RESULTS
	movq	%rax, 336(%rbx)
	movq	%rdx, 344(%rbx)
	testb	$1, %r12b
	jne	5f
	movups	%xmm0, 352(%rbx)
	movups	%xmm1, 384(%rbx)
	jmp	6f
5:	vmovups	%ymm0, 352(%rbx)
	vmovups	%ymm1, 384(%rbx)
6:	testb	$2, %r12b
	je	7f
	fstpt	416(%rbx)
	testb	$4, %r12b
	je	7f
	fstpt	432(%rbx)
7:
.endm
