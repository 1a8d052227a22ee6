/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * strcmp, strchr, strchrnul, memchr of the box, 16 bytes at a time.
 *
 * Pointers of loops are masked in every round (see memory.S). Reads do not reach into a page that the
 * C function would not touch: they are aligned, or shown not to cross a page's end.
 */
#include "box.h"

/* Does a read of 16 bytes at \pointer stay in its page? Else \far. */
.macro IN_PAGE pointer, scratch, far
	movl	\pointer, \scratch
	andl	$4095, \scratch
	cmpl	$4080, \scratch
	ja	\far
.endm

FUNCTION strcmp
	movabsq	$MASK, %r11
	pxor	%xmm2, %xmm2
	andq	%r11, %rdi
	andq	%r11, %rsi
	.p2align 4
1:	IN_PAGE	%edi, %eax, 4f
	IN_PAGE	%esi, %ecx, 4f
	movups	(%rdi), %xmm0
	movups	(%rsi), %xmm1
	pcmpeqb	%xmm0, %xmm1
	pminub	%xmm0, %xmm1		/* 0 where they differ or end */
	pcmpeqb	%xmm2, %xmm1
	pmovmskb %xmm1, %eax
	testl	%eax, %eax
	jne	3f
	addq	$16, %rdi
	addq	$16, %rsi
2:	andq	%r11, %rdi
	andq	%r11, %rsi
	jmp	1b
3:	bsfl	%eax, %ecx
	andl	$15, %ecx		/* bounds the index for the verifier */
	movzbl	(%rdi,%rcx), %eax
	movzbl	(%rsi,%rcx), %ecx
	subl	%ecx, %eax
	RETURN
	/* Near a page's end: byte by byte over it. */
4:	movl	$16, %edx
5:	movzbl	(%rdi), %eax
	movzbl	(%rsi), %ecx
	testl	%eax, %eax
	je	6f
	cmpl	%ecx, %eax
	jne	6f
	addq	$1, %rdi
	addq	$1, %rsi
	andq	%r11, %rdi
	andq	%r11, %rsi
	subl	$1, %edx
	jne	5b
	jmp	2b
6:	subl	%ecx, %eax
	RETURN
END strcmp

/* XMM0 = 16 times the byte in ESI. */
.macro SPREAD
	movd	%esi, %xmm0
	punpcklbw %xmm0, %xmm0
	punpcklwd %xmm0, %xmm0
	pshufd	$0, %xmm0, %xmm0
.endm

/* EAX = which of the 16 bytes at RDI, an aligned address, are the character; \zero: or zero. */
.macro FIND zero
	movdqa	(%rdi), %xmm1
	.if \zero
	movdqa	%xmm1, %xmm3
	pcmpeqb	%xmm2, %xmm3
	pcmpeqb	%xmm0, %xmm1
	por	%xmm3, %xmm1
	.else
	pcmpeqb	%xmm0, %xmm1
	.endif
	pmovmskb %xmm1, %eax
.endm

/* RDI = the aligned address of 16 bytes, EAX = bits of those that are wanted; R9 = the start. */
.macro FIRST zero, label
	movl	%edi, %ecx
	andl	$15, %ecx
	andq	$-16, %rdi
	andq	%r11, %rdi
	FIND	\zero
	shrl	%cl, %eax		/* what lies before the start does not count */
	shll	%cl, %eax
	testl	%eax, %eax
	jne	\label
.endm

.macro STRING_SCAN exact
	movabsq	$MASK, %r11
	SPREAD
	pxor	%xmm2, %xmm2
	andq	%r11, %rdi
	FIRST	1, 2f
	.p2align 4
1:	addq	$16, %rdi
	andq	%r11, %rdi
	FIND	1
	testl	%eax, %eax
	je	1b
2:	bsfl	%eax, %eax
	andl	$15, %eax		/* bounds the index for the verifier */
	.if \exact
	cmpb	%sil, (%rdi,%rax)
	jne	3f
	.endif
	addq	%rdi, %rax
	RETURN
	.if \exact
3:	xorl	%eax, %eax
	RETURN
	.endif
.endm

FUNCTION strchrnul
	STRING_SCAN 0
END strchrnul

FUNCTION strchr
	STRING_SCAN 1
END strchr

FUNCTION memchr
	testq	%rdx, %rdx
	je	4f
	movabsq	$MASK, %r11
	SPREAD
	andq	%r11, %rdi
	movq	%rdi, %r8		/* the end, at most that of the address space */
	addq	%rdx, %r8
	jnc	1f
	movq	$-1, %r8
1:	FIRST	0, 3f
	.p2align 4
2:	addq	$16, %rdi
	cmpq	%r8, %rdi
	jae	4f
	andq	%r11, %rdi
	FIND	0
	testl	%eax, %eax
	je	2b
3:	bsfl	%eax, %eax
	addq	%rdi, %rax
	cmpq	%r8, %rax
	jae	4f
	RETURN
4:	xorl	%eax, %eax
	RETURN
END memchr

	.section .note.GNU-stack, "", @progbits
