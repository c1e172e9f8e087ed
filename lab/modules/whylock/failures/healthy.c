// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Much waiting, and nothing is wrong: whoever has what others wait for gives it back. */
#include <linux/semaphore.h>
#include <linux/workqueue.h>

#include "whylock.h"

/* Longer than the specimen lives; it would end. */
#define LONG_TIME (600 * 1000)

static DEFINE_MUTEX(counter_lock);
static DEFINE_MUTEX(second_lock);
static DEFINE_MUTEX(archive_lock);
static DECLARE_RWSEM(index_lock);
static struct semaphore printer = __SEMAPHORE_INITIALIZER(printer, 1);
static unsigned long counted;

static STEP void counter_add(void)
{
	mutex_lock(&counter_lock);
	counted++;
	msleep(20);
	mutex_lock(&second_lock);
	msleep(10);
	mutex_unlock(&second_lock);
	mutex_unlock(&counter_lock);
}

/* Pools of workers take two locks, always in the same order, and sleep while they have them. */
static int pool(void *unused)
{
	for (;;) {
		counter_add();
		msleep(5);
	}
	return 0;
}

static STEP void archive_write(void)
{
	mutex_lock(&archive_lock);
	msleep(LONG_TIME);
	counted++;
	mutex_unlock(&archive_lock);
}

static int archive(void *unused)
{
	archive_write();
	return 0;
}

static STEP void index_read(void)
{
	down_read(&index_lock);
	msleep(LONG_TIME);
	counted++;
	up_read(&index_lock);
}

static int reader(void *unused)
{
	index_read();
	return 0;
}

static STEP void index_write(void)
{
	down_write(&index_lock);
	counted++;
	up_write(&index_lock);
}

static int writer(void *unused)
{
	msleep(MEANWHILE);
	index_write();
	return 0;
}

static STEP void print(void)
{
	down(&printer);
	msleep(LONG_TIME);
	counted++;
	up(&printer);
}

static int printing(void *unused)
{
	print();
	return 0;
}

static void pack(struct work_struct *work)
{
	msleep(LONG_TIME);
}

static DECLARE_WORK(packing, pack);

static int flush(void *unused)
{
	schedule_work(&packing);
	flush_work(&packing);
	return 0;
}

static int parked(void *unused)
{
	while (!kthread_should_stop()) {
		if (kthread_should_park())
			kthread_parkme();
		msleep(10);
	}
	return 0;
}

int whylock_healthy(void)
{
	struct task_struct *thread;
	char name[TASK_COMM_LEN];
	int error = 0, i;

	for (i = 0; i < 8 && !error; i++) {
		snprintf(name, sizeof(name), "ok-pool/%d", i);
		error = start(pool, NULL, name);
		snprintf(name, sizeof(name), "ok-read/%d", i);
		error = error ?: start(reader, NULL, name);
	}
	for (i = 0; i < 2 && !error; i++) {
		snprintf(name, sizeof(name), "ok-archive/%d", i);
		error = start(archive, NULL, name);
		snprintf(name, sizeof(name), "ok-print/%d", i);
		error = error ?: start(printing, NULL, name);
	}
	error = error ?: start(writer, NULL, "ok-write") ?: start(flush, NULL, "ok-flush");
	if (error)
		return error;
	thread = kthread_run(parked, NULL, "ok-parked");
	return IS_ERR(thread) ? PTR_ERR(thread) : kthread_park(thread);
}
