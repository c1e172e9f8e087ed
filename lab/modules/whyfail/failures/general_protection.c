// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A pointer whose upper half was overwritten by text is followed. */
#include "whyfail.h"

struct sensor {
	long reading;
	struct sensor *next;
};

static STEP long sensor_sum(struct sensor *sensor)
{
	long sum = 0;

	for (; sensor; sensor = READ_ONCE(sensor->next))
		sum += READ_ONCE(sensor->reading);
	return sum;
}

WHYFAIL(general_protection)
{
	struct sensor second = { .reading = 2 };
	struct sensor first = { .reading = 1, .next = &second };

	/* "humidity" in ASCII where a pointer should be. */
	*(u64 *)&second.next = 0x79746964696d7568ULL;
	return sensor_sum(&first) < 0;
}
