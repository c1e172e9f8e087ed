/* A table that one function allocates, a handler that reads it, and the ways by which both are reached. */
#include "bond.h"

u32 rlb_debug[16];
static u32 packets;
static struct bonding *the_bond;

static inline struct rlb_client_info *client_of(struct bonding *bond, u32 hash)
{
	return &bond->alb_info.rx_hashtbl[hash & 0xff];
}

static inline bool client_used(struct bonding *bond, u32 hash)
{
	struct rlb_client_info *client = client_of(bond, hash);

	return client->assigned != 0;
}

static int __attribute__((noinline)) rlb_arp_recv(struct sk_buff *skb, struct net_device *dev,
						  struct packet_type *pt)
{
	struct bonding *bond = dev->priv;
	u32 hash = rlb_debug[2];
	u32 sum[4] = { 0 };

	packets++;
	if (client_used(bond, hash)) {
		slave_touch(bond->alb_info.rx_hashtbl[hash].slave);
		printk("%s: %u\n", dev->name, hash);
		bond->alb_info.rebalance = hash;
	}
	for (u32 i = 0; i < 4; i++)
		sum[i] = slave_weight(bond->curr, i);
	return sum[hash & 3] + pt->type;
}

static int __attribute__((noinline)) rlb_initialize(struct bonding *bond, int count)
{
	struct rlb_client_info *table;

	table = kmalloc(count * sizeof(*table), 0xcc0);
	if (!table)
		return -12;
	bond->alb_info.rx_hashtbl = table;
	bond->pt.type = 0x608;
	bond->pt.dev = NULL;
	bond->pt.func = rlb_arp_recv;
	dev_add_pack(&bond->pt);
	return 0;
}

int bond_alb_initialize(struct bonding *bond, int rlb_enabled)
{
	int error;

	the_bond = bond;
	if (!rlb_enabled) {
		bond->alb_info.rlb_enabled = 0;
		return 0;
	}
	error = rlb_initialize(bond, 256);
	if (error)
		return error;
	bond->alb_info.rlb_enabled = 1;
	return 0;
}

static int bond_close(struct net_device *dev)
{
	/* A tail call. */
	return bond_alb_initialize(dev->priv, packets);
}

static int bond_feature(struct net_device *dev, int which)
{
	return dev->name[which];
}

const struct net_device_ops bond_netdev_ops = {
	.ndo_open = bond_open,
	.ndo_stop = bond_close,
	.ndo_features = { NULL, bond_feature },
};

#ifdef MODULE
#define INFO(n, text) \
	static const char info_##n[] __attribute__((section(".modinfo"), used, aligned(1))) = text
INFO(1, "license=GPL");
INFO(2, "name=bond_test");
INFO(3, "vermagic=6.1.0-test SMP mod_unload");

struct kernel_symbol { const void *value; const char *name; };
static const struct kernel_symbol __ksymtab_bond_alb_initialize
	__attribute__((section("__ksymtab"), used)) = { bond_alb_initialize, "bond_alb_initialize" };
#endif
