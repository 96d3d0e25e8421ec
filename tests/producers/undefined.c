/* SPDX-License-Identifier: Apache-2.0 */
/* undefined: several kinds of undefined behaviour in turn, for UndefinedBehaviorSanitizer with halt_on_error=0. */
#include <limits.h>
#include <stdlib.h>

#define APART __attribute__((noinline))

APART static int add(int a, int b)
{
	return a + b;
}

APART static int shift(int a, int by)
{
	return a << by;
}

APART static int at(const int *table, int i)
{
	int copy[4] = { table[0], table[1], table[2], table[3] };
	return copy[i];
}

APART static int load(const char *bytes)
{
	return *(const int *)(const void *)(bytes + 1);
}

int main(int argc, char **argv)
{
	static const int table[8] = { 0 };
	(void)argv;
	volatile int sum = add(INT_MAX, argc);
	sum = shift(1, argc + 31);
	sum = at(table, argc + 3);
	sum = load((const char *)table);
	return sum & 1;
}
