// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Two roads lead to one instruction, each with a pointer of its own: the night's is good, the day's is
 * not. What stands before the instruction in memory is the road that was not taken.
 */
#include "whyptr.h"

struct tariff {
	u64 valid_from;
	u32 cents;
	u32 tax;
};

struct meter {
	u64 id;
	u32 hour;
	u32 units;
	struct tariff *day;
	struct tariff *night;
};

static struct tariff night_tariff = { .cents = 30, .tax = 5 };

static STEP void meter_set_day(struct meter *meter, struct tariff *tariff)
{
	meter->day = tariff;
}

static STEP void meter_set_night(struct meter *meter, struct tariff *tariff)
{
	meter->night = tariff;
}

static STEP void meter_tick(struct meter *meter)
{
	meter->id++;
}

static STEP u32 meter_price(struct meter *meter)
{
	struct tariff *tariff;
	u32 price;
	u32 i;

	if (meter->hour >= 6 && meter->hour < 22) {
		meter_tick(meter);
		tariff = READ_ONCE(meter->day);
	} else {
		tariff = READ_ONCE(meter->night);
	}
	price = READ_ONCE(tariff->tax);
	for (i = 0; i < meter->units; i++) {
		meter_tick(meter);
		price += READ_ONCE(tariff->cents) + i;
	}
	return price;
}

WHYPTR(either_branch)
{
	struct meter *meter = kzalloc(sizeof(*meter), GFP_KERNEL);
	u32 price;

	if (!meter)
		return -ENOMEM;
	meter_set_night(meter, &night_tariff);
	if (meter->units)
		meter_set_day(meter, &night_tariff);
	meter->hour = 23;
	price = meter_price(meter);
	meter->hour = 12;
	price += meter_price(meter);
	kfree(meter);
	return price ? 0 : -EINVAL;
}
