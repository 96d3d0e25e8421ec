/* SPDX-License-Identifier: Apache-2.0 */
/*
 * describe [--first N] FILE.jsonl…: what a corpus of labelled, normalised stacks (`whorl stack show`) looks like, one `name value` a line.
 * Made to hold a synthetic corpus beside real ones. With --first N only the first N reports of a file count: most of these numbers
 * depend on the size, and a real corpus is small.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/corpus.h"
#include "stack/restaurant.h"

enum { SAMPLE = 1000 };

static int down(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x > y ? -1 : x < y;
}

static int up(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void quantiles(const char *name, double *values, size_t n)
{
	static const double at[] = { 0.1, 0.25, 0.5, 0.75, 0.9, 0.99 };
	printf("%s", name);
	qsort(values, n, sizeof *values, up);
	for (size_t i = 0; n && i < sizeof at / sizeof *at; i++)
		printf("\tp%.0f %.3g", 100 * at[i], values[(size_t)(at[i] * (double)(n - 1))]);
	putchar('\n');
}

/* sizes: sorted, largest first */
static void concentration(const char *name, uint32_t *sizes, size_t n)
{
	double total = 0, weighted = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
	size_t once = 0, points = 0;
	qsort(sizes, n, sizeof *sizes, down);
	for (size_t i = 0; i < n; i++) {
		total += sizes[i];
		weighted += (double)(n - i) * sizes[i]; /* rank from the smallest */
		once += sizes[i] == 1;
		if (sizes[i] > 1) {
			double x = log((double)i + 1), y = log(sizes[i]);
			sx += x, sy += y, sxx += x * x, sxy += x * y;
			points++;
		}
	}
	double gini = n && total > 0 ? 2 * weighted / ((double)n * total) - ((double)n + 1) / (double)n : 0;
	double spread = (double)points * sxx - sx * sx;
	printf("%s\tn %zu\tgini %.3f\tzipf %.2f\tsingletons %.3f\tlargest %.4f\n", name, n, gini,
	       spread > 0 ? -((double)points * sxy - sx * sy) / spread : NAN, n ? (double)once / (double)n : 0, n ? sizes[0] / total : 0);
}

/* Frames in common, each as often as both have it, twice, over all frames. */
static double dice(const struct corpus *c, uint32_t a, uint32_t b, uint32_t *left, uint32_t *right)
{
	const struct stack *x = &c->stacks.data[a], *y = &c->stacks.data[b];
	size_t shared = 0;
	memcpy(left, c->frames.data + x->first, x->n * sizeof *left);
	memcpy(right, c->frames.data + y->first, y->n * sizeof *right);
	qsort(left, x->n, sizeof *left, down);
	qsort(right, y->n, sizeof *right, down);
	for (uint32_t i = 0, j = 0; i < x->n && j < y->n;) {
		shared += left[i] == right[j];
		bool first = left[i] >= right[j], second = right[j] >= left[i];
		i += first;
		j += second;
	}
	return 2 * (double)shared / (double)(x->n + y->n);
}

