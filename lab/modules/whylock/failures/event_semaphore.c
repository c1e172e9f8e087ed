// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A slot of a queue is given back under the lock which the one that waits for a slot has. */
#include <linux/semaphore.h>

#include "whylock.h"

struct queue {
	struct semaphore slots;
	struct mutex lock;	/* of sent */
	int sent;
};

static struct queue *queue;

static STEP void queue_complete(struct queue *of)
{
	down(&of->slots);
	msleep(AFTERWARDS);
	mutex_lock(&of->lock);
	of->sent--;
	mutex_unlock(&of->lock);
	up(&of->slots);
}

static STEP void queue_send(struct queue *to)
{
	mutex_lock(&to->lock);
	down(&to->slots);
	to->sent++;
	up(&to->slots);
	mutex_unlock(&to->lock);
}

static int complete_one(void *unused)
{
	queue_complete(queue);
	return 0;
}

static int send(void *unused)
{
	msleep(MEANWHILE);
	queue_send(queue);
	return 0;
}

int whylock_event_semaphore(void)
{
	queue = kzalloc(sizeof(*queue), GFP_KERNEL);
	if (!queue)
		return -ENOMEM;
	sema_init(&queue->slots, 1);
	mutex_init(&queue->lock);
	return start(complete_one, NULL, "sem-complete") ?: start(send, NULL, "sem-send");
}
