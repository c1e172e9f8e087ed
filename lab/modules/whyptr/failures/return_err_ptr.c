// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Only NULL is looked for, but what does not open is told by an error in the pointer. */
#include "whyptr.h"

struct channel {
	u64 opened_at;
	u32 number;
	u32 flags;
	u64 sent;
};

static struct channel only_channel = { .number = 1 };

static STEP struct channel *channel_open(u32 number)
{
	if (number != only_channel.number)
		return ERR_PTR(-ENODEV);
	return &only_channel;
}

static STEP int channel_send(u32 number, u64 bytes)
{
	struct channel *channel = channel_open(number);

	if (!channel)
		return -ENOENT;
	channel->sent += bytes;
	return 0;
}

WHYPTR(return_err_ptr)
{
	int error = channel_send(1, 64);

	if (!error)
		error = channel_send(2, 64);
	KEEP_FRAME();
	return error;
}
