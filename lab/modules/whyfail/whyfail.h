/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * whyfail: a module that fails in one chosen way.
 *
 * Each failure is a file of failures/ which ends with WHYFAIL(name) { ... }: the body is what runs when
 * its name is written to /proc/whyfail. Helpers on the way are "noinline", and do something after each
 * call, so that the compiler keeps every frame and the stack tells a story.
 */
#ifndef WHYFAIL_H
#define WHYFAIL_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/printk.h>

#define WHYFAIL(name)				\
	int whyfail_##name(void);		\
	int noinline whyfail_##name(void)

/* Keeps the call before it from becoming a jump, which would hide the caller's frame. */
#define KEEP_FRAME() barrier()

#endif
