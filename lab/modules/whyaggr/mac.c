// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Interfaces, and who receives from them. */
#include <linux/string.h>

#include "whyaggr.h"

void mac_init(struct mac *mac, const char *name)
{
	strscpy(mac->name, name, sizeof(mac->name));
	init_rwsem(&mac->rx_lock);
	init_completion(&mac->receiving);
}

void mac_rx_add(struct mac *mac, mac_receive_fn receive, void *argument)
{
	down_write(&mac->rx_lock);
	mac->argument = argument;
	mac->receive = receive;
	up_write(&mac->rx_lock);
}

/* When it returns nobody is in a receive function any more. */
STEP void mac_rx_remove(struct mac *mac)
{
	down_write(&mac->rx_lock);
	mac->receive = NULL;
	mac->argument = NULL;
	up_write(&mac->rx_lock);
}

/* The fault of the story: the lock is held across the call of somebody else's function. */
STEP void mac_rx(struct mac *mac, struct packet *packet)
{
	down_read(&mac->rx_lock);
	mac->received++;
	complete(&mac->receiving);
	if (mac->receive)
		mac->receive(mac->argument, packet);
	up_read(&mac->rx_lock);
}
