// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Memory is freed twice. With slub_debug=F the allocator refuses the second time. */
#include <linux/slab.h>

#include "whyfail.h"

struct parcel {
	long weight;
	char label[56];
};

static STEP void parcel_deliver(struct parcel *parcel)
{
	kfree(parcel);
	KEEP_FRAME();
}

static STEP void parcel_return(struct parcel *parcel)
{
	kfree(parcel);
	KEEP_FRAME();
}

WHYFAIL(double_free)
{
	struct parcel *parcel = kzalloc(sizeof(*parcel), GFP_KERNEL);

	if (!parcel)
		return -ENOMEM;
	parcel_deliver(parcel);
	OPTIMIZER_HIDE_VAR(parcel);
	parcel_return(parcel);
	return 0;
}
