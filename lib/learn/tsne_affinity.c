/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/thread.h"
#include "learn/knn.h"
#include "learn/tsne.h"

enum {
	GRAIN = 512,
	HALVINGS = 100, /* of the search for a row's width, at most */
};

static const double close_enough = 1e-5; /* of the entropy to that of the perplexity */

struct conditional {
	size_t n, k;
	double entropy; /* log of the perplexity */
	uint32_t *neighbour; /* n x k; ascending in the end */
	float *p;            /* n x k: distances, then probabilities */
};

/* The share of each neighbour under a Gaussian of that precision, into p; returns the entropy. Distances count from the nearest one's. */
static double shares(const float *distance, size_t k, double precision, double *p)
{
	double sum = 0, weighted = 0;
	for (size_t j = 0; j < k; j++) {
		double d = (double)distance[j] - distance[0];
		p[j] = exp(-precision * d);
		sum += p[j];
		weighted += d * p[j];
	}
	for (size_t j = 0; j < k; j++)
		p[j] /= sum;
	return log(sum) + precision * weighted / sum;
}

/* Bisection for the precision whose entropy is asked for; it falls as the precision rises. */
static void search_width(const struct conditional *c, const float *distance, double *p)
{
	double mean = 0, low = 0, high = INFINITY;
	for (size_t j = 0; j < c->k; j++)
		mean += ((double)distance[j] - distance[0]) / (double)c->k;
	double precision = mean > 0 ? 1 / mean : 1;
	for (int i = 0; i < HALVINGS; i++) {
		double excess = shares(distance, c->k, precision, p) - c->entropy;
		if (fabs(excess) <= close_enough)
			break;
		if (excess > 0)
			low = precision;
		else
			high = precision;
		precision = isinf(high) ? precision * 2 : (low + high) / 2;
	}
}

struct edge {
	uint32_t other;
	float p;
};

static int by_other(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;
	return a->other < b->other ? -1 : a->other > b->other;
}

static int fill_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct conditional *c = user;
	double *p = malloc(c->k * sizeof *p);
	struct edge *row = malloc(c->k * sizeof *row);
	int code = p && row ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = first; i < last && code == WH_OK; i++) {
		search_width(c, c->p + i * c->k, p);
		for (size_t j = 0; j < c->k; j++)
			row[j] = (struct edge){ c->neighbour[i * c->k + j], (float)p[j] };
		qsort(row, c->k, sizeof *row, by_other);
		for (size_t j = 0; j < c->k; j++) {
			c->neighbour[i * c->k + j] = row[j].other;
			c->p[i * c->k + j] = row[j].p;
		}
	}
	free(p);
	free(row);
	return code;
}

/* Edges the other way round: those to point j from first[j] on, by their source. */
struct transposed {
	size_t *first; /* n + 1 */
	struct edge *edges;
};

static void transpose(const struct conditional *c, struct transposed *t)
{
	for (size_t e = 0; e < c->n * c->k; e++)
		t->first[c->neighbour[e] + 1]++;
	for (size_t i = 0; i < c->n; i++)
		t->first[i + 1] += t->first[i];
	for (size_t i = 0; i < c->n; i++)
		for (size_t e = i * c->k; e < (i + 1) * c->k; e++)
			t->edges[t->first[c->neighbour[e]]++] = (struct edge){ (uint32_t)i, c->p[e] };
	for (size_t i = c->n; i > 0; i--)
		t->first[i] = t->first[i - 1];
	t->first[0] = 0;
}

/* Row i of the sum of both, from `at` on; at NULL: only its length. */
static size_t merge(const struct conditional *c, const struct transposed *t, size_t i, uint32_t *other, float *p)
{
	size_t n = 0, a = i * c->k, a_end = a + c->k, b = t->first[i], b_end = t->first[i + 1];
	const double scale = 0.5 / (double)c->n;
	while (a < a_end || b < b_end) {
		uint32_t from = a < a_end ? c->neighbour[a] : UINT32_MAX, to = b < b_end ? t->edges[b].other : UINT32_MAX;
		uint32_t point = from < to ? from : to;
		double sum = 0;
		if (from == point)
			sum += c->p[a++];
		if (to == point)
			sum += t->edges[b++].p;
		if (other) {
			other[n] = point;
			p[n] = (float)(sum * scale);
		}
		n++;
	}
	return n;
}

static int symmetrise(struct wh_affinity *a, const struct conditional *c, struct wh_err *err)
{
	struct transposed t = { calloc(c->n + 1, sizeof *t.first), malloc((c->n * c->k + 1) * sizeof *t.edges) };
	a->first = malloc((c->n + 1) * sizeof *a->first);
	int code = t.first && t.edges && a->first ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		transpose(c, &t);
		a->first[0] = 0;
		for (size_t i = 0; i < c->n; i++)
			a->first[i + 1] = a->first[i] + (merge(c, &t, i, NULL, NULL) + WH_AFFINITY_LANES - 1) / WH_AFFINITY_LANES * WH_AFFINITY_LANES;
		a->other = malloc((a->first[c->n] + 1) * sizeof *a->other);
		a->p = malloc((a->first[c->n] + 1) * sizeof *a->p);
		if (!a->other || !a->p)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < c->n && code == WH_OK; i++) {
		size_t end = a->first[i] + merge(c, &t, i, a->other + a->first[i], a->p + a->first[i]);
		for (size_t e = a->first[i]; e < end; e++)
			a->entropy -= a->p[e] > 0 ? a->p[e] * log(a->p[e]) : 0;
		for (; end < a->first[i + 1]; end++) {
			a->other[end] = (uint32_t)i;
			a->p[end] = 0;
		}
	}
	free(t.first);
	free(t.edges);
	return code;
}

int wh_affinity_init(struct wh_affinity *a, const float *x, size_t n, size_t d, double perplexity, const struct wh_host *host, struct wh_err *err)
{
	*a = (struct wh_affinity){ .n = n };
	if (!(perplexity >= 1))
		return wh_err_set(err, WH_E_USAGE, "a perplexity of %g: at least 1 is needed", perplexity);
	const double most = n > 4 ? (double)(n - 1) / 3 : 1;
	struct conditional c = { .n = n };
	perplexity = fmin(perplexity, most);
	c.k = (size_t)(3 * perplexity);
	c.k = n && c.k > n - 1 ? n - 1 : n ? c.k : 0;
	c.entropy = log(perplexity);
	c.neighbour = malloc((n * c.k + 1) * sizeof *c.neighbour);
	c.p = malloc((n * c.k + 1) * sizeof *c.p);
	int code = c.neighbour && c.p ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_knn(x, n, NULL, 0, d, c.k, host, c.neighbour, c.p, err);
	if (code == WH_OK && c.k)
		code = wh_parallel(host, NULL, n, GRAIN, fill_rows, &c, err);
	if (code == WH_OK)
		code = symmetrise(a, &c, err);
	free(c.neighbour);
	free(c.p);
	if (code != WH_OK)
		wh_affinity_release(a);
	return code;
}

void wh_affinity_release(struct wh_affinity *a)
{
	free(a->first);
	free(a->other);
	free(a->p);
	*a = (struct wh_affinity){ 0 };
}
