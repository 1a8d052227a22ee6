/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The gate for user mode: the first 16 KiB of the box segment. docs/gate-abi.md says what each
 * entry takes, keeps and returns; the kernel module puts its own bytes here.
 *
 * Every state that a signal can interrupt is one from which a handler may enter the box again:
 *   - RSP on a safe stack: a nested entry goes below RSP;
 *   - else __privbox_safe_sp is not 0 and everything at or above it is in use.
 * So leaving stores safe_sp before it moves RSP, and coming back moves RSP before it clears safe_sp.
 */
#include "../entry/state.h"
#include "block.h"

#define TLS(name) %fs:name@tpoff
#define CALLOUTS %fs:__privbox_counters@tpoff+8
#define GATE_CALLS %fs:__privbox_counters@tpoff+16

/* CFA = *(RSP + 0) + 8: the word at RSP is the other stack's RSP, at its return address. */
#define CFI_OTHER_STACK .cfi_escape 0x0f, 0x05, 0x77, 0x00, 0x06, 0x23, 0x08

.macro ENTRY name, offset
	.org __privbox_gate_start + \offset, 0xcc
	.globl \name
	.hidden \name
	.type \name, @function
\name:
.endm
.macro STOP name
	.size \name, . - \name
.endm

	.section .privbox.gate, "ax", @progbits
	.p2align 12
	.globl __privbox_gate_start
	.hidden __privbox_gate_start
__privbox_gate_start:
	.ascii "PRIVBOXG"
	.long 1			/* version of docs/gate-abi.md */
	.long PB_SAFE_BIT

/* --- the fixed entries, 64 bytes each --- */

ENTRY __privbox_gate_syscall, 0x100
	.cfi_startproc
	incq	GATE_CALLS
	cmpl	$15, %eax
	je	.Lrefuse
	cmpl	$56, %eax
	je	.Lclone
	cmpl	$58, %eax
	je	.Lrefuse
	cmpl	$435, %eax
	je	.Lrefuse
	syscall
	ret
	int3
	.cfi_endproc
STOP __privbox_gate_syscall

ENTRY __privbox_gate_thunk, 0x140
	.globl __x86_indirect_thunk_r11
	.hidden __x86_indirect_thunk_r11
	.type __x86_indirect_thunk_r11, @function
__x86_indirect_thunk_r11:
	.cfi_startproc
	movl	%r11d, %eax
	andl	__privbox_table(%rip), %eax
	addq	__privbox_table+8(%rip), %rax
	cmpq	%r11, (%rax)
	jne	.Lprobe
	jmpq	*8(%rax)
	int3
	.cfi_endproc
STOP __privbox_gate_thunk

ENTRY __privbox_gate_translate, 0x180
	.cfi_startproc
	movl	%r10d, %eax
	andl	__privbox_table(%rip), %eax
	addq	__privbox_table+8(%rip), %rax
	cmpq	%r10, (%rax)
	jne	.Ltranslate_probe
	movq	8(%rax), %rax
	ret
	int3
	.cfi_endproc
STOP __privbox_gate_translate

ENTRY __privbox_gate_callout, 0x1c0
	.cfi_startproc
	jmp	.Lcallout
	.cfi_endproc
STOP __privbox_gate_callout

ENTRY __privbox_gate_callout_block, 0x200
	.cfi_startproc
	jmp	.Lblock
	.cfi_endproc
STOP __privbox_gate_callout_block

ENTRY __privbox_gate_try, 0x240
	.cfi_startproc
	jmp	.Ltry
	.cfi_endproc
STOP __privbox_gate_try

ENTRY __privbox_gate_throw, 0x280
	.cfi_startproc
	jmp	.Lthrow
	.cfi_endproc
STOP __privbox_gate_throw

/* User mode's __privbox_enter jumps here with RSP = activation record + 8. A call, so that the
 * clone's return and ours are predicted; its return address is the exit. */
	.org __privbox_gate_start + 0x2bd, 0xcc
	.globl __privbox_gate_enter
	.hidden __privbox_gate_enter
__privbox_gate_enter:
	.cfi_startproc
	CFI_OTHER_STACK
	callq	*%r10
