// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A ticket is printed before anybody gave it a hall: a member of an object is NULL. */
#include "whyptr.h"

struct hall {
	char name[24];
	u32 seats;
	u32 doors;
};

struct ticket {
	u32 number;
	u32 row;
	u64 price;
	struct hall *hall;
	u64 sold_at;
};

static struct hall great_hall = { .name = "great", .seats = 1200, .doors = 6 };

/* Called for a ticket that is paid for. */
static STEP void ticket_assign_hall(struct ticket *ticket, struct hall *hall)
{
	ticket->hall = hall;
}

static STEP u32 ticket_print(struct ticket *ticket)
{
	return ticket->hall->seats - ticket->row;
}

static STEP u32 counter_close(struct ticket *paid, struct ticket *reserved)
{
	u32 left;

	ticket_assign_hall(paid, &great_hall);
	left = ticket_print(paid);
	return left + ticket_print(reserved);
}

WHYPTR(null_member)
{
	struct ticket *tickets = kcalloc(2, sizeof(*tickets), GFP_KERNEL);
	u32 left;

	if (!tickets)
		return -ENOMEM;
	left = counter_close(&tickets[0], &tickets[1]);
	kfree(tickets);
	return left ? 0 : -EINVAL;
}
