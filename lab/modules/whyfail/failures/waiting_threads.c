// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Kernel threads that wait, each in one of several ways; nothing fails. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/semaphore.h>
#include <linux/wait.h>

#include "whyfail.h"

#define THREADS 70

static DEFINE_MUTEX(counter);
static DECLARE_RWSEM(shelf);
static struct semaphore barrow;
static DECLARE_COMPLETION(delivery);
static DECLARE_WAIT_QUEUE_HEAD(bell);

static STEP void wait_for_counter(void)
{
	mutex_lock(&counter);
	KEEP_FRAME();
}

static STEP void wait_to_read_shelf(void)
{
	down_read(&shelf);
	KEEP_FRAME();
}

static STEP void wait_to_fill_shelf(void)
{
	down_write(&shelf);
	KEEP_FRAME();
}

static STEP void wait_for_barrow(void)
{
	down(&barrow);
	KEEP_FRAME();
}

static STEP void wait_for_delivery(void)
{
	wait_for_completion(&delivery);
	KEEP_FRAME();
}

static STEP void wait_for_bell(void)
{
	wait_event(bell, false);
	KEEP_FRAME();
}

static STEP void wait_for_morning(void)
{
	schedule_timeout_uninterruptible(MAX_SCHEDULE_TIMEOUT);
	KEEP_FRAME();
}

static void (*const ways[])(void) = {
	wait_for_counter, wait_to_read_shelf, wait_to_fill_shelf, wait_for_barrow,
	wait_for_delivery, wait_for_bell, wait_for_morning,
};

static int clerk(void *way)
{
	for (;;)
		ways[(unsigned long)way]();
	return 0;
}

WHYFAIL(waiting_threads)
{
	struct task_struct *thread;
	unsigned long i;

	/* Whoever takes these never gives them back. */
	mutex_lock(&counter);
	down_write(&shelf);
	/* What defines one takes one argument or two. */
	sema_init(&barrow, 0);
	for (i = 0; i < THREADS; i++) {
		thread = kthread_run(clerk, (void *)(i % ARRAY_SIZE(ways)), "clerk/%lu", i);
		if (IS_ERR(thread))
			return PTR_ERR(thread);
	}
	return 0;
}
