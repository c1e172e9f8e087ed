// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A guest leaves the list, and the walk goes on from him: his next is what list_del leaves behind. */
#include "whyptr.h"

struct guest {
	u32 room;
	u32 nights;
	struct list_head stay;
};

static LIST_HEAD(guests);

static STEP void guest_arrive(struct guest *guest, u32 room)
{
	guest->room = room;
	guest->nights = room % 5 + 1;
	list_add_tail(&guest->stay, &guests);
}

static STEP void guest_leave(struct guest *guest)
{
	list_del(&guest->stay);
}

static STEP u32 guest_after(struct guest *guest)
{
	return list_next_entry(guest, stay)->room;
}

static STEP u32 evening_round(struct guest *leaving)
{
	u32 first = guest_after(leaving);

	guest_leave(leaving);
	return first + guest_after(leaving);
}

WHYPTR(list_poison)
{
	struct guest *all = kcalloc(3, sizeof(*all), GFP_KERNEL);
	u32 sum;

	if (!all)
		return -ENOMEM;
	guest_arrive(&all[0], 101);
	guest_arrive(&all[1], 102);
	guest_arrive(&all[2], 103);
	sum = evening_round(&all[1]);
	INIT_LIST_HEAD(&guests);
	kfree(all);
	return sum ? 0 : -EINVAL;
}
