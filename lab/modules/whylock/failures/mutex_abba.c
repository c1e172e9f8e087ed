// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Money goes from an account to another while both are locked, and two transfers go in opposite directions. */
#include "whylock.h"

struct account {
	char name[24];
	struct mutex lock;	/* of balance */
	long balance;
};

/* One is a variable, the other an object of a slab cache. */
static struct account vault = {
	.name = "vault",
	.lock = __MUTEX_INITIALIZER(vault.lock),
};
static struct account *till;

static STEP void account_credit(struct account *account, long amount)
{
	mutex_lock(&account->lock);
	account->balance += amount;
	mutex_unlock(&account->lock);
}

static STEP void account_transfer(struct account *from, struct account *to, long amount)
{
	mutex_lock(&from->lock);
	from->balance -= amount;
	msleep(MEANWHILE);
	account_credit(to, amount);
	mutex_unlock(&from->lock);
}

static STEP long account_audit(struct account *account)
{
	long balance;

	mutex_lock(&account->lock);
	balance = account->balance;
	mutex_unlock(&account->lock);
	return balance;
}

static int deposit(void *unused)
{
	account_transfer(till, &vault, 10);
	return 0;
}

static int payout(void *unused)
{
	account_transfer(&vault, till, 20);
	return 0;
}

/* Has nothing, and waits behind the others. */
static int audit(void *unused)
{
	msleep(AFTERWARDS);
	pr_info("whylock: %ld in the vault\n", account_audit(&vault));
	return 0;
}

int whylock_mutex_abba(void)
{
	till = kzalloc(sizeof(*till), GFP_KERNEL);
	if (!till)
		return -ENOMEM;
	mutex_init(&till->lock);
	return start(deposit, NULL, "abba-deposit") ?: start(payout, NULL, "abba-payout") ?:
	       start(audit, NULL, "abba-audit");
}
