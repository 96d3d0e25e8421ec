/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/tsne_repulsion.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/clones.h"

enum {
	LANES = 16,
	ROWS = 128,     /* of a piece, exact */
	POINTS = 1024,  /* of a piece, on a grid */
	SHARDS = 4,     /* grids that points are spread over side by side */
	SHARDED = 8192, /* points from which they are */
	NODES = 6,      /* along each axis that share a point */
	BEFORE = 2,     /* of them before the one that the point is beyond */
	MARGIN = 6,     /* nodes about the map: what splines reach, and what they ring */
	SMALLEST = 64,  /* nodes along a side */
	LARGEST = 1024,
};

/* Between nodes. The forces of a map that is small yet come from the curvature of w about 0, which wants the fine one; floats cannot tell apart
 * what is finer still. */
static const double finest = 0.1, coarsest = 0.4;
static const double widest = 1e9; /* of all maps */
static const double far_away = 1e15; /* a weight of 1e-30 */

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));
typedef float eight __attribute__((vector_size(32), aligned(4)));

static size_t n_pieces(const struct wh_repulsion *r)
{
	size_t size = r->exact ? ROWS : POINTS;
	return (r->n + size - 1) / size;
}

int wh_repulsion_init(struct wh_repulsion *r, size_t n, bool exact, struct wh_err *err)
{
	*r = (struct wh_repulsion){ .n = n, .exact = exact, .n_shards = n < SHARDED ? 1 : SHARDS };
	size_t padded = (n + LANES - 1) / LANES * LANES;
	r->weights = malloc((n_pieces(r) + 1) * sizeof *r->weights);
	if (exact) {
		r->across = malloc((padded + 1) * sizeof *r->across);
		r->down = malloc((padded + 1) * sizeof *r->down);
	}
	if (r->weights && (!exact || (r->across && r->down)))
		return WH_OK;
	wh_repulsion_release(r);
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

void wh_repulsion_release(struct wh_repulsion *r)
{
	free(r->across);
	free(r->down);
	free(r->weights);
	free(r->grids);
	wh_convolution_release(&r->convolution);
	*r = (struct wh_repulsion){ 0 };
}

struct work {
	struct wh_repulsion *r;
	const float *y;
	float *force;
	float origin[2];
	float per_step; /* nodes a unit */
};

static inline float sum_of(const lanes *v)
{
	float sum = 0;
	for (int l = 0; l < LANES; l++)
		sum += (*v)[l];
	return sum;
}

WH_CLONES
static double repel_row(const struct wh_repulsion *r, float x, float y, float *force)
{
	const lanes zero = { 0 };
	lanes weight = zero, to_x = zero, to_y = zero;
	for (size_t j = 0; j < r->n; j += LANES) {
		lanes dx = x - *(const lanes *)(const void *)(r->across + j), dy = y - *(const lanes *)(const void *)(r->down + j);
		lanes w = 1.0f / (1.0f + dx * dx + dy * dy), square = w * w;
		weight += w;
		to_x += square * dx;
		to_y += square * dy;
	}
	force[0] = sum_of(&to_x);
	force[1] = sum_of(&to_y);
	return sum_of(&weight);
}

static int repel_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct work *work = user;
	double sum = 0;
	for (size_t i = first; i < last; i++)
		sum += repel_row(work->r, work->y[2 * i], work->y[2 * i + 1], work->force + 2 * i);
	work->r->weights[first / ROWS] = sum;
	return WH_OK;
}

static int repel_exactly(struct work *work, const struct wh_host *host, struct wh_err *err)
{
	struct wh_repulsion *r = work->r;
	for (size_t i = 0; i < (r->n + LANES - 1) / LANES * LANES; i++) {
		r->across[i] = i < r->n ? work->y[2 * i] : (float)far_away;
		r->down[i] = i < r->n ? work->y[2 * i + 1] : (float)far_away;
	}
	return wh_parallel(host, NULL, r->n, ROWS, repel_rows, work, err);
}

static double student(double squared, const void *user)
{
	const double *step = user;
	return 1 / (1 + squared * *step * *step);
}

