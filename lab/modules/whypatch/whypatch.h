/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * whypatch: a module that follows one chosen bad pointer through code which the kernel has rewritten: what
 * its file says of the way is not what ran.
 *
 * Each file of failures/ ends with WHYPATCH(name) { ... }, which runs when its name is written to
 * /proc/whypatch. STEPs are compiled as if each were in a file of its own.
 */
#ifndef WHYPATCH_H
#define WHYPATCH_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#define STEP noinline __attribute__((__noipa__))

#define WHYPATCH(name)				\
	int whypatch_##name(void);		\
	int noinline whypatch_##name(void)


#endif
