// SPDX-License-Identifier: GPL-2.0 OR MIT
/* An invariant of the code does not hold, and BUG_ON says so. */
#include <linux/bug.h>

#include "whyfail.h"

struct invoice {
	int total;
	int paid;
};

static noinline void invoice_check(struct invoice *invoice)
{
	BUG_ON(invoice->paid > invoice->total);
}

static noinline int invoice_pay(struct invoice *invoice, int amount)
{
	invoice->paid += amount;
	invoice_check(invoice);
	return invoice->total - invoice->paid;
}

WHYFAIL(bug_on)
{
	struct invoice invoice = { .total = 10 };

	OPTIMIZER_HIDE_VAR(invoice.total);
	return invoice_pay(&invoice, 11) < 0;
}
