// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A reader of RCU never leaves its read side, so no grace period can end. */
#include <linux/rcupdate.h>

#include "whyfail.h"

static int route_found;

static STEP int route_search(void)
{
	int steps = 0;

	while (!READ_ONCE(route_found)) {
		cpu_relax();
		steps++;
	}
	return steps;
}

static STEP int route_lookup(void)
{
	int steps;

	rcu_read_lock();
	steps = route_search();
	rcu_read_unlock();
	return steps;
}

WHYFAIL(rcu_stall)
{
	return route_lookup() < 0;
}
