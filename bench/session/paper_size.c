/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paper_size [NAME=VALUE…] MATRIX: trains the paper's network on a matrix and measures what it costs, in CPU seconds of the process and on the
 * wall, beside its own matrix products alone: those of one epoch are recorded, and made again bare, on copies of the same places.
 *
 *   epochs=10 dec=0 k=20 threads=2 seed=1 compute=fp32 hidden=0 latent=0 variational=1 variance=1 rate=0 batch=256 energy=200 floor=1
 *
 * MATRIX: numbers of rows and columns (uint64), of values in each row (uint32), then their columns (uint32) and values (float), row after
 * row; then a class for each row (uint32). paper_size.py makes one. Prints one JSON object.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/thread.h"
#include "learn/dec.h"
#include "learn/kmeans.h"
#include "learn/quality.h"
#include "math/dense.h"

struct options {
	size_t epochs, dec, k, threads, seed, hidden, latent, variational, batch, floor;
	double variance, rate, energy;
	char compute[32];
	const char *matrix;
};

struct cost {
	double cpu, wall;
};

static struct cost now(void)
{
	struct timespec cpu, wall;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	clock_gettime(CLOCK_MONOTONIC, &wall);
	return (struct cost){ (double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec, (double)wall.tv_sec + 1e-9 * (double)wall.tv_nsec };
}

static struct cost since(struct cost start)
{
	struct cost end = now();
	return (struct cost){ end.cpu - start.cpu, end.wall - start.wall };
}

static void die(const char *what, const struct wh_err *err)
{
	fprintf(stderr, "paper_size: %s%s%s\n", what, err ? ": " : "", err ? err->message : "");
	exit(1);
}

static void *memory(size_t n, size_t size)
{
	void *x = calloc(n ? n : 1, size);
	if (!x)
		die("out of memory", NULL);
	return x;
}

static struct options parse(int n, char **words)
{
	struct options o = { .epochs = 10, .k = 20, .threads = 2, .seed = 1, .variational = 1, .batch = 256, .floor = 1, .variance = 1,
			     .energy = 200, .compute = "fp32" };
	const struct {
		const char *name;
		size_t *whole;
		double *real;
	} names[] = {
		{ "epochs", &o.epochs, NULL },	 { "dec", &o.dec, NULL },	{ "k", &o.k, NULL },
		{ "threads", &o.threads, NULL }, { "seed", &o.seed, NULL },	{ "hidden", &o.hidden, NULL },
		{ "latent", &o.latent, NULL },	 { "variational", &o.variational, NULL }, { "batch", &o.batch, NULL },
		{ "floor", &o.floor, NULL },	 { "variance", NULL, &o.variance }, { "rate", NULL, &o.rate },
		{ "energy", NULL, &o.energy },
	};
	for (int i = 1; i < n; i++) {
		const char *value = strchr(words[i], '=');
		bool known = !value;
		if (!value)
			o.matrix = words[i];
		else if (!strncmp(words[i], "compute=", 8))
			known = snprintf(o.compute, sizeof o.compute, "%s", value + 1) > 0;
		for (size_t j = 0; value && j < sizeof names / sizeof *names; j++)
			if (!strncmp(names[j].name, words[i], (size_t)(value - words[i])) && strlen(names[j].name) == (size_t)(value - words[i])) {
				known = true;
				if (names[j].whole)
					*names[j].whole = strtoul(value + 1, NULL, 10);
				else
					*names[j].real = strtod(value + 1, NULL);
			}
		if (!known)
			die(words[i], NULL);
	}
	if (!o.matrix)
		die("usage: paper_size [NAME=VALUE...] MATRIX", NULL);
	return o;
}

struct data {
	struct wh_matrix x;
	uint32_t *class;
	size_t classes;
};

static void get(FILE *file, void *to, size_t n, size_t size)
{
	if (fread(to, size, n, file) != n)
		die("the matrix is too short", NULL);
}

static struct data read_matrix(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		die(path, NULL);
	uint64_t shape[2];
	get(file, shape, 2, sizeof *shape);
	struct data data = { .x = { .n = shape[0], .d = shape[1] } };
	uint32_t *lengths = memory(data.x.n, sizeof *lengths);
	size_t *start = memory(data.x.n + 1, sizeof *start);
	get(file, lengths, data.x.n, sizeof *lengths);
	for (size_t i = 0; i < data.x.n; i++)
		start[i + 1] = start[i] + lengths[i];
	uint32_t *column = memory(start[data.x.n], sizeof *column);
	float *value = memory(start[data.x.n], sizeof *value);
	for (size_t i = 0; i < data.x.n; i++) {
		get(file, column + start[i], lengths[i], sizeof *column);
		get(file, value + start[i], lengths[i], sizeof *value);
	}
	data.class = memory(data.x.n, sizeof *data.class);
	get(file, data.class, data.x.n, sizeof *data.class);
	for (size_t i = 0; i < data.x.n; i++)
		data.classes = data.class[i] >= data.classes ? data.class[i] + 1 : data.classes;
	data.x.start = start;
	data.x.column = column;
	data.x.value = value;
	free(lengths);
	fclose(file);
	return data;
}

/* ---- the floor ---- */

struct call {
	bool ta, tb, add;
	size_t m, n, k, lda, ldb, ldc;
	const char *a, *b;
	char *c;
};

static struct {
	const struct wh_compute *compute; /* what really computes */
	bool recording;
	pthread_mutex_t mutex;
	struct call *calls;
	size_t n, cap;
} recorder = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static int recorded_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb, bool add,
			 float *c, size_t ldc, struct wh_err *err)
{
	if (recorder.recording) {
		pthread_mutex_lock(&recorder.mutex);
		if (recorder.n == recorder.cap) {
			recorder.cap = recorder.cap ? 2 * recorder.cap : 1024;
			recorder.calls = realloc(recorder.calls, recorder.cap * sizeof *recorder.calls);
			if (!recorder.calls)
				die("out of memory", NULL);
		}
		recorder.calls[recorder.n++] = (struct call){ ta, tb, add, m, n, k, lda, ldb, ldc, a, b, (char *)c };
		pthread_mutex_unlock(&recorder.mutex);
	}
	return recorder.compute->gemm(ta, tb, m, n, k, a, lda, b, ldb, add, c, ldc, err);
}

