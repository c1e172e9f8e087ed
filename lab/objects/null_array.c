// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The shape of modules/whyptr/failures/null_array.c for other architectures: a handler is registered for
 * every device, yet it indexes a table that only bundles which balance what they receive ever allocate.
 */
#include "shim.h"

MODULE_NAME("whycross");

#define CLIENTS 256

struct device_like {
	char name[16];
	u32 flags;
	struct bundle *bundle;
};

struct arp_like {
	u8 sender_mac[6];
	u16 operation;
	u32 sender;
	u32 target;
};

/* An entry of the list that the receive path walks. */
struct handler {
	struct list_head list;
	u16 type;
	struct device_like *dev;	/* NULL is every device */
	int (*func)(struct arp_like *arp, struct device_like *dev, struct handler *handler);
};

/* Who is at the other end: 48 bytes. */
struct client {
	u32 source;
	u32 destination;
	u8 source_mac[6];
	u8 destination_mac[6];
	u32 next;
	u8 assigned;
	u8 told;
	u16 vlan;
	struct device_like *port;
	u64 last_seen;
};

struct balance {
	u64 sent;
	struct client *rx_hashtbl;
	u32 rx_used_head;
	u8 rlb_enabled;
	struct handler rx_handler;
};

struct bundle {
	struct device_like *dev;
	u32 mode;
	u64 stats[32];
	struct balance balance;
};

static LIST_HEAD(handlers);

static STEP void add_handler(struct handler *handler)
{
	list_add_tail(&handler->list, &handlers);
}

static STEP u8 hash_of(u32 address)
{
	return address ^ address >> 8 ^ address >> 16 ^ address >> 24;
}

static STEP void rlb_update_client(struct bundle *bundle, struct arp_like *arp)
{
	struct balance *balance = &bundle->balance;
	struct client *client = &balance->rx_hashtbl[hash_of(arp->sender)];

	if (client->assigned && client->source == arp->target) {
		memcpy(client->destination_mac, arp->sender_mac, sizeof(arp->sender_mac));
		client->told = 0;
	}
}

static STEP int rlb_arp_receive(struct arp_like *arp, struct device_like *dev, struct handler *handler)
{
	if (arp->operation == 2)
		rlb_update_client(dev->bundle, arp);
	return 0;
}

static STEP int rlb_initialize(struct bundle *bundle)
{
	struct handler *handler = &bundle->balance.rx_handler;
	struct client *table = kcalloc(CLIENTS, sizeof(*table), GFP_KERNEL);

	if (!table)
		return -ENOMEM;
	bundle->balance.rx_hashtbl = table;
	handler->type = 0x0806;
	handler->dev = NULL;
	handler->func = rlb_arp_receive;
	add_handler(handler);
	return 0;
}

static STEP int alb_initialize(struct bundle *bundle, bool rlb_enabled)
{
	bundle->balance.rlb_enabled = rlb_enabled;
	if (rlb_enabled)
		return rlb_initialize(bundle);
	return 0;
}

static STEP int bundle_open(struct bundle *bundle)
{
	if (bundle->mode == 5 || bundle->mode == 6)
		return alb_initialize(bundle, bundle->mode == 6);
	return 0;
}

static STEP int receive(struct device_like *dev, u16 type, struct arp_like *arp)
{
	struct handler *handler;
	int taken = 0;

	list_for_each_entry(handler, &handlers, list) {
		if (handler->type == type && (!handler->dev || handler->dev == dev))
			taken += handler->func(arp, dev, handler);
	}
	return taken;
}

static struct bundle bundles[2];
static struct device_like devices[2] = {
	{ .name = "bundle0", .bundle = &bundles[0] },
	{ .name = "bundle1", .bundle = &bundles[1] },
};

static void poll(void)
{
	struct arp_like reply = {
		.sender_mac = { 2, 0, 0, 0, 0, 7 }, .operation = 2, .sender = 0x0a00001a, .target = 0x0a000003,
	};

	receive(&devices[1], 0x0806, &reply);
}

int init_module(void)
{
	bundles[0].dev = &devices[0];
	bundles[0].mode = 6;
	bundles[1].dev = &devices[1];
	bundles[1].mode = 1;
	if (bundle_open(&bundles[0]) || bundle_open(&bundles[1]))
		return -ENOMEM;
	when_packet_comes(poll);
	return 0;
}
