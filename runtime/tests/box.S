/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Hand-written box code for basic.c: what the compiler will emit, one clone per gate entry.
 */
#include "../box/box.h"

/* The normal symbol of an entry function: box available, enter; else the normal code. */
.macro ENTER name
	.text
	.globl \name
	.type \name, @function
	.p2align 4
\name:
	.cfi_startproc
	cmpb	$0, __privbox_enabled(%rip)
	je	\name\()_normal
	leaq	\name\().privbox(%rip), %r10
	jmp	__privbox_enter
	.cfi_endproc
	.size \name, . - \name
.endm

/* long add(long a, long b): a leaf */
ENTER add
FUNCTION add
	leaq	(%rdi,%rsi), %rax
	RETURN
END add

/* long call_out(long (*f)(long, ...), a, b, c, d, e): f(a, b, c, d, e) + 1, f called out */
ENTER call_out
FUNCTION call_out
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	movq	%rdi, %r10
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %rcx
	movq	%r9, %r8
	call	__privbox_gate_callout
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	addq	$1, %rax
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END call_out

/* long call_thunk(f, a, b): f(a, b) through the thunk */
ENTER call_thunk
FUNCTION call_thunk
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	movq	%rdi, %r11
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	call	__x86_indirect_thunk_r11
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END call_thunk

/* double call_double(f, double x, double y) : f(x, y), a tail call out through the thunk */
ENTER call_double
FUNCTION call_double
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	movq	%rdi, %r11
	jmp	__x86_indirect_thunk_r11
	int3
8:	ud2
END call_double

/* void *translate(f) */
ENTER translate
FUNCTION translate
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	movq	%rdi, %r10
	call	__privbox_gate_translate
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END translate

/* void call_block(f, block) */
ENTER call_block
FUNCTION call_block
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	movq	%rdi, %r10
	movq	%rsi, %rdi
	call	__privbox_gate_callout_block
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END call_block

/* long try_throw(struct result *r, long (*out)(long token), long unused): try of try_body, which
 * calls out and then throws; r = { rax, rdx }. After try, the thread's two variables are put back. */
ENTER try_throw
FUNCTION try_throw
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	DEPTH	8f
	movabsq	$MASK, %rax
	movq	%rdi, %rbx
	andq	%rax, %rbx
	movq	%fs:__privbox_activation@tpoff, %rbp
	movq	%fs:__privbox_unsafe_sp@tpoff, %r12
	leaq	try_body.privbox(%rip), %r10
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	call	__privbox_gate_try
	movq	%rbp, %fs:__privbox_activation@tpoff
	movq	%r12, %fs:__privbox_unsafe_sp@tpoff
	movq	%rax, (%rbx)
	movq	%rdx, 8(%rbx)
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	RETURN
	.cfi_adjust_cfa_offset 24
8:	ud2
END try_throw

/* RDI = out, RSI = throw?, RCX = token; clobbers callee-saved registers, throws (out(token), 77) */
FUNCTION try_body
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	.cfi_adjust_cfa_offset 24
	.cfi_offset %rbx, -16
	.cfi_offset %rbp, -24
	.cfi_offset %r12, -32
	DEPTH	8f
	movq	%rsi, %rbp
	movq	%rcx, %rbx
	movq	%rdi, %r10
	movq	%rcx, %rdi
	call	__privbox_gate_callout
	testq	%rbp, %rbp
	je	1f
	movq	%rbx, %rdi
	movq	%rax, %rsi
	movl	$77, %edx
	xorl	%ebx, %ebx
	call	__privbox_gate_throw
1:	popq	%r12
	popq	%rbp
	popq	%rbx
	.cfi_adjust_cfa_offset -24
	RETURN
	.cfi_adjust_cfa_offset 24
8:	ud2
END try_body

/* long throw_stale(long token, long v, long w): throws; -1 if the token is not live */
ENTER throw_token
FUNCTION throw_token
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	DEPTH	8f
	call	__privbox_gate_throw
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	RETURN
	.cfi_adjust_cfa_offset 8
8:	ud2
END throw_token

/* long spin(volatile long *flag, long *counter): counts with unsafe-stack traffic until *flag */
ENTER spin
FUNCTION spin
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	movabsq	$MASK, %rdx
	andq	%rdx, %rdi
	xorl	%ebx, %ebx
	movq	%fs:__privbox_unsafe_sp@tpoff, %rcx
	leaq	-64(%rcx), %rax
	movq	%rax, %fs:__privbox_unsafe_sp@tpoff
	movq	%rcx, %r8		/* the old one */
	andq	%rdx, %rax
1:	movq	%rbx, 8(%rax)		/* an unsafe local */
	addq	$1, %rbx
	movq	8(%rax), %rsi
	addq	$1, %rsi
	cmpq	%rsi, %rbx
	jne	2f
	cmpq	$0, (%rdi)
	je	1b
	movq	%r8, %fs:__privbox_unsafe_sp@tpoff
	movq	%rbx, %rax
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	RETURN
	.cfi_adjust_cfa_offset 8
2:	ud2
END spin

/* long recurse(long n, f): n frames of 64 bytes, then a call-out of f() */
ENTER recurse
FUNCTION recurse
	subq	$56, %rsp
	.cfi_adjust_cfa_offset 56
	DEPTH	8f
	subq	$1, %rdi
	js	1f
	call	recurse.privbox
	addq	$1, %rax
	jmp	2f
1:	movq	%rsi, %r10
	call	__privbox_gate_callout
2:	addq	$56, %rsp
	.cfi_adjust_cfa_offset -56
	RETURN
	.cfi_adjust_cfa_offset 56
8:	ud2
END recurse

/* Library functions as entries, for comparison with libc's. */
.macro LIBRARY name
	.text
	.globl box_\name
	.type box_\name, @function
	.p2align 4
box_\name:
	leaq	\name\().privbox(%rip), %r10
	jmp	__privbox_enter
	.size box_\name, . - box_\name
.endm
LIBRARY memcpy
LIBRARY memmove
LIBRARY memset
LIBRARY memcmp
LIBRARY strlen
LIBRARY getppid
LIBRARY read
LIBRARY write
LIBRARY close
LIBRARY pread
LIBRARY __errno_location

	.text
	.globl box_syscall, box_openat
	.type box_syscall, @function
	.p2align 4
/* Variadic in the box: (named..., address of the variadic arguments in the last register) */
box_syscall:				/* (number, area) */
	leaq	set_area_1.privbox(%rip), %r10
	jmp	__privbox_enter
box_openat:				/* (fd, path, flags, area) */
	leaq	set_area_3.privbox(%rip), %r10
	jmp	__privbox_enter
FUNCTION set_area_1
	subq	$8, %rsi
	movq	%rsi, %fs:__privbox_va_area@tpoff
	jmp	syscall.privbox
END set_area_1
FUNCTION set_area_3
	subq	$24, %rcx
	movq	%rcx, %fs:__privbox_va_area@tpoff
	jmp	openat.privbox
END set_area_3

	.section .privbox.map, "aw", @progbits
	.p2align 3
	.quad add, add.privbox
	.quad call_out, call_out.privbox
	.quad add, add.privbox
	.quad not_in_the_box, 0
	.quad recurse, recurse.privbox

	.section .note.GNU-stack, "", @progbits
