// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Three threads read under one lock, and a writer waits for all of them; one of the three waits for the writer. */
#include "whylock.h"

struct group {
	struct rw_semaphore lock;	/* of members */
	int members;
};

static struct group group = {
	.lock = __RWSEM_INITIALIZER(group.lock),
};
static DECLARE_RWSEM(port_lock);
static int packets;

static STEP void group_send(struct group *to)
{
	down_read(&to->lock);
	packets += to->members;
	up_read(&to->lock);
}

/* The one that matters. */
static STEP void port_forward(struct group *to)
{
	down_read(&port_lock);
	msleep(AFTERWARDS);
	group_send(to);
	up_read(&port_lock);
}

/* Reads for a long time, and leaves then. */
static STEP void port_capture(void)
{
	down_read(&port_lock);
	msleep(3600 * 1000);
	packets++;
	up_read(&port_lock);
}

/* Asks a device again and again. */
static STEP void port_poll(void)
{
	int times;

	down_read(&port_lock);
	for (times = 0; times < 360000; times++)
		usleep_range(10000, 11000);
	packets++;
	up_read(&port_lock);
}

static STEP void port_remove(void)
{
	down_write(&port_lock);
	packets = 0;
	up_write(&port_lock);
}

static STEP void group_leave(struct group *from)
{
	down_write(&from->lock);
	from->members--;
	port_remove();
	up_write(&from->lock);
}

static int forward(void *unused)
{
	port_forward(&group);
	return 0;
}

static int capture(void *unused)
{
	port_capture();
	return 0;
}

static int poll(void *unused)
{
	port_poll();
	return 0;
}

static int leave(void *unused)
{
	msleep(MEANWHILE);
	group_leave(&group);
	return 0;
}

int whylock_three_readers(void)
{
	return start(capture, NULL, "read-capture") ?: start(forward, NULL, "read-forward") ?:
	       start(poll, NULL, "read-poll") ?: start(leave, NULL, "read-leave");
}
