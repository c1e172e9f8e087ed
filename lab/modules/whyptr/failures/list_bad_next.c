// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A chain of wagons is walked, and the third one's next is no pointer. */
#include "whyptr.h"

struct wagon {
	u32 number;
	u32 tonnes;
	struct wagon *next;
	u64 built_at;
};

static STEP void wagon_couple(struct wagon *wagon, struct wagon *next)
{
	wagon->tonnes = 20;
	wagon->next = next;
}

/* Writes the day over the wagon's coupling. */
static STEP void wagon_stamp(struct wagon *wagon, u64 day)
{
	*(u64 *)((u8 *)wagon + offsetof(struct wagon, next)) = day;
}

static STEP u32 train_weigh(struct wagon *wagon)
{
	u32 tonnes = 0;

	while (wagon) {
		tonnes += wagon->tonnes;
		wagon = wagon->next;
	}
	return tonnes;
}

WHYPTR(list_bad_next)
{
	struct wagon *wagons = kcalloc(5, sizeof(*wagons), GFP_KERNEL);
	u32 tonnes;
	int i;

	if (!wagons)
		return -ENOMEM;
	for (i = 0; i < 5; i++)
		wagon_couple(&wagons[i], i < 4 ? &wagons[i + 1] : NULL);
	tonnes = train_weigh(wagons);
	wagon_stamp(&wagons[2], 20260117);
	tonnes += train_weigh(wagons);
	kfree(wagons);
	return tonnes ? 0 : -EINVAL;
}
