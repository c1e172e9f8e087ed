// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Every processor has a queue of its own, except those that nobody prepared: a per-CPU pointer is NULL. */
#include "whyptr.h"

#include <linux/percpu.h>
#include <linux/preempt.h>

struct queue {
	u64 served;
	u64 waiting;
	u32 longest;
	u32 open;
};

static DEFINE_PER_CPU(struct queue *, local_queue);

static struct queue first_queue = { .open = 1 };

static STEP void queue_prepare(int cpu, struct queue *queue)
{
	*per_cpu_ptr(&local_queue, cpu) = queue;
}

static STEP u64 queue_enter(u64 people)
{
	struct queue *queue;
	u64 waiting;

	preempt_disable();
	queue = this_cpu_read(local_queue);
	waiting = queue->waiting + people;
	queue->waiting = waiting;
	preempt_enable();
	return waiting;
}

WHYPTR(percpu_unset)
{
	queue_prepare(0, &first_queue);
	return queue_enter(3) ? 0 : -EINVAL;
}
