/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocate WHAT: allocates in a way whose outcome is known, says on standard output what is alive by then, `FUNCTION OBJECTS BYTES` a line, then `ready`,
 * and waits for the end of its input.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noinline, noclone))

enum { SMALL = 400000, LARGE = 400, THREADS = 4 };

static void *small[SMALL], *large[LARGE];

static void say(const char *function, size_t objects, size_t bytes)
{
	printf("%s %zu %zu\n", function, objects, bytes);
}

static void wait_for_end(void)
{
	char drop[16];
	puts("ready");
	fflush(stdout);
	while (read(0, drop, sizeof drop) > 0)
		;
}

APART static void *take_small(size_t n) { return malloc(n); }
APART static void *take_large(size_t n) { return calloc(1, n); }

static void sizes(void)
{
	size_t bytes = 0;
	for (size_t i = 0; i < SMALL; i++)
		small[i] = take_small(i % 2 ? 48 : 272);
	for (size_t i = 0; i < SMALL; i += 4)
		free(small[i]);
	for (size_t i = 0; i < SMALL; i++)
		bytes += i % 4 ? i % 2 ? 48 : 272 : 0;
	say("take_small", SMALL / 4 * 3, bytes);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = take_large(200000);
	for (size_t i = 0; i < LARGE; i += 2)
		free(large[i]);
	say("take_large", LARGE / 2, LARGE / 2 * (size_t)200000);
}

APART static void *grow(void *p, size_t n) { return realloc(p, n); }
APART static void *grow_array(void *p, size_t n) { return reallocarray(p, n, 1000); }

static void reallocs(void)
{
	char *p = NULL, *q = NULL;
	for (size_t n = 1; n <= 300; n++)
		p = grow(p, n * 100000);
	for (size_t n = 1; n <= 300; n++)
		q = grow_array(q, n * 100);
	p[0] = q[0] = 1;
	if (grow(p, SIZE_MAX / 4)) /* refused: p lives on */
		exit(1);
	say("grow", 1, 30000000);
	say("grow_array", 1, 30000000);
}

APART static void *take_aligned(int how, size_t n)
{
	void *p = NULL;
	switch (how) {
	case 0: return aligned_alloc(4096, n);
	case 1: return posix_memalign(&p, 4096, n) ? NULL : p;
	case 2: return memalign(64, n);
	case 3: return valloc(n);
	default: return pvalloc(n);
	}
}

static void aligned(void)
{
	for (size_t i = 0; i < 1000; i++) {
		void *p = take_aligned((int)(i % 5), 81920);
		if (!p)
			exit(1);
		if (i < 500)
			free(p);
	}
	say("take_aligned", 500, 500 * (size_t)81920);
}

APART static void *take_map(size_t n) { return mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static void mappings(void)
{
	void *maps[400];
	for (size_t i = 0; i < 400; i++)
		maps[i] = take_map(100000);
	for (size_t i = 0; i < 200; i++)
		munmap(maps[i], 100000);
	for (size_t i = 200; i < 400; i++)
		maps[i] = mremap(maps[i], 100000, 200000, MREMAP_MAYMOVE);
	say("take_map", 0, 0);
	say("mappings", 200, 200 * (size_t)200000);
}

APART static void *work(void *user)
{
	size_t first = (size_t)(uintptr_t)user;
	for (size_t i = first; i < SMALL; i += THREADS)
		small[i] = take_small(160);
	return NULL;
}

/* What one thread allocates another one frees, while a third does. */
static void threads(void)
{
	pthread_t thread[THREADS];
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < THREADS; i++)
			if (pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i))
				exit(1);
		for (size_t i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
		for (size_t i = 0; !round && i < SMALL; i++)
			free(small[i]);
	}
	for (size_t i = 0; i < SMALL; i += 2)
		free(small[i]);
	say("take_small", SMALL / 2, SMALL / 2 * (size_t)160);
}

/* The parent waits as it is; the child gives half back and takes more elsewhere. */
static void forks(void)
{
	for (size_t i = 0; i < LARGE; i++)
		large[i] = take_large(100000);
	fflush(stdout);
	pid_t child = fork();
	if (child) {
		close(0);
		waitpid(child, NULL, 0);
		return;
	}
	for (size_t i = 0; i < LARGE; i += 2)
		free(large[i]);
	for (size_t i = 0; i < SMALL; i++)
		small[i] = take_small(100);
	printf("process %d parent %d\n", (int)getpid(), (int)getppid());
	say("take_large", LARGE / 2, LARGE / 2 * (size_t)100000);
	say("take_small", SMALL, SMALL * (size_t)100);
}

static void execs(char **argv)
{
	static char again[] = "nothing";
	for (size_t i = 0; i < LARGE; i++)
		large[i] = take_large(100000);
	argv[1] = again;
	execv("/proc/self/exe", argv);
	exit(1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "nothing";
	if (!strcmp(what, "sizes"))
		sizes();
	else if (!strcmp(what, "reallocs"))
		reallocs();
	else if (!strcmp(what, "aligned"))
		aligned();
	else if (!strcmp(what, "mappings"))
		mappings();
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "forks"))
		forks();
	else if (!strcmp(what, "execs"))
		execs(argv);
	else
		say("take_large", 0, 0);
	errno = 0;
	free(take_small(16)); /* what is not sampled leaves errno alone, and what is, too */
	if (errno)
		return 2;
	wait_for_end();
	return 0;
}
