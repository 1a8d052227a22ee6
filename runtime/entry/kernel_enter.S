/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Kernel mode, the user's side (docs/kernel-abi.md): entering, coming back, and what the module starts at the
 * landings. It does here what the gate does in user mode; only stacks and registers of the box are
 * the module's, which tells them apart by tags.
 *
 * An activation record lies in a block of the thread's (kernel_thread.c), next to the previous one. On the
 * stack that enters, from RSP at the `int3` upwards: the record's address, R15-R12, RBP, RBX of the caller, the
 * return address. The module gives that RSP back at the exit, and as RBP at every other landing; unwinders find
 * the caller by it.
 *
 * A handler may enter, and it may jump away, wherever a signal can interrupt. It finds:
 *
 *   safe_sp  activation  the interrupted code is                         its record goes   the module drops
 *   0        null        at an exit, the last activation's               at the top        all
 *   0        A           in the box; or here, not yet or no longer       below A           nothing
 *                        out of it; or at an exit or entry, when A
 *                        is the caller's or about to be
 *   not 0    null        outside; or it reserves A's record              below safe_sp     all (tag = 0)
 *   not 0    A           in a call-out of A, of tag `tag`; or it         below safe_sp     what is younger
 *                        reserves or fills the next record                                 than that call-out
 *
 * "Nothing" is always right, and costs safe stack until an older state goes on. Hence the order of stores:
 *   entry     safe_sp = record, the record, activation, unsafe_sp, safe_sp = 0, int3
 *   exit      tag, activation, safe_sp, unsafe_sp, all read from the record before
 *   call-out  tag, activation, safe_sp, RSP; back: safe_sp = 0, int3
 * A handler that jumps within itself may leave its own activation in these variables when it returns. So at exits and call-outs tag and
 * activation are stored once more behind safe_sp: a dead activation above safe_sp would be taken for the next
 * record's predecessor, which lies in its place. An entry that is interrupted between its look at safe_sp and its `activation` finds a
 * dead one in the place of its own record or below, where no live one can be. It puts back what the oldest of these found, and
 * starts again (.Lleft): a record that is its own predecessor would never be forgotten.
 * A record that is being forgotten or filled may be overwritten by a handler's only when nothing of it
 * is needed any more. In the box, `tag` means nothing.
 *
 * In the child of a fork there is no suspended state, and no record of the parent's is alive: ACT_ALIVE,
 * __privbox_attached against __privbox_context.
 */
#define __ASSEMBLY__
#include "state.h"
#include "ask.h"
#include "../gate/block.h"
#include "../../kernel/privbox_uapi.h"

#define CALLOUTS %fs:__privbox_counters@tpoff+8

/* CFA of the code that entered, from RSP as at its `int3`. */
#define FRAME_SIZE 64
.macro CFI_ENTERED register
	.cfi_def_cfa \register, FRAME_SIZE
	.cfi_offset %rbx, -16
	.cfi_offset %rbp, -24
	.cfi_offset %r12, -32
	.cfi_offset %r13, -40
	.cfi_offset %r14, -48
	.cfi_offset %r15, -56
.endm
.macro AT offset
	.org __privbox_landing + \offset, 0xcc
.endm

	.text
	.globl __privbox_landing
	.hidden __privbox_landing
	.type __privbox_landing, @function
	.p2align 6
__privbox_landing:
	.cfi_startproc
	CFI_ENTERED %rsp
	int3
	jmp	.Lexited
	.cfi_endproc

	AT PRIVBOX_LANDING_RETURN
	.cfi_startproc
	CFI_ENTERED %rbp
	int3

	AT PRIVBOX_LANDING_RESUME
	jmp	.Lresume

	AT PRIVBOX_LANDING_RESUME_INT3
	int3

	AT PRIVBOX_LANDING_CALLOUT
	jmp	.Lcallout

	AT PRIVBOX_LANDING_BLOCK
	jmp	.Lblock

	AT PRIVBOX_LANDING_SYSCALL
	syscall
	jmp	.Lsyscall_done

	AT PRIVBOX_LANDING_SYSCALL_INT3
	int3
	.cfi_endproc
	AT PRIVBOX_LANDING_SIZE
	.size __privbox_landing, . - __privbox_landing

/* As __privbox_enter: R10 = clone, arguments in their registers. */
	.globl __privbox_enter_kernel
	.hidden __privbox_enter_kernel
	.type __privbox_enter_kernel, @function
	.p2align 6
__privbox_enter_kernel:
	.cfi_startproc
	movq	TLS(__privbox_safe_sp), %r11
	testq	%r11, %r11
	je	.Lslow			/* first entry, or a handler interrupted the box */
	cmpq	TLS(__privbox_unsafe_sp), %rsp
	jae	.Lslow			/* the last activation is dead, or another stack */
	movl	__privbox_attached(%rip), %eax
	cmpl	TLS(__privbox_context), %eax
	jne	.Lslow			/* the child of a fork */
	movq	%r11, %rax
