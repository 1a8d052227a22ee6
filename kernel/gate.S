/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The gate's bytes: docs/gate-abi.md. The same for all images, mapped with each of them, where box code
 * can read them: no address of the kernel (requirement 6). What the gate needs it finds on its CPU
 * (struct pb_cpu) at an offset from the GS base.
 *
 * It runs at CPL 0 with the kernel's GS base, EFLAGS.AC set and interrupts on, and is interrupted and
 * demoted like box code. Kernel addresses that it holds then lie on the safe stack only. Entries that
 * lead to the module turn interrupts off first: nothing of the kernel may run on a safe stack. (System calls
 * save that: calls.S.) What is interrupted between `cli` and the module (machine checks, a fault because
 * the gate was unmapped) continues with interrupts off (promote.c).
 *
 * Indirect jumps are listed (SITE): with retpolines, pb_switch_init() replaces each by a direct jump to
 * the retpoline behind it.
 */
#include <linux/linkage.h>

#include "context.h"

#define CPU(field) %gs:pb_cpu + PB_CPU_ ## field

.macro ENTRY offset
	.org pb_gate_text + \offset, 0xcc
.endm

	.section .data..privbox_gate, "aw"
	.balign 64
	.globl pb_gate_text, pb_gate_bytes
pb_gate_text:
pb_gate_bytes:
	.ascii	"PRIVBOXG"
	.long	PB_ASM_GATE_VERSION
	.long	PB_ASM_SAFE_BIT

/* Leads to the module. `jmp *` is 8 bytes long. */
.macro TO_MODULE field, offset
	cli
.Lsite_\field:
	jmp	*%gs:pb_cpu + \offset
.endm

ENTRY PB_GATE_SYSCALL	/* where calls.S starts again when it is interrupted */
.Lsite_SYSCALL:
	jmp	*CPU(SYSCALL)

/*
 * The thunk: R11 = target. What it jumps to comes from the table, also when mispredicted (requirement 10).
 * A free slot is all ones: a target of all ones finds it, and is called out as others that are not in
 * the table.
 */
ENTRY 0x140	/* thunk */
.Lthunk:
	movl	%r11d, %eax
	andl	CPU(MASK), %eax
	addq	CPU(SLOTS), %rax
	cmpq	%r11, (%rax)
	jne	.Lprobe
.Lhit:
	movq	8(%rax), %rax
	testq	%rax, %rax
	jle	.Lmiss
.Lsite_thunk:
	jmp	*%rax
	int3
	int3
	int3

ENTRY 0x180	/* translate */
	movl	%r10d, %eax
	andl	CPU(MASK), %eax
	addq	CPU(SLOTS), %rax
	cmpq	%r10, (%rax)
	jne	.Ltranslate_probe
.Ltranslated:
	movq	8(%rax), %rax
	testq	%rax, %rax
	jle	.Lnot_translated
	ret
	int3

ENTRY 0x1c0	/* callout */
	jmp	.Lcallout

ENTRY 0x200	/* callout_block */
	movq	CPU(UNSAFE_SP), %rax
	movq	%fs:(%rax), %rax
	TO_MODULE BLOCK, PB_CPU_BLOCK

ENTRY 0x240	/* try */
	jmp	.Ltry

ENTRY 0x280	/* throw */
	jmp	.Lthrow

ENTRY PB_GATE_EXIT
	TO_MODULE EXIT, PB_CPU_EXIT

ENTRY 0x400
	.balign 16, 0xcc
.Lprobe:
	cmpq	$-1, (%rax)
	je	.Lmiss
	addq	$16, %rax
	cmpq	%r11, (%rax)
	jne	.Lprobe
	jmp	.Lhit
.Lmiss:
	movq	%r11, %r10
/* R10 = what to call. A fault at the thread's variable is box code's own. */
.Lcallout:
	movq	CPU(UNSAFE_SP), %rax
	movq	%fs:(%rax), %rax
	TO_MODULE CALLOUT, PB_CPU_CALLOUT

	.balign 16, 0xcc
