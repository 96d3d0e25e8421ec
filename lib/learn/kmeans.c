/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/kmeans.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/dense.h"
#include "math/distance.h"

enum { ROWS = 256, STARTS = 10, ITERATIONS = 300, LANES = 8 };

/* One start, from its first centroids to its last labels. */
struct run {
	const float *x;       /* n x d */
	const double *norm;   /* n: squared norms of rows */
	const uint32_t *weight;
	size_t n, d, k;
	const struct wh_host *host;
	double *mean, *next;  /* k x d: the centroids, and what they become */
	float *centroid;      /* k x d: mean, rounded for the product */
	double *mean_norm;    /* k: squared norms of centroid */
	double *move;         /* k: how far each centroid went */
	double *sum, *total;  /* k x d, k: of the points by `summed`, and their weight */
	uint32_t *summed;     /* n: label when that was so */
	bool has_sums;
	double longest, second; /* of move */
	uint32_t farthest_mover;
	double slack;         /* of a point of norm 1: by how much two of its float scores may be wrong */
	double *upper, *lower; /* n: bounds of the distance to the own centroid and to any other */
	uint32_t *label;      /* n */
	uint32_t *order, *end; /* n, k + 1: the points by cluster */
	float *rows, *product; /* of each worker: ROWS x d, ROWS x k */
	bool bounded;         /* label and the bounds mean something */
	atomic_size_t changed;
};

static void run_release(struct run *run)
{
	free(run->mean);
	free(run->next);
	free(run->centroid);
	free(run->mean_norm);
	free(run->move);
	free(run->sum);
	free(run->total);
	free(run->summed);
	free(run->upper);
	free(run->lower);
	free(run->label);
	free(run->order);
	free(run->end);
	free(run->rows);
	free(run->product);
}