.Lactivate:				/* R11: records below it are free; RAX = safe_sp */
	subq	$ACT_SIZE, %r11
	cmpq	TLS(__privbox_records), %r11
	jb	.Lfull
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	.cfi_remember_state
.Lfill:
	movq	%r11, TLS(__privbox_safe_sp)	/* reserved, before anything is written */
	movq	TLS(__privbox_activation), %rbx
	leaq	-1(%rbx), %rbp
	cmpq	%r11, %rbp
	jb	.Lleft			/* 0 < activation <= R11: dead */
	movq	%rax, ACT_SAFE(%r11)
	movq	%rbx, ACT_PREV(%r11)
	movq	TLS(__privbox_va_words), %rax
	movq	%rax, ACT_VA_WORDS(%r11)
	movq	TLS(__privbox_va_area), %rax
	movq	%rax, ACT_VA_AREA(%r11)
	movq	TLS(__privbox_unsafe_sp), %rax
	movq	%rax, ACT_UNSAFE(%r11)
	movq	TLS(__privbox_tag), %rax
	movq	%rax, ACT_TAG(%r11)
	cmpq	%rbx, TLS(__privbox_activation)
	jne	.Lleft_late
	cmpq	%r11, TLS(__privbox_safe_sp)
	jne	.Lleft_late
	movq	48(%rsp), %rbx
	movq	40(%rsp), %rbp
	leaq	FRAME_SIZE - 8(%rsp), %rax
	movq	%rax, ACT_RSP(%r11)
	movq	$1, ACT_ALIVE(%r11)
	movq	$0, ACT_TRY(%r11)
	movq	%r11, TLS(__privbox_activation)
	movq	%rsp, %rax
	andq	$-16, %rax
	movq	%rax, TLS(__privbox_unsafe_sp)
	incq	TLS(__privbox_counters)
	movq	TLS(__privbox_tag), %rax
	movq	$0, TLS(__privbox_safe_sp)
	jmp	__privbox_landing + PRIVBOX_LANDING_ENTER

	.cfi_restore_state
.Lleft_late:
	movq	ACT_SAFE(%r11), %rax
.Lleft:
	movq	TLS(__privbox_activation), %rbx
	leaq	-1(%rbx), %rbp
	cmpq	%r11, %rbp
	jae	.Lfill			/* another handler has forgotten it */
1:	movq	ACT_PREV(%rbx), %rbp
	leaq	-1(%rbp), %r12
	cmpq	%r11, %r12
	jae	2f
	movq	%rbp, %rbx
	jmp	1b
2:	movq	ACT_VA_AREA(%rbx), %r12
	movq	ACT_VA_WORDS(%rbx), %r13
	movq	ACT_TAG(%rbx), %r14
	movq	ACT_UNSAFE(%rbx), %r15
3:	movq	%rbp, TLS(__privbox_activation)
	movq	%r12, TLS(__privbox_va_area)
	movq	%r13, TLS(__privbox_va_words)
	movq	%r14, TLS(__privbox_tag)
	movq	%r15, TLS(__privbox_unsafe_sp)
	cmpq	%rbp, TLS(__privbox_activation)
	jne	3b			/* yet another one */
	movq	32(%rsp), %r12
	movq	24(%rsp), %r13
	movq	16(%rsp), %r14
	movq	8(%rsp), %r15
	jmp	.Lfill

	.cfi_def_cfa_offset 8
	.cfi_restore %rbx
	.cfi_restore %rbp
	.cfi_restore %r12
	.cfi_restore %r13
	.cfi_restore %r14
	.cfi_restore %r15
.Lfull:
	andq	$-16, %rsp
	callq	__privbox_records_full

.Lslow:
	ASK_C	__privbox_enter_slow_kernel
	jmp	.Lactivate
	.cfi_endproc

/* The clone returned: RAX, RDX, vectors, x87 are its results, RBX, RBP, R12-R15 are the caller's. */
	.p2align 4
	.cfi_startproc
	CFI_ENTERED %rsp
