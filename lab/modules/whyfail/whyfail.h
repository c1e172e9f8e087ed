/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * whyfail: a module that fails in one chosen way.
 *
 * Each failure is a file of failures/ which ends with WHYFAIL(name) { ... }: the body is what runs when
 * its name is written to /proc/whyfail. Helpers on the way are STEPs: compiled as if each were in a file
 * of its own, so that it keeps its name, its arguments and its frame, and the stack tells a story. A few
 * are only "noinline", and show in their stacks what else compilers do to names (.constprop, .isra).
 */
#ifndef WHYFAIL_H
#define WHYFAIL_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/processor.h>

#define STEP noinline __attribute__((__noipa__))

#define WHYFAIL(name)				\
	int whyfail_##name(void);		\
	int noinline whyfail_##name(void)

/* Keeps the call before it from becoming a jump, which would hide the caller's frame. */
#define KEEP_FRAME() barrier()

#endif
