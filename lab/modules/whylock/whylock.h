/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * whylock: threads that wait for each other, or for what never comes. Every way starts its threads and returns; the
 * threads stay.
 */
#ifndef WHYLOCK_H
#define WHYLOCK_H

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>

/* Keeps its name, its arguments and its frame. */
#define STEP noinline __attribute__((__noipa__))

/* Milliseconds in which every other thread of a way takes its first lock. */
#define MEANWHILE 1000

/* The others are queued by then, in the order in which they were started. */
#define AFTERWARDS 2500

static inline int start(int (*run)(void *), void *argument, const char *name)
{
	return PTR_ERR_OR_ZERO(kthread_run(run, argument, "%s", name));
}

#endif
