// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A command is waited for under the lock that the thread which completes it takes first. */
#include <linux/completion.h>

#include "whylock.h"

struct controller {
	struct mutex lock;	/* of commands */
	int commands;
	struct completion done;
};

static struct controller *controller;

static STEP void controller_irq(struct controller *of)
{
	mutex_lock(&of->lock);
	of->commands--;
	complete(&of->done);
	mutex_unlock(&of->lock);
}

static STEP void controller_command(struct controller *to)
{
	mutex_lock(&to->lock);
	to->commands++;
	wait_for_completion(&to->done);
	mutex_unlock(&to->lock);
}

static int irq(void *unused)
{
	msleep(MEANWHILE);
	controller_irq(controller);
	return 0;
}

static int command(void *unused)
{
	controller_command(controller);
	return 0;
}

int whylock_event_completion(void)
{
	controller = kzalloc(sizeof(*controller), GFP_KERNEL);
	if (!controller)
		return -ENOMEM;
	mutex_init(&controller->lock);
	init_completion(&controller->done);
	return start(command, NULL, "cmd-submit") ?: start(irq, NULL, "cmd-irq");
}
