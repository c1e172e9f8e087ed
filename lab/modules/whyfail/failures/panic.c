// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The module itself decides that the system must not go on. */
#include <linux/kernel.h>
#include <linux/panic.h>

#include "whyfail.h"

static STEP int reactor_check(int degrees)
{
	if (degrees > 1000)
		panic("whyfail: reactor is at %d degrees", degrees);
	return degrees;
}

WHYFAIL(panic)
{
	int degrees = 1200;

	OPTIMIZER_HIDE_VAR(degrees);
	return reactor_check(degrees) < 0;
}