/* A stretch of memory that calls used, and the copy that the bare calls use. */
struct stretch {
	const char *first, *last;
	char *copy;
};

static int by_first(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;
	return (a->first > b->first) - (a->first < b->first);
}

static struct stretch of_operand(const char *x, bool t, size_t rows, size_t columns, size_t ld, size_t size)
{
	size_t r = t ? columns : rows, c = t ? rows : columns;
	return (struct stretch){ x, x + ((r - 1) * ld + c) * size, NULL };
}

static struct stretch *stretches_of(size_t *n)
{
	struct stretch *all = memory(3 * recorder.n, sizeof *all);
	size_t size = recorder.compute->operand;
	for (size_t i = 0; i < recorder.n; i++) {
		const struct call *call = &recorder.calls[i];
		all[3 * i] = of_operand(call->a, call->ta, call->m, call->k, call->lda, size);
		all[3 * i + 1] = of_operand(call->b, call->tb, call->k, call->n, call->ldb, size);
		all[3 * i + 2] = of_operand(call->c, false, call->m, call->n, call->ldc, sizeof(float));
	}
	qsort(all, 3 * recorder.n, sizeof *all, by_first);
	*n = 1;
	for (size_t i = 1; i < 3 * recorder.n; i++)
		if (all[i].first <= all[*n - 1].last)
			all[*n - 1].last = all[i].last > all[*n - 1].last ? all[i].last : all[*n - 1].last;
		else
			all[(*n)++] = all[i];
	for (size_t i = 0; i < *n; i++) {
		size_t bytes = (size_t)(all[i].last - all[i].first);
		float *copy = aligned_alloc(64, (bytes + 127) / 64 * 64);
		if (!copy)
			die("out of memory", NULL);
		/* no zeroes and no denormals: neither is as fast as numbers are */
		for (size_t j = 0; j < (bytes + 3) / 4; j++)
			copy[j] = 0.5f + (float)(j * 2654435761u % 1024) / 2048;
		all[i].copy = (char *)copy;
	}
	return all;
}

static char *translate(const struct stretch *all, size_t n, const char *x)
{
	size_t low = 0, high = n;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (all[middle].first <= x)
			low = middle;
		else
			high = middle;
	}
	return all[low].copy + (x - all[low].first);
}

struct replay {
	const struct stretch *all;
	size_t n;
	float **own; /* by worker: results that several calls write to the same place */
};

static int replay_calls(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct replay *replay = user;
	for (size_t i = first; i < last; i++) {
		const struct call *call = &recorder.calls[i];
		float *c = call->ta ? replay->own[worker] : (float *)translate(replay->all, replay->n, call->c);
		WH_TRY(recorder.compute->gemm(call->ta, call->tb, call->m, call->n, call->k, translate(replay->all, replay->n, call->a), call->lda,
					      translate(replay->all, replay->n, call->b), call->ldb, call->add, c, call->ldc, err));
	}
	return WH_OK;
}

