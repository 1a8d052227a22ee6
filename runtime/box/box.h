/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What hand-written box code needs: functions with their table entries, masks, the depth test.
 */
/* Strict tests narrow the mask; runtime/build.md. */
#ifdef PRIVBOX_MASK_BITS
#elif defined(PRIVBOX_STRICT)
#define PRIVBOX_MASK_BITS 46
#else
#define PRIVBOX_MASK_BITS 63
#endif
#define MASK ((1 << PRIVBOX_MASK_BITS) - 1)

.macro FUNCTION name
	.section .privbox.text.\name, "ax", @progbits
	.p2align 4, 0xcc
	.weak \name\().privbox		/* the program may define its own */
	.hidden \name\().privbox
	.type \name\().privbox, @function
\name\().privbox:
	.cfi_startproc
.endm

/* Another name of the function just begun. */
.macro ALIAS alias, name
	.weak \alias\().privbox
	.hidden \alias\().privbox
	.type \alias\().privbox, @function
	.set \alias\().privbox, \name\().privbox
.endm

/* Ends a function and writes its entry of the function table (docs/box-abi.md). */
.macro END name
	.cfi_endproc
.Lend_\name:
	.size \name\().privbox, .Lend_\name - \name\().privbox
	.section .privbox.funcs.\name, "ao", @progbits, .privbox.text.\name
	.p2align 2
	.long \name\().privbox - .
	.long .Lend_\name - \name\().privbox
.endm

/* RSP at its lowest of any call: contract, rule 13. \fail is a label before a ud2. */
.macro DEPTH fail
	testl	$0x200000, %esp
	je	\fail
.endm

.macro RETURN
	ret
	int3
.endm