.Lexited:
	popq	%r11
	.cfi_adjust_cfa_offset -8
	movq	ACT_VA_AREA(%r11), %rcx
	movq	%rcx, TLS(__privbox_va_area)
	movq	ACT_VA_WORDS(%r11), %rcx
	movq	%rcx, TLS(__privbox_va_words)
	movq	ACT_PREV(%r11), %rcx
	movq	ACT_SAFE(%r11), %rsi
	movq	ACT_UNSAFE(%r11), %rdi
	movq	ACT_TAG(%r11), %r8
	movq	%r8, TLS(__privbox_tag)
	movq	%rcx, TLS(__privbox_activation)
	movq	%rsi, TLS(__privbox_safe_sp)
	movq	%r8, TLS(__privbox_tag)		/* again: see above */
	movq	%rcx, TLS(__privbox_activation)
	movq	%rdi, TLS(__privbox_unsafe_sp)
	addq	$48, %rsp
	.cfi_adjust_cfa_offset -48
	ret
	.cfi_endproc
	.size __privbox_enter_kernel, . - __privbox_enter_kernel

/* The thread is outside from here on, on its own stack; RBX and RBP are kept on it. RAX and R11 are lost. */
.macro LEAVE_BOX
	movq	(%rbp), %rax
	movq	TLS(__privbox_unsafe_sp), %r11
	movq	%rbx, TLS(__privbox_tag)
	movq	%rax, TLS(__privbox_activation)
	movq	%rax, TLS(__privbox_safe_sp)
	movq	%rbx, TLS(__privbox_tag)	/* again: see above */
	movq	%rax, TLS(__privbox_activation)
	incq	CALLOUTS
	andq	$-16, %r11
	movq	%r11, %rsp
	pushq	%rbx
	pushq	%rbp
.endm

	.type __morestack, @function	/* for debuggers: runtime/gate/gate.S */
__morestack:
/* R10 = normal function, arguments in registers, RBX = tag, RBP as said above. */
	.p2align 4
	.cfi_startproc
	CFI_ENTERED %rbp
.Lcallout:
	LEAVE_BOX
	movl	$8, %eax		/* vector registers, in case the callee is variadic */
	callq	*%r10
	popq	%rbp
	popq	%rbx
/* A call-out has returned, RBX and RBP as at its start. */
.Lreturned:
	movq	(%rbp), %r11
	cmpq	%r11, TLS(__privbox_activation)
	jne	1f
	movl	__privbox_attached(%rip), %ecx
	cmpl	TLS(__privbox_context), %ecx
	jne	.Llost
	cmpq	$0, ACT_ALIVE(%r11)
	je	.Llost
	movq	$0, TLS(__privbox_safe_sp)
	jmp	__privbox_landing + PRIVBOX_LANDING_RETURN
1:	/* Normal code left activations behind by longjmp: forget them. */
	pushq	%rax
	pushq	%rdx
	movq	%r11, %rdi
	callq	__privbox_forget_younger
	popq	%rdx
	popq	%rax
	jmp	.Lreturned

/* R10 = normal function, RDI = call block (docs/box-abi.md). */
	.p2align 4
.Lblock:
	LEAVE_BOX
	movq	%rsp, %r13
	movq	%rdi, %rbx
	BLOCK_ARGUMENTS
	callq	*%r10
	BLOCK_RESULTS
	movq	%r13, %rsp
	popq	%rbp
	popq	%rbx
	jmp	.Lreturned

/* The handler of a signal that interrupted the box has returned: RBX = tag, RBP as said above, vector registers are
 * the box's. The handler may have left behind what a nested entry changed, if it jumped out of it. */
	.p2align 4
.Lresume:
	movl	__privbox_attached(%rip), %ecx
	cmpl	TLS(__privbox_context), %ecx
	jne	.Llost
	movq	(%rbp), %rdi
	cmpq	$0, ACT_ALIVE(%rdi)
	je	.Llost
	cmpq	%rdi, TLS(__privbox_activation)
	je	1f
	andq	$-16, %rsp
	callq	__privbox_forget_younger
1:	movq	$0, TLS(__privbox_safe_sp)
	jmp	__privbox_landing + PRIVBOX_LANDING_RESUME_INT3

/* The same behind a system call of the box: RAX is its result. */
	.p2align 4
.Lsyscall_done:
	movl	__privbox_attached(%rip), %ecx
	cmpl	TLS(__privbox_context), %ecx
	jne	.Llost
	movq	(%rbp), %rcx
	cmpq	$0, ACT_ALIVE(%rcx)
	je	.Llost
	cmpq	%rcx, TLS(__privbox_activation)
	je	1f
	andq	$-16, %rsp
	pushq	%rax
	pushq	%rax
	movq	%rcx, %rdi
	callq	__privbox_forget_younger
	popq	%rax
	popq	%rax
1:	movq	$0, TLS(__privbox_safe_sp)
	jmp	__privbox_landing + PRIVBOX_LANDING_SYSCALL_INT3

.Llost:
	andq	$-16, %rsp
	callq	__privbox_lost
	int3
	.cfi_endproc
	.size __morestack, . - __morestack

	.section .note.GNU-stack, "", @progbits
