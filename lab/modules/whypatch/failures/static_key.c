// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A road has two lanes; which one counts a static key says. The module's file has a nop at the branch, the
 * kernel has put a jump there before the road is looked at.
 */
#include "whypatch.h"

#include <linux/jump_label.h>

struct lane {
	u64 opened;
	u32 toll;
	u32 width;
};

struct road {
	u64 id;
	u32 cars;
	u32 length;
	struct lane *plain;
	struct lane *express;
};

static struct lane plain_lane = { .toll = 2, .width = 3 };

static DEFINE_STATIC_KEY_FALSE(express_key);

static STEP void road_set_plain(struct road *road, struct lane *lane)
{
	road->plain = lane;
}

static STEP void road_set_express(struct road *road, struct lane *lane)
{
	road->express = lane;
}

static STEP void road_count(struct road *road)
{
	road->cars++;
}

static STEP u32 road_toll(struct road *road)
{
	struct lane *lane;
	u32 toll, i;

	if (static_branch_unlikely(&express_key)) {
		road_count(road);
		lane = READ_ONCE(road->express);
	} else {
		lane = READ_ONCE(road->plain);
	}
	toll = READ_ONCE(lane->toll);
	for (i = 0; i < road->length; i++) {
		road_count(road);
		toll += READ_ONCE(lane->width) + i;
	}
	return toll;
}

WHYPATCH(static_key)
{
	struct road *road = kzalloc(sizeof(*road), GFP_KERNEL);
	u32 toll;

	if (!road)
		return -ENOMEM;
	road_set_plain(road, &plain_lane);
	if (road->cars)
		road_set_express(road, &plain_lane);
	static_branch_enable(&express_key);
	toll = road_toll(road);
	kfree(road);
	return toll ? 0 : -EINVAL;
}
