// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A CPU loops with interrupts off: another CPU must notice that it reports no quiescent state. */
#include <linux/irqflags.h>

#include "whyfail.h"

static int pump_pressure;

static STEP void pump_wait_for_pressure(void)
{
	while (!READ_ONCE(pump_pressure))
		cpu_relax();
}

static STEP void pump_start(void)
{
	unsigned long flags;

	local_irq_save(flags);
	pump_wait_for_pressure();
	local_irq_restore(flags);
}

WHYFAIL(rcu_stall_irqs_off)
{
	pump_start();
	KEEP_FRAME();
	return 0;
}
