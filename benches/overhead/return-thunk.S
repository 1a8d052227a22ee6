/*
 * For the emulation of the paper's scheme: `-mfunction-return=thunk-extern` turns every return into a jump here.
 * The jumps of box code are then rewritten in the linked file (xtask/src/bench/paper.rs); normal code
 * really comes here.
 */
	.text
	.globl __x86_return_thunk
	.type __x86_return_thunk, @function
__x86_return_thunk:
	ret
	int3
	.size __x86_return_thunk, . - __x86_return_thunk
	.section .note.GNU-stack, "", @progbits
