// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A registry is asked before anybody made it: a global pointer is NULL. */
#include "whyptr.h"

struct registry {
	u64 made_at;
	u64 entries;
	u32 limit;
	u32 flags;
};

static struct registry *the_registry;

static STEP int registry_make(u32 limit)
{
	struct registry *registry = kzalloc(sizeof(*registry), GFP_KERNEL);

	if (!registry)
		return -ENOMEM;
	registry->limit = limit;
	the_registry = registry;
	return 0;
}

static STEP bool registry_is_full(u64 more)
{
	return the_registry->entries + more >= the_registry->limit;
}

WHYPTR(global_unset)
{
	u32 limit = 0;

	OPTIMIZER_HIDE_VAR(limit);
	if (limit && registry_make(limit))
		return -ENOMEM;
	return registry_is_full(1) ? 0 : -EINVAL;
}
