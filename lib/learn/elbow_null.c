/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/elbow_null.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/thread.h"
#include "learn/kmeans.h"
#include "math/dense.h"
#include "math/distance.h"

struct references {
	const struct wh_elbow_null *null;
	size_t k;
	float *centred;     /* n x d: rows about their mean, each times the root of its share of the weight */
	float *mixing;      /* of each worker: n x n */
	float *rows;        /* of each worker: n x d */
	uint32_t *label;    /* of each worker: n */
	double *log_inertia; /* references */
	const struct wh_host *alone;
};

/* Standard normal numbers, in pairs (Box and Muller 1958). */
static void fill_normal(float *x, size_t n, struct wh_rng *rng)
{
	for (size_t i = 0; i < n; i += 2) {
		double radius = sqrt(-2 * log(1 - wh_rng_real(rng))), angle = 2 * M_PI * wh_rng_real(rng);
		x[i] = (float)(radius * cos(angle));
		if (i + 1 < n)
			x[i + 1] = (float)(radius * sin(angle));
	}
}

static int inertia_of(const struct wh_elbow_null *null, const float *x, size_t k, uint64_t seed, const struct wh_host *host,
		      uint32_t *label, double *log_inertia, struct wh_err *err)
{
	const struct wh_kmeans_params params = { .k = k, .starts = null->starts, .seed = seed };
	struct wh_kmeans kmeans;
	WH_TRY(wh_kmeans(x, null->n, null->d, null->weight, &params, host, label, &kmeans, err));
	*log_inertia = log(kmeans.inertia);
	wh_kmeans_release(&kmeans);
	return WH_OK;
}

static int cluster_references(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct references *references = user;
	const struct wh_elbow_null *null = references->null;
	size_t n = null->n, d = null->d, lead = d ? d : 1;
	float *mixing = references->mixing + worker * n * n, *rows = references->rows + worker * n * d;
	for (size_t r = first; r < last; r++) {
		struct wh_rng rng;
		wh_rng_init(&rng, null->seed + 1 + r);
		fill_normal(mixing, n * n, &rng);
		wh_gemm(false, false, n, d, n, 1, mixing, n, references->centred, lead, 0, rows, lead);
		WH_TRY(inertia_of(null, rows, references->k, null->seed + r, references->alone, references->label + worker * n,
				  &references->log_inertia[r], err));
	}
	return WH_OK;
}

static int run(struct references *references, const struct wh_host *host, double *gap, double *error, struct wh_err *err)
{
	const struct wh_elbow_null *null = references->null;
	size_t n = null->n, d = null->d;
	double *mean = malloc((d + 1) * sizeof *mean), total = 0, log_inertia, sum = 0, squares = 0;
	if (!mean)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_mean_row(null->x, n, d, null->weight, mean);
	for (size_t i = 0; i < n; i++)
		total += null->weight[i];
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < d; c++)
			references->centred[i * d + c] = (float)((null->x[i * d + c] - mean[c]) * sqrt(null->weight[i] / total));
	free(mean);
	WH_TRY(inertia_of(null, null->x, references->k, null->seed, host, references->label, &log_inertia, err));
	*gap = INFINITY;
	*error = 0;
	if (isinf(log_inertia))
		return WH_OK;
	WH_TRY(wh_parallel(host, NULL, null->references, 1, cluster_references, references, err));
	for (unsigned r = 0; r < null->references; r++)
		sum += references->log_inertia[r];
	double expected = sum / null->references;
	for (unsigned r = 0; r < null->references; r++)
		squares += (references->log_inertia[r] - expected) * (references->log_inertia[r] - expected);
	*gap = expected - log_inertia;
	*error = sqrt(squares / null->references * (1 + 1.0 / null->references));
	return WH_OK;
}

int wh_elbow_gap(const struct wh_elbow_null *null, size_t k, const struct wh_host *host, double *gap, double *error, struct wh_err *err)
{
	size_t n = null->n, d = null->d, workers = wh_host_threads(host);
	const struct wh_host alone = { .threads = 1, .cancelled = host ? host->cancelled : NULL };
	struct references references = { .null = null, .k = k, .alone = &alone };
	references.centred = malloc((n * d + 1) * sizeof *references.centred);
	references.mixing = malloc(workers * n * n * sizeof *references.mixing);
	references.rows = malloc((workers * n * d + 1) * sizeof *references.rows);
	references.label = malloc(workers * n * sizeof *references.label);
	references.log_inertia = malloc(null->references * sizeof *references.log_inertia);
	int code;
	if (references.centred && references.mixing && references.rows && references.label && references.log_inertia)
		code = run(&references, host, gap, error, err);
	else
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	free(references.centred);
	free(references.mixing);
	free(references.rows);
	free(references.label);
	free(references.log_inertia);
	return code;
}
