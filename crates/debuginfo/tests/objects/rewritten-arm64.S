// The same for arm64.
	.text
	.globl first
	.type first, @function
first:
	bti c
1:	nop
	nop
	.pushsection __patchable_function_entries, "awo", @progbits, .text
	.quad 1b
	.popsection
	paciasp				// +12
2:	b 9f				// +16
	.pushsection __jump_table, "aw"
	.long 2b - ., 9f - .
	.quad 0
	.popsection
3:	mrs x0, sp_el0			// +20
4:	nop				// +24
5:	.subsection 1
6:	mrs x0, tpidr_el1
	isb
7:	.previous
	.pushsection .altinstructions, "a"
	.word 3b - ., 6b - .
	.hword 4
	.byte 5b - 3b, 7b - 6b
	.popsection
9:	autiasp				// +28
	ret
	.size first, . - first