static int run_init(struct run *run, struct wh_err *err)
{
	size_t n = run->n, kd = run->k * run->d, workers = wh_host_threads(run->host), rows = n < ROWS ? n : ROWS;
	run->mean = malloc((kd + 1) * sizeof *run->mean);
	run->next = malloc((kd + 1) * sizeof *run->next);
	run->centroid = malloc((kd + 1) * sizeof *run->centroid);
	run->mean_norm = malloc(run->k * sizeof *run->mean_norm);
	run->move = calloc(run->k, sizeof *run->move);
	run->sum = malloc((kd + 1) * sizeof *run->sum);
	run->total = malloc(2 * run->k * sizeof *run->total);
	run->summed = malloc((n + 1) * sizeof *run->summed);
	run->upper = malloc((n + 1) * sizeof *run->upper);
	run->lower = malloc((n + 1) * sizeof *run->lower);
	run->label = malloc((n + 1) * sizeof *run->label);
	run->order = malloc((n + 1) * sizeof *run->order);
	run->end = malloc((run->k + 1) * sizeof *run->end);
	run->rows = malloc((workers * rows * run->d + 1) * sizeof *run->rows);
	run->product = malloc((workers * rows * run->k + 1) * sizeof *run->product);
	if (run->mean && run->next && run->centroid && run->mean_norm && run->move && run->sum && run->total && run->summed &&
	    run->upper && run->lower && run->label && run->order && run->end && run->rows && run->product)
		return WH_OK;
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* What the product needs of new centroids. The error of a float dot product of length d grows with sqrt(d) for all but adversaries
 * (Higham and Mary 2019); rounding the centroid costs half a unit more. Two scores may err in opposite directions, twice each. */
static void centroids_round(struct run *run)
{
	double largest = 0;
	for (size_t i = 0; i < run->k * run->d; i++)
		run->centroid[i] = (float)run->mean[i];
	for (size_t j = 0; j < run->k; j++) {
		run->mean_norm[j] = 0;
		for (size_t c = 0; c < run->d; c++)
			run->mean_norm[j] += run->mean[j * run->d + c] * run->mean[j * run->d + c];
		if (run->mean_norm[j] > largest)
			largest = run->mean_norm[j];
	}
	run->slack = 4 * (4 * sqrt((double)run->d) + 4) * FLT_EPSILON / 2 * sqrt(largest);
}

/* Puts point i to the nearest centroid; product: its dot products with all. */
static void place(struct run *run, size_t i, const float *product)
{
	double best = INFINITY, second = INFINITY, slack = run->slack * sqrt(run->norm[i]);
	uint32_t at = 0;
	for (size_t j = 0; j < run->k; j++) {
		double score = run->mean_norm[j] - 2.0 * product[j];
		if (score < best) {
			second = best;
			best = score;
			at = (uint32_t)j;
		} else if (score < second) {
			second = score;
		}
	}
	double nearest = run->norm[i] + best + slack, other = run->norm[i] + second - slack;
	if (second - best <= slack) {
		double within = best + slack;
		nearest = other = INFINITY;
		for (size_t j = 0; j < run->k; j++) {
			double score = run->mean_norm[j] - 2.0 * product[j], distance2 = run->norm[i] + score - slack;
			if (score <= within)
				distance2 = wh_distance2_mean(run->x + i * run->d, run->mean + j * run->d, run->d);
			if (score <= within && distance2 < nearest) {
				other = fmin(other, nearest);
				nearest = distance2;
				at = (uint32_t)j;
			} else if (distance2 < other) {
				other = distance2;
			}
		}
	}
	if (!run->bounded || at != run->label[i])
		atomic_fetch_add(&run->changed, 1);
	run->label[i] = at;
	run->upper[i] = sqrt(fmax(nearest, 0));
	run->lower[i] = sqrt(fmax(other, 0));
}

/* Whether point i may have changed its cluster, since the centroids moved. */
static bool in_doubt(struct run *run, size_t i)
{
	const double rounding = 1 + 1e-12;
	if (!run->bounded)
		return true;
	uint32_t own = run->label[i];
	run->upper[i] += run->move[own];
	run->lower[i] -= own == run->farthest_mover ? run->second : run->longest;
	if (run->upper[i] * rounding < run->lower[i])
		return false;
	run->upper[i] = sqrt(wh_distance2_mean(run->x + i * run->d, run->mean + own * run->d, run->d));
	return run->upper[i] * rounding >= run->lower[i];
}

static int assign_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct run *run = user;
	size_t d = run->d, rows = run->n < ROWS ? run->n : ROWS, m = 0;
	float *copy = run->rows + worker * rows * d, *product = run->product + worker * rows * run->k;
	uint32_t doubtful[ROWS];
	for (size_t i = first; i < last; i++)
		if (in_doubt(run, i))
			doubtful[m++] = (uint32_t)i;
	if (!m)
		return WH_OK;
	const float *from = run->x + first * d;
	if (m < last - first) {
		for (size_t i = 0; i < m; i++)
			memcpy(copy + i * d, run->x + doubtful[i] * d, d * sizeof *copy);
		from = copy;
	}
	size_t lead = d ? d : 1;
	wh_gemm(false, true, m, run->k, d, 1, from, lead, run->centroid, lead, 0, product, run->k);
	for (size_t i = 0; i < m; i++)
		place(run, doubtful[i], product + i * run->k);
	return WH_OK;
}

static int assign(struct run *run, struct wh_err *err)
{
	atomic_store(&run->changed, 0);
	WH_TRY(wh_parallel(run->host, NULL, run->n, ROWS, assign_rows, run, err));
	run->bounded = true;
	return WH_OK;
}

/* sum += w row. In lanes, since the compiler does not cut a loop of unknown length into such by itself. */
static void add_row(double *sum, const float *row, double w, size_t d)
{
	size_t c = 0;
	for (; c + LANES <= d; c += LANES)
		for (size_t l = 0; l < LANES; l++)
			sum[c + l] += w * row[c + l];
	for (; c < d; c++)
		sum[c] += w * row[c];
}

