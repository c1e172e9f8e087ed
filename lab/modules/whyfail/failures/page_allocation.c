// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Large contiguous blocks are taken until there are none, without permission to wait or reclaim. */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "whyfail.h"

enum { ORDER = 9, MANY = 1024 };

static struct page *buffers[MANY];

static STEP struct page *ring_buffer_grow(void)
{
	struct page *page = alloc_pages(GFP_ATOMIC, ORDER);

	KEEP_FRAME();
	return page;
}

WHYFAIL(page_allocation)
{
	int i, count = 0;

	while (count < MANY) {
		buffers[count] = ring_buffer_grow();
		if (!buffers[count])
			break;
		count++;
	}
	for (i = 0; i < count; i++)
		__free_pages(buffers[i], ORDER);
	return 0;
}
