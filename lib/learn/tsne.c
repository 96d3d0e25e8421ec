/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/tsne.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/thread.h"
#include "learn/knn.h"
#include "learn/tsne_repulsion.h"
#include "learn/tsne_start.h"
#include "math/clones.h"

enum {
	LANES = WH_AFFINITY_LANES,
	GRAIN = 512,       /* points of a piece */
	TELL_EVERY = 50,   /* iterations from one divergence to the next in the log */
};

static const double early_momentum = 0.5, late_momentum = 0.8; /* while exaggerated, and after */
static const float least_gain = 0.01f;

const struct wh_tsne_params wh_tsne_defaults = { .perplexity = 30, .iterations = 1000, .exaggerated = 250, .exaggeration = 12 };

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));
typedef double place __attribute__((aligned(8), may_alias)); /* both coordinates of a point, to be moved only */
typedef double eight __attribute__((vector_size(64)));

/* Sums of a piece, joined in the order of the pieces. */
struct sums {
	double moved[2];  /* of the new places */
	double surprise;  /* sum of p log(1 + d^2) */
	float low[2], high[2];
};

struct descent {
	const struct wh_affinity *affinity;
	struct wh_repulsion repulsion;
	size_t n, n_fixed;
	float *y, *next;       /* n x 2: where points are, and will be */
	float *velocity, *gain; /* n x 2 */
	float *force;          /* n x 2 */
	struct sums *sums;     /* of every piece */
	float momentum, rate, exaggeration, per_weight;
	bool ask; /* for the surprise */
	float *gradient; /* NULL: move */
};

static size_t n_pieces(const struct descent *d)
{
	return (d->n + GRAIN - 1) / GRAIN;
}

static inline float sum_of(const lanes *v)
{
	float sum = 0;
	for (int l = 0; l < LANES; l++)
		sum += (*v)[l];
	return sum;
}

/* The pull of a point's neighbours: sum of p w (y_i - y_j). Places are fetched as one word each, eight to a vector, and then parted: what
 * processors call gathering is slower. */
