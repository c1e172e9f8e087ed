// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A driver empties its workqueue while it has the lock of all network configuration; a work of it wants that lock. */
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>

#include "whylock.h"

static struct workqueue_struct *link_queue;
static int links;

static STEP void link_update(void)
{
	rtnl_lock();
	links++;
	rtnl_unlock();
}

static void link_watch(struct work_struct *work)
{
	link_update();
	barrier();
}

static DECLARE_WORK(link_work, link_watch);

static STEP void link_down(void)
{
	rtnl_lock();
	queue_work(link_queue, &link_work);
	msleep(MEANWHILE);
	flush_workqueue(link_queue);
	links = 0;
	rtnl_unlock();
}

static int down_all(void *unused)
{
	link_down();
	return 0;
}

int whylock_event_rtnl(void)
{
	link_queue = alloc_workqueue("why-link", 0, 0);
	if (!link_queue)
		return -ENOMEM;
	return start(down_all, NULL, "rtnl-down");
}
