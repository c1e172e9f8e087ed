// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A constant is written to: its page is mapped, but read only. */
#include "whyfail.h"

struct limits {
	int highest;
	int lowest;
};

static const struct limits factory_limits = { .highest = 90, .lowest = 10 };

static STEP void limits_calibrate(struct limits *limits)
{
	WRITE_ONCE(limits->highest, 80);
}

WHYFAIL(read_only_write)
{
	const struct limits *limits = &factory_limits;

	OPTIMIZER_HIDE_VAR(limits);
	limits_calibrate((struct limits *)limits);
	KEEP_FRAME();
	return 0;
}