/* Sums of the points of clusters first … last-1, each in the order of the points. */
static int sum_clusters(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct run *run = user;
	for (size_t j = first; j < last; j++) {
		double *sum = run->sum + j * run->d;
		memset(sum, 0, run->d * sizeof *sum);
		run->total[j] = 0;
		for (uint32_t at = j ? run->end[j - 1] : 0; at < run->end[j]; at++) {
			double w = run->weight ? run->weight[run->order[at]] : 1;
			run->total[j] += w;
			add_row(sum, run->x + run->order[at] * run->d, w, run->d);
		}
	}
	return WH_OK;
}

static void sort_by_cluster(struct run *run)
{
	memset(run->end, 0, (run->k + 1) * sizeof *run->end);
	for (size_t i = 0; i < run->n; i++)
		run->end[run->label[i] + 1]++;
	for (size_t j = 1; j < run->k; j++)
		run->end[j] += run->end[j - 1];
	for (size_t i = 0; i < run->n; i++)
		run->order[run->end[run->label[i]]++] = (uint32_t)i;
}

/* Brings sums up to date: of points that changed their cluster where these are few, else of all. */
static int sum_up(struct run *run, struct wh_err *err)
{
	if (!run->has_sums || atomic_load(&run->changed) > run->n / 4) {
		sort_by_cluster(run);
		WH_TRY(wh_parallel(run->host, NULL, run->k, 1, sum_clusters, run, err));
	} else {
		for (size_t i = 0; i < run->n; i++) {
			uint32_t from = run->summed[i], to = run->label[i];
			if (from == to)
				continue;
			double w = run->weight ? run->weight[i] : 1;
			add_row(run->sum + from * run->d, run->x + i * run->d, -w, run->d);
			add_row(run->sum + to * run->d, run->x + i * run->d, w, run->d);
			run->total[from] -= w;
			run->total[to] += w;
		}
	}
	memcpy(run->summed, run->label, run->n * sizeof *run->summed);
	run->has_sums = true;
	return WH_OK;
}

/* Gives the cluster `empty` the point farthest from its own centroid, and takes it from the cluster that has it, in the sums run->next and
 * their weights. False: every point lies on its centroid. */
static bool relocate(struct run *run, size_t empty, double *total, double *distance2)
{
	size_t farthest = 0, d = run->d;
	for (size_t i = 1; i < run->n; i++)
		if (distance2[i] > distance2[farthest])
			farthest = i;
	if (distance2[farthest] <= 0)
		return false;
	distance2[farthest] = -1; /* is taken */
	double w = run->weight ? run->weight[farthest] : 1;
	size_t old = run->label[farthest];
	for (size_t c = 0; c < d; c++) {
		double value = w * run->x[farthest * d + c];
		run->next[old * d + c] -= value;
		run->next[empty * d + c] = value;
	}
	total[old] -= w;
	total[empty] = w;
	return true;
}

