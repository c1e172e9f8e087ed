// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A route is looked up and the answer used without a look: there was none. */
#include "whyptr.h"

struct route {
	u32 destination;
	u32 mask;
	u64 used;
	u16 metric;
	u16 mtu;
};

static struct route routes[] = {
	{ .destination = 0x0a000000, .mask = 0xff000000, .metric = 10, .mtu = 1500 },
	{ .destination = 0xc0a80000, .mask = 0xffff0000, .metric = 20, .mtu = 1400 },
};

static STEP struct route *route_find(u32 address)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(routes); i++) {
		if ((address & routes[i].mask) == routes[i].destination)
			return &routes[i];
	}
	return NULL;
}

static STEP u32 route_pieces(u32 address, u32 bytes)
{
	struct route *route = route_find(address);

	return bytes / (route->mtu + 1);
}

WHYPTR(return_null)
{
	u32 pieces = route_pieces(0x0a000001, 9000);

	pieces += route_pieces(0x08080808, 9000);
	return pieces ? 0 : -EINVAL;
}
