/* SPDX-License-Identifier: Apache-2.0 */
/*
 * |x - y|^2 - |y|^2 is one product of (x, |x|^2) and (-2y, 1). What is below the query's bound goes to its candidates; when they are twice as many
 * as are wanted, the nearer half stays and the bound falls. Most products are compared once, sixteen at a time, and never touched again.
 */
#include "learn/knn.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/thread.h"
#include "math/clones.h"
#include "math/dense.h"

enum {
	QUERIES = 128, /* of a piece */
	POINTS = 512,  /* of a block: the products stay in the second-level cache */
	STRIDE = 64,   /* products that are looked at together */
	SPARE = 8,     /* candidates beyond k that exact distances choose from */
};

static const double largest = 1e37; /* square of a norm */

struct candidate {
	float distance;
	uint32_t point;
};

struct search {
	const float *x, *y; /* as given */
	const float *mean;  /* d */
	const float *wide;  /* n rows of d + 1: x - mean, its square norm */
	size_t n, m, d, k, keep;
	bool among_themselves;
	uint32_t *neighbour;
	float *distance;
	float *scratch; /* of every worker: queries, products */
	size_t n_scratch;
	struct candidate *candidates; /* of every worker: QUERIES times 2 keep */
};

static bool nearer(struct candidate a, struct candidate b)
{
	return a.distance < b.distance || (a.distance == b.distance && a.point < b.point);
}

static int by_distance(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	return nearer(*a, *b) ? -1 : nearer(*b, *a);
}

/* Brings the `keep` nearest of n to the front, in no order (Hoare 1961). */
static void choose(struct candidate *c, size_t n, size_t keep)
{
	for (size_t first = 0, last = n; last - first > 1;) {
		struct candidate pivot = c[first + (last - first - 1) / 2];
		size_t i = first, j = last - 1;
		for (;;) {
			while (nearer(c[i], pivot))
				i++;
			while (nearer(pivot, c[j]))
				j--;
			if (i >= j)
				break;
			struct candidate t = c[i];
			c[i++] = c[j];
			c[j--] = t;
		}
		/* [first, j] is no farther than the pivot, [j + 1, last) no nearer */
		if (keep <= j)
			last = j + 1;
		else if (keep >= j + 1)
			first = j + 1;
		if (first >= keep || last <= keep)
			break;
	}
}

typedef float lanes __attribute__((vector_size(64), aligned(4)));
typedef int32_t signs __attribute__((vector_size(64)));
typedef int32_t half_signs __attribute__((vector_size(32)));
typedef int32_t quarter_signs __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

static inline uint32_t join(const signs *of)
{
	const half_signs half = __builtin_shufflevector(*of, *of, 0, 1, 2, 3, 4, 5, 6, 7) | __builtin_shufflevector(*of, *of, 8, 9, 10, 11, 12, 13, 14, 15);
	const words w = (words)(quarter_signs)(__builtin_shufflevector(half, half, 0, 1, 2, 3) | __builtin_shufflevector(half, half, 4, 5, 6, 7));
	const uint64_t both = w[0] | w[1];
	return (uint32_t)both | (uint32_t)(both >> 32);
}

/* Which of n products (room for a multiple of STRIDE) are below the bound, into hits; how many. Signs of differences rather than comparisons,
 * which GCC 12 takes apart. */
WH_CLONES
static size_t below(const float *products, size_t n, float bound, uint16_t *hits)
{
	const signs bits = { 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7,
			     1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15 };
	size_t n_hits = 0;
	for (size_t j = 0; j < n; j += STRIDE) {
		const lanes *p = (const lanes *)(const void *)(products + j);
		const signs some = (signs)(p[0] - bound) | (signs)(p[1] - bound) | (signs)(p[2] - bound) | (signs)(p[3] - bound);
		if (!(join(&some) >> 31))
			continue;
		for (size_t l = 0; l < STRIDE / 16; l++) {
			const signs here = ((signs)(p[l] - bound) >> 31) & bits;
			for (uint32_t mask = join(&here); mask; mask &= mask - 1)
				hits[n_hits++] = (uint16_t)(j + l * 16 + (size_t)__builtin_ctz(mask));
		}
	}
	return n_hits;
}

WH_CLONES
static float squared_distance(const float *x, const float *y, size_t d)
{
	lanes sum = { 0 };
	size_t i = 0;
	for (; i + 16 <= d; i += 16) {
		const lanes difference = *(const lanes *)(const void *)(x + i) - *(const lanes *)(const void *)(y + i);
		sum += difference * difference;
	}
	float rest = 0;
	for (; i < d; i++)
		rest += (x[i] - y[i]) * (x[i] - y[i]);
	for (int l = 0; l < 16; l++)
		rest += sum[l];
	return rest;
}

struct query {
	struct candidate *candidates;
	size_t n;
	float bound;
};

static void add(const struct search *s, struct query *query, struct candidate candidate)
{
	query->candidates[query->n++] = candidate;
	if (query->n < 2 * s->keep)
		return;
	choose(query->candidates, query->n, s->keep);
	query->n = s->keep;
	query->bound = query->candidates[0].distance;
	for (size_t c = 1; c < query->n; c++)
		if (query->candidates[c].distance > query->bound)
			query->bound = query->candidates[c].distance;
}

