// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Two warnings: one with a message of its own, one without. The system goes on. */
#include <linux/bug.h>

#include "whyfail.h"

struct mailbox {
	int letters;
	int room;
};

static STEP int mailbox_put(struct mailbox *mailbox)
{
	if (WARN(mailbox->letters >= mailbox->room, "mailbox is full: %d letters, room for %d\n",
		 mailbox->letters, mailbox->room))
		return -ENOSPC;
	return ++mailbox->letters;
}

static STEP int mailbox_close(struct mailbox *mailbox)
{
	if (WARN_ON(mailbox->letters))
		return -EBUSY;
	return mailbox->room;
}

WHYFAIL(warn)
{
	struct mailbox mailbox = { .room = 1 };
	int sum;

	sum = mailbox_put(&mailbox);
	sum += mailbox_put(&mailbox);
	sum += mailbox_close(&mailbox);
	return sum > 0;
}
