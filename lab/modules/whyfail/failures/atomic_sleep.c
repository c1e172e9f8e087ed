// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Somebody sleeps while holding a spinlock. */
#include <linux/delay.h>
#include <linux/spinlock.h>

#include "whyfail.h"

static DEFINE_SPINLOCK(meter_lock);

static STEP void meter_settle(void)
{
	msleep(20);
	KEEP_FRAME();
}

static STEP void meter_read(void)
{
	spin_lock(&meter_lock);
	meter_settle();
	spin_unlock(&meter_lock);
}

WHYFAIL(atomic_sleep)
{
	meter_read();
	KEEP_FRAME();
	return 0;
}
