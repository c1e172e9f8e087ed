// SPDX-License-Identifier: GPL-2.0 OR MIT
/* One small function is inlined twice into another; the second copy has the bad pointer. */
#include "whyptr.h"

struct engine {
	u64 hours;
	u32 power;
	u32 fuel;
};

struct ferry {
	u64 id;
	struct engine *port;
	struct engine *starboard;
	u32 passengers;
};

static struct engine diesel = { .power = 900, .fuel = 70 };

static __always_inline u32 engine_range(struct engine *engine)
{
	return engine->fuel * 12 + 1;
}

static STEP void ferry_mount_port(struct ferry *ferry, struct engine *engine)
{
	ferry->port = engine;
}

static STEP void ferry_mount_starboard(struct ferry *ferry, struct engine *engine)
{
	ferry->starboard = engine;
}

static STEP u32 ferry_range(struct ferry *ferry)
{
	u32 left = engine_range(ferry->port);
	u32 right = engine_range(ferry->starboard);

	return min(left, right);
}

WHYPTR(inlined_twice)
{
	struct ferry *ferry = kzalloc(sizeof(*ferry), GFP_KERNEL);
	bool whole = ferry && ferry->passengers;
	u32 range;

	if (!ferry)
		return -ENOMEM;
	ferry_mount_port(ferry, &diesel);
	if (whole)
		ferry_mount_starboard(ferry, &diesel);
	range = ferry_range(ferry);
	kfree(ferry);
	return range ? 0 : -EINVAL;
}
