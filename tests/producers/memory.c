/* SPDX-License-Identifier: Apache-2.0 */
/* memory KIND: one memory error, for the reports of AddressSanitizer, LeakSanitizer, MemorySanitizer and Valgrind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APART __attribute__((noinline))

static char global[8];

APART static int read_past(char *block)
{
	return block[10];
}

APART static void write_past(char *block)
{
	block[10] = 1;
}

APART static int read_global(int i)
{
	return global[i];
}

APART static int deep(int n)
{
	volatile char room[512];
	room[0] = (char)n;
	return deep(n + 1) + room[0];
}

APART static void lose(void)
{
	char *volatile block = malloc(40);
	char *volatile other = malloc(24);
	block = NULL;
	other = NULL;
	(void)block;
	(void)other;
}

APART static int decide(const int *block)
{
	return *block ? puts("set") : 0;
}

APART static void store(int *to)
{
	*to = 1;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	char *volatile block = malloc(10);
	if (!strcmp(kind, "read"))
		return read_past(block);
	if (!strcmp(kind, "write"))
		write_past(block);
	if (!strcmp(kind, "global"))
		return read_global(argc + 7);
	if (!strcmp(kind, "freed")) {
		free(block);
		return read_past(block - 6);
	}
	if (!strcmp(kind, "twice")) {
		free(block);
		free(block);
	}
	if (!strcmp(kind, "bad-free"))
		free(block + 1);
	if (!strcmp(kind, "deep"))
		return deep(argc);
	if (!strcmp(kind, "leak"))
		lose();
	if (!strcmp(kind, "undefined"))
		return decide(malloc(sizeof(int)));
	if (!strcmp(kind, "param"))
		return write(1, malloc(4), 4) < 0;
	if (!strcmp(kind, "overlap"))
		memcpy(block + argc, block, 6);
	if (!strcmp(kind, "null"))
		store(NULL);
	if (!strcmp(kind, "abort"))
		abort();
	if (!strcmp(kind, "huge"))
		return !malloc((size_t)-1 >> argc);
	free(block);
	return 0;
}
