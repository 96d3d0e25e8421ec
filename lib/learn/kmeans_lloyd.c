/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/kmeans_lloyd.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/dense.h"
#include "math/distance.h"

enum { ROWS = 256, LANES = 8 };

void wh_lloyd_release(struct wh_lloyd *run)
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

int wh_lloyd_init(struct wh_lloyd *run, struct wh_err *err)
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
static void centroids_round(struct wh_lloyd *run)
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
static void place(struct wh_lloyd *run, size_t i, const float *product)
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
static bool in_doubt(struct wh_lloyd *run, size_t i)
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
	struct wh_lloyd *run = user;
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

static int assign(struct wh_lloyd *run, struct wh_err *err)
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
	struct wh_lloyd *run = user;
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

static void sort_by_cluster(struct wh_lloyd *run)
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
static int sum_up(struct wh_lloyd *run, struct wh_err *err)
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
static bool relocate(struct wh_lloyd *run, size_t empty, double *total, double *distance2)
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
static int update(struct wh_lloyd *run, double *moved, bool *relocated, struct wh_err *err)
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

double wh_lloyd_inertia(const struct wh_lloyd *run)
{
	double sum = 0;
	for (size_t i = 0; i < run->n; i++)
		sum += (run->weight ? run->weight[i] : 1) *
		       wh_distance2_mean(run->x + i * run->d, run->mean + run->label[i] * run->d, run->d);
	return sum;
}

int wh_lloyd_run(struct wh_lloyd *run, unsigned most, double tolerance, unsigned *iterations, struct wh_err *err)
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

int wh_lloyd_assign(struct wh_lloyd *run, struct wh_err *err)
{
	run->bounded = false;
	centroids_round(run);
	return assign(run, err);
}
