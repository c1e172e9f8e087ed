// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The kernel's own strlen gets the bad pointer: the fault is not in the module at all. */
#include "whyptr.h"

struct person {
	u64 born;
	u32 height;
	u32 shoe;
	const char *nickname;
};

static STEP void person_call(struct person *person, const char *nickname)
{
	person->nickname = nickname;
}

static STEP size_t person_label(struct person *person)
{
	return strlen(person->nickname) + 1;
}

WHYPTR(kernel_helper)
{
	struct person *people = kcalloc(2, sizeof(*people), GFP_KERNEL);
	size_t length;

	if (!people)
		return -ENOMEM;
	person_call(&people[0], "countess");
	length = person_label(&people[0]);
	length += person_label(&people[1]);
	kfree(people);
	return length ? 0 : -EINVAL;
}
