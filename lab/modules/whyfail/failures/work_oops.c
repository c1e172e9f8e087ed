// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Work queued for later finds its object gone: the fault is in a kernel thread, far from its cause. */
#include <linux/delay.h>
#include <linux/workqueue.h>

#include "whyfail.h"

struct index {
	long entries;
	long dirty;
};

struct ledger {
	struct work_struct flush;
	struct index *index;		/* NULL once the ledger is closed */
};

static struct ledger ledger;

static STEP long index_dirty(struct index *index)
{
	return READ_ONCE(index->dirty);
}

static STEP void ledger_flush(struct work_struct *work)
{
	struct ledger *mine = container_of(work, struct ledger, flush);

	if (index_dirty(mine->index))
		queue_work(system_wq, work);
}

WHYFAIL(work_oops)
{
	INIT_WORK(&ledger.flush, ledger_flush);
	queue_work(system_wq, &ledger.flush);
	ssleep(2);
	return 0;
}
