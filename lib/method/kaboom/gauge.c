/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/gauge.h"

#include <math.h>
#include <string.h>

#include "math/clones.h"

enum { LANES = WH_GAUGE_LANES, AT_ONCE = 1024 }; /* steps whose sum is one of floats */

typedef float lanes __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4)));

static const ints LANE = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

WH_CLONES
static void scale(const double *restrict reading, size_t n, double middle, double rate, float *restrict x)
{
	for (size_t t = 0; t < n; t++)
		x[t] = (float)((reading[t] - middle) * rate);
}

void wh_gauge_scale(const double *reading, size_t n, double middle, double rate, float *x)
{
	scale(reading, n, middle, rate, x);
}

/* ---- summaries ---- */

static double total(const float *v)
{
	float half[LANES / 2];
	for (size_t k = 0; k < LANES / 2; k++)
		half[k] = v[k] + v[k + LANES / 2];
	for (size_t k = 0; k < LANES / 4; k++)
		half[k] += half[k + LANES / 4];
	return ((double)half[0] + half[2]) + ((double)half[1] + half[3]);
}

/* Sums of n > 0 readings, and of those before `head`. */
struct sums {
	float all[LANES], first[LANES];
};

WH_CLONES
static void add_up(const float *u, size_t n, int32_t head, struct sums *sums)
{
	lanes all = { 0 }, first = { 0 };
	for (size_t t = 0; t < n; t += LANES) {
		const ints at = *(const ints *)(const void *)(u + t), step = LANE + (int32_t)t;
		all += (lanes)(at & (step < (int32_t)n));
		first += (lanes)(at & (step < head));
	}
	memcpy(sums->all, &all, sizeof all);
	memcpy(sums->first, &first, sizeof first);
}

/* Squares about the mean, and those of differences of neighbours about theirs: n of the one, n_steps of the other. */
struct squares {
	float far[LANES], rough[LANES];
};

WH_CLONES
static void add_squares(const float *u, size_t n, size_t n_steps, float mean, float step, struct squares *squares)
{
	lanes far = { 0 }, rough = { 0 };
	for (size_t t = 0; t < n; t += LANES) {
		const lanes at = *(const lanes *)(const void *)(u + t), next = *(const lanes *)(const void *)(u + t + 1);
		const ints number = LANE + (int32_t)t;
		const lanes a = (lanes)((ints)(at - mean) & (number < (int32_t)n));
		const lanes b = (lanes)((ints)(next - at - step) & (number < (int32_t)n_steps));
		far += a * a;
		rough += b * b;
	}
	memcpy(squares->far, &far, sizeof far);
	memcpy(squares->rough, &rough, sizeof rough);
}

void wh_gauge_summarise(const float *u, size_t n, float *summary, size_t stride)
{
	size_t half = n / 2 ? n / 2 : 1;
	double all = 0, first = 0, far = 0, rough = 0;
	double step = n > 1 ? (u[n - 1] - u[0]) / (double)(n - 1) : 0;
	for (size_t t = 0; t < n; t += AT_ONCE) {
		struct sums sums;
		size_t some = n - t < AT_ONCE ? n - t : AT_ONCE;
		add_up(u + t, some, (int32_t)(half < t ? 0 : half - t < some ? half - t : some), &sums);
		all += total(sums.all);
		first += total(sums.first);
	}
	const double mean = all / (double)n, last = n > 1 ? all - first - (n % 2 ? u[half] : 0) : first; /* all but the one in the middle */
	for (size_t t = 0; n > 1 && t < n; t += AT_ONCE) {
		struct squares squares;
		size_t some = n - t < AT_ONCE ? n - t : AT_ONCE;
		add_squares(u + t, some, n - t <= AT_ONCE ? some - 1 : some, (float)mean, (float)step, &squares);
		far += total(squares.far);
		rough += total(squares.rough);
	}
	summary[0] = (float)mean;
	summary[stride] = (float)sqrt(far / (double)n);
	summary[2 * stride] = (float)((last - first) / (double)half);
	summary[3 * stride] = n > 1 ? (float)sqrt(rough / (double)(n - 1)) : 0;
}

/* ---- courses ---- */

int wh_gauge_grid_init(struct wh_gauge_grid *grid, size_t n, size_t steps, struct wh_arena *arena, struct wh_err *err)
{
	*grid = (struct wh_gauge_grid){ n, steps, wh_arena_alloc(arena, steps * sizeof *grid->left), wh_arena_alloc(arena, steps * sizeof *grid->part) };
	if (!grid->left || !grid->part)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < steps; i++) {
		double at = steps > 1 ? (double)i * (double)(n - 1) / (double)(steps - 1) : 0;
		grid->left[i] = (size_t)at < n - 1 ? (uint32_t)at : (uint32_t)(n - 1);
		grid->part[i] = (float)(at - grid->left[i]);
	}
	return WH_OK;
}

WH_CLONES
static void put(const float *restrict u, size_t n, int32_t *restrict even)
{
	for (size_t i = 0; i < n; i++)
		even[i] = (int32_t)rintf(u[i] * (float)(1 / WH_GAUGE_UNIT));
}

WH_CLONES
static void interpolate(const uint32_t *restrict left, const float *restrict part, const float *restrict u, size_t n, int32_t *restrict even)
{
	for (size_t i = 0; i < n; i++) {
		float a = u[left[i]], b = u[left[i] + 1]; /* behind the last: no part of it */
		even[i] = (int32_t)rintf((a + part[i] * (b - a)) * (float)(1 / WH_GAUGE_UNIT));
	}
}

void wh_gauge_resample(const struct wh_gauge_grid *grid, const float *u, size_t n, int32_t *even)
{
	if (n == grid->steps)
		put(u, n, even);
	else if (n == grid->n)
		interpolate(grid->left, grid->part, u, grid->steps, even);
	else
		put(u, 1, even);
	for (size_t i = n == 1 ? 1 : grid->steps; i < grid->steps; i++)
		even[i] = even[0];
	memset(even + grid->steps, 0, (wh_gauge_stride(grid->steps) - grid->steps) * sizeof *even);
}
