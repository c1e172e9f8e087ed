// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Threads of one process that wait for each other: two whose mutexes are taken in opposite orders, one for a mutex that
 * inherits priority, one for a condition that never comes; and a process whose child by vfork() does not end.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, pi;
static pthread_mutex_t of_never = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void name(const char *name) { pthread_setname_np(pthread_self(), name); }

static void *first(void *unused)
{
	name("ftx-ab");
	pthread_mutex_lock(&a);
	sleep(1);
	pthread_mutex_lock(&b);
	return unused;
}

static void *second(void *unused)
{
	name("ftx-ba");
	pthread_mutex_lock(&b);
	sleep(1);
	pthread_mutex_lock(&a);
	return unused;
}

static void *pi_holder(void *unused)
{
	name("pi-holder");
	pthread_mutex_lock(&pi);
	sleep(100000);
	return unused;
}

static void *pi_waiter(void *unused)
{
	name("pi-waiter");
	sleep(1);
	pthread_mutex_lock(&pi);
	return unused;
}

static void *condition(void *unused)
{
	name("cond");
	pthread_mutex_lock(&of_never);
	pthread_cond_wait(&never, &of_never);
	return unused;
}

int main(void)
{
	static void *(*const all[])(void *) = { first, second, pi_holder, pi_waiter, condition };
	pthread_mutexattr_t attributes;
	pthread_t thread;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&pi, &attributes);
	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (pthread_create(&thread, NULL, all[i], NULL))
			return 1;
	if (fork() == 0) {
		prctl(PR_SET_NAME, "vparent");
		if (vfork() == 0) {
			prctl(PR_SET_NAME, "vchild");
			sleep(100000);
			_exit(0);
		}
	}
	pause();
	return 0;
}
