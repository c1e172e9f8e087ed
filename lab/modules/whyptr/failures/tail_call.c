// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The function that loaded the bad pointer has jumped away: it is not on the stack any more. */
#include "whyptr.h"

struct depot {
	u64 opened_at;
	u64 shelves;
	u32 capacity;
	u32 free;
};

struct parcel {
	u64 id;
	u32 grams;
	u32 volume;
	u64 sent_at;
	struct depot *depot;
};

static struct depot harbour = { .capacity = 40, .free = 40 };

static STEP void parcel_send(struct parcel *parcel, struct depot *depot)
{
	parcel->depot = depot;
}

static STEP u32 depot_reserve(struct depot *depot, u32 volume)
{
	depot->free -= volume;
	return volume;
}

static STEP u32 parcel_store(struct parcel *parcel)
{
	return depot_reserve(parcel->depot, parcel->volume);
}

WHYPTR(tail_call)
{
	struct parcel *parcels = kcalloc(2, sizeof(*parcels), GFP_KERNEL);
	u32 stored;

	if (!parcels)
		return -ENOMEM;
	parcel_send(&parcels[0], &harbour);
	stored = parcel_store(&parcels[0]);
	stored += parcel_store(&parcels[1]);
	kfree(parcels);
	return stored ? -EINVAL : 0;
}
