// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A letter is stamped after it was shredded: what the freed memory holds is the allocator's pattern. */
#include "whyptr.h"

struct sender {
	u64 id;
	u32 postcode;
	u32 stamps;
};

struct letter {
	u64 weight;
	u64 posted_at;
	struct sender *sender;
	u64 distance;
};

static struct sender ada = { .id = 1, .postcode = 1815, .stamps = 9 };

static STEP struct letter *letter_write(struct sender *sender)
{
	struct letter *letter = kzalloc(sizeof(*letter), GFP_KERNEL);

	if (letter)
		letter->sender = sender;
	return letter;
}

static STEP void letter_shred(struct letter *letter)
{
	kfree(letter);
}

static STEP void letter_stamp(struct letter *letter)
{
	letter->sender->stamps--;
}

WHYPTR(freed)
{
	struct letter *letter = letter_write(&ada);

	if (!letter)
		return -ENOMEM;
	letter_stamp(letter);
	letter_shred(letter);
	letter_stamp(letter);
	KEEP_FRAME();
	return 0;
}