/* Of a sample of distinct stacks: with another of the same bug, with any of another bug, and with the nearest of another bug. */
static int similarities(const struct corpus *c, struct wh_err *err)
{
	struct wh_rng rng;
	size_t n = c->stacks.n, n_sample = n < SAMPLE ? n : SAMPLE, longest = 1, n_same = 0, n_other = 0, n_near = 0;
	for (size_t s = 0; s < n; s++)
		longest = c->stacks.data[s].n > longest ? c->stacks.data[s].n : longest;
	uint32_t *order = malloc((n + 1) * sizeof *order), *left = malloc(longest * sizeof *left), *right = malloc(longest * sizeof *right);
	double *same = calloc(n_sample * n_sample + 1, sizeof *same), *other = calloc(n_sample * n_sample + 1, sizeof *other),
	       *near = calloc(n_sample + 1, sizeof *near);
	int code = order && left && right && same && other && near ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_rng_init(&rng, 7);
	for (size_t i = 0; code == WH_OK && i < n; i++)
		order[i] = (uint32_t)i;
	if (code == WH_OK && n > SAMPLE) {
		/* a run in the order of first sight, not single picks: else no two of one bug would be in it */
		size_t from = n / 2 - SAMPLE / 2;
		memmove(order, order + from, SAMPLE * sizeof *order);
	}
	for (size_t i = 0; code == WH_OK && i < n_sample; i++) {
		double best = 0;
		for (size_t j = 0; j < n_sample; j++) {
			uint32_t a = c->stacks.data[order[i]].label, b = c->stacks.data[order[j]].label;
			if (i == j || a == UINT32_MAX || b == UINT32_MAX)
				continue;
			double s = dice(c, order[i], order[j], left, right);
			if (a == b)
				same[n_same++] = s;
			else
				other[n_other++] = s;
			if (a != b && s > best)
				best = s;
		}
		near[n_near++] = best;
	}
	if (code == WH_OK) {
		double mean = 0;
		for (size_t i = 0; i < n_other; i++)
			mean += other[i];
		quantiles("similarity within bugs", same, n_same);
		printf("similarity between bugs\tmean %.4f\n", n_other ? mean / (double)n_other : 0);
		quantiles("similarity to the nearest other bug", near, n_near);
	}
	free(order);
	free(left);
	free(right);
	free(same);
	free(other);
	free(near);
	return code;
}

static int describe(struct corpus *c, struct wh_err *err)
{
	size_t n = c->reports.n, labelled = 0;
	uint32_t *sizes = calloc(c->labels.n + c->symbols.n + c->stacks.n + 1, sizeof *sizes);
	double *lengths = calloc(c->stacks.n + 1, sizeof *lengths);
	if (!sizes || !lengths)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	printf("reports\t%zu\tempty %zu\n", n, c->empty);
	printf("distinct stacks\t%zu\tshare %.3f\n", c->stacks.n, n ? (double)c->stacks.n / (double)n : 0);
	for (size_t i = 0; i < n; i++)
		if (c->reports.data[i].label != UINT32_MAX) {
			sizes[c->reports.data[i].label]++;
			labelled++;
		}
	printf("bugs per report\t%.3f\n", labelled ? (double)c->labels.n / (double)labelled : 0);
	concentration("hits per bug", sizes, c->labels.n);
	for (size_t i = 0; i < c->stacks.n; i++) {
		sizes[i] = c->stacks.data[i].hits;
		lengths[i] = c->stacks.data[i].n;
	}
	concentration("hits per distinct stack", sizes, c->stacks.n);
	quantiles("frames", lengths, c->stacks.n);
	for (size_t i = 0; i < c->symbols.n; i++)
		sizes[i] = c->symbols.data[i].df;
	concentration("stacks per function", sizes, c->symbols.n);
	printf("share of stacks with the k-th commonest function");
	for (size_t k = 1; k <= c->symbols.n && k <= 100000; k *= 10)
		printf("\tk=%zu %.5f", k, sizes[k - 1] / (double)c->stacks.n);
	putchar('\n');
	free(sizes);
	free(lengths);
	return similarities(c, err);
}

int main(int argc, char **argv)
{
	size_t most = 0;
	int first = 1;
	if (argc > 2 && !strcmp(argv[1], "--first")) {
		most = strtoull(argv[2], NULL, 10);
		first = 3;
	}
	struct wh_err err = { 0 };
	int code = WH_OK;
	for (int i = first; code == WH_OK && i < argc; i++) {
		struct corpus c;
		corpus_init(&c);
		printf("corpus\t%s\n", argv[i]);
		code = corpus_read(&c, argv[i], most, &err);
		if (code == WH_OK)
			code = corpus_count(&c, 1, &err);
		if (code == WH_OK)
			code = describe(&c, &err);
		corpus_release(&c);
	}
	if (code != WH_OK)
		fprintf(stderr, "describe: %s\n", err.message);
	return code != WH_OK;
}
