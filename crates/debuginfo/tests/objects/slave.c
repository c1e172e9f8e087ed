/* The other source: it alone knows what a slave is. */
#include "bond.h"

struct slave {
	struct list_head list;
	struct bonding *bond;
	struct {
		u32 weight;
		union {
			u8 bytes[4];
			u32 word;
		} load;
	} tlb[2];
	u32 touched;
};

static u32 scale(u32 value, u32 by)
{
	return value * by + 1;
}

void slave_touch(struct slave *slave)
{
	slave->touched++;
}

u32 slave_weight(struct slave *slave, u32 by)
{
	return scale(slave->tlb[1].weight, by) + slave->tlb[by & 1].load.word;
}

int bond_open(struct net_device *dev)
{
	struct bonding *bond = dev->priv;

	if (!bond)
		return -22;
	slave_touch(bond->curr);
	return bond_alb_initialize(bond, 1);
}
