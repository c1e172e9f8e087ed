// SPDX-License-Identifier: GPL-2.0 OR MIT
/* One entry of a list is taken out twice: by the timeout and again by the completion. */
#include <linux/list.h>
#include <linux/slab.h>

#include "whyfail.h"

struct request {
	struct list_head link;
	int tag;
};

static LIST_HEAD(pending_requests);

static STEP void request_time_out(struct request *request)
{
	list_del(&request->link);
}

static STEP void request_complete(struct request *request)
{
	list_del(&request->link);
	request->tag = 0;
}

WHYFAIL(list_corruption)
{
	struct request *request = kzalloc(sizeof(*request), GFP_KERNEL);

	if (!request)
		return -ENOMEM;
	list_add(&request->link, &pending_requests);
	request_time_out(request);
	request_complete(request);
	kfree(request);
	return 0;
}
