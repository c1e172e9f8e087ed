// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The size of a block of samples overflows its 32 bits: the pool gives 16 bytes, four samples of 16 bytes
 * are stored, and they run over the sensor that the pool gave next.
 */
#include "whyptr.h"

struct pool {
	u8 *memory;
	u32 used;
	u32 size;
};

struct sample {
	u64 value;
	u64 taken_at;
};

struct site {
	u64 latitude;
	u64 longitude;
	u32 height;
};

struct sensor {
	u64 serial;
	u64 started_at;
	struct site *site;
	u64 readings;
};

static struct site north_site = { .height = 310 };

static STEP void *pool_take(struct pool *pool, u32 bytes)
{
	void *taken = pool->memory + pool->used;

	if (bytes > pool->size - pool->used)
		return NULL;
	pool->used += ALIGN(bytes, 16);
	return taken;
}

static STEP struct sample *samples_make(struct pool *pool, u32 count)
{
	return pool_take(pool, count * (u32)sizeof(struct sample));
}

static STEP struct sensor *sensor_make(struct pool *pool, struct site *site)
{
	struct sensor *sensor = pool_take(pool, sizeof(*sensor));

	if (sensor)
		sensor->site = site;
	return sensor;
}

static STEP void samples_store(struct sample *samples, u32 count, u64 value)
{
	u32 i;

	for (i = 0; i < count; i++) {
		samples[i].value = value;
		samples[i].taken_at = value + i;
	}
}

static STEP u32 sensor_height(struct sensor *sensor)
{
	return sensor->site->height;
}

WHYPTR(size_overflow)
{
	struct pool pool = { .size = 4096 };
	struct sample *samples;
	struct sensor *sensor;
	u32 height;

	pool.memory = kzalloc(pool.size, GFP_KERNEL);
	if (!pool.memory)
		return -ENOMEM;
	samples = samples_make(&pool, 0x10000001);
	sensor = sensor_make(&pool, &north_site);
	if (!samples || !sensor)
		return -ENOMEM;
	height = sensor_height(sensor);
	samples_store(samples, 4, 0x1122334455667788ULL);
	height += sensor_height(sensor);
	kfree(pool.memory);
	return height ? 0 : -EINVAL;
}