ENTRY __privbox_gate_exit, 0x2c0
	movq	%rsp, TLS(__privbox_safe_sp)
	popq	%r11
	.cfi_def_cfa %r11, 8
	popq	%rcx
	popq	TLS(__privbox_va_area)
	popq	TLS(__privbox_va_words)
	popq	TLS(__privbox_try_head)
	popq	TLS(__privbox_activation)
	popq	TLS(__privbox_safe_sp)
	movq	%r11, %rsp
	.cfi_def_cfa %rsp, 8
	/* Last: until RSP is outside, a handler on the safe stack needs this activation's. */
	movq	%rcx, TLS(__privbox_unsafe_sp)
	ret
	int3
	.cfi_endproc
STOP __privbox_gate_exit

/* --- bodies that do not fit into an entry --- */
	.org __privbox_gate_start + 0x400, 0xcc

/* System calls that would come back on a foreign stack (clone with a shared address space, vfork)
 * or from a frame that is not ours (rt_sigreturn): ENOSYS, as the kernel module says. */
	.p2align 4, 0xcc
	.cfi_startproc
.Lclone:
	testl	$0x100, %edi		/* CLONE_VM */
	jne	.Lrefuse
	testq	%rsi, %rsi
	jne	.Lrefuse
	syscall
	ret
	int3
.Lrefuse:
	movq	$-38, %rax
	ret
	int3
	.cfi_endproc

/* The thunk's first slot did not match: R11 = target, RAX = slot. */
	.p2align 4, 0xcc
	.cfi_startproc
.Lprobe:
	cmpq	$-1, (%rax)
	je	.Lthunk_miss
	addq	$16, %rax
	cmpq	%r11, (%rax)
	jne	.Lprobe
	jmpq	*8(%rax)
	int3
.Lthunk_miss:
	movq	%r11, %r10
	leaq	__privbox_text_start(%rip), %rax
	cmpq	%rax, %r11
	jb	.Lcallout
	leaq	__privbox_text_end(%rip), %rax
	cmpq	%rax, %r11
	jae	.Lcallout
	jmpq	*%r11
	int3
	.cfi_endproc

	.p2align 4, 0xcc
	.cfi_startproc
.Ltranslate_probe:
	cmpq	$-1, (%rax)
	je	1f
	addq	$16, %rax
	cmpq	%r10, (%rax)
	jne	.Ltranslate_probe
	movq	8(%rax), %rax
	ret
	int3
1:	leaq	__privbox_text_start(%rip), %rax
	cmpq	%rax, %r10
	jb	2f
	leaq	__privbox_text_end(%rip), %rax
	cmpq	%rax, %r10
	jae	2f
	movq	%r10, %rax
	ret
	int3
2:	xorl	%eax, %eax
	ret
	int3
	.cfi_endproc

/* The two call-outs. Debuggers take a caller whose stack lies below its callee's for corruption,
 * except after a function of this name, that of split stacks' routine. A local symbol: it names
 * nothing that links. */
	.p2align 4, 0xcc
	.type __morestack, @function
__morestack:

/* R10 = normal function, arguments in registers. RSP is kept twice on the unsafe stack: for the
 * alignment, and so that unwinders find the way back. */
	.p2align 4, 0xcc
	.cfi_startproc
.Lcallout:
	movq	TLS(__privbox_unsafe_sp), %rax
	movq	%rsp, %r11
	.cfi_def_cfa %r11, 8
	movq	%r11, TLS(__privbox_safe_sp)
	andq	$-16, %rax
	incq	CALLOUTS
	movq	%rax, %rsp
	pushq	%r11
	pushq	%r11
	movl	$8, %eax		/* vector registers, in case the callee is variadic */
	CFI_OTHER_STACK
	callq	*%r10
	popq	%r11
	.cfi_def_cfa %r11, 8
	cmpq	%r11, TLS(__privbox_safe_sp)
	jne	2f
1:	movq	%r11, %rsp
	.cfi_def_cfa %rsp, 8
	movq	$0, TLS(__privbox_safe_sp)
	ret
	int3
2:	/* Normal code left activations behind by longjmp: forget them. */
	.cfi_def_cfa %r11, 8
	pushq	%rax
	pushq	%rdx
	pushq	%r11
	CFI_OTHER_STACK
	movq	%r11, %rdi
	callq	__privbox_callout_fixup
	popq	%r11
	.cfi_def_cfa %r11, 8
	popq	%rdx
	popq	%rax
	jmp	1b
	.cfi_endproc

/* R10 = normal function, RDI = call block (docs/box-abi.md). */
	.p2align 4, 0xcc
	.cfi_startproc