/* Points that sit on a spline's nodes would be convolved as they are; spread by splines, and read by them, they are freed of the splines' own
 * response, which at the nodes is 1, 26, 66, 26, 1 over 120. */
static int prepare(struct wh_repulsion *r, size_t n, double step, const struct wh_host *host, struct wh_err *err)
{
	if (r->convolution.n == n && r->step == step)
		return WH_OK;
	if (r->convolution.n != n) {
		wh_convolution_release(&r->convolution);
		free(r->grids);
		r->grids = malloc(r->n_shards * n * n * sizeof *r->grids);
		if (!r->grids)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		WH_TRY(wh_convolution_init(&r->convolution, n, host, err));
	}
	double *response = malloc((n + 1) * sizeof *response);
	if (!response)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t k = 0; k <= n; k++) {
		const double angle = M_PI * (double)k / (double)n, once = (66 + 52 * cos(angle) + 2 * cos(2 * angle)) / 120;
		response[k] = once * once;
	}
	int code = wh_convolution_kernel(&r->convolution, student, &step, response, host, err);
	free(response);
	r->step = code == WH_OK ? step : 0;
	return code;
}

/* The smallest grid that is fine enough, of a few sizes and steps: the kernel is transformed anew for each. */
static void choose_grid(double extent, size_t *n, double *step)
{
	for (*n = SMALLEST, *step = finest; *step < coarsest; *step *= 1.25)
		if (extent / *step + 2 * MARGIN <= (double)*n)
			return;
	*step = coarsest;
	while (*n < LARGEST && extent / *step + 2 * MARGIN > (double)*n)
		*n = wh_convolution_size(*n + 1);
	while (extent / *step + 2 * MARGIN > (double)*n)
		*step *= 1.25;
}

/* Of a quintic B-spline (times 120): what each power of t adds to the weights of the six nodes about a point that lies t beyond the third. The last
 * two weights are 0: vectors are as wide as that. */
static const eight powers[6] = {
	{ 1, 26, 66, 26, 1, 0, 0, 0 },	   { -5, -50, 0, 50, 5, 0, 0, 0 },  { 10, 20, -60, 20, 10, 0, 0, 0 },
	{ -10, 20, 0, -20, 10, 0, 0, 0 }, { 5, -20, 30, -20, 5, 0, 0, 0 }, { -1, 5, -10, 10, -5, 1, 0, 0 },
};

static inline void spline(float t, eight *weights)
{
	*weights = (((((powers[5] * t + powers[4]) * t + powers[3]) * t + powers[2]) * t + powers[1]) * t + powers[0]) * (1.0f / 120);
}

static inline void spline_slope(float t, eight *slopes)
{
	*slopes = ((((5 * powers[5] * t + 4 * powers[4]) * t + 3 * powers[3]) * t + 2 * powers[2]) * t + powers[1]) * (1.0f / 120);
}

static inline float sum_of_six(const eight *v)
{
	return (((*v)[0] + (*v)[1]) + ((*v)[2] + (*v)[3])) + ((*v)[4] + (*v)[5]);
}

/* The node before a point, and how far the point is beyond it. */
static inline size_t node_of(const struct work *work, const float *y, int axis, float *beyond)
{
	const float at = (y[axis] - work->origin[axis]) * work->per_step;
	const int node = (int)at;
	*beyond = at - (float)node;
	return (size_t)node;
}

WH_CLONES
static void spread_points(const struct work *work, size_t first, size_t last, float *grid)
{
	const size_t side = work->r->convolution.n;
	for (size_t i = first; i < last; i++) {
		float tx, ty;
		const size_t x = node_of(work, work->y + 2 * i, 0, &tx), y = node_of(work, work->y + 2 * i, 1, &ty);
		eight across, down;
		spline(tx, &across);
		spline(ty, &down);
		for (size_t row = 0; row < NODES; row++) {
			eight *at = (eight *)(void *)(grid + (y + row - BEFORE) * side + x - BEFORE);
			*at += across * down[row];
		}
	}
}

