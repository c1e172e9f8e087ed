// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A loop writes past an array on the stack, over the canary. */
#include "whyfail.h"

static STEP int scores_fill(int count)
{
	volatile int scores[16];
	int i;

	for (i = 0; i < count; i++)
		scores[i] = i;
	return scores[0];
}

WHYFAIL(stack_smash)
{
	int count = 20;

	OPTIMIZER_HIDE_VAR(count);
	return scores_fill(count) < 0;
}
