// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * One byte more than allocated is written: the terminating zero of a name. With slub_debug=FZ the
 * allocator sees it in kfree(), not when it happens.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "whyfail.h"

static STEP void badge_print(char *badge, const char *name)
{
	size_t i;

	for (i = 0; READ_ONCE(name[i]); i++)
		WRITE_ONCE(badge[i], name[i]);
	WRITE_ONCE(badge[i], 0);
}

static STEP void badge_discard(char *badge)
{
	kfree(badge);
	KEEP_FRAME();
}

WHYFAIL(redzone)
{
	static const char name[] = "Rumpelstiltskin the fairy miller";
	size_t length = strlen(name);	/* forgets the zero at the end */
	char *badge;

	OPTIMIZER_HIDE_VAR(length);
	badge = kmalloc(length, GFP_KERNEL);
	if (!badge)
		return -ENOMEM;
	badge_print(badge, name);
	badge_discard(badge);
	return 0;
}