static int spread(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct work *work = user;
	struct wh_repulsion *r = work->r;
	const size_t size = r->convolution.n * r->convolution.n;
	for (size_t shard = first; shard < last; shard++) {
		float *grid = r->grids + shard * size;
		memset(grid, 0, size * sizeof *grid);
		spread_points(work, r->n * shard / r->n_shards, r->n * (shard + 1) / r->n_shards, grid);
	}
	return WH_OK;
}

static int add_shards(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct wh_repulsion *r = ((const struct work *)user)->r;
	const size_t size = r->convolution.n * r->convolution.n;
	for (size_t i = first * r->convolution.n; i < last * r->convolution.n; i += 8) {
		eight sum = *(eight *)(void *)(r->grids + i);
		for (size_t shard = 1; shard < r->n_shards; shard++)
			sum += *(eight *)(void *)(r->grids + shard * size + i);
		*(eight *)(void *)(r->grids + i) = sum;
	}
	return WH_OK;
}

WH_CLONES
static double read_points(const struct work *work, size_t first, size_t last)
{
	const struct wh_repulsion *r = work->r;
	const size_t side = r->convolution.n;
	const float slope_to_force = -0.5f * work->per_step;
	double sum = 0;
	for (size_t i = first; i < last; i++) {
		float tx, ty;
		const size_t x = node_of(work, work->y + 2 * i, 0, &tx), y = node_of(work, work->y + 2 * i, 1, &ty);
		eight across, across_slope, down, down_slope, value = { 0 }, slope = { 0 };
		spline(tx, &across);
		spline_slope(tx, &across_slope);
		spline(ty, &down);
		spline_slope(ty, &down_slope);
		for (size_t row = 0; row < NODES; row++) {
			const eight at = *(const eight *)(const void *)(r->grids + (y + row - BEFORE) * side + x - BEFORE);
			value += at * down[row];
			slope += at * down_slope[row];
		}
		slope *= across;
		across *= value;
		across_slope *= value;
		sum += sum_of_six(&across);
		work->force[2 * i] = slope_to_force * sum_of_six(&across_slope);
		work->force[2 * i + 1] = slope_to_force * sum_of_six(&slope);
	}
	return sum;
}

static int read_off(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct work *work = user;
	work->r->weights[first / POINTS] = read_points(work, first, last);
	return WH_OK;
}

static int repel_by_grid(struct work *work, const float low[2], const float high[2], const struct wh_host *host, struct wh_err *err)
{
	struct wh_repulsion *r = work->r;
	size_t n;
	double step, extent = fmax((double)high[0] - low[0], (double)high[1] - low[1]);
	choose_grid(extent, &n, &step);
	WH_TRY(prepare(r, n, step, host, err));
	work->per_step = (float)(1 / step);
	for (int axis = 0; axis < 2; axis++)
		work->origin[axis] = (float)(low[axis] - MARGIN * step);
	WH_TRY(wh_parallel(host, NULL, r->n_shards, 1, spread, work, err));
	if (r->n_shards > 1)
		WH_TRY(wh_parallel(host, NULL, n, n / SHARDS, add_shards, work, err));
	WH_TRY(wh_convolve(&r->convolution, r->grids, r->grids, host, err));
	return wh_parallel(host, NULL, r->n, POINTS, read_off, work, err);
}

int wh_repulsion(struct wh_repulsion *r, const float *y, const float low[2], const float high[2], const struct wh_host *host, float *force,
		 double *weights, struct wh_err *err)
{
	struct work work = { .r = r, .y = y, .force = force };
	if (!((double)high[0] - low[0] < widest && (double)high[1] - low[1] < widest))
		return wh_err_set(err, WH_E_USAGE, "the map grew beyond all bounds: the learning rate is too high");
	WH_TRY(r->exact ? repel_exactly(&work, host, err) : repel_by_grid(&work, low, high, host, err));
	*weights = -(double)r->n; /* every point's weight with itself is 1 */
	for (size_t p = 0; p < n_pieces(r); p++)
		*weights += r->weights[p];
	return WH_OK;
}
