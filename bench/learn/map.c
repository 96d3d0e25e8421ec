/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map FILE N D ITERATIONS THREADS [MAP]: t-SNE of N points of D floats, with what each part of it cost. Two lines of JSON: the parts; the
 * divergence of our map, and of the one of N x 2 floats in MAP, both over all pairs (up to 20,000 points; else of ours alone, by grid).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "learn/tsne.h"
#include "math/dense.h"

enum { ALL_PAIRS = 20000 };

struct clocks {
	double cpu, wall;
};

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct clocks now(void)
{
	return (struct clocks){ seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC) };
}

static float *read_floats(const char *path, size_t n)
{
	FILE *file = fopen(path, "rb");
	float *x = malloc(n * sizeof *x);
	if (!file || !x || fread(x, sizeof *x, n, file) != n) {
		fprintf(stderr, "%s: not %zu floats\n", path, n);
		exit(1);
	}
	fclose(file);
	return x;
}

static void check(int code, const struct wh_err *err)
{
	if (code == WH_OK)
		return;
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc < 6)
		return 2;
	const size_t n = strtoul(argv[2], NULL, 10), d = strtoul(argv[3], NULL, 10);
	const struct wh_host host = { .threads = (unsigned)strtoul(argv[5], NULL, 10), .seed = 1 };
	struct wh_tsne_params params = wh_tsne_defaults;
	struct wh_affinity affinity;
	struct wh_err err;
	float *x = read_floats(argv[1], n * d), *map = calloc(2 * n, sizeof *map);
	if (!map)
		return 1;
	params.iterations = 0;
	check(wh_tsne(x, n, d, &params, &host, map, NULL, &err), &err); /* where it starts; and pages are there */
	const struct clocks start = now();
	check(wh_affinity_init(&affinity, x, n, d, params.perplexity, &host, &err), &err);
	const struct clocks middle = now();
	params.iterations = strtoul(argv[4], NULL, 10);
	check(wh_tsne_descend(&affinity, &params, &host, map, NULL, &err), &err);
	const struct clocks end = now();
	printf("{\"n\":%zu,\"d\":%zu,\"iterations\":%zu,\"threads\":%u,\"kernels\":\"%s\",\"affinity_cpu\":%.3f,\"affinity_wall\":%.3f,"
	       "\"descent_cpu\":%.3f,\"descent_wall\":%.3f}\n",
	       n, d, params.iterations, host.threads, wh_math_kernels().name, middle.cpu - start.cpu, middle.wall - start.wall, end.cpu - middle.cpu,
	       end.wall - middle.wall);
	const enum wh_repulsion_kind kind = n <= ALL_PAIRS ? WH_REPULSION_EXACT : WH_REPULSION_GRID;
	double divergence;
	check(wh_tsne_divergence(&affinity, map, kind, &host, &divergence, NULL, &err), &err);
	printf("{\"divergence\":%.6f", divergence);
	if (argc > 6) {
		float *theirs = read_floats(argv[6], 2 * n);
		check(wh_tsne_divergence(&affinity, theirs, kind, &host, &divergence, NULL, &err), &err);
		printf(",\"theirs\":%.6f", divergence);
		free(theirs);
	}
	printf("}\n");
	wh_affinity_release(&affinity);
	free(x);
	free(map);
	return 0;
}
