// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Freed memory is written to. With slub_debug=FZP the allocator finds the poison damaged when the same
 * object is handed out again, and prints who freed it (U).
 */
#include <linux/slab.h>

#include "whyfail.h"

struct ticket {
	char passenger[16];
	long seat;
	char padding[40];
};

static STEP void ticket_cancel(struct kmem_cache *tickets, struct ticket *ticket)
{
	kmem_cache_free(tickets, ticket);
	KEEP_FRAME();
}

static STEP void ticket_move_seat(struct ticket *ticket)
{
	WRITE_ONCE(ticket->seat, 0x4141);
}

WHYFAIL(poison_write)
{
	struct kmem_cache *tickets;
	struct ticket *ticket;

	tickets = kmem_cache_create("whyfail_ticket", sizeof(*ticket), 0,
				    SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS, NULL);
	if (!tickets)
		return -ENOMEM;
	ticket = kmem_cache_zalloc(tickets, GFP_KERNEL);
	if (!ticket)
		return -ENOMEM;
	ticket_cancel(tickets, ticket);
	ticket_move_seat(ticket);
	ticket = kmem_cache_alloc(tickets, GFP_KERNEL);
	if (!ticket)
		return -ENOMEM;
	ticket_cancel(tickets, ticket);
	return 0;
}
