/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A throw for normal code: entered by __privbox_longjmp (RDI token, RSI value, RDX second value).
 */
#include "box.h"

	.text
	.globl __privbox_throw_from_outside
	.hidden __privbox_throw_from_outside
	.type __privbox_throw_from_outside, @function
	.p2align 4
__privbox_throw_from_outside:
	.cfi_startproc
	leaq	__privbox_throw.privbox(%rip), %r10
	jmp	__privbox_enter
	.cfi_endproc
	.size __privbox_throw_from_outside, . - __privbox_throw_from_outside

FUNCTION __privbox_throw
	jmp	__privbox_gate_throw
END __privbox_throw

	.section .note.GNU-stack, "", @progbits
