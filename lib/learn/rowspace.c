/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/rowspace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/dense.h"

enum {
	STRIP = 2048, /* columns (or rows) that are made dense at a time */
	TILE = 256,   /* rows of a Gram matrix that are one piece of work */
	BLOCK = 64,   /* rows that are projected together */
};

static const double ROUNDING = 1e-6; /* of the largest eigenvalue: float's, with room */

/* ---- Gram matrices: products in single, sums over strips in double precision ---- */

struct gram {
	size_t order;       /* of the matrix */
	size_t depth;       /* of the strip now in `strip` */
	bool transposed;    /* strip is depth x order, else order x depth */
	const float *strip;
	float *tile;        /* by worker: TILE x order */
	double *sum;        /* order x order; the lower half */
};

static int add_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct gram *gram = user;
	float *tile = gram->tile + (size_t)worker * TILE * gram->order;
	size_t ld = gram->transposed ? gram->order : gram->depth;
	wh_gemm(gram->transposed, !gram->transposed, last - first, last, gram->depth, 1, gram->strip + first * (gram->transposed ? 1 : ld), ld,
		gram->strip, ld, 0, tile, gram->order);
	for (size_t i = first; i < last; i++)
		for (size_t j = 0; j < last; j++)
			gram->sum[i * gram->order + j] += tile[(i - first) * gram->order + j];
	return WH_OK;
}

/* Columns first … last-1 of all rows; at[n]: where each sparse row goes on, which is moved along. */
static void strip_of_columns(const struct wh_matrix *x, size_t first, size_t last, size_t *at, float *strip)
{
	size_t width = last - first;
	for (size_t i = 0; i < x->n; i++) {
		float *row = strip + i * width;
		if (x->dense) {
			memcpy(row, x->dense + i * x->d + first, width * sizeof *row);
			continue;
		}
		memset(row, 0, width * sizeof *row);
		for (; at[i] < x->start[i + 1] && x->column[at[i]] < last; at[i]++)
			row[x->column[at[i]] - first] = x->value[at[i]];
	}
}

static void row_of(const struct wh_matrix *x, size_t i, float *row)
{
	if (x->dense) {
		memcpy(row, x->dense + i * x->d, x->d * sizeof *row);
		return;
	}
	memset(row, 0, x->d * sizeof *row);
	for (size_t j = x->start[i]; j < x->start[i + 1]; j++)
		row[x->column[j]] = x->value[j];
}

/* sum = X X', or with d <= n X' X; both halves. */
static int gram_of(const struct wh_matrix *x, double *sum, const struct wh_host *host, struct wh_err *err)
{
	bool transposed = x->d <= x->n;
	struct gram gram = { .order = transposed ? x->d : x->n, .transposed = transposed, .sum = sum };
	size_t length = transposed ? x->n : x->d;
	float *strip = malloc(gram.order * (length < STRIP ? length : STRIP) * sizeof *strip);
	size_t *at = malloc(x->n * sizeof *at);
	gram.tile = malloc((size_t)wh_host_threads(host) * TILE * gram.order * sizeof *gram.tile);
	gram.strip = strip;
	int code = strip && at && gram.tile ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && !x->dense)
		memcpy(at, x->start, x->n * sizeof *at);
	memset(sum, 0, gram.order * gram.order * sizeof *sum);
	for (size_t first = 0; code == WH_OK && first < length; first += STRIP) {
		size_t last = first + STRIP < length ? first + STRIP : length;
		gram.depth = last - first;
		if (transposed)
			for (size_t i = first; i < last; i++)
				row_of(x, i, strip + (i - first) * x->d);
		else
			strip_of_columns(x, first, last, at, strip);
		code = wh_parallel(host, NULL, gram.order, TILE, add_rows, &gram, err);
	}
	for (size_t i = 0; i < gram.order; i++)
		for (size_t j = 0; j < i; j++)
			sum[j * gram.order + i] = sum[i * gram.order + j];
	free(strip);
	free(at);
	free(gram.tile);
	return code;
}

/* ---- the space ---- */

