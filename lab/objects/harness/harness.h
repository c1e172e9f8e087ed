/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel of a module that has none: a program without a C library that runs the module's code, and when
 * that faults, prints what the kernel of this architecture would print.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "../shim.h"

struct symbol {
	unsigned long address;
	const char *name;
	int module;
};

extern const struct symbol symbols[];

/* What a signal tells: the registers by number, and where it was. */
struct machine {
	unsigned long *gpr;
	unsigned long pc;
	unsigned long bad;
};

void text(const char *text);
void hex(unsigned long value, int digits);
void decimal(unsigned long value, int digits);
/* name+0x1/0x2 [module] */
void symbol(unsigned long address);
const struct symbol *find(unsigned long address);
extern unsigned char stack[16384];

#endif