/* New centroids in run->mean, and how far they went: the sum of squares. */
static int update(struct run *run, double *moved, bool *relocated, struct wh_err *err)
{
	WH_TRY(sum_up(run, err));
	bool measured = false;
	*relocated = false;
	double *total = run->total + run->k; /* as relocated; the sums themselves stay those of the labels */
	memcpy(run->next, run->sum, run->k * run->d * sizeof *run->next);
	memcpy(total, run->total, run->k * sizeof *total);
	double *distance2 = run->upper; /* free until the next bounds, which are then taken anew */
	for (size_t j = 0; j < run->k; j++) {
		if (run->total[j] > 0)
			continue;
		for (size_t i = 0; i < run->n && !measured; i++)
			distance2[i] = wh_distance2_mean(run->x + i * run->d, run->mean + run->label[i] * run->d, run->d);
		measured = true;
		if (!relocate(run, j, total, distance2))
			break;
		*relocated = true;
	}
	*moved = run->longest = run->second = 0;
	for (size_t j = 0; j < run->k; j++) {
		double *to = run->next + j * run->d, *from = run->mean + j * run->d;
		if (total[j] > 0)
			for (size_t c = 0; c < run->d; c++)
				to[c] /= total[j];
		else
			memcpy(to, from, run->d * sizeof *to);
		double move2 = wh_distance2_means(to, from, run->d);
		*moved += move2;
		run->move[j] = sqrt(move2);
		if (run->move[j] > run->longest) {
			run->second = run->longest;
			run->longest = run->move[j];
			run->farthest_mover = (uint32_t)j;
		} else if (run->move[j] > run->second) {
			run->second = run->move[j];
		}
	}
	if (measured)
		for (size_t i = 0; i < run->n; i++) /* no bound: the point will be measured */
			run->upper[i] = INFINITY;
	double *swap = run->mean;
	run->mean = run->next;
	run->next = swap;
	centroids_round(run);
	return WH_OK;
}

static double inertia_of(const struct run *run)
{
	double sum = 0;
	for (size_t i = 0; i < run->n; i++)
		sum += (run->weight ? run->weight[i] : 1) *
		       wh_distance2_mean(run->x + i * run->d, run->mean + run->label[i] * run->d, run->d);
	return sum;
}

/* From run->mean to labels that belong to run->mean. tolerance: in the data's unit, squared; below 0: until nothing changes. */
static int lloyd(struct run *run, unsigned most, double tolerance, unsigned *iterations, struct wh_err *err)
{
	run->bounded = run->has_sums = false;
	run->longest = run->second = 0;
	centroids_round(run);
	for (*iterations = 0; *iterations < most;) {
		double moved;
		bool relocated;
		WH_TRY(assign(run, err));
		WH_TRY(update(run, &moved, &relocated, err));
		++*iterations;
		if (!atomic_load(&run->changed) && !relocated)
			return WH_OK;
		if (moved <= tolerance)
			break;
	}
	return assign(run, err);
}

/* All starts. */
struct search {
	const struct wh_kmeans_params *params;
	const double *centre; /* d: what was taken from x */
	struct run *runs;     /* one a worker */
	unsigned starts, most;
	double tolerance;
	struct best {
		double inertia;
		unsigned start, iterations;
		double *mean;     /* k x d */
		uint32_t *label;  /* n */
	} *best;                  /* one a worker */
};

static int first_centroids(const struct search *search, struct run *run, size_t start, struct wh_err *err)
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
	struct run *run = &search->runs[worker];
	struct best *best = &search->best[worker];
	for (size_t start = first; start < last; start++) {
		unsigned iterations;
		WH_TRY(first_centroids(search, run, start, err));
		WH_TRY(lloyd(run, search->most, search->tolerance, &iterations, err));
		double inertia = inertia_of(run);
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
		search->runs[w] = (struct run){ .x = x, .norm = norm, .weight = weight, .n = n, .d = d, .k = k,
						.host = search->starts > 1 ? &alone : host };
		*best = (struct best){ .inertia = INFINITY, .mean = malloc((k * d + 1) * sizeof *best->mean),
				       .label = malloc(n * sizeof *best->label) };
		code = run_init(&search->runs[w], err);
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
			run_release(&search->runs[w]);
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
	struct run run = { .x = x, .norm = norm, .n = n, .d = d, .k = k, .host = host };
	int code = norm ? run_init(&run, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		for (size_t i = 0; i < n; i++)
			norm[i] = wh_norm2(x + i * d, d);
		for (size_t i = 0; i < k * d; i++)
			run.mean[i] = centroid[i];
		centroids_round(&run);
		code = assign(&run, err);
	}
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		label[i] = run.label[i];
		if (distance)
			distance[i] = sqrt(wh_distance2(x + i * d, centroid + run.label[i] * d, d));
	}
	run_release(&run);
	free(norm);
	return code;
}
