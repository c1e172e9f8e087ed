/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * whyaggr: links that are aggregated, with the order of locks that such a driver once had.
 *
 * A link (struct mac) calls whoever receives from it while it holds rx_lock to read; who is taken off the link takes it
 * to write. A group (struct aggr_group) holds lock to write while its ports change, and to read while it sends.
 */
#ifndef WHYAGGR_H
#define WHYAGGR_H

#include <linux/completion.h>
#include <linux/rwsem.h>

/* Keeps its name, its arguments and its frame. */
#define STEP noinline __attribute__((__noipa__))

struct packet {
	char text[32];
};

typedef void (*mac_receive_fn)(void *argument, struct packet *packet);

/* A network interface. */
struct mac {
	char name[16];
	struct rw_semaphore rx_lock;	/* of receive and argument */
	mac_receive_fn receive;
	void *argument;
	unsigned long received;
	struct completion receiving;	/* lets the specimen happen every time */
};

/* An interface that belongs to a group. */
struct aggr_port {
	struct aggr_group *group;
	struct mac *mac;
};

/* Several interfaces that look like one. */
struct aggr_group {
	char name[16];
	struct rw_semaphore lock;	/* of ports and sent */
	struct aggr_port *port;
	unsigned long sent;
};

void mac_init(struct mac *mac, const char *name);
void mac_rx_add(struct mac *mac, mac_receive_fn receive, void *argument);
void mac_rx_remove(struct mac *mac);
void mac_rx(struct mac *mac, struct packet *packet);

int aggr_group_add_port(struct aggr_group *group, struct mac *mac);
int aggr_group_rem_ports(struct aggr_group *group);
void aggr_group_tx(struct aggr_group *group, struct packet *packet);
unsigned long aggr_group_stat(struct aggr_group *group);

#endif
