/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The clones of a hostile program's functions for the box, in the order of hostile.h's names.
 */
	.section .rodata
	.p2align 2
	.globl hostile_clones
	.type hostile_clones, @object
hostile_clones:
	.hidden box_add.privbox
	.long box_add.privbox - .
	.hidden box_call.privbox
	.long box_call.privbox - .
	.hidden box_loop.privbox
	.long box_loop.privbox - .
	.hidden box_load.privbox
	.long box_load.privbox - .
	.hidden box_pointer.privbox
	.long box_pointer.privbox - .
	.hidden box_deep.privbox
	.long box_deep.privbox - .
	.size hostile_clones, . - hostile_clones
	.section .note.GNU-stack, "", @progbits
