// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The bad pointer waits in a callee-saved register while another function runs. */
#include "whyptr.h"

struct printer {
	u32 trays;
	u32 copies;
	u64 pages;
	u64 toner;
};

struct job {
	u64 id;
	u32 sheets;
	u32 state;
	char title[16];
	struct printer *printer;
};

static struct printer laser = { .trays = 2 };

static STEP void job_send_to(struct job *job, struct printer *printer)
{
	job->printer = printer;
}

static STEP u32 job_log(struct job *job)
{
	job->state++;
	return job->sheets * 2;
}

static STEP void job_run(struct job *job)
{
	struct printer *printer = READ_ONCE(job->printer);
	u32 sides = job_log(job);

	printer->pages += sides;
}

WHYPTR(callee_saved)
{
	struct job *jobs = kcalloc(2, sizeof(*jobs), GFP_KERNEL);

	if (!jobs)
		return -ENOMEM;
	job_send_to(&jobs[0], &laser);
	job_run(&jobs[0]);
	job_run(&jobs[1]);
	kfree(jobs);
	return 0;
}
