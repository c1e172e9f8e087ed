// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A field of a structure is read through a pointer that nobody set. */
#include <linux/slab.h>

#include "whyfail.h"

struct customer {
	char name[24];
	int discount;
};

struct order {
	int price;
	struct customer *customer;	/* NULL for an order from the counter */
};

static STEP int customer_discount(struct customer *customer)
{
	return customer->discount;
}

static STEP int order_price(struct order *order)
{
	int discount = customer_discount(order->customer);

	return order->price - discount;
}

WHYFAIL(null_deref)
{
	struct order *order = kzalloc(sizeof(*order), GFP_KERNEL);
	int price;

	if (!order)
		return -ENOMEM;
	order->price = 100;
	price = order_price(order);
	kfree(order);
	return price < 0;
}
