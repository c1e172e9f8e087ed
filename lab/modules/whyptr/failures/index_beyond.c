// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A shelf has eight places, the ninth is looked at: the number next to them is taken for a pointer. */
#include "whyptr.h"

struct jar {
	u64 filled_at;
	u32 grams;
	u32 label;
};

struct shelf {
	u64 height;
	struct jar *jars[8];
	u64 serial;
	u64 owner;
};

static struct jar jar = { .grams = 450 };

static STEP void shelf_fill(struct shelf *shelf, u64 serial)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shelf->jars); i++)
		shelf->jars[i] = &jar;
	shelf->serial = serial;
}

static STEP u32 shelf_weigh_one(struct shelf *shelf, u32 place)
{
	return shelf->jars[place]->grams;
}

static STEP u32 shelf_weigh(struct shelf *shelf, u32 last)
{
	u32 sum = 0;
	u32 place;

	for (place = 0; place <= last; place++)
		sum += shelf_weigh_one(shelf, place);
	return sum;
}

WHYPTR(index_beyond)
{
	struct shelf *shelf = kzalloc(sizeof(*shelf), GFP_KERNEL);
	u32 sum;

	if (!shelf)
		return -ENOMEM;
	shelf_fill(shelf, 0x0000c0de20260117ULL << 12);
	sum = shelf_weigh(shelf, ARRAY_SIZE(shelf->jars));
	kfree(shelf);
	return sum ? 0 : -EINVAL;
}
