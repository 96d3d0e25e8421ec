/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that keeps what it should give back; leak.c loads it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void plugin_work(void);

__attribute__((noinline)) static void plugin_remember(void)
{
	void *p = malloc(300);
	if (!p) {
		static const char said[] = "plugin: out of memory\n";
		(void)!write(2, said, sizeof said - 1);
		abort();
	}
	memset(p, 1, 300);
}

void plugin_work(void)
{
	for (int i = 0; i < 1300; i++)
		plugin_remember();
}
