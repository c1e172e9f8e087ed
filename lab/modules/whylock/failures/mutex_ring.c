// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A library: three threads hold one of three locks each, of two kinds, and want the next. */
#include "whylock.h"

struct shelf {
	struct rw_semaphore lock;	/* of books */
	int books;
};

static DEFINE_MUTEX(catalogue_lock);
static DEFINE_MUTEX(loans_lock);
static struct shelf shelf = {
	.lock = __RWSEM_INITIALIZER(shelf.lock),
};
static int catalogued, lent;

static STEP void shelf_remove(struct shelf *from)
{
	down_write(&from->lock);
	from->books--;
	up_write(&from->lock);
}

static STEP void loans_add(void)
{
	mutex_lock(&loans_lock);
	lent++;
	mutex_unlock(&loans_lock);
}

static STEP void catalogue_note(void)
{
	mutex_lock(&catalogue_lock);
	catalogued++;
	mutex_unlock(&catalogue_lock);
}

static STEP void catalogue_discard(void)
{
	mutex_lock(&catalogue_lock);
	catalogued--;
	msleep(MEANWHILE);
	shelf_remove(&shelf);
	mutex_unlock(&catalogue_lock);
}

static STEP void shelf_lend(struct shelf *from)
{
	down_read(&from->lock);
	msleep(MEANWHILE);
	if (from->books >= 0)
		loans_add();
	up_read(&from->lock);
}

static STEP void loans_return(void)
{
	mutex_lock(&loans_lock);
	lent--;
	msleep(MEANWHILE);
	catalogue_note();
	mutex_unlock(&loans_lock);
}

static int discard(void *unused)
{
	catalogue_discard();
	return 0;
}

static int lend(void *unused)
{
	shelf_lend(&shelf);
	return 0;
}

static int give_back(void *unused)
{
	loans_return();
	return 0;
}

int whylock_mutex_ring(void)
{
	return start(discard, NULL, "ring-discard") ?: start(lend, NULL, "ring-lend") ?:
	       start(give_back, NULL, "ring-return");
}
