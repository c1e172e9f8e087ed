/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * whyptr: a module that follows one chosen bad pointer.
 *
 * Each file of failures/ ends with WHYPTR(name) { ... }, which runs when its name is written to
 * /proc/whyptr. The bad value goes through a register, a slot, a call or a structure on its way, each file
 * in its own manner. STEPs are compiled as if each were in a file of its own: the compiler knows nothing
 * of who calls them and with what, as is usual in a kernel, and the values it moves stay real.
 */
#ifndef WHYPTR_H
#define WHYPTR_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

#define STEP noinline __attribute__((__noipa__))

#define WHYPTR(name)				\
	int whyptr_##name(void);		\
	int noinline whyptr_##name(void)

/* Keeps the call before it from becoming a jump, which would hide the caller's frame. */
#define KEEP_FRAME() barrier()

#endif
