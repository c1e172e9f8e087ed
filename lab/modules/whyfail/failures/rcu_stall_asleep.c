// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A reader of RCU goes to sleep for an hour inside its read side. */
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "whyfail.h"

static STEP void archive_fetch(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(3600 * HZ);
	KEEP_FRAME();
}

static STEP void archive_read(void)
{
	rcu_read_lock();
	archive_fetch();
	rcu_read_unlock();
}

WHYFAIL(rcu_stall_asleep)
{
	archive_read();
	KEEP_FRAME();
	return 0;
}
