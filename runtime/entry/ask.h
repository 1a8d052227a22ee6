/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Assembly shared by the ways into the box.
 */
#define TLS(name) %fs:name@tpoff

/* C decides about an entry; it may call libc, so everything that can carry an argument is kept.
 * R11 and RAX are \function's results. At a function's entry: RSP at the return address. */
.macro ASK_C function
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%r10
	pushq	%r9
	pushq	%r8
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	subq	$264, %rsp
	andq	$-32, %rsp
	cmpb	$0, __privbox_avx(%rip)
	jne	1f
	movaps	%xmm0, (%rsp)
	movaps	%xmm1, 32(%rsp)
	movaps	%xmm2, 64(%rsp)
	movaps	%xmm3, 96(%rsp)
	movaps	%xmm4, 128(%rsp)
	movaps	%xmm5, 160(%rsp)
	movaps	%xmm6, 192(%rsp)
	movaps	%xmm7, 224(%rsp)
	movb	$0, 256(%rsp)
	jmp	2f
1:	vmovaps	%ymm0, (%rsp)
	vmovaps	%ymm1, 32(%rsp)
	vmovaps	%ymm2, 64(%rsp)
	vmovaps	%ymm3, 96(%rsp)
	vmovaps	%ymm4, 128(%rsp)
	vmovaps	%ymm5, 160(%rsp)
	vmovaps	%ymm6, 192(%rsp)
	vmovaps	%ymm7, 224(%rsp)
	/* Loading a whole register marks its upper half as used even if it is 0, which slows down all SSE code
	 * from here on: only if an argument is there. */
	vorps	%ymm0, %ymm1, %ymm8
	vorps	%ymm2, %ymm3, %ymm9
	vorps	%ymm4, %ymm5, %ymm10
	vorps	%ymm6, %ymm7, %ymm11
	vorps	%ymm8, %ymm9, %ymm8
	vorps	%ymm10, %ymm11, %ymm10
	vorps	%ymm8, %ymm10, %ymm8
	vextractf128 $1, %ymm8, %xmm8
	vptest	%xmm8, %xmm8
	setne	256(%rsp)
	vzeroupper
2:	leaq	8(%rbp), %rdi		/* RSP at our entry */
	leaq	-56(%rbp), %rsi		/* RDI, RSI, RDX, RCX, R8, R9 */
	callq	\function
	movq	%rax, %r11
	movq	%rdx, %rax
	cmpb	$0, 256(%rsp)
	jne	3f
	movaps	(%rsp), %xmm0
	movaps	32(%rsp), %xmm1
	movaps	64(%rsp), %xmm2
	movaps	96(%rsp), %xmm3
	movaps	128(%rsp), %xmm4
	movaps	160(%rsp), %xmm5
	movaps	192(%rsp), %xmm6
	movaps	224(%rsp), %xmm7
	jmp	4f
3:	vmovaps	(%rsp), %ymm0
	vmovaps	32(%rsp), %ymm1
	vmovaps	64(%rsp), %ymm2
	vmovaps	96(%rsp), %ymm3
	vmovaps	128(%rsp), %ymm4
	vmovaps	160(%rsp), %ymm5
	vmovaps	192(%rsp), %ymm6
	vmovaps	224(%rsp), %ymm7
4:	leaq	-56(%rbp), %rsp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%r8
	popq	%r9
	popq	%r10
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
.endm
