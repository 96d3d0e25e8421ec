/* SPDX-License-Identifier: Apache-2.0 */
/* crash KIND: dies in one of the ways that backtraces are made of. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct point {
	int x, y;
};

static int recurse(int depth, const char *text)
{
	struct point at = { depth, -depth };
	if (depth == 0)
		*(volatile int *)(uintptr_t)16 = at.x;
	return recurse(depth - 1, text) + at.y;
}

static void jump_to_null(void)
{
	void (*volatile f)(void) = NULL;
	f();
}

static __attribute__((noinline)) void smash(size_t n)
{
	char small[8];
	for (volatile size_t i = 0; i < n; i++)
		((volatile char *)small)[i] = 'A';
	printf("%p\n", (void *)small);
}

static void on_signal(int number)
{
	signal(number, SIG_DFL);
	abort();
}

static void strings(const char *quoted, char one, struct point at, double real)
{
	char local[] = "#1  0x0 in fake () at fake.c:1";
	*(volatile char *)(uintptr_t)(at.x + local[0] - local[0] + (real < 0) + (quoted == NULL)) = one;
}

static pthread_barrier_t barrier;

static void *idle(void *name)
{
	(void)name;
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
}

static void *dying(void *name)
{
	pthread_setname_np(pthread_self(), "dying");
	pthread_barrier_wait(&barrier);
	usleep(100000);
	recurse(2, name);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	if (!strcmp(kind, "recurse"))
		return recurse(3, "deep (down) at x.c:3 from y.so");
	if (!strcmp(kind, "abort"))
		abort();
	if (!strcmp(kind, "assert"))
		assert(argc == 17);
	if (!strcmp(kind, "null"))
		jump_to_null();
	if (!strcmp(kind, "smash"))
		smash(200);
	if (!strcmp(kind, "handler")) {
		signal(SIGSEGV, on_signal);
		recurse(1, "");
	}
	if (!strcmp(kind, "strings"))
		strings("a (b, \"c\") at d.c:4 from \\e", '(', (struct point){ 8, 9 }, 2.5);
	if (!strcmp(kind, "threads")) {
		pthread_t threads[3];
		pthread_barrier_init(&barrier, NULL, 4);
		pthread_create(&threads[0], NULL, idle, NULL);
		pthread_create(&threads[1], NULL, dying, "thread");
		pthread_create(&threads[2], NULL, idle, NULL);
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
	}
	return 0;
}
