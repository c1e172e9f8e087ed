// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * whywait: threads that wait for events, each for one of its kind; none of the events ever comes.
 *
 * The first half waits when the module is loaded. The other half, which stops processors and with them sooner or later
 * everything else, begins when something is written to the parameter "stop".
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#define FOREVER 10000000

static DECLARE_COMPLETION(never_done);
static DECLARE_WAIT_QUEUE_HEAD(never_woken);
DEFINE_STATIC_SRCU(of_sleepers);
/* Bit 3 is set. */
static unsigned long bits = 8;
static struct workqueue_struct *narrow, *dying;
static struct task_struct *stubborn;
static struct page *page;

static noinline void stuck(struct work_struct *work)
{
	for (;;)
		msleep(FOREVER);
}

static noinline void quick(struct work_struct *work)
{
	pr_info("whywait: done\n");
}

static DECLARE_WORK(stuck_work, stuck);
static DECLARE_WORK(narrow_stuck, stuck);
static DECLARE_WORK(narrow_next, quick);
static DECLARE_WORK(dying_stuck, stuck);
static DECLARE_DELAYED_WORK(late_work, stuck);

#define THREAD(name) static noinline int name(void *unused)

THREAD(w_completion) { wait_for_completion(&never_done); return 0; }
THREAD(w_flush) { flush_work(&stuck_work); return 0; }
/* What it waits for is not begun, as no more than one work of the queue is at a time. */
THREAD(w_flush_pending) { flush_work(&narrow_next); return 0; }
THREAD(w_cancel) { cancel_work_sync(&stuck_work); return 0; }
THREAD(w_flushq) { flush_workqueue(narrow); return 0; }
THREAD(w_drain) { drain_workqueue(dying); return 0; }
THREAD(w_late) { flush_delayed_work(&late_work); return 0; }
THREAD(w_stop) { kthread_stop(stubborn); return 0; }
THREAD(w_event) { wait_event(never_woken, bits == 77); return 0; }
/* As a daemon does that has nothing to do. */
THREAD(w_idle) { wait_event_interruptible(never_woken, bits == 77); return 0; }
THREAD(w_bit) { wait_on_bit(&bits, 3, TASK_UNINTERRUPTIBLE); return 0; }
THREAD(w_page) { lock_page(page); return 0; }
THREAD(w_srcu) { synchronize_srcu(&of_sleepers); return 0; }
THREAD(w_sync) { synchronize_rcu(); return 0; }
THREAD(w_exp) { synchronize_rcu_expedited(); return 0; }
THREAD(w_barrier) { rcu_barrier(); return 0; }

THREAD(does_not_stop)
{
	for (;;)
		msleep(FOREVER);
	return 0;
}

THREAD(w_writeback)
{
	set_bit(PG_writeback, (unsigned long *)&page->flags);
	wait_on_page_writeback(page);
	return 0;
}

THREAD(srcu_reader)
{
	srcu_read_lock(&of_sleepers);
	msleep(FOREVER);
	return 0;
}

/* Which no reader may: the kernel warns. */
THREAD(rcu_sleeper)
{
	rcu_read_lock();
	msleep(FOREVER);
	rcu_read_unlock();
	return 0;
}

THREAD(rcu_spin)
{
	rcu_read_lock();
	for (;;)
		cpu_relax();
	return 0;
}

THREAD(off_spin)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
	return 0;
}

static void go(int (*function)(void *), const char *name, int cpu)
{
	struct task_struct *thread = kthread_create(function, NULL, "%s", name);

	if (IS_ERR(thread))
		return;
	kthread_bind(thread, cpu);
	wake_up_process(thread);
	msleep(100);
}

static int stop(const char *value, const struct kernel_param *parameter)
{
	go(rcu_sleeper, "rcu-sleeper", 0);
	go(rcu_spin, "rcu-spin", 1);
	go(w_sync, "w-sync", 0);
	go(w_exp, "w-exp", 0);
	go(w_barrier, "w-barrier", 0);
	go(off_spin, "off-spin", 2);
	return 0;
}

static const struct kernel_param_ops stop_ops = { .set = stop };
module_param_cb(stop, &stop_ops, NULL, 0200);

static int __init whywait_init(void)
{
	narrow = alloc_workqueue("narrow", WQ_UNBOUND, 1);
	dying = alloc_workqueue("dying", WQ_UNBOUND, 1);
	page = alloc_page(GFP_KERNEL);
	if (!narrow || !dying || !page)
		return -ENOMEM;
	schedule_work(&stuck_work);
	queue_work(narrow, &narrow_stuck);
	queue_work(narrow, &narrow_next);
	queue_work(dying, &dying_stuck);
	schedule_delayed_work(&late_work, HZ);
	lock_page(page);
	stubborn = kthread_run(does_not_stop, NULL, "stubborn");
	msleep(500);
	go(w_completion, "w-completion", 0);
	go(w_flush, "w-flush", 0);
	go(w_flush_pending, "w-flush-pend", 0);
	go(w_cancel, "w-cancel", 0);
	go(w_flushq, "w-flushq", 0);
	go(w_drain, "w-drain", 0);
	go(w_late, "w-late", 0);
	go(w_stop, "w-stop", 0);
	go(w_event, "w-event", 0);
	go(w_idle, "w-idle", 0);
	go(w_bit, "w-bit", 0);
	go(w_page, "w-page", 0);
	go(w_writeback, "w-writeback", 0);
	go(srcu_reader, "srcu-reader", 0);
	go(w_srcu, "w-srcu", 0);
	return 0;
}

/* Threads of it wait for ever: it stays. */
module_init(whywait_init);
MODULE_DESCRIPTION("Threads that wait for what never comes");
MODULE_AUTHOR("The Whydunit developers");
MODULE_LICENSE("Dual MIT/GPL");
