// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * An instruction that the kernel replaces while it loads the module, as the processor has a floating-point
 * unit: the file reads the clerk's member, what ran reads the officer's.
 */
#include "whypatch.h"

#include <asm/alternative.h>
#include <asm/cpufeatures.h>

struct desk {
	u64 opened;
	u32 open;
	u32 queue;
};

struct hall {
	u64 id;
	struct desk *clerk;
	struct desk *officer;
};

static struct desk clerk_desk = { .open = 1 };

static STEP void hall_set_clerk(struct hall *hall, struct desk *desk)
{
	hall->clerk = desk;
}

static STEP void hall_set_officer(struct hall *hall, struct desk *desk)
{
	hall->officer = desk;
}

static STEP u32 hall_queue(struct hall *hall)
{
	struct desk *desk;

	asm(ALTERNATIVE("movq 8(%1), %0", "movq 16(%1), %0", X86_FEATURE_FPU) : "=r" (desk) : "r" (hall), "m" (*hall));
	return READ_ONCE(desk->queue);
}

WHYPATCH(alternative)
{
	struct hall *hall = kzalloc(sizeof(*hall), GFP_KERNEL);
	u32 queue;

	if (!hall)
		return -ENOMEM;
	hall_set_clerk(hall, &clerk_desk);
	if (hall->id)
		hall_set_officer(hall, &clerk_desk);
	queue = hall_queue(hall);
	kfree(hall);
	return queue ? 0 : -EINVAL;
}
