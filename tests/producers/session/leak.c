/* SPDX-License-Identifier: Apache-2.0 */
/* leak STEPS: keeps 40 blocks a step in one function, 5 larger ones in another, and gives back what a third one takes; a step lasts PAUSE_MS. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *kept;

__attribute__((noinline)) static void keep(size_t size)
{
	void **block = malloc(size);
	if (!block)
		exit(1);
	memset(block, 1, size);
	*block = kept;
	kept = block;
}

__attribute__((noinline)) static void cache_entry(void)
{
	keep(256);
}

__attribute__((noinline)) static void session_buffer(void)
{
	keep(16384);
}

__attribute__((noinline)) static void work(void)
{
	char *scratch = malloc(100000);
	if (scratch)
		memset(scratch, 2, 100000);
	free(scratch);
}

int main(int argc, char **argv)
{
	int steps = argc > 1 ? atoi(argv[1]) : 10;
	const char *pause = getenv("PAUSE_MS");
	for (int step = 0; step < steps; step++) {
		for (int i = 0; i < 40; i++)
			cache_entry();
		for (int i = 0; i < 5; i++)
			session_buffer();
		work();
		usleep(1000u * (unsigned)(pause ? atoi(pause) : 0));
	}
	return 0;
}
