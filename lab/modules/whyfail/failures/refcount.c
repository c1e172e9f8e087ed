// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A reference is put which nobody has taken. */
#include <linux/refcount.h>

#include "whyfail.h"

struct channel {
	refcount_t users;
};

static struct channel channel;

static STEP bool channel_put(struct channel *channel)
{
	bool last = refcount_dec_and_test(&channel->users);

	KEEP_FRAME();
	return last;
}

static STEP void channel_get(struct channel *channel)
{
	refcount_inc(&channel->users);
	KEEP_FRAME();
}

WHYFAIL(refcount)
{
	refcount_set(&channel.users, 1);
	channel_put(&channel);
	channel_get(&channel);		/* from zero: use after free */
	refcount_set(&channel.users, 0);
	channel_put(&channel);		/* below zero: underflow */
	return 0;
}
