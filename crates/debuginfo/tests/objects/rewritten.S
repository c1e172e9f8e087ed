# Code as a kernel for x86 has it, with the tables by which it rewrites the code.
	.text
	.globl first
	.type first, @function
first:
1:	call __fentry__			# +0
	.pushsection __mcount_loc, "a"
	.quad 1b
	.popsection
2:	lock incl (%rdi)		# +5
	.pushsection .smp_locks, "a"
	.long 2b - .
	.popsection
3:	.byte 0x0f, 0x1f, 0x44, 0, 0	# +8
4:	.pushsection __jump_table, "aw"
	.long 3b - ., 9f - .
	.quad 0
	.popsection
5:	.nops 3				# +13, replaced by `stac`
6:	.pushsection .altinstr_replacement, "ax"
7:	stac
8:	.popsection
	.pushsection .altinstructions, "a"
	.long 5b - ., 7b - .
	.ifdef FLAGS
	.long 0x132
	.else
	.word 0x132
	.endif
	.byte 6b - 5b, 8b - 7b
	.popsection
1:	call __x86_indirect_thunk_rax	# +16
	.pushsection .retpoline_sites, "a"
	.long 1b - .
	.popsection
2:	.byte 0x2e			# +21, `cs`
	call __x86_indirect_thunk_r11
	.pushsection .retpoline_sites, "a"
	.long 2b - .
	.popsection
9:	mov %rdi, %rax			# +27
1:	jmp __x86_return_thunk		# +30
	.pushsection .return_sites, "a"
	.long 1b - .
	.popsection
	.size first, . - first

	.nops 16, 1			# +35
	.globl second
	.type second, @function
second:
1:	endbr64				# +51
	.pushsection .ibt_endbr_seal, "a"
	.long 1b - .
	.popsection
2:	.byte 0xeb, 0x03		# +55, a short jump of a static key
	.pushsection __jump_table, "aw"
	.long 2b - ., 9f - .
	.quad 0
	.popsection
3:	call __SCT__choice		# +57
	.pushsection .static_call_sites, "aw"
	.long 3b - ., choice - .
	.popsection
4:	call *pv_ops(%rip)		# +62
5:	.pushsection .parainstructions, "a"
	.balign 8
	.quad 4b
	.byte 1, 5b - 4b
	.balign 8
	.popsection
9:	ret				# +68
	int3
	.size second, . - second