/* The calls of an epoch, bare: the best of three. flop: of one epoch. */
static struct cost floor_of(const struct wh_host *host, double *flop)
{
	struct replay replay = { 0 };
	struct stretch *all = stretches_of(&replay.n);
	size_t most = 0;
	*flop = 0;
	for (size_t i = 0; i < recorder.n; i++) {
		const struct call *call = &recorder.calls[i];
		*flop += 2 * (double)call->m * (double)call->n * (double)call->k;
		most = call->m * call->ldc > most ? call->m * call->ldc : most;
	}
	replay.all = all;
	replay.own = memory(host->threads, sizeof *replay.own);
	for (unsigned i = 0; i < host->threads; i++)
		replay.own[i] = memory(most, sizeof(float));
	struct cost best = { INFINITY, INFINITY };
	for (int round = 0; round < 3; round++) {
		struct wh_err err;
		struct cost start = now();
		if (wh_parallel(host, NULL, recorder.n, 1, replay_calls, &replay, &err) != WH_OK)
			die("floor", &err);
		struct cost cost = since(start);
		best = cost.cpu < best.cpu ? cost : best;
	}
	for (size_t i = 0; i < replay.n; i++)
		free(all[i].copy);
	for (unsigned i = 0; i < host->threads; i++)
		free(replay.own[i]);
	free(replay.own);
	free(all);
	return best;
}

/* ---- the run ---- */

static double ari_of(const struct data *data, const uint32_t *group)
{
	struct wh_quality quality;
	struct wh_err err;
	if (wh_quality(data->x.n, data->class, group, &quality, &err) != WH_OK)
		die("quality", &err);
	return quality.ari;
}

