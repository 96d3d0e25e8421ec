/* SPDX-License-Identifier: Apache-2.0 */
/* shop FILE STEPS [end|abort|kill]: a program that samples itself (whorl/sample.h). Its cache has no bound; a step is a request. It ends, or dies of
 * SIGABRT, whose handler takes a last step, or of SIGKILL, which none sees. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <whorl/sample.h>

static struct wh_sample *sample;

struct entry {
	struct entry *next;
	char page[100];
};

static void last_step(int number)
{
	wh_sample_step(sample, NULL);
	signal(number, SIG_DFL);
	raise(number);
}

int main(int argc, char **argv)
{
	struct wh_err err = { 0 };
	size_t entries, kilobytes, load;
	struct entry *cache = NULL;
	int n = 0, steps = argc > 2 ? atoi(argv[2]) : 10;
	if (argc < 3 || wh_sample_open(&sample, argv[1], argc > 4 ? argv[4] : NULL, &err) != WH_OK ||
	    wh_sample_metric(sample, "cache, entries", &entries, &err) != WH_OK || wh_sample_metric(sample, "cache kB", &kilobytes, &err) != WH_OK ||
	    wh_sample_metric(sample, "load", &load, &err) != WH_OK) {
		fprintf(stderr, "shop: %s\n", *err.message ? err.message : "usage: shop FILE STEPS [end|abort|kill] [SESSION]");
		return 1;
	}
	signal(SIGABRT, last_step);
	for (int step = 0; step < steps; step++) {
		for (int i = 0; i <= step; i++, n++) {
			struct entry *entry = calloc(1, sizeof *entry);
			if (!entry)
				abort();
			entry->next = cache;
			cache = entry;
		}
		wh_sample_set(sample, entries, n);
		wh_sample_set(sample, kilobytes, n * sizeof *cache / 1024.0);
		wh_sample_set(sample, load, step % 2 ? 1.0 / 3 : 0.0 / 0.0); /* not always known */
		if (wh_sample_step(sample, &err) != WH_OK) {
			fprintf(stderr, "shop: %s: %s\n", argv[1], err.message);
			return 1;
		}
	}
	if (argc > 3 && !strcmp(argv[3], "abort"))
		abort();
	if (argc > 3 && !strcmp(argv[3], "kill"))
		kill(getpid(), SIGKILL);
	for (struct entry *next; cache; cache = next) {
		next = cache->next;
		free(cache);
	}
	wh_sample_close(sample);
	return 0;
}