.Lblock:
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	pushq	%rbx
	.cfi_def_cfa_offset 24
	.cfi_offset %rbx, -24
	pushq	%r12
	.cfi_def_cfa_offset 32
	.cfi_offset %r12, -32
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq	%rdi, %rbx
	movq	%rsp, TLS(__privbox_safe_sp)
	movq	TLS(__privbox_unsafe_sp), %rax
	andq	$-16, %rax
	incq	CALLOUTS
	movq	%rax, %rsp
	BLOCK_ARGUMENTS
	callq	*%r10
	BLOCK_RESULTS
	cmpq	%rbp, TLS(__privbox_safe_sp)
	je	8f
	movq	%rbp, %rdi
	andq	$-16, %rsp
	callq	__privbox_callout_fixup
8:	movq	%rbp, %rsp
	.cfi_def_cfa_register %rsp
	movq	$0, TLS(__privbox_safe_sp)
	popq	%r12
	.cfi_def_cfa_offset 24
	.cfi_restore %r12
	popq	%rbx
	.cfi_def_cfa_offset 16
	.cfi_restore %rbx
	popq	%rbp
	.cfi_def_cfa_offset 8
	.cfi_restore %rbp
	ret
	int3
	.cfi_endproc

	.size __morestack, . - __morestack

/* R10 = function, RDI RSI RDX its arguments; RCX becomes the token. */
	.p2align 4, 0xcc
	.cfi_startproc
.Ltry:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	.cfi_adjust_cfa_offset 48
	pushq	TLS(__privbox_activation)
	pushq	TLS(__privbox_unsafe_sp)
	.cfi_adjust_cfa_offset 16
	movl	$1, %ecx
	xaddq	%rcx, TLS(__privbox_token)	/* at once: a handler's try takes the next one */
	incq	%rcx
	pushq	%rcx
	pushq	TLS(__privbox_try_head)
	.cfi_adjust_cfa_offset 16
	movq	%rsp, TLS(__privbox_try_head)
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	movq	%r10, %r11
	callq	__privbox_gate_thunk
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	TLS(__privbox_try_head)
	.cfi_adjust_cfa_offset -8
	addq	$TRY_RET - 8, %rsp
	.cfi_adjust_cfa_offset -72
	xorl	%edx, %edx
	ret
	int3
	.cfi_endproc

/* RDI = token, RSI and RDX = values, the second never 0. Only tokens of live records of this thread are believed:
 * they are found by walking the list, whose tokens fall from head to end. */
	.p2align 4, 0xcc
	.cfi_startproc
.Lthrow:
	movq	TLS(__privbox_try_head), %r11
1:	testq	%r11, %r11
	je	2f
	cmpq	%rdi, TRY_TOKEN(%r11)
	je	3f
	jb	2f
	movq	TRY_NEXT(%r11), %r11
	jmp	1b
2:	movq	$-1, %rax
	ret
	int3
3:	/* Activations entered since are abandoned with the frames of their callers. */
	movq	TRY_NEXT(%r11), %rax
	movq	TRY_UNSAFE(%r11), %rcx
	movq	TRY_ACTIVATION(%r11), %r8
	movq	%rax, TLS(__privbox_try_head)
	movq	TRY_R15(%r11), %r15
	movq	TRY_R14(%r11), %r14
	movq	TRY_R13(%r11), %r13
	movq	TRY_R12(%r11), %r12
	movq	TRY_RBX(%r11), %rbx
	movq	TRY_RBP(%r11), %rbp
	.cfi_def_cfa %r11, TRY_RET + 8
	leaq	TRY_RET(%r11), %rsp
	.cfi_def_cfa %rsp, 8
	movq	%r8, TLS(__privbox_activation)
	movq	%rcx, TLS(__privbox_unsafe_sp)
	movq	%rsi, %rax
	testq	%rdx, %rdx		/* 0 is what a try that was not thrown to returns */
	jne	4f
	incq	%rdx
4:	ret
	int3
	.cfi_endproc

	.org __privbox_gate_start + 0x4000, 0xcc

/* Make the output sections exist, executable as the whole segment must be. */
	.section .privbox.text, "ax", @progbits
	.p2align 4
	.section .privbox.tables, "ax", @progbits
	.p2align 4
	.fill 16, 1, 0xcc

/* The manifest, filled by the driver after linking (docs/image-format.md). */
	.section .note.privbox, "a", @note
	.p2align 2
	.long 8, 168, 1
	.ascii "Privbox\0"
	.zero 168

	.section .note.GNU-stack, "", @progbits