.Ltranslate_probe:
	cmpq	$-1, (%rax)
	je	.Lnot_translated
	addq	$16, %rax
	cmpq	%r10, (%rax)
	jne	.Ltranslate_probe
	jmp	.Ltranslated
.Lnot_translated:
	xorl	%eax, %eax
	ret
	int3

/*
 * R10 = function, RDI RSI RDX its arguments; RCX becomes the token. The context is the thread's, on
 * whatever CPU it continues.
 */
	.balign 16, 0xcc
.Ltry:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	CPU(CONTEXT), %rax
	pushq	PB_CTX_SUSPENDED(%rax)
	pushq	PB_CTX_ACTIVATION(%rax)
	movl	$1, %ecx
	xaddq	%rcx, PB_CTX_TOKEN(%rax)	/* at once: a handler's try takes the next one */
	incq	%rcx
	pushq	%rcx
	pushq	PB_CTX_TRY(%rax)
	movq	%rsp, PB_CTX_TRY(%rax)
	subq	$8, %rsp
	movq	%r10, %r11
	call	.Lthunk
	addq	$8, %rsp
	movq	CPU(CONTEXT), %rcx
	popq	PB_CTX_TRY(%rcx)
	addq	$9 * 8, %rsp
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	ret
	int3

/*
 * RDI = token, RSI and RDX = values. Only tokens of live records of this thread are believed: they are found by
 * walking the list, whose tokens fall from head to end. States that were suspended and activations that
 * began after the try are dropped before RSP rises above them: an interrupt in between finds
 * lists that lie above RSP, whichever instruction it meets.
 */
	.balign 16, 0xcc
.Lthrow:
	movq	CPU(CONTEXT), %rax
	movq	PB_CTX_TRY(%rax), %r11
1:	testq	%r11, %r11
	je	2f
	cmpq	%rdi, PB_TRY_TOKEN(%r11)
	je	3f
	jb	2f
	movq	PB_TRY_NEXT(%r11), %r11
	jmp	1b
2:	orq	$-1, %rax
	xorl	%r11d, %r11d
	ret
	int3
3:	movq	PB_TRY_SUSPENDED(%r11), %rcx
	movq	%rcx, PB_CTX_SUSPENDED(%rax)
	movq	PB_TRY_ACTIVATION(%r11), %rcx
	movq	%rcx, PB_CTX_ACTIVATION(%rax)
	movq	PB_TRY_NEXT(%r11), %rcx
	movq	%rcx, PB_CTX_TRY(%rax)
	leaq	PB_TRY_R15(%r11), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rsi, %rax
	xorl	%ecx, %ecx
	xorl	%r11d, %r11d
	testq	%rdx, %rdx		/* 0 is what a try that was not thrown to returns */
	jne	4f
	incq	%rdx
4:	ret
	int3

/* The retpolines. No register is free on the way to the module. */
.macro RETPOLINE field, offset
	.balign 32, 0xcc
.Lretpoline_\field:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	pushq	%gs:pb_cpu + \offset
	popq	(%rsp)
	ret
	int3
.endm
	RETPOLINE SYSCALL, PB_CPU_SYSCALL
	RETPOLINE CALLOUT, PB_CPU_CALLOUT
	RETPOLINE BLOCK, PB_CPU_BLOCK
	RETPOLINE EXIT, PB_CPU_EXIT

	.balign 32, 0xcc
.Lretpoline_thunk:
	call	2f
1:	pause
	lfence
	jmp	1b
2:	movq	%rax, (%rsp)
	ret
	int3
	.globl pb_gate_bytes_end
pb_gate_bytes_end:

	.section .rodata, "a"
	.balign 4
.macro SITE name
	.short	.Lsite_\name - pb_gate_text, .Lretpoline_\name - pb_gate_text
.endm
	.globl pb_gate_sites, pb_gate_sites_end
pb_gate_sites:
	SITE SYSCALL
	SITE CALLOUT
	SITE BLOCK
	SITE EXIT
	SITE thunk
pb_gate_sites_end:

	.section .note.GNU-stack, "", @progbits
