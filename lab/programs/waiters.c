// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Threads that wait, each in one of several ways: waiters PROCESSES THREADS. Says "all wait" when they do, and
 * waits for ever.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Enough for what each does. */
#define STACK (32 << 10)

/* Across the processes: how many are on their way into their wait. */
static _Atomic unsigned *waiting;

/* Of this process; nobody ever gives what is waited for. */
static pthread_mutex_t locked = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t of_never = PTHREAD_MUTEX_INITIALIZER;
static sem_t empty_semaphore;
static int empty_pipe[2], empty_socket[2], nothing, queue, watch;

static void on_futex(void) { pthread_mutex_lock(&locked); }
static void on_semaphore(void) { sem_wait(&empty_semaphore); }

static void on_condition(void)
{
	pthread_mutex_lock(&of_never);
	pthread_cond_wait(&never, &of_never);
}

static void on_pipe(void)
{
	char byte;

	if (read(empty_pipe[0], &byte, 1) < 0)
		pause();
}

static void on_socket(void)
{
	char byte;

	recv(empty_socket[0], &byte, 1, 0);
}

static void on_time(void)
{
	const struct timespec long_time = { .tv_sec = 100000 };

	nanosleep(&long_time, NULL);
}

static void on_poll(void)
{
	struct pollfd files[] = { { empty_pipe[0], POLLIN, 0 }, { nothing, POLLIN, 0 } };

	poll(files, 2, -1);
}

static void on_epoll(void)
{
	struct epoll_event event;

	epoll_wait(watch, &event, 1, -1);
}

static void on_event(void)
{
	eventfd_t value;

	eventfd_read(nothing, &value);
}

static void on_message(void)
{
	struct { long kind; char text[8]; } message;

	msgrcv(queue, &message, sizeof(message.text), 0, 0);
}

static void on_signal(void) { pause(); }

static void on_signal_set(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &number);
}

static void (*const ways[])(void) = {
	on_futex, on_semaphore, on_condition, on_pipe, on_socket, on_time,
	on_poll, on_epoll, on_event, on_message, on_signal, on_signal_set,
};

static void *wait_for_ever(void *way)
{
	++*waiting;
	for (;;)
		ways[(uintptr_t)way]();
	return NULL;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static void fill(unsigned threads)
{
	struct epoll_event event = { .events = EPOLLIN };
	pthread_attr_t attributes;
	pthread_t thread;
	unsigned i;

	pthread_mutex_lock(&locked);
	sem_init(&empty_semaphore, 0, 0);
	nothing = eventfd(0, 0);
	queue = msgget(IPC_PRIVATE, 0600);
	watch = epoll_create1(0);
	if (pipe(empty_pipe) || socketpair(AF_UNIX, SOCK_STREAM, 0, empty_socket) || nothing < 0 || queue < 0 ||
	    watch < 0 || epoll_ctl(watch, EPOLL_CTL_ADD, nothing, &event))
		die("what is waited on");
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	/* The first thread of the process waits, too. */
	for (i = 1; i < threads; i++) {
		errno = pthread_create(&thread, &attributes, wait_for_ever,
				       (void *)(uintptr_t)(i % (sizeof(ways) / sizeof(*ways))));
		if (errno)
			die("pthread_create");
	}
	++*waiting;
	pause();
}

int main(int count, char **arguments)
{
	unsigned processes = count > 2 ? atoi(arguments[1]) : 1, threads = count > 2 ? atoi(arguments[2]) : 12, i;

	waiting = mmap(NULL, sizeof(*waiting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (waiting == MAP_FAILED)
		die("mmap");
	for (i = 0; i < processes; i++) {
		switch (fork()) {
		case -1:
			die("fork");
		case 0:
			fill(threads);
		}
	}
	while (*waiting < processes * threads)
		usleep(100000);
	/* The last of them counted itself just before it waits. */
	sleep(1);
	printf("all wait: %u threads of %u processes\n", *waiting, processes);
	fflush(stdout);
	while (wait(NULL) >= 0)
		puts("a process that waits for ever has ended");
	return 1;
}
