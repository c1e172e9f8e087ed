// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A report is asked for without a gauge: the NULL goes down through two calls before it is used. */
#include "whyptr.h"

struct gauge {
	u64 taken_at;
	s32 celsius;
	s32 offset;
};

struct garden {
	u32 beds;
	s32 warmest;
};

static STEP s32 gauge_read(struct gauge *gauge)
{
	return gauge->celsius - 1;
}

static STEP s32 bed_temperature(struct garden *garden, u32 bed, struct gauge *gauge)
{
	s32 now = gauge_read(gauge);

	if (now > garden->warmest)
		garden->warmest = now;
	return now + bed;
}

static STEP s32 garden_report(struct garden *garden, struct gauge *gauge)
{
	s32 sum = 0;
	u32 bed;

	for (bed = 0; bed < garden->beds; bed++)
		sum += bed_temperature(garden, bed, gauge);
	return sum;
}

WHYPTR(argument_two_up)
{
	struct garden garden = { .beds = 3 };
	s32 sum = garden_report(&garden, NULL);

	KEEP_FRAME();
	return sum ? 0 : -EINVAL;
}