static int check(const struct wh_matrix *x, struct wh_err *err)
{
	if (!x->n || !x->d)
		return wh_err_set(err, WH_E_USAGE, "no row space of %zu rows and %zu columns", x->n, x->d);
	if (x->n > UINT32_MAX || x->d >= UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu rows of %zu columns are too many", x->n, x->d);
	const float *value = x->dense ? x->dense : x->value;
	size_t n = x->dense ? x->n * x->d : x->start[x->n];
	for (size_t i = 0; i < n; i++)
		if (!isfinite(value[i]))
			return wh_err_set(err, WH_E_USAGE, "the rows hold what is no finite number");
	return WH_OK;
}

static int keep_rows(struct wh_rowspace *space, const struct wh_matrix *x, struct wh_err *err)
{
	size_t n_values = 0, *next = NULL;
	space->start = calloc(x->d + 1, sizeof *space->start);
	if (!space->start)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < x->n; i++)
		for (size_t j = x->dense ? 0 : x->start[i]; j < (x->dense ? x->d : x->start[i + 1]); j++)
			if ((x->dense ? x->dense[i * x->d + j] : x->value[j]) != 0) {
				space->start[(x->dense ? j : x->column[j]) + 1]++;
				n_values++;
			}
	for (size_t j = 0; j < x->d; j++)
		space->start[j + 1] += space->start[j];
	next = malloc((x->d + 1) * sizeof *next);
	space->row = malloc((n_values + 1) * sizeof *space->row);
	space->value = malloc((n_values + 1) * sizeof *space->value);
	if (!next || !space->row || !space->value) {
		free(next);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	memcpy(next, space->start, (x->d + 1) * sizeof *next);
	for (size_t i = 0; i < x->n; i++)
		for (size_t j = x->dense ? 0 : x->start[i]; j < (x->dense ? x->d : x->start[i + 1]); j++) {
			float v = x->dense ? x->dense[i * x->d + j] : x->value[j];
			if (v == 0)
				continue;
			size_t at = next[x->dense ? j : x->column[j]]++;
			space->row[at] = (uint32_t)i;
			space->value[at] = v;
		}
	free(next);
	return WH_OK;
}

/* How many of the eigenvalues (ascending) are kept: the fewest, from the largest, that have the share; at least 1. */
static size_t rank_of(size_t order, const double *eigenvalue, double variance, double *kept)
{
	double total = 0, sum = 0, least = ROUNDING * eigenvalue[order - 1];
	size_t r = 0;
	for (size_t i = 0; i < order; i++)
		total += eigenvalue[i] > least ? eigenvalue[i] : 0;
	while (r < order && eigenvalue[order - 1 - r] > least && (!r || sum < variance * total))
		sum += eigenvalue[order - 1 - r++];
	*kept = total > 0 ? sum / total : 1;
	return r ? r : 1;
}

static int decompose(struct wh_rowspace *space, double *gram, double variance, struct wh_err *err)
{
	bool wide = space->d > space->n;
	size_t order = wide ? space->n : space->d;
	double *eigenvalue = malloc(order * sizeof *eigenvalue), *vector = malloc(order * order * sizeof *vector);
	int code = eigenvalue && vector ? wh_eigen(order, gram, eigenvalue, vector, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		space->r = rank_of(order, eigenvalue, variance, &space->kept);
		space->basis = malloc(space->r * order * sizeof *space->basis);
		space->eigenvalue = malloc(space->r * sizeof *space->eigenvalue);
		if (!space->basis || !space->eigenvalue)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t i = 0; code == WH_OK && i < space->r; i++) {
		double value = eigenvalue[order - 1 - i], scale = !wide ? 1 : value > 0 ? 1 / sqrt(value) : 0;
		space->eigenvalue[i] = value > 0 ? value : 0;
		for (size_t j = 0; j < order; j++)
			space->basis[i * order + j] = (float)(scale * vector[(order - 1 - i) * order + j]);
	}
	free(eigenvalue);
	free(vector);
	return code;
}

int wh_rowspace_fit(const struct wh_matrix *x, double variance, const struct wh_host *host, struct wh_rowspace *space, float **coordinates,
		    struct wh_err *err)
{
	*space = (struct wh_rowspace){ 0 };
	*coordinates = NULL;
	WH_TRY(check(x, err));
	*space = (struct wh_rowspace){ .n = x->n, .d = x->d, .r = x->d, .kept = 1 };
	bool wide = x->d > x->n;
	int code = WH_OK;
	if (wide || variance < 1) {
		size_t order = wide ? x->n : x->d;
		double *gram = malloc(order * order * sizeof *gram);
		code = gram ? gram_of(x, gram, host, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (code == WH_OK)
			code = decompose(space, gram, variance, err);
		free(gram);
	}
	if (code == WH_OK && wide)
		code = keep_rows(space, x, err);
	if (code == WH_OK && !(*coordinates = malloc(x->n * space->r * sizeof **coordinates)))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && wide)
		wh_rowspace_training(space, *coordinates);
	else if (code == WH_OK)
		code = wh_rowspace_project(space, x, *coordinates, NULL, host, err);
	if (code != WH_OK) {
		wh_rowspace_release(space);
		free(*coordinates);
		*coordinates = NULL;
	}
	return code;
}

void wh_rowspace_release(struct wh_rowspace *space)
{
	free(space->basis);
	free(space->eigenvalue);
	free(space->start);
	free(space->row);
	free(space->value);
	*space = (struct wh_rowspace){ 0 };
}

/* S u from S^-1 u. */
void wh_rowspace_training(const struct wh_rowspace *space, float *c)
{
	for (size_t i = 0; i < space->n; i++)
		for (size_t j = 0; j < space->r; j++)
			c[i * space->r + j] = (float)(space->eigenvalue[j] * space->basis[j * space->n + i]);
}

/* ---- new rows ---- */

struct projection {
	const struct wh_rowspace *space;
	const struct wh_matrix *x;
	float *c;
	double *outside;
};

/* k += value times column j of the training rows. */
static void add_column(const struct wh_rowspace *space, size_t j, float value, float *k)
{
	for (size_t at = space->start[j]; at < space->start[j + 1]; at++)
		k[space->row[at]] += value * space->value[at];
}

/* k = X x of row i. */
static void kernel_of(const struct wh_rowspace *space, const struct wh_matrix *x, size_t i, float *k)
{
	memset(k, 0, space->n * sizeof *k);
	if (x->dense) {
		const float *row = x->dense + i * x->d;
		for (size_t j = 0; j < x->d; j++)
			if (row[j] != 0)
				add_column(space, j, row[j], k);
		return;
	}
	for (size_t j = x->start[i]; j < x->start[i + 1]; j++)
		add_column(space, x->column[j], x->value[j], k);
}

static double square_length(const struct wh_matrix *x, size_t i)
{
	const float *value = x->dense ? x->dense + i * x->d : x->value + x->start[i];
	size_t n = x->dense ? x->d : x->start[i + 1] - x->start[i];
	double sum = 0;
	for (size_t j = 0; j < n; j++)
		sum += (double)value[j] * value[j];
	return sum;
}

static int project(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct projection *projection = user;
	const struct wh_rowspace *space = projection->space;
	float *c = projection->c + first * space->r;
	if (!space->basis) {
		for (size_t i = first; i < last; i++)
			row_of(projection->x, i, projection->c + i * space->r);
	} else {
		size_t width = space->start ? space->n : space->d;
		float *row = malloc((last - first) * width * sizeof *row);
		if (!row)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		for (size_t i = first; i < last; i++)
			if (space->start)
				kernel_of(space, projection->x, i, row + (i - first) * width);
			else
				row_of(projection->x, i, row + (i - first) * width);
		wh_gemm(false, true, last - first, space->r, width, 1, row, width, space->basis, width, 0, c, space->r);
		free(row);
	}
	for (size_t i = first; projection->outside && i < last; i++) {
		double inside = 0, outside = square_length(projection->x, i);
		for (size_t j = 0; j < space->r; j++)
			inside += (double)projection->c[i * space->r + j] * projection->c[i * space->r + j];
		projection->outside[i] = outside > inside ? outside - inside : 0;
	}
	return WH_OK;
}

int wh_rowspace_project(const struct wh_rowspace *space, const struct wh_matrix *x, float *c, double *outside, const struct wh_host *host,
			struct wh_err *err)
{
	if (x->d != space->d)
		return wh_err_set(err, WH_E_USAGE, "rows of %zu columns, where the model has %zu", x->d, space->d);
	struct projection projection = { space, x, c, outside };
	return wh_parallel(host, NULL, x->n, BLOCK, project, &projection, err);
}

/* ---- as bytes ---- */

void wh_rowspace_pack(const struct wh_rowspace *space, struct wh_str *out)
{
	wh_pack_u64(out, space->n);
	wh_pack_u64(out, space->d);
	wh_pack_u64(out, space->r);
	wh_pack_real(out, space->kept);
	wh_pack_u64(out, space->basis != NULL);
	if (!space->basis)
		return;
	for (size_t i = 0; i < space->r; i++)
		wh_pack_real(out, space->eigenvalue[i]);
	wh_pack_floats(out, space->basis, space->r * (space->start ? space->n : space->d));
	for (size_t j = 0; space->start && j < space->d; j++)
		wh_pack_u64(out, space->start[j + 1] - space->start[j]);
	if (space->start) {
		wh_pack_u32s(out, space->row, space->start[space->d]);
		wh_pack_floats(out, space->value, space->start[space->d]);
	}
}

void wh_rowspace_unpack(struct wh_unpack *in, struct wh_rowspace *space)
{
	*space = (struct wh_rowspace){ 0 };
	space->n = wh_unpack_size(in, 1, UINT32_MAX);
	space->d = wh_unpack_size(in, 1, UINT32_MAX - 1);
	bool wide = space->d > space->n;
	size_t order = wide ? space->n : space->d;
	space->r = wh_unpack_size(in, 1, order);
	space->kept = wh_unpack_real(in);
	bool reduced = wh_unpack_size(in, wide, 1);
	if (!reduced && space->r != space->d)
		in->failed = true;
	if (!reduced || in->failed || space->r > in->rest.size / sizeof(double)) {
		in->failed |= reduced;
		return;
	}
	space->eigenvalue = malloc(space->r * sizeof *space->eigenvalue);
	if (!space->eigenvalue) {
		in->failed = in->no_memory = true;
		return;
	}
	for (size_t i = 0; i < space->r; i++)
		space->eigenvalue[i] = wh_unpack_real(in);
	space->basis = wh_unpack_floats(in, space->r * order);
	if (!wide || in->failed || space->d > in->rest.size / sizeof(uint64_t)) {
		in->failed |= wide;
		return;
	}
	space->start = calloc(space->d + 1, sizeof *space->start);
	if (!space->start) {
		in->failed = in->no_memory = true;
		return;
	}
	for (size_t j = 0; j < space->d; j++)
		space->start[j + 1] = space->start[j] + wh_unpack_size(in, 0, space->n);
	space->row = wh_unpack_u32s(in, space->start[space->d], (uint32_t)space->n);
	space->value = wh_unpack_floats(in, space->start[space->d]);
}