static void consider(const struct search *s, struct query *query, const float *products, size_t n, uint32_t first, uint32_t itself)
{
	uint16_t hits[POINTS];
	const size_t n_hits = below(products, n, query->bound, hits);
	for (size_t h = 0; h < n_hits; h++) {
		const uint32_t point = first + hits[h];
		if (hits[h] < n && point != itself && products[hits[h]] < query->bound)
			add(s, query, (struct candidate){ products[hits[h]], point });
	}
}

static void settle(const struct search *s, struct query *query, size_t q)
{
	if (query->n > s->keep)
		choose(query->candidates, query->n, s->keep);
	query->n = query->n > s->keep ? s->keep : query->n;
	for (size_t c = 0; c < query->n; c++)
		query->candidates[c].distance = squared_distance(s->x + (size_t)query->candidates[c].point * s->d, s->y + q * s->d, s->d);
	qsort(query->candidates, query->n, sizeof *query->candidates, by_distance);
	for (size_t c = 0; c < s->k; c++) {
		s->neighbour[q * s->k + c] = query->candidates[c].point;
		s->distance[q * s->k + c] = query->candidates[c].distance;
	}
}

static int search_piece(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct search *s = user;
	const size_t width = s->d + 1;
	float *y = s->scratch + worker * s->n_scratch, *products = y + QUERIES * width;
	struct query queries[QUERIES];
	for (size_t q = first; q < last; q++) {
		float *to = y + (q - first) * width;
		for (size_t i = 0; i < s->d; i++)
			to[i] = -2 * (s->y[q * s->d + i] - s->mean[i]);
		to[s->d] = 1;
		queries[q - first] = (struct query){ s->candidates + (worker * QUERIES + q - first) * 2 * s->keep, 0, INFINITY };
	}
	for (size_t p = 0; p < s->n; p += POINTS) {
		size_t n = s->n - p < POINTS ? s->n - p : POINTS;
		wh_gemm(false, true, last - first, n, width, 1, y, width, s->wide + p * width, width, 0, products, POINTS);
		for (size_t q = first; q < last; q++)
			consider(s, &queries[q - first], products + (q - first) * POINTS, n, (uint32_t)p,
				 s->among_themselves ? (uint32_t)q : UINT32_MAX);
	}
	for (size_t q = first; q < last; q++)
		settle(s, &queries[q - first], q);
	return WH_OK;
}

static bool all_finite(const float *x, size_t n)
{
	float sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += x[i] * 0; /* NaN if any is not finite */
	return sum == 0;
}

/* False: a norm is too large for products of floats. */
static bool widen(const float *x, size_t n, size_t d, float *mean, float *wide)
{
	for (size_t i = 0; i < d; i++) {
		double sum = 0;
		for (size_t p = 0; p < n; p++)
			sum += x[p * d + i];
		mean[i] = (float)(sum / (double)n);
	}
	for (size_t p = 0; p < n; p++) {
		double norm = 0;
		for (size_t i = 0; i < d; i++) {
			float centred = wide[p * (d + 1) + i] = x[p * d + i] - mean[i];
			norm += (double)centred * centred;
		}
		wide[p * (d + 1) + d] = (float)norm;
		if (!(norm < largest))
			return false;
	}
	return true;
}

/* Whether products with the queries are finite. */
static bool small_enough(const struct search *s)
{
	for (size_t q = 0; q < s->m; q++) {
		double norm = 0;
		for (size_t i = 0; i < s->d; i++)
			norm += ((double)s->y[q * s->d + i] - s->mean[i]) * ((double)s->y[q * s->d + i] - s->mean[i]);
		if (!(norm < largest))
			return false;
	}
	return true;
}

int wh_knn(const float *x, size_t n, const float *y, size_t m, size_t d, size_t k, const struct wh_host *host, uint32_t *neighbour, float *distance,
	   struct wh_err *err)
{
	struct search s = { .x = x, .y = y ? y : x, .n = n, .m = y ? m : n, .d = d, .k = k, .neighbour = neighbour, .distance = distance,
			    .among_themselves = !y };
	if (n >= UINT32_MAX || m >= UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "too many points to look for neighbours");
	if (k > (y ? n : n - (n > 0)))
		return wh_err_set(err, WH_E_USAGE, "%zu neighbours asked for, %zu points", k, n);
	if (!all_finite(x, n * d) || (y && !all_finite(y, m * d)))
		return wh_err_set(err, WH_E_USAGE, "a value is not finite");
	if (!k || !s.m)
		return WH_OK;
	s.keep = k + SPARE;
	const unsigned workers = wh_host_threads(host);
	s.n_scratch = QUERIES * (d + 1) + QUERIES * POINTS;
	float *wide = malloc((n * (d + 1) + d) * sizeof *wide);
	s.scratch = calloc(workers * s.n_scratch, sizeof *s.scratch);
	s.candidates = malloc(workers * QUERIES * 2 * s.keep * sizeof *s.candidates);
	int code;
	if (!wide || !s.scratch || !s.candidates) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		float *mean = wide + n * (d + 1);
		s.mean = mean;
		s.wide = wide;
		bool fit = widen(x, n, d, mean, wide) && (!y || small_enough(&s));
		code = fit ? WH_OK : wh_err_set(err, WH_E_USAGE, "values are too large to compare");
	}
	if (code == WH_OK)
		code = wh_parallel(host, "neighbours", s.m, QUERIES, search_piece, &s, err);
	free(wide);
	free(s.scratch);
	free(s.candidates);
	return code;
}
