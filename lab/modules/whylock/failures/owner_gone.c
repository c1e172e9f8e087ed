// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A thread finds an error and ends, and forgets on this way that it has locked the cache. */
#include "whylock.h"

struct cache {
	unsigned long entries;
	struct mutex lock;	/* of entries */
};

static struct cache *cache;

static STEP int cache_load(struct cache *into)
{
	mutex_lock(&into->lock);
	msleep(MEANWHILE);
	if (!into->entries)
		return -ENODATA;
	into->entries--;
	mutex_unlock(&into->lock);
	return 0;
}

static STEP void cache_drop(struct cache *from)
{
	mutex_lock(&from->lock);
	from->entries = 0;
	mutex_unlock(&from->lock);
}

static int load(void *unused)
{
	return cache_load(cache);
}

static int drop(void *unused)
{
	msleep(AFTERWARDS);
	cache_drop(cache);
	return 0;
}

int whylock_owner_gone(void)
{
	cache = kzalloc(sizeof(*cache), GFP_KERNEL);
	if (!cache)
		return -ENOMEM;
	mutex_init(&cache->lock);
	return start(load, NULL, "gone-load") ?: start(drop, NULL, "gone-drop");
}
