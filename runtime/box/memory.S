/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * memcpy, memmove, memset, memcmp, bcmp, strlen of the box.
 *
 * Starts and ends are masked once each (rule 7 forgives the small displacements from them), the pointers of
 * loops in every round, so that no proof needs to look across iterations. For the addresses that
 * the program may use, a mask changes nothing. Loads come before the stores they could overlap.
 */
#include "box.h"

#define REP_COPY 2048		/* from here on the CPU's own copying is at least as fast */
#define REP_SET 1024

/* RDI destination, RSI source, RDX bytes; RAX = destination. \move: they may overlap. */
.macro COPY move
	movq	%rdi, %rax
	movabsq	$MASK, %r11
	leaq	(%rdi,%rdx), %r8	/* ends */
	leaq	(%rsi,%rdx), %r9
	andq	%r11, %rdi
	andq	%r11, %rsi
	andq	%r11, %r8
	andq	%r11, %r9
	cmpq	$16, %rdx
	jbe	1f
	cmpq	$32, %rdx
	ja	4f
	movups	(%rsi), %xmm0
	movups	-16(%r9), %xmm1
	movups	%xmm0, (%rdi)
	movups	%xmm1, -16(%r8)
	RETURN
1:	cmpl	$8, %edx
	jb	2f
	movq	(%rsi), %rcx
	movq	-8(%r9), %rdx
	movq	%rcx, (%rdi)
	movq	%rdx, -8(%r8)
	RETURN
2:	cmpl	$4, %edx
	jb	3f
	movl	(%rsi), %ecx
	movl	-4(%r9), %edx
	movl	%ecx, (%rdi)
	movl	%edx, -4(%r8)
	RETURN
3:	testl	%edx, %edx
	je	9f
	movzbl	(%rsi), %ecx
	cmpl	$1, %edx
	je	8f
	movzwl	-2(%r9), %edx
	movw	%dx, -2(%r8)
8:	movb	%cl, (%rdi)
9:	RETURN
4:	cmpq	$64, %rdx
	ja	5f
	movups	(%rsi), %xmm0
	movups	16(%rsi), %xmm1
	movups	-32(%r9), %xmm2
	movups	-16(%r9), %xmm3
	movups	%xmm0, (%rdi)
	movups	%xmm1, 16(%rdi)
	movups	%xmm2, -32(%r8)
	movups	%xmm3, -16(%r8)
	RETURN
5:
	.if \move
	movq	%rdi, %rcx
	subq	%rsi, %rcx
	cmpq	%rdx, %rcx
	jb	7f			/* the destination starts inside the source */
	.endif
	cmpq	$REP_COPY, %rdx
	jae	6f
	movups	-64(%r9), %xmm4
	movups	-48(%r9), %xmm5
	movups	-32(%r9), %xmm6
	movups	-16(%r9), %xmm7
	.p2align 4
0:	movups	(%rsi), %xmm0
	movups	16(%rsi), %xmm1
	movups	32(%rsi), %xmm2
	movups	48(%rsi), %xmm3
	movups	%xmm0, (%rdi)
	movups	%xmm1, 16(%rdi)
	movups	%xmm2, 32(%rdi)
	movups	%xmm3, 48(%rdi)
	addq	$64, %rsi
	addq	$64, %rdi
	andq	%r11, %rsi
	andq	%r11, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	ja	0b
	movups	%xmm4, -64(%r8)
	movups	%xmm5, -48(%r8)
	movups	%xmm6, -32(%r8)
	movups	%xmm7, -16(%r8)
	RETURN
6:	movq	%rdx, %rcx
	rep movsb
	RETURN
	.if \move
7:	movups	(%rsi), %xmm4
	movups	16(%rsi), %xmm5
	movups	32(%rsi), %xmm6
	movups	48(%rsi), %xmm7
	.p2align 4
0:	movups	-16(%r9), %xmm0
	movups	-32(%r9), %xmm1
	movups	-48(%r9), %xmm2
	movups	-64(%r9), %xmm3
	movups	%xmm0, -16(%r8)
	movups	%xmm1, -32(%r8)
	movups	%xmm2, -48(%r8)
	movups	%xmm3, -64(%r8)
	subq	$64, %r9
	subq	$64, %r8
	andq	%r11, %r9
	andq	%r11, %r8
	subq	$64, %rdx
	cmpq	$64, %rdx
	ja	0b
	movups	%xmm4, (%rdi)
	movups	%xmm5, 16(%rdi)
	movups	%xmm6, 32(%rdi)
	movups	%xmm7, 48(%rdi)
	RETURN
	.endif
.endm

FUNCTION memcpy
	COPY 0
END memcpy

FUNCTION memmove
	COPY 1
END memmove

FUNCTION memset
	movq	%rdi, %rax
	movabsq	$MASK, %r11
	leaq	(%rdi,%rdx), %r8
	andq	%r11, %rdi
	andq	%r11, %r8
	movzbl	%sil, %ecx
	movabsq	$0x0101010101010101, %rsi
	imulq	%rsi, %rcx
	cmpq	$16, %rdx
	jbe	1f
	movq	%rcx, %xmm0
	punpcklqdq %xmm0, %xmm0
	cmpq	$REP_SET, %rdx
	jae	5f
	movups	%xmm0, -16(%r8)
	cmpq	$64, %rdx
	ja	4f
	movups	%xmm0, (%rdi)
	cmpq	$32, %rdx
	jbe	0f
	movups	%xmm0, 16(%rdi)
	movups	%xmm0, -32(%r8)
