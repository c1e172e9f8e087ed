// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Groups of interfaces. What a group receives is answered at once, as an acknowledgement would be. */
#include <linux/delay.h>
#include <linux/slab.h>

#include "whyaggr.h"

static STEP void answer(struct aggr_group *group, struct packet *packet)
{
	struct packet reply = *packet;

	/* Until the ports are about to change: the unlucky moment. */
	msleep(500);
	aggr_group_tx(group, &reply);
}

static STEP void aggr_receive(void *argument, struct packet *packet)
{
	struct aggr_port *port = argument;

	answer(port->group, packet);
	barrier();
}

STEP void aggr_group_tx(struct aggr_group *group, struct packet *packet)
{
	down_read(&group->lock);
	if (group->port)
		group->sent += sizeof(*packet);
	up_read(&group->lock);
}

STEP unsigned long aggr_group_stat(struct aggr_group *group)
{
	unsigned long sent;

	down_read(&group->lock);
	sent = group->sent;
	up_read(&group->lock);
	return sent;
}

int aggr_group_add_port(struct aggr_group *group, struct mac *mac)
{
	struct aggr_port *port = kzalloc(sizeof(*port), GFP_KERNEL);

	if (!port)
		return -ENOMEM;
	port->group = group;
	port->mac = mac;
	down_write(&group->lock);
	group->port = port;
	up_write(&group->lock);
	mac_rx_add(mac, aggr_receive, port);
	return 0;
}

static STEP void aggr_port_delete(struct aggr_port *port)
{
	mac_rx_remove(port->mac);
	kfree(port);
}

static STEP void aggr_group_rem_port(struct aggr_group *group, struct aggr_port *port)
{
	group->port = NULL;
	aggr_port_delete(port);
	barrier();
}

STEP int aggr_group_rem_ports(struct aggr_group *group)
{
	down_write(&group->lock);
	if (group->port) {
		/* A packet that arrives by now is answered soon. */
		wait_for_completion(&group->port->mac->receiving);
		aggr_group_rem_port(group, group->port);
	}
	up_write(&group->lock);
	return 0;
}
