// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Functions that call each other, the last of which waits for ever: callers WAY. Each says where it will return to
 * before it calls the next, so that a stack can be held against the truth. Ways: "read" waits in a system call,
 * "signal" in a handler of a signal, "thread" in a second thread.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TELL() printf("%s %s returns to %p\n", way, __func__, __builtin_return_address(0))

static const char *way;
static int never[2];
static volatile char kept;

static __attribute__((noinline)) int wait_here(void)
{
	char byte;

	TELL();
	printf("%s waits as %d\n", way, gettid());
	fflush(stdout);
	return (int)read(never[0], &byte, 1) + 1;
}

static void handler(int number)
{
	TELL();
	kept = (char)(wait_here() + number);
}

/* Its frame has no size that the compiler knows. */
static __attribute__((noinline)) int third(int size)
{
	char room[size];

	TELL();
	memset(room, size, (size_t)size);
	kept = room[size / 2];
	if (!strcmp(way, "signal"))
		return raise(SIGUSR1) + kept;
	return wait_here() + kept;
}

static __attribute__((noinline)) int second(int size)
{
	TELL();
	return third(size + 7) + kept;
}

static __attribute__((noinline)) int first(int size)
{
	volatile char room[200];

	TELL();
	room[size] = 1;
	return second(size * 3) + room[size];
}

static void *of_thread(void *size)
{
	TELL();
	kept = (char)first(*(int *)size);
	return NULL;
}

int main(int count, char **arguments)
{
	int size = 33;
	pthread_t thread;

	way = count > 1 ? arguments[1] : "read";
	if (pipe(never))
		return 1;
	signal(SIGUSR1, handler);
	TELL();
	if (strcmp(way, "thread"))
		return first(size);
	return pthread_create(&thread, NULL, of_thread, &size) || pthread_join(thread, NULL);
}
