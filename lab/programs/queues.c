// SPDX-License-Identifier: MIT OR Apache-2.0
/* Four tasks that want to run on CPU 0 for ever: two by the fair rules, two of real time. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static void spin(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

int main(void)
{
	static const int priorities[] = { 0, 10, 20 };
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		perror("sched_setaffinity");
	for (unsigned int number = 0; number < 3; number++) {
		struct sched_param parameter = { .sched_priority = priorities[number] };

		/* A parent of real time would let no child begin. */
		if (fork())
			continue;
		if (parameter.sched_priority && sched_setscheduler(0, SCHED_RR, &parameter))
			perror("sched_setscheduler");
		spin();
	}
	spin();
}
