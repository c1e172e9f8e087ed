// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The first writer faults while it holds a spinlock, which then nobody ever unlocks: the second writer
 * spins on it. The lockup is loud, the oops before it is the cause.
 */
#include <linux/atomic.h>
#include <linux/spinlock.h>

#include "whyfail.h"

struct gauge {
	long value;
	long limit;
};

static DEFINE_SPINLOCK(panel_lock);
static struct gauge *main_gauge;	/* never set */

static STEP long gauge_limit(struct gauge *gauge)
{
	return READ_ONCE(gauge->limit);
}

static STEP long panel_refresh(void)
{
	long limit;

	spin_lock(&panel_lock);
	limit = gauge_limit(READ_ONCE(main_gauge));
	spin_unlock(&panel_lock);
	return limit;
}

WHYFAIL(oops_with_lock)
{
	return panel_refresh() < 0;
}
