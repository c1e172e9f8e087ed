// SPDX-License-Identifier: GPL-2.0 OR MIT
/* More values are alive than there are registers: the bad pointer waits in a slot of the stack. */
#include "whyptr.h"

struct ledger {
	u64 opened_at;
	u64 lines;
	u64 total;
};

struct account {
	u64 number;
	u64 balance;
	u64 rates[8];
	struct ledger *ledger;
};

static struct ledger main_ledger;

static STEP void account_open(struct account *account, u64 number, struct ledger *ledger)
{
	size_t i;

	account->number = number;
	account->balance = number * 10;
	for (i = 0; i < ARRAY_SIZE(account->rates); i++)
		account->rates[i] = number + i;
	account->ledger = ledger;
}

static STEP u64 rate_of(u64 a, u64 b)
{
	return (a ^ b) + 1;
}

static STEP u64 account_settle(struct account *account)
{
	struct ledger *ledger = READ_ONCE(account->ledger);
	u64 a = READ_ONCE(account->rates[0]);
	u64 b = READ_ONCE(account->rates[1]);
	u64 c = READ_ONCE(account->rates[2]);
	u64 d = READ_ONCE(account->rates[3]);
	u64 e = READ_ONCE(account->rates[4]);
	u64 f = READ_ONCE(account->rates[5]);
	u64 g = READ_ONCE(account->rates[6]);
	u64 sum = 0;
	u32 month;

	for (month = 0; month < 12; month++) {
		sum += rate_of(a, b) * c + rate_of(d, e) * f;
		a += g;
		b ^= sum;
		c += d;
		d ^= e;
		e += f;
		f += a;
	}
	ledger->total += sum;
	return sum + a + b + c + d + e + f + g;
}

WHYPTR(stack_slot)
{
	struct account *accounts = kcalloc(2, sizeof(*accounts), GFP_KERNEL);
	u64 sum;

	if (!accounts)
		return -ENOMEM;
	account_open(&accounts[0], 11, &main_ledger);
	account_open(&accounts[1], 12, NULL);
	sum = account_settle(&accounts[0]);
	sum += account_settle(&accounts[1]);
	kfree(accounts);
	return sum ? 0 : -EINVAL;
}
