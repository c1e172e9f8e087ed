// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A journal is flushed; it is full and makes room, for which it takes the lock that it has. */
#include "whylock.h"

struct journal {
	unsigned long head, tail;
	struct mutex lock;	/* of both */
};

static STEP void journal_checkpoint(struct journal *journal)
{
	mutex_lock(&journal->lock);
	journal->tail = journal->head;
	mutex_unlock(&journal->lock);
}

static STEP void journal_flush(struct journal *journal)
{
	mutex_lock(&journal->lock);
	if (++journal->head != journal->tail)
		journal_checkpoint(journal);
	mutex_unlock(&journal->lock);
}

/* The journal lies on the stack of the thread. */
static int flush(void *unused)
{
	struct journal journal = { };

	mutex_init(&journal.lock);
	journal_flush(&journal);
	return 0;
}

int whylock_mutex_twice(void)
{
	return start(flush, NULL, "twice-flush");
}