WH_CLONES
static void pull(const struct wh_affinity *a, const float *y, size_t i, float *to)
{
	const place *places = (const place *)(const void *)y;
	const float x = y[2 * i], down = y[2 * i + 1];
	lanes to_x = { 0 }, to_y = { 0 };
	for (size_t e = a->first[i]; e < a->first[i + 1]; e += LANES) {
		const uint32_t *o = a->other + e;
		const eight left = { places[o[0]], places[o[1]], places[o[2]], places[o[3]], places[o[4]], places[o[5]], places[o[6]], places[o[7]] };
		const eight right = { places[o[8]], places[o[9]], places[o[10]], places[o[11]], places[o[12]], places[o[13]], places[o[14]], places[o[15]] };
		const lanes l = (lanes)left, r = (lanes)right;
		const lanes dx = x - __builtin_shufflevector(l, r, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
		const lanes dy = down - __builtin_shufflevector(l, r, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
		const lanes pw = *(const lanes *)(const void *)(a->p + e) / (1.0f + dx * dx + dy * dy);
		to_x += pw * dx;
		to_y += pw * dy;
	}
	to[0] = sum_of(&to_x);
	to[1] = sum_of(&to_y);
}

static double surprise_of(const struct wh_affinity *a, const float *y, size_t i)
{
	double sum = 0;
	for (size_t e = a->first[i]; e < a->first[i + 1]; e++) {
		double dx = (double)y[2 * i] - y[2 * a->other[e]], dy = (double)y[2 * i + 1] - y[2 * a->other[e] + 1];
		sum += a->p[e] * log1p(dx * dx + dy * dy);
	}
	return sum;
}

static void bound(struct sums *sums, const float *y)
{
	for (int axis = 0; axis < 2; axis++) {
		sums->low[axis] = fminf(sums->low[axis], y[axis]);
		sums->high[axis] = fmaxf(sums->high[axis], y[axis]);
		sums->moved[axis] += y[axis];
	}
}

/* A step with gains of their own for every coordinate (Jacobs 1988), as van der Maaten's programs take it. */
static void move_point(struct descent *d, size_t i, const float gradient[2])
{
	for (size_t c = 2 * i; c < 2 * i + 2; c++) {
		float g = gradient[c - 2 * i];
		d->gain[c] = (g > 0) != (d->velocity[c] > 0) ? d->gain[c] + 0.2f : d->gain[c] * 0.8f;
		d->gain[c] = fmaxf(d->gain[c], least_gain);
		d->velocity[c] = d->momentum * d->velocity[c] - d->rate * d->gain[c] * g;
		d->next[c] = d->y[c] + d->velocity[c];
	}
}

static int step_piece(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct descent *d = user;
	struct sums sums = { .low = { INFINITY, INFINITY }, .high = { -INFINITY, -INFINITY } };
	for (size_t i = first; i < last; i++) {
		float attraction[2];
		pull(d->affinity, d->y, i, attraction);
		const float gradient[2] = { d->exaggeration * attraction[0] - d->per_weight * d->force[2 * i],
					    d->exaggeration * attraction[1] - d->per_weight * d->force[2 * i + 1] };
		if (d->ask)
			sums.surprise += surprise_of(d->affinity, d->y, i);
		if (d->gradient)
			memcpy(d->gradient + 2 * i, gradient, sizeof gradient);
		else if (i < d->n_fixed)
			memcpy(d->next + 2 * i, d->y + 2 * i, sizeof gradient);
		else
			move_point(d, i, gradient);
		if (!d->gradient)
			bound(&sums, d->next + 2 * i);
	}
	d->sums[first / GRAIN] = sums;
	return WH_OK;
}

static int bound_piece(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct descent *d = user;
	struct sums sums = { .low = { INFINITY, INFINITY }, .high = { -INFINITY, -INFINITY } };
	for (size_t i = first; i < last; i++)
		bound(&sums, d->y + 2 * i);
	d->sums[first / GRAIN] = sums;
	return WH_OK;
}

static struct sums join(const struct descent *d)
{
	struct sums all = d->sums[0];
	for (size_t p = 1; p < n_pieces(d); p++) {
		all.surprise += d->sums[p].surprise;
		for (int axis = 0; axis < 2; axis++) {
			all.moved[axis] += d->sums[p].moved[axis];
			all.low[axis] = fminf(all.low[axis], d->sums[p].low[axis]);
			all.high[axis] = fmaxf(all.high[axis], d->sums[p].high[axis]);
		}
	}
	return all;
}

static int descent_init(struct descent *d, const struct wh_affinity *a, enum wh_repulsion_kind kind, float *map, struct wh_err *err)
{
	*d = (struct descent){ .affinity = a, .n = a->n, .y = map, .exaggeration = 1 };
	bool exact = kind == WH_REPULSION_EXACT || (kind == WH_REPULSION_AUTO && a->n <= WH_TSNE_EXACT);
	d->next = calloc(2 * d->n, sizeof *d->next);
	d->velocity = calloc(2 * d->n, sizeof *d->velocity);
	d->gain = malloc(2 * d->n * sizeof *d->gain);
	d->force = malloc(2 * d->n * sizeof *d->force);
	d->sums = malloc(n_pieces(d) * sizeof *d->sums);
	if (!d->next || !d->velocity || !d->gain || !d->force || !d->sums)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t c = 0; c < 2 * d->n; c++)
		d->gain[c] = 1;
	return wh_repulsion_init(&d->repulsion, d->n, exact, err);
}

static void descent_release(struct descent *d)
{
	wh_repulsion_release(&d->repulsion);
	free(d->next);
	free(d->velocity);
	free(d->gain);
	free(d->force);
	free(d->sums);
}

/* Takes a step, or the gradient, from d->y within those corners; *divergence: before it. */
static int step(struct descent *d, const struct sums *at, const struct wh_host *host, double *divergence, struct wh_err *err)
{
	double weights;
	WH_TRY(wh_repulsion(&d->repulsion, d->y, at->low, at->high, host, d->force, &weights, err));
	d->per_weight = (float)(1 / weights);
	WH_TRY(wh_parallel(host, NULL, d->n, GRAIN, step_piece, d, err));
	if (d->ask)
		*divergence = join(d).surprise + log(weights) - d->affinity->entropy;
	return WH_OK;
}

/* The map's centre stays at 0, so that floats keep their digits. */
static void centre(struct descent *d, struct sums *at)
{
	for (int axis = 0; axis < 2; axis++) {
		const float mean = (float)(at->moved[axis] / (double)d->n);
		for (size_t i = 0; i < d->n; i++)
			d->y[2 * i + (size_t)axis] -= mean;
		at->low[axis] -= mean;
		at->high[axis] -= mean;
	}
}

static int descend(struct descent *d, const struct wh_tsne_params *params, const struct wh_host *host, struct wh_err *err)
{
	WH_TRY(wh_parallel(host, NULL, d->n, GRAIN, bound_piece, d, err));
	struct sums at = join(d);
	d->rate = (float)(params->learning_rate > 0 ? params->learning_rate : fmax((double)d->n / 12, 50));
	for (size_t t = 0; t < params->iterations; t++) {
		const bool early = t < params->exaggerated;
		double divergence;
		d->momentum = (float)(early ? early_momentum : late_momentum);
		d->exaggeration = (float)(early ? params->exaggeration : 1);
		d->ask = host && host->log && t % TELL_EVERY == 0;
		WH_TRY(step(d, &at, host, &divergence, err));
		if (d->ask)
			wh_host_log(host, WH_DEBUG, "iteration %zu: divergence %.4f", t, divergence);
		float *free_now = d->y;
		d->y = d->next;
		d->next = free_now;
		at = join(d);
		if (!d->n_fixed)
			centre(d, &at);
		wh_host_progress(host, "mapping", t + 1, params->iterations);
	}
	return WH_OK;
}

static int check_params(const struct wh_tsne_params *params, size_t n, struct wh_err *err)
{
	if (!(params->exaggeration > 0) || !(params->learning_rate >= 0) || isinf(params->exaggeration) || isinf(params->learning_rate))
		return wh_err_set(err, WH_E_USAGE, "exaggeration %g, learning rate %g: above 0 and finite, please", params->exaggeration,
				  params->learning_rate);
	if (params->placed > n)
		return wh_err_set(err, WH_E_USAGE, "%zu of %zu points are said to be placed", params->placed, n);
	return WH_OK;
}

static int check_map(const float *map, size_t n, struct wh_err *err)
{
	for (size_t c = 0; c < 2 * n; c++)
		if (!isfinite(map[c]))
			return wh_err_set(err, WH_E_USAGE, "a place in the map is not finite");
	return WH_OK;
}

int wh_tsne_divergence(const struct wh_affinity *affinity, const float *map, enum wh_repulsion_kind kind, const struct wh_host *host,
		       double *divergence, float *gradient, struct wh_err *err)
{
	*divergence = 0;
	if (affinity->n < 2) {
		if (gradient)
			memset(gradient, 0, 2 * affinity->n * sizeof *gradient);
		return WH_OK;
	}
	WH_TRY(check_map(map, affinity->n, err));
	float *y = malloc(2 * affinity->n * sizeof *y), *unasked = gradient ? NULL : malloc(2 * affinity->n * sizeof *unasked);
	struct descent d = { 0 };
	int code = WH_OK;
	if (!y || (!gradient && !unasked))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = descent_init(&d, affinity, kind, memcpy(y, map, 2 * affinity->n * sizeof *y), err);
	if (code == WH_OK)
		code = wh_parallel(host, NULL, d.n, GRAIN, bound_piece, &d, err);
	if (code == WH_OK) {
		struct sums at = join(&d);
		d.ask = true;
		d.gradient = gradient ? gradient : unasked;
		code = step(&d, &at, host, divergence, err);
	}
	descent_release(&d);
	free(y);
	free(unasked);
	return code;
}

int wh_tsne_descend(const struct wh_affinity *affinity, const struct wh_tsne_params *params, const struct wh_host *host, float *map,
		    double *divergence, struct wh_err *err)
{
	WH_TRY(check_params(params, affinity->n, err));
	WH_TRY(check_map(map, affinity->n, err));
	if (divergence)
		*divergence = 0;
	if (affinity->n < 2)
		return WH_OK;
	struct descent d;
	int code = descent_init(&d, affinity, params->repulsion, map, err);
	float *spare = d.next; /* with the map one of the two that change places */
	d.n_fixed = params->hold ? params->placed : 0;
	if (code == WH_OK)
		code = descend(&d, params, host, err);
	if (code == WH_OK && d.y != map)
		memcpy(map, d.y, 2 * d.n * sizeof *map);
	d.next = spare;
	descent_release(&d);
	if (code == WH_OK && divergence)
		code = wh_tsne_divergence(affinity, map, params->repulsion, host, divergence, NULL, err);
	return code;
}

int wh_tsne(const float *x, size_t n, size_t d, const struct wh_tsne_params *params, const struct wh_host *host, float *map, double *divergence,
	    struct wh_err *err)
{
	WH_TRY(check_params(params, n, err));
	struct wh_tsne_params own = *params;
	struct wh_affinity affinity;
	WH_TRY(wh_affinity_init(&affinity, x, n, d, params->perplexity, host, err));
	int code = params->placed ? wh_tsne_start_beside(x, n, d, params->placed, host, map, err) : wh_tsne_start(x, n, d, host, map, err);
	if (params->placed)
		own.exaggerated = 0;
	if (code == WH_OK)
		code = wh_tsne_descend(&affinity, &own, host, map, divergence, err);
	wh_affinity_release(&affinity);
	return code;
}
