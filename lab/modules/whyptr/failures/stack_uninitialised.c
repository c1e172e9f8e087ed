// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A request on the stack gets its buffer only if it is a read; this one is not, and uses what lay there. */
#include "whyptr.h"

struct buffer {
	u64 bytes;
	u32 first;
	u32 last;
};

struct request {
	u32 kind;
	u32 length;
	struct buffer *buffer;
	u64 place;
};

static struct buffer shared_buffer = { .bytes = 512 };

static STEP void request_prepare(struct request *request, u32 kind)
{
	request->kind = kind;
	request->length = 8;
	if (kind == 1)
		request->buffer = &shared_buffer;
}

static STEP u32 request_run(u32 kind)
{
	/* The kernel's own option would zero it. */
	struct request request __attribute__((__uninitialized__));

	request_prepare(&request, kind);
	return request.buffer->first + request.length;
}

/* Leaves a pattern where the next function's frame will be. */
static STEP u64 stack_dirty(u64 pattern)
{
	volatile u64 words[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = pattern;
	return words[7];
}

WHYPTR(stack_uninitialised)
{
	u32 sum = request_run(1);

	stack_dirty(0x5a5a5a5a5a5a5a5aULL);
	sum += request_run(2);
	return sum ? 0 : -EINVAL;
}
