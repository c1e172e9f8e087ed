// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A timer fires for a device which is gone: the fault is in an interrupt, so the kernel cannot go on. */
#include <linux/delay.h>
#include <linux/timer.h>

#include "whyfail.h"

struct port {
	long baud;
	long errors;
};

struct modem {
	struct timer_list timer;
	struct port *port;		/* NULL after the unplug */
};

static struct modem modem;

static STEP long port_errors(struct port *port)
{
	return READ_ONCE(port->errors);
}

static STEP void modem_watch(struct timer_list *timer)
{
	if (port_errors(modem.port))
		mod_timer(timer, jiffies + HZ);
}

WHYFAIL(irq_oops)
{
	timer_setup(&modem.timer, modem_watch, 0);
	mod_timer(&modem.timer, jiffies + HZ / 10);
	ssleep(5);
	return 0;
}
