// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A recursion without an end runs off the stack, into its guard page. */
#include "whyfail.h"

struct folder {
	struct folder *parent;
};

static STEP int folder_depth(struct folder *folder)
{
	volatile char path[128];

	path[0] = 0;
	if (!READ_ONCE(folder->parent))
		return path[0];
	return folder_depth(READ_ONCE(folder->parent)) + 1 + path[0];
}

WHYFAIL(stack_overflow)
{
	struct folder loop = { .parent = &loop };

	return folder_depth(&loop) < 0;
}
