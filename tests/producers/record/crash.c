/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crashes as they come: crash null|abort|overflow|smash|jump|threads|exit, or crash storm RATE SECONDS: so many children a second that each
 * abort, in four different functions; prints how many of them died of a signal.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define APART __attribute__((noinline))

APART static int read_from(volatile int *p)
{
	return *p + 1;
}

APART static int overflow(volatile int depth)
{
	volatile char page[4096];
	page[0] = (char)depth;
	return (depth < 0 ? 0 : overflow(depth + 1)) + page[0]; /* compilers warn of what never ends */
}

APART static void smash(size_t n)
{
	volatile char small[8];
	for (volatile size_t i = 0; i < n; i++)
		((volatile char *)small)[i] = 'x';
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *crash_in_thread(void *unused)
{
	read_from((volatile int *)8);
	return unused;
}

APART static void threads(void)
{
	pthread_t thread;
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, wait_for_ever, NULL);
	usleep(20000);
	pthread_create(&thread, NULL, crash_in_thread, NULL);
	pthread_join(thread, NULL);
}

APART static void north(void) { abort(); }
APART static void east(void) { abort(); }
APART static void south(void) { abort(); }
APART static void west(void) { abort(); }

static int storm(long rate, long seconds)
{
	static void (*const winds[])(void) = { north, east, south, west };
	const struct timespec step = { .tv_nsec = 1000000000 / rate };
	long crashed = 0, total = rate * seconds, status;
	for (long i = 0; i < total; i++) {
		pid_t child = fork();
		if (!child)
			winds[i % 4]();
		nanosleep(&step, NULL);
		int ended;
		while (waitpid(-1, &ended, WNOHANG) > 0)
			crashed += WIFSIGNALED(ended);
	}
	for (int ended; (status = wait(&ended)) > 0;)
		crashed += WIFSIGNALED(ended);
	printf("%ld\n", crashed);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (!strcmp(what, "null"))
		return read_from((volatile int *)8);
	if (!strcmp(what, "abort"))
		north();
	if (!strcmp(what, "overflow"))
		return overflow(0);
	if (!strcmp(what, "smash"))
		smash(64 + (size_t)argc);
	if (!strcmp(what, "jump"))
		((void (*)(void))(long)(argc - 2))();
	if (!strcmp(what, "threads"))
		threads();
	if (!strcmp(what, "storm") && argc == 4)
		return storm(atol(argv[2]), atol(argv[3]));
	return 0;
}
