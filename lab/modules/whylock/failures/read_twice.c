// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Routes are listed under a lock for readers; a helper takes it again, and by then a writer is queued. */
#include "whylock.h"

struct route_table {
	struct rw_semaphore lock;	/* of routes */
	int routes;
};

static struct route_table table = {
	.lock = __RWSEM_INITIALIZER(table.lock),
};

static STEP int route_find(struct route_table *in)
{
	int routes;

	down_read(&in->lock);
	routes = in->routes;
	up_read(&in->lock);
	return routes;
}

static STEP int route_list(struct route_table *in)
{
	int found;

	down_read(&in->lock);
	msleep(AFTERWARDS);
	found = route_find(in);
	up_read(&in->lock);
	return found;
}

static STEP void route_add(struct route_table *to)
{
	down_write(&to->lock);
	to->routes++;
	up_write(&to->lock);
}

static int list(void *unused)
{
	return route_list(&table) & 1;
}

static int add(void *unused)
{
	msleep(MEANWHILE);
	route_add(&table);
	return 0;
}

int whylock_read_twice(void)
{
	return start(list, NULL, "trap-list") ?: start(add, NULL, "trap-add");
}
