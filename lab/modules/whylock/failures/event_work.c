// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A device is closed under its lock; that waits for its work, which wants the lock. */
#include <linux/workqueue.h>

#include "whylock.h"

struct sensor {
	struct mutex lock;	/* of samples */
	int samples;
	struct work_struct sample;
};

static struct sensor *sensor;

static STEP void sensor_store(struct sensor *in)
{
	mutex_lock(&in->lock);
	in->samples++;
	mutex_unlock(&in->lock);
}

static void sensor_sample(struct work_struct *work)
{
	sensor_store(container_of(work, struct sensor, sample));
	barrier();
}

static STEP void sensor_close(struct sensor *which)
{
	mutex_lock(&which->lock);
	schedule_work(&which->sample);
	msleep(MEANWHILE);
	flush_work(&which->sample);
	which->samples = 0;
	mutex_unlock(&which->lock);
}

static int close(void *unused)
{
	sensor_close(sensor);
	return 0;
}

int whylock_event_work(void)
{
	sensor = kzalloc(sizeof(*sensor), GFP_KERNEL);
	if (!sensor)
		return -ENOMEM;
	mutex_init(&sensor->lock);
	INIT_WORK(&sensor->sample, sensor_sample);
	return start(close, NULL, "work-close");
}
