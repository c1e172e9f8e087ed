// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The same trap over a second lock: a reader wants a mutex, whose owner wants to read and stands behind a writer that
 * waits for the reader. None of the two readers takes anything twice.
 */
#include "whylock.h"

struct volume {
	char name[16];
	struct rw_semaphore tree_lock;	/* of entries */
	int entries;
	struct mutex log_lock;	/* of logged */
	int logged;
};

static STEP void volume_log(struct volume *volume)
{
	mutex_lock(&volume->log_lock);
	volume->logged++;
	mutex_unlock(&volume->log_lock);
}

static STEP void volume_scan(struct volume *volume)
{
	down_read(&volume->tree_lock);
	msleep(AFTERWARDS);
	volume_log(volume);
	up_read(&volume->tree_lock);
}

static STEP void volume_rename(struct volume *volume)
{
	down_write(&volume->tree_lock);
	volume->entries++;
	up_write(&volume->tree_lock);
}

static STEP int volume_count(struct volume *volume)
{
	int entries;

	down_read(&volume->tree_lock);
	entries = volume->entries;
	up_read(&volume->tree_lock);
	return entries;
}

static STEP void volume_sync(struct volume *volume)
{
	mutex_lock(&volume->log_lock);
	msleep(AFTERWARDS);
	volume->logged -= volume_count(volume);
	mutex_unlock(&volume->log_lock);
}

static int scan(void *volume)
{
	volume_scan(volume);
	return 0;
}

static int rename(void *volume)
{
	msleep(MEANWHILE);
	volume_rename(volume);
	return 0;
}

static int sync(void *volume)
{
	volume_sync(volume);
	return 0;
}

int whylock_read_over(void)
{
	struct volume *volume = kzalloc(sizeof(*volume), GFP_KERNEL);

	if (!volume)
		return -ENOMEM;
	init_rwsem(&volume->tree_lock);
	mutex_init(&volume->log_lock);
	return start(scan, volume, "over-scan") ?: start(rename, volume, "over-rename") ?:
	       start(sync, volume, "over-sync");
}
