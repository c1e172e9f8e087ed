// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A label of 24 bytes is copied over a name of 16: its padding runs into the callback behind the name. */
#include "whyptr.h"

struct mailbox {
	u64 letters;
	char name[16];
	int (*empty)(struct mailbox *mailbox);
	u64 emptied_at;
};

static STEP int mailbox_empty(struct mailbox *mailbox)
{
	mailbox->letters = 0;
	return 1;
}

static STEP void mailbox_install(struct mailbox *mailbox)
{
	mailbox->empty = mailbox_empty;
}

/* Copies as much as there is, not as much as there is room for. */
static STEP void mailbox_name(struct mailbox *mailbox, const char *label, size_t bytes)
{
	char *to = mailbox->name;

	while (bytes--) {
		*to++ = *label++;
		barrier();
	}
}

static STEP int postman_visit(struct mailbox *mailbox)
{
	int emptied;

	mailbox->letters++;
	emptied = mailbox->empty(mailbox);
	mailbox->emptied_at += emptied;
	return emptied;
}

static const char label[24] = "mill lane 3b";

WHYPTR(callback_overwritten)
{
	struct mailbox *mailbox = kzalloc(sizeof(*mailbox), GFP_KERNEL);
	int emptied;

	if (!mailbox)
		return -ENOMEM;
	mailbox_install(mailbox);
	emptied = postman_visit(mailbox);
	mailbox_name(mailbox, label, sizeof(label));
	emptied += postman_visit(mailbox);
	kfree(mailbox);
	return emptied ? 0 : -EINVAL;
}