/* K-means with as many clusters as there are classes, on codes. */
static double ari_of_codes(const struct data *data, const float *code, size_t latent, const struct wh_host *host)
{
	struct wh_err err;
	struct wh_kmeans clusters;
	uint32_t *group = memory(data->x.n, sizeof *group);
	struct wh_kmeans_params params = { .k = data->classes, .starts = 20, .seed = 1 };
	if (wh_kmeans(code, data->x.n, latent, NULL, &params, host, group, &clusters, &err) != WH_OK)
		die("k-means", &err);
	double ari = ari_of(data, group);
	wh_kmeans_release(&clusters);
	free(group);
	return ari;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* CPU seconds of coding a row: all together, and one by one the median and the 99th percentile of the first `ALONE`. */
static void encode_times(const struct wh_autoencoder *model, const struct data *data, const struct wh_host *host, double *together, double *median,
			 double *p99)
{
	enum { ALONE = 300 };
	struct wh_err err;
	double alone[ALONE];
	float *code = memory(data->x.n * wh_autoencoder_facts(model).latent, sizeof *code);
	struct cost start = now();
	if (wh_autoencoder_encode(model, &data->x, code, NULL, host, &err) != WH_OK)
		die("codes", &err);
	*together = since(start).cpu / (double)data->x.n;
	size_t n = data->x.n < ALONE ? data->x.n : ALONE;
	for (size_t i = 0; i < n; i++) {
		struct wh_matrix row = data->x;
		row.n = 1;
		row.start += i;
		start = now();
		if (wh_autoencoder_encode(model, &row, code, NULL, NULL, &err) != WH_OK)
			die("codes", &err);
		alone[i] = since(start).cpu;
	}
	qsort(alone, n, sizeof *alone, by_value);
	*median = alone[n / 2];
	*p99 = alone[n * 99 / 100];
	free(code);
}

/* JSON has no NaN. */
static const char *number(char buffer[32], double x)
{
	if (!isfinite(x))
		return "null";
	snprintf(buffer, 32, "%.4f", x);
	return buffer;
}

static void talk(void *user, enum wh_level level, const char *text)
{
	fprintf(stderr, "%s\n", text);
}

int main(int n_words, char **words)
{
	struct options o = parse(n_words, words);
	struct data data = read_matrix(o.matrix);
	struct wh_err err;
	struct wh_host host = { .threads = (unsigned)o.threads, .seed = o.seed, .log = talk };
	recorder.compute = wh_compute_find(o.compute);
	if (!recorder.compute)
		die("no such back end on this processor", NULL);
	struct wh_compute compute = *recorder.compute;
	compute.gemm = recorded_gemm;
	struct wh_autoencoder_params params = WH_AUTOENCODER_PARAMS;
	params.variational = o.variational;
	params.hidden = o.hidden;
	params.latent = o.latent;
	params.variance = o.variance;
	params.energy = o.energy;
	params.rate = o.rate;
	params.batch = o.batch;
	params.compute = &compute;
	struct wh_kernels kernels = wh_math_kernels();
	struct cost start = now(), begun = start;
	struct wh_autoencoder *model;
	if (wh_autoencoder_new(&data.x, &params, &host, &model, &err) != WH_OK)
		die("reduction", &err);
	struct cost reduction = since(start), floor = { 0 }, train = { 0 }, dec = { 0 };
	double flop = 0;
	if (o.floor && o.epochs) { /* the first epoch is recorded, its time is not counted */
		recorder.recording = true;
		if (wh_autoencoder_train(model, 1, &host, &err) != WH_OK)
			die("training", &err);
		recorder.recording = false;
		floor = floor_of(&host, &flop);
	}
	size_t already = wh_autoencoder_facts(model).epochs;
	start = now();
	if (wh_autoencoder_train(model, o.epochs, &host, &err) != WH_OK)
		die("training", &err);
	train = since(start);
	struct wh_autoencoder_facts facts = wh_autoencoder_facts(model);
	size_t timed = facts.epochs - already;
	float *code = memory(data.x.n * facts.latent, sizeof *code);
	if (wh_autoencoder_codes(model, code, &host, &err) != WH_OK)
		die("codes", &err);
	double ari = ari_of_codes(&data, code, facts.latent, &host), ari_dec = NAN, ari_own = NAN;
	struct wh_dec_facts dec_facts = { 0 };
	if (o.dec) {
		struct wh_kmeans clusters;
		uint32_t *group = memory(data.x.n, sizeof *group);
		struct wh_kmeans_params k_params = { .k = o.k, .starts = 20, .seed = o.seed };
		struct wh_dec_params d_params = WH_DEC_PARAMS;
		d_params.most = o.dec;
		d_params.least = d_params.least < o.dec ? d_params.least : o.dec;
		start = now();
		if (wh_kmeans(code, data.x.n, facts.latent, NULL, &k_params, &host, group, &clusters, &err) != WH_OK ||
		    wh_dec_fit(model, &d_params, o.k, clusters.centroid, group, &dec_facts, &host, &err) != WH_OK)
			die("clustering", &err);
		dec = since(start);
		if (wh_autoencoder_codes(model, code, &host, &err) != WH_OK)
			die("codes", &err);
		ari_dec = ari_of_codes(&data, code, facts.latent, &host);
		ari_own = ari_of(&data, group);
		wh_kmeans_release(&clusters);
		free(group);
	}
	struct cost whole = since(begun);
	double together, median, p99;
	encode_times(model, &data, &host, &together, &median, &p99);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	char text[5][32];
	double per = timed ? train.cpu / (double)timed : NAN;
	printf("{\"rows\": %zu, \"inputs\": %zu, \"rank\": %zu, \"kept\": %.6f, \"hidden\": %zu, \"latent\": %zu, \"variational\": %s, "
	       "\"batch\": %zu, \"compute\": \"%s\", \"kernels\": \"%s\", \"kernels_fit\": %s, \"threads\": %zu, \"reduction_cpu_s\": %.3f, "
	       "\"epochs_timed\": %zu, \"epoch_cpu_s\": %s, \"epoch_wall_s\": %s, \"floor_cpu_s\": %.4f, \"floor_wall_s\": %.4f, "
	       "\"epoch_tflop\": %.4f, \"gemm_calls\": %zu, \"cpu_over_floor\": %s, \"loss\": %.6f, \"ari\": %.4f, "
	       "\"dec_epochs\": %zu, \"dec_cpu_s\": %.3f, \"dec_wall_s\": %.3f, \"ari_dec\": %s, \"ari_dec_own_labels\": %s, "
	       "\"whole_cpu_s\": %.2f, \"whole_wall_s\": %.2f, \"peak_mib\": %ld, \"encode_cpu_ms\": %.3f, \"encode_one_cpu_ms\": %.3f, "
	       "\"encode_one_p99_cpu_ms\": %.3f}\n",
	       facts.rows, facts.inputs, facts.rank, facts.kept, facts.hidden, facts.latent, facts.variational ? "true" : "false", o.batch,
	       o.compute, kernels.name, kernels.fit ? "true" : "false", o.threads, reduction.cpu, timed, number(text[0], per),
	       number(text[1], train.wall / (double)timed), floor.cpu,
	       floor.wall, flop / 1e12, recorder.n, number(text[2], per / floor.cpu), facts.loss, ari,
	       dec_facts.epochs, dec.cpu, dec.wall, number(text[3], ari_dec), number(text[4], ari_own),
	       whole.cpu, whole.wall, usage.ru_maxrss / 1024, 1e3 * together, 1e3 * median, 1e3 * p99);
	wh_autoencoder_free(model);
	free(code);
	free(recorder.calls);
	return 0;
}
