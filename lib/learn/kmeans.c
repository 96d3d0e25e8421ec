/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "learn/kmeans_lloyd.h"
#include "math/distance.h"

enum { STARTS = 10, ITERATIONS = 300 };

/* All starts. */
struct search {
	const struct wh_kmeans_params *params;
	const double *centre; /* d: what was taken from x */
	struct wh_lloyd *runs;     /* one a worker */
	unsigned starts, most;
	double tolerance;
	struct best {
		double inertia;
		unsigned start, iterations;
		double *mean;     /* k x d */
		uint32_t *label;  /* n */
	} *best;                  /* one a worker */
};

static int first_centroids(const struct search *search, struct wh_lloyd *run, size_t start, struct wh_err *err)
{
	size_t d = run->d;
	if (search->params->from) {
		for (size_t i = 0; i < run->k * d; i++)
			run->mean[i] = search->params->from[i] - search->centre[i % d];
		return WH_OK;
	}
	WH_TRY(wh_kmeans_plus_plus(run->x, run->n, d, run->weight, run->k, search->params->seed + start, run->host, run->order, err));
	for (size_t j = 0; j < run->k; j++)
		for (size_t c = 0; c < d; c++)
			run->mean[j * d + c] = run->x[run->order[j] * d + c];
	return WH_OK;
}

static int try_starts(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct search *search = user;
	struct wh_lloyd *run = &search->runs[worker];
	struct best *best = &search->best[worker];
	for (size_t start = first; start < last; start++) {
		unsigned iterations;
		WH_TRY(first_centroids(search, run, start, err));
		WH_TRY(wh_lloyd_run(run, search->most, search->tolerance, &iterations, err));
		double inertia = wh_lloyd_inertia(run);
		if (inertia > best->inertia || (inertia == best->inertia && start > best->start))
			continue;
		best->inertia = inertia;
		best->start = (unsigned)start;
		best->iterations = iterations;
		memcpy(best->mean, run->mean, run->k * run->d * sizeof *run->mean);
		memcpy(best->label, run->label, run->n * sizeof *run->label);
	}
	return WH_OK;
}

/* By their smallest points, where there was no order to keep. */
static void number(const struct search *search, const struct best *best, size_t n, uint32_t *label, struct wh_kmeans *result,
		   uint32_t *now)
{
	for (size_t j = 0; j < result->k; j++)
		now[j] = UINT32_MAX;
	for (size_t i = 0; i < n; i++)
		if (now[best->label[i]] == UINT32_MAX)
			now[best->label[i]] = (uint32_t)result->used++;
	for (size_t j = 0, next = result->used; j < result->k; j++)
		if (search->params->from)
			now[j] = (uint32_t)j;
		else if (now[j] == UINT32_MAX)
			now[j] = (uint32_t)next++;
	for (size_t i = 0; i < n; i++)
		label[i] = now[best->label[i]];
	for (size_t j = 0; j < result->k; j++)
		for (size_t c = 0; c < result->d; c++)
			result->centroid[now[j] * result->d + c] = (float)(best->mean[j * result->d + c] + search->centre[c]);
}

static int run_search(struct search *search, const float *x, const double *norm, size_t n, size_t d, const uint32_t *weight,
		      const struct wh_host *host, uint32_t *label, struct wh_kmeans *result, struct wh_err *err)
{
	/* many starts run side by side, a single one on all threads */
	unsigned workers = search->starts > 1 ? wh_host_threads(host) : 1;
	if (workers > search->starts)
		workers = search->starts;
	size_t k = result->k;
	const struct wh_host alone = { .threads = 1, .cancelled = host ? host->cancelled : NULL };
	const struct wh_host outer = { .threads = workers, .cancelled = host ? host->cancelled : NULL };
	search->runs = calloc(workers, sizeof *search->runs);
	search->best = calloc(workers, sizeof *search->best);
	result->centroid = malloc((k * d + 1) * sizeof *result->centroid);
	uint32_t *now = malloc(k * sizeof *now);
	int code = WH_OK;
	if (!search->runs || !search->best || !result->centroid || !now)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned w = 0; code == WH_OK && w < workers; w++) {
		struct best *best = &search->best[w];
		search->runs[w] = (struct wh_lloyd){ .x = x, .norm = norm, .weight = weight, .n = n, .d = d, .k = k,
						     .host = search->starts > 1 ? &alone : host };
		*best = (struct best){ .inertia = INFINITY, .mean = malloc((k * d + 1) * sizeof *best->mean),
				       .label = malloc(n * sizeof *best->label) };
		code = wh_lloyd_init(&search->runs[w], err);
		if (code == WH_OK && (!best->mean || !best->label))
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	if (code == WH_OK)
		code = wh_parallel(&outer, NULL, search->starts, 1, try_starts, search, err);
	if (code == WH_OK) {
		const struct best *best = &search->best[0];
		for (unsigned w = 1; w < workers; w++)
			if (search->best[w].inertia < best->inertia ||
			    (search->best[w].inertia == best->inertia && search->best[w].start < best->start))
				best = &search->best[w];
		result->inertia = best->inertia;
		result->iterations = best->iterations;
		number(search, best, n, label, result, now);
	}
	for (unsigned w = 0; w < workers; w++) {
		if (search->runs)
			wh_lloyd_release(&search->runs[w]);
		if (search->best) {
			free(search->best[w].mean);
			free(search->best[w].label);
		}
	}
	free(search->runs);
	free(search->best);
	free(now);
	return code;
}

