// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Two locks are taken in two orders: written to twice at the same time, the one writer waits for what
 * the other holds, for ever.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/mutex.h>

#include "whyfail.h"

static DEFINE_MUTEX(account_lock);
static DEFINE_MUTEX(journal_lock);
static atomic_t arrivals;
static atomic_t holders;

static STEP void meet_the_other(void)
{
	atomic_inc(&holders);
	while (atomic_read(&holders) < 2)
		msleep(10);
}

static STEP int account_then_journal(void)
{
	mutex_lock(&account_lock);
	meet_the_other();
	mutex_lock(&journal_lock);
	mutex_unlock(&journal_lock);
	mutex_unlock(&account_lock);
	return 0;
}

static STEP int journal_then_account(void)
{
	mutex_lock(&journal_lock);
	meet_the_other();
	mutex_lock(&account_lock);
	mutex_unlock(&account_lock);
	mutex_unlock(&journal_lock);
	return 0;
}

WHYFAIL(abba_mutex)
{
	int error;

	if (atomic_inc_return(&arrivals) == 1)
		error = account_then_journal();
	else
		error = journal_then_account();
	KEEP_FRAME();
	return error;
}
