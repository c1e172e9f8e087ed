// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A loop waits for a flag which nobody will ever set, and never gives the CPU away. */
#include <linux/preempt.h>

#include "whyfail.h"

static int drum_ready;

static STEP void drum_wait(void)
{
	while (!READ_ONCE(drum_ready))
		cpu_relax();
}

static STEP void drum_turn(void)
{
	preempt_disable();
	drum_wait();
	preempt_enable();
}

WHYFAIL(soft_lockup)
{
	drum_turn();
	KEEP_FRAME();
	return 0;
}
