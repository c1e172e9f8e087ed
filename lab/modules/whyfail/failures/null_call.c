// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A method of a table is called which nobody filled in: the CPU jumps to address zero. */
#include "whyfail.h"

struct codec {
	const char *name;
	int (*encode)(int value);
	int (*flush)(int how);		/* optional, yet called without a look */
};

static int plain_encode(int value)
{
	return value + 1;
}

static struct codec plain_codec = {
	.name = "plain",
	.encode = plain_encode,
};

static STEP int codec_close(struct codec *codec)
{
	int left = READ_ONCE(codec->encode)(1);

	return READ_ONCE(codec->flush)(left) + 1;
}

WHYFAIL(null_call)
{
	int left = codec_close(&plain_codec);

	KEEP_FRAME();
	return left;
}