0:	RETURN
1:	cmpl	$8, %edx
	jb	2f
	movq	%rcx, (%rdi)
	movq	%rcx, -8(%r8)
	RETURN
2:	cmpl	$4, %edx
	jb	3f
	movl	%ecx, (%rdi)
	movl	%ecx, -4(%r8)
	RETURN
3:	testl	%edx, %edx
	je	0f
	movb	%cl, (%rdi)
	cmpl	$1, %edx
	je	0f
	movw	%cx, -2(%r8)
0:	RETURN
	.p2align 4
4:	movups	%xmm0, (%rdi)
	movups	%xmm0, 16(%rdi)
	movups	%xmm0, 32(%rdi)
	movups	%xmm0, 48(%rdi)
	addq	$64, %rdi
	andq	%r11, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	ja	4b
	movups	%xmm0, -64(%r8)
	movups	%xmm0, -48(%r8)
	movups	%xmm0, -32(%r8)
	RETURN
5:	movq	%rax, %r9
	movl	%ecx, %eax
	movq	%rdx, %rcx
	rep stosb
	movq	%r9, %rax
	RETURN
END memset

FUNCTION memcmp
ALIAS bcmp, memcmp
	movabsq	$MASK, %r11
	leaq	(%rdi,%rdx), %r8
	leaq	(%rsi,%rdx), %r9
	andq	%r11, %rdi
	andq	%r11, %rsi
	andq	%r11, %r8
	andq	%r11, %r9
	cmpq	$16, %rdx
	jb	3f
1:	movups	(%rdi), %xmm0
	movups	(%rsi), %xmm1
	pcmpeqb	%xmm1, %xmm0
	pmovmskb %xmm0, %eax
	xorl	$0xffff, %eax
	jne	2f
	addq	$16, %rdi
	addq	$16, %rsi
	andq	%r11, %rdi
	andq	%r11, %rsi
	subq	$16, %rdx
	cmpq	$16, %rdx
	jae	1b
	testq	%rdx, %rdx
	je	9f			/* EAX is 0 */
	leaq	-16(%r8), %rdi		/* the last 16 bytes, some of them again */
	leaq	-16(%r9), %rsi
	andq	%r11, %rdi
	andq	%r11, %rsi
	movups	(%rdi), %xmm0
	movups	(%rsi), %xmm1
	pcmpeqb	%xmm1, %xmm0
	pmovmskb %xmm0, %eax
	xorl	$0xffff, %eax
	jne	2f
9:	RETURN
2:	bsfl	%eax, %ecx
	andl	$15, %ecx		/* bounds the index for the verifier */
	movzbl	(%rdi,%rcx), %eax
	movzbl	(%rsi,%rcx), %ecx
	subl	%ecx, %eax
	RETURN
3:	cmpl	$8, %edx
	jb	4f
	movq	(%rdi), %rax
	movq	(%rsi), %rcx
	cmpq	%rcx, %rax
	jne	7f
	movq	-8(%r8), %rax
	movq	-8(%r9), %rcx
	cmpq	%rcx, %rax
	jne	7f
	xorl	%eax, %eax
	RETURN
4:	cmpl	$4, %edx
	jb	5f
	movl	(%rdi), %eax
	movl	(%rsi), %ecx
	cmpl	%ecx, %eax
	jne	7f
	movl	-4(%r8), %eax
	movl	-4(%r9), %ecx
	cmpl	%ecx, %eax
	jne	7f
	xorl	%eax, %eax
	RETURN
5:	xorl	%eax, %eax
	testl	%edx, %edx
	je	9b
	movzbl	(%rdi), %eax
	movzbl	(%rsi), %ecx
	subl	%ecx, %eax
	jne	9b
	cmpl	$1, %edx
	je	9b
	movzbl	1(%rdi), %eax
	movzbl	1(%rsi), %ecx
	subl	%ecx, %eax
	jne	9b
	movzbl	-1(%r8), %eax
	movzbl	-1(%r9), %ecx
	subl	%ecx, %eax
	RETURN
7:	bswapq	%rax			/* 32-bit values end in the upper half: same order */
	bswapq	%rcx
	cmpq	%rcx, %rax
	sbbl	%eax, %eax
	orl	$1, %eax
	RETURN
END memcmp

FUNCTION strlen
	movabsq	$MASK, %r11
	andq	%r11, %rdi
	movq	%rdi, %rdx
	movl	%edi, %ecx
	andl	$15, %ecx
	andq	$-16, %rdi		/* aligned reads do not cross into another page */
	andq	%r11, %rdi
	pxor	%xmm0, %xmm0
	movdqa	(%rdi), %xmm1
	pcmpeqb	%xmm0, %xmm1
	pmovmskb %xmm1, %eax
	shrl	%cl, %eax
	testl	%eax, %eax
	jne	2f
	.p2align 4
1:	addq	$16, %rdi
	andq	%r11, %rdi
	movdqa	(%rdi), %xmm1
	pcmpeqb	%xmm0, %xmm1
	pmovmskb %xmm1, %eax
	testl	%eax, %eax
	je	1b
	bsfl	%eax, %eax
	addq	%rdi, %rax
	subq	%rdx, %rax
	RETURN
2:	bsfl	%eax, %eax
	RETURN
END strlen

	.section .note.GNU-stack, "", @progbits
