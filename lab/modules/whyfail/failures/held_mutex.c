// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The first writer sleeps with the lock held; those who come later wait for it. */
#include <linux/delay.h>
#include <linux/mutex.h>

#include "whyfail.h"

static DEFINE_MUTEX(printer_lock);

static STEP void printer_warm_up(void)
{
	ssleep(3600);
	KEEP_FRAME();
}

static STEP int printer_print(void)
{
	mutex_lock(&printer_lock);
	printer_warm_up();
	mutex_unlock(&printer_lock);
	return 0;
}

WHYFAIL(held_mutex)
{
	int error = printer_print();

	KEEP_FRAME();
	return error;
}
