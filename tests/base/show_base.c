/* SPDX-License-Identifier: Apache-2.0 */
/* show_base < REQUESTS: a line each of `parse TEXT`, `format NS`, `random SEED`: what the oracle compares with Python. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/time.h"

static void answer(const char *line)
{
	char text[WH_TIME_TEXT];
	int64_t time;
	struct wh_rng rng;
	if (!strncmp(line, "parse ", 6)) {
		if (wh_time_parse(line + 6, strlen(line + 6), &time))
			printf("none\n");
		else
			printf("%" PRId64 "\n", time);
	} else if (!strncmp(line, "format ", 7)) {
		printf("%s\n", wh_time_format(strtoll(line + 7, NULL, 10), text));
	} else {
		wh_rng_init(&rng, strtoull(line + 7, NULL, 10));
		for (int i = 0; i < 5; i++)
			printf("%" PRIu64 "%c", wh_rng_next(&rng), i < 4 ? ' ' : '\n');
	}
}

int main(void)
{
	char line[256];
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		answer(line);
	}
	return 0;
}
