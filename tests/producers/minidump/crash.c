/* SPDX-License-Identifier: Apache-2.0 */
/* crash KIND: dies in one of several ways, some calls deep. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAR __attribute__((noinline, noclone))

static volatile int sink;

FAR static int write_null(int *p, int n)
{
	int room[16];
	memset(room, n, sizeof room);
	*p = n + room[3];
	return room[n & 15];
}

FAR static int middle(int *p, int n)
{
	int got = write_null(p, n + 1);
	return got * 2 + sink;
}

static inline __attribute__((always_inline)) int inlined_inner(int *p, int n)
{
	return middle(p, n * 3) + 1;
}

static inline __attribute__((always_inline)) int inlined_outer(int *p, int n)
{
	return inlined_inner(p, n + 5) ^ n;
}

FAR static int outer(int *p, int n)
{
	sink += n;
	return inlined_outer(p, n) + sink;
}

FAR static int recurse(int *p, int n)
{
	char room[64];
	memset(room, n, sizeof room);
	return (n ? recurse(p, n - 1) : outer(p, 1)) + room[n & 63];
}

FAR static int jump(int (*volatile to)(int), int n)
{
	return to(n) + sink;
}

static int compare(const void *a, const void *b)
{
	outer(NULL, *(const int *)a + *(const int *)b);
	return 0;
}

FAR static int sort(void)
{
	int numbers[] = { 3, 1, 2 };
	qsort(numbers, 3, sizeof *numbers, compare);
	return numbers[0] + sink;
}

static void handler(int signal)
{
	outer(NULL, signal);
	sink++;
}

static void *run_thread(void *unused)
{
	(void)unused;
	outer(NULL, 7);
	sink++;
	return NULL;
}

static void *wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

FAR static int in_thread(void)
{
	pthread_t waiting, dying;
	pthread_create(&waiting, NULL, wait_for_ever, NULL);
	usleep(100000);
	pthread_create(&dying, NULL, run_thread, NULL);
	pthread_join(dying, NULL);
	return sink;
}

FAR static int give_up(int n)
{
	if (n)
		abort();
	return n;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "null";
	if (!strcmp(kind, "null"))
		outer(NULL, argc);
	else if (!strcmp(kind, "recurse"))
		recurse(NULL, 40);
	else if (!strcmp(kind, "jump"))
		jump(NULL, argc);
	else if (!strcmp(kind, "sort"))
		sort();
	else if (!strcmp(kind, "thread"))
		in_thread();
	else if (!strcmp(kind, "abort"))
		give_up(argc);
	else if (!strcmp(kind, "handler")) {
		signal(SIGUSR1, handler);
		raise(SIGUSR1);
	}
	return sink;
}