int wh_kmeans(const float *x, size_t n, size_t d, const uint32_t *weight, const struct wh_kmeans_params *params,
	      const struct wh_host *host, uint32_t *label, struct wh_kmeans *result, struct wh_err *err)
{
	*result = (struct wh_kmeans){ .k = params->k, .d = d };
	if (!params->k || params->k > n)
		return wh_err_set(err, WH_E_USAGE, "%zu points cannot make %zu clusters", n, params->k);
	if (n >= INT32_MAX || d >= INT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu points of %zu values are too many to cluster", n, d);
	for (size_t i = 0; i < n * d; i++)
		if (!isfinite(x[i]))
			return wh_err_set(err, WH_E_USAGE, "point %zu has a value that is not finite", i / d);
	/* products of numbers far from 0 would drown what tells them apart */
	double *centre = malloc((d + 1) * sizeof *centre), *norm = malloc(n * sizeof *norm);
	float *centred = malloc((n * d + 1) * sizeof *centred);
	int code = WH_OK;
	if (!centre || !norm || !centred) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		double variance = 0, total = 0;
		wh_mean_row(x, n, d, weight, centre);
		for (size_t i = 0; i < n; i++) {
			double w = weight ? weight[i] : 1;
			for (size_t c = 0; c < d; c++)
				centred[i * d + c] = (float)(x[i * d + c] - centre[c]);
			norm[i] = wh_norm2(centred + i * d, d);
			variance += w * norm[i];
			total += w;
		}
		double tolerance = params->tolerance == 0 ? 1e-4 : params->tolerance;
		struct search search = { .params = params, .centre = centre,
					 .starts = params->from ? 1 : params->starts ? params->starts : STARTS,
					 .most = params->iterations ? params->iterations : ITERATIONS,
					 .tolerance = tolerance < 0 ? -1 : tolerance * variance / total / (d ? (double)d : 1) };
		code = run_search(&search, centred, norm, n, d, weight, host, label, result, err);
	}
	free(centre);
	free(norm);
	free(centred);
	if (code != WH_OK)
		wh_kmeans_release(result);
	return code;
}

void wh_kmeans_release(struct wh_kmeans *result)
{
	free(result->centroid);
	result->centroid = NULL;
}

int wh_kmeans_assign(const float *x, size_t n, size_t d, const float *centroid, size_t k, const struct wh_host *host, uint32_t *label,
		     double *distance, struct wh_err *err)
{
	double *norm = malloc((n + 1) * sizeof *norm);
	struct wh_lloyd run = { .x = x, .norm = norm, .n = n, .d = d, .k = k, .host = host };
	int code = norm ? wh_lloyd_init(&run, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		for (size_t i = 0; i < n; i++)
			norm[i] = wh_norm2(x + i * d, d);
		for (size_t i = 0; i < k * d; i++)
			run.mean[i] = centroid[i];
		code = wh_lloyd_assign(&run, err);
	}
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		label[i] = run.label[i];
		if (distance)
			distance[i] = sqrt(wh_distance2(x + i * d, centroid + run.label[i] * d, d));
	}
	wh_lloyd_release(&run);
	free(norm);
	return code;
}
