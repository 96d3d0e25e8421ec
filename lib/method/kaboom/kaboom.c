/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KabOOM as published (Yao, Dyer, Gousios, ICSE-SEIP 2022): sessions homogenised (sec. 2.1), all metrics stacked to one row, embedded by an
 * autoencoder, plain or variational (sec. 2.2), whose encoder is then trained together with the centroids of its clusters (deep embedded
 * clustering, sec. 2.3). Groups are k-means of the codes (sec. 2.4).
 *
 * A code's distance to a centroid is taken together with the part of the row that is outside the span of the training rows, which no
 * encoder that learned from them can see: an emerging kind grows where nothing grew before.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/autoencoder.h"
#include "learn/dec.h"
#include "learn/kmeans.h"
#include "learn/rowspace.h"
#include "math/compute.h"
#include "math/distance.h"
#include "method/kaboom/homogenise.h"
#include "method/kaboom/methods.h"
#include "method/kaboom/space.h"
#include "method/kaboom/rows.h"

enum { DEC_STARTS = 20, ROWS_AT_ONCE = 256 };

struct kaboom {
	struct wh_homogeniser homogeniser;
	struct wh_autoencoder_params params;
	size_t dec; /* centroids; 0: none */
	bool principal; /* no network: principal axes of the rows, about 0 */
	/* One of these, or, where there was nothing to learn from, neither. */
	struct wh_autoencoder *network;
	struct wh_rowspace rowspace; /* r > 0 */
};

/* ---- life ---- */

static int kaboom_open(const struct wh_values *values, void **fitted, struct wh_err *err)
{
	const struct wh_compute *compute = wh_compute_find(wh_values_string(values, "arithmetic"));
	if (!compute)
		return wh_err_set(err, WH_E_USAGE, "arithmetic %s: not on this processor or not in this build", wh_values_string(values, "arithmetic"));
	struct kaboom *k = calloc(1, sizeof *k);
	if (!k)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_homogeniser_init(&k->homogeniser, values);
	k->dec = (size_t)wh_values_int(values, "dec");
	k->params = WH_AUTOENCODER_PARAMS;
	k->params.variational = !strcmp(wh_values_string(values, "network"), "vae");
	k->principal = !strcmp(wh_values_string(values, "network"), "none");
	k->params.hidden = (size_t)wh_values_int(values, "hidden");
	k->params.latent = (size_t)wh_values_int(values, "latent");
	k->params.epochs = (size_t)wh_values_int(values, "epochs");
	k->params.batch = (size_t)wh_values_int(values, "batch");
	k->params.rate = wh_values_real(values, "learning-rate");
	k->params.variance = wh_values_real(values, "variance");
	k->params.energy = wh_values_real(values, "energy");
	k->params.compute = compute;
	*fitted = k;
	return WH_OK;
}

static void kaboom_close(void *fitted)
{
	struct kaboom *k = fitted;
	if (!k)
		return;
	wh_autoencoder_free(k->network);
	wh_rowspace_release(&k->rowspace);
	wh_homogeniser_release(&k->homogeniser);
	free(k);
}

static const struct wh_vocabulary *kaboom_vocabulary(const void *fitted)
{
	return &((const struct kaboom *)fitted)->homogeniser.vocabulary;
}

static size_t kaboom_width(const void *fitted)
{
	const struct kaboom *k = fitted;
	size_t latent = k->params.latent;
	if (k->principal)
		return latent && latent < k->rowspace.r ? latent : k->rowspace.r;
	return k->network ? wh_autoencoder_facts(k->network).latent : 0;
}

/* ---- training ---- */

/* Encoder and centroids together, from centroids of the codes as they are. */
static int train_dec(struct kaboom *k, size_t n, const struct wh_host *host, struct wh_err *err)
{
	const struct wh_dec_params params = WH_DEC_PARAMS;
	const struct wh_kmeans_params start = { .k = k->dec < n ? k->dec : n, .starts = DEC_STARTS, .seed = host ? host->seed : 0 };
	size_t width = kaboom_width(k);
	float *codes = malloc((n * width + 1) * sizeof *codes);
	uint32_t *label = malloc((n + 1) * sizeof *label);
	struct wh_kmeans means = { 0 };
	int code = codes && label ? wh_autoencoder_codes(k->network, codes, host, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_kmeans(codes, n, width, NULL, &start, host, label, &means, err);
	if (code == WH_OK)
		code = wh_dec_fit(k->network, &params, means.k, means.centroid, NULL, NULL, host, err);
	wh_kmeans_release(&means);
	free(codes);
	free(label);
	return code;
}

static int find_axes(struct kaboom *k, const struct wh_matrix *rows, const struct wh_host *host, struct wh_err *err)
{
	float *coordinates = NULL;
	int code = wh_rowspace_fit(rows, k->params.variance, host, &k->rowspace, &coordinates, err);
	free(coordinates);
	return code;
}

static int kaboom_fit(void *fitted, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, struct wh_err *err)
{
	struct kaboom *k = fitted;
	struct wh_session_rows rows = { 0 };
	WH_TRY(wh_homogeniser_fit(&k->homogeniser, sessions, n, host, err));
	if (!n || !wh_homogeniser_width(&k->homogeniser))
		return WH_OK;
	int code = wh_session_rows_fill(&rows, &k->homogeniser, sessions, n, host, err);
	if (code == WH_OK)
		code = k->principal ? find_axes(k, &rows.matrix, host, err)
				    : wh_autoencoder_fit(&rows.matrix, &k->params, host, &k->network, err);
	wh_session_rows_release(&rows);
	if (code == WH_OK && k->dec && !k->principal)
		code = train_dec(k, n, host, err);
	return code;
}

/* ---- embedding ---- */

/* Codes of rows; of principal axes the first, what the others hold is outside. */
static int encode(const struct kaboom *k, const struct wh_matrix *rows, float *z, double *outside, const struct wh_host *host, struct wh_err *err)
{
	size_t r = k->rowspace.r, width = kaboom_width(k);
	if (k->network)
		return wh_autoencoder_encode(k->network, rows, z, outside, host, err);
	float *c = malloc((rows->n * r + 1) * sizeof *c);
	int code = c ? wh_rowspace_project(&k->rowspace, rows, c, outside, host, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < rows->n; i++) {
		memcpy(z + i * width, c + i * r, width * sizeof *z);
		outside[i] += wh_norm2(c + i * r + width, r - width);
	}
	free(c);
	return code;
}

static int kaboom_embed(const void *fitted, const struct wh_session *session, struct wh_arena *scratch, float *z, double *outside,
			struct wh_err *err)
{
	const struct kaboom *k = fitted;
	size_t width = wh_homogeniser_width(&k->homogeniser);
	double missing;
	if (!kaboom_width(k))
		return WH_OK;
	float *row = wh_arena_alloc(scratch, (width + 1) * sizeof *row);
	if (!row)
		return wh_arena_error(scratch, err);
	WH_TRY(wh_homogenise(&k->homogeniser, session, scratch, row, &missing, err));
	const struct wh_matrix one = { .n = 1, .d = width, .dense = row };
	return encode(k, &one, z, outside, NULL, err);
}

static int kaboom_embed_all(const void *fitted, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, float *z, double *outside,
			    struct wh_err *err)
{
	const struct kaboom *k = fitted;
	size_t width = kaboom_width(k);
	for (size_t at = 0; width && at < n; at += ROWS_AT_ONCE) {
		struct wh_session_rows rows = { 0 };
		size_t some = n - at < ROWS_AT_ONCE ? n - at : ROWS_AT_ONCE;
		int code = wh_session_rows_fill(&rows, &k->homogeniser, sessions + at, some, host, err);
		if (code == WH_OK)
			code = encode(k, &rows.matrix, z + at * width, outside + at, host, err);
		wh_session_rows_release(&rows);
		if (code != WH_OK)
			return code;
	}
	return WH_OK;
}

/* ---- as bytes ---- */

static int kaboom_save(const void *fitted, struct wh_str *out, struct wh_err *err)
{
	const struct kaboom *k = fitted;
	struct wh_str network = { 0 };
	wh_homogeniser_save(&k->homogeniser, out);
	wh_pack_u64(out, k->rowspace.r);
	if (k->rowspace.r)
		wh_rowspace_pack(&k->rowspace, out);
	int code = k->network ? wh_autoencoder_save(k->network, false, &network, err) : WH_OK;
	if (code == WH_OK)
		wh_pack_bytes(out, (struct wh_bytes){ network.data, network.n });
	wh_str_release(&network);
	return code == WH_OK ? wh_str_check(out, err) : code;
}

static int kaboom_load(void *fitted, struct wh_unpack *r, struct wh_err *err)
{
	struct kaboom *k = fitted;
	WH_TRY(wh_homogeniser_load(&k->homogeniser, r, err));
	if (wh_unpack_u64(r)) {
		wh_rowspace_unpack(r, &k->rowspace);
		r->failed |= !k->principal || k->rowspace.d != wh_homogeniser_width(&k->homogeniser);
	}
	struct wh_bytes network = wh_unpack_bytes(r);
	WH_TRY(wh_unpack_check(r, false, "model", err));
	if (!network.size)
		return WH_OK;
	WH_TRY(wh_autoencoder_load(network, k->params.compute, &k->network, err));
	r->failed |= k->principal || wh_autoencoder_facts(k->network).inputs != wh_homogeniser_width(&k->homogeniser);
	return wh_unpack_check(r, false, "model", err);
}

static const struct wh_embedding embedding = {
	.open = kaboom_open,
	.fit = kaboom_fit,
	.vocabulary = kaboom_vocabulary,
	.width = kaboom_width,
	.embed = kaboom_embed,
	.embed_all = kaboom_embed_all,
	.save = kaboom_save,
	.load = kaboom_load,
	.close = kaboom_close,
};

static const struct wh_param params[] = {
	WH_SESSION_PARAMS,
	WH_HOMOGENISER_PARAMS("minmax"),
	{ .name = "network", .type = WH_PARAM_CHOICE, .initial = "vae", .choices = "vae|ae|none", .source = "KabOOM 2.2",
	  .help = "a variational autoencoder, a plain one, or principal axes of the rows as they are" },
	{ .name = "dec", .type = WH_PARAM_INT, .initial = "20", .lo = 0, .hi = 1000, .metavar = "N", .source = "KabOOM 2.3",
	  .help = "centroids that the encoder is trained with (deep embedded clustering); 0: it is not" },
	{ .name = "hidden", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 100000, .metavar = "N", .source = "KabOOM 2.2",
	  .help = "hidden units (0: an eighth of the inputs)" },
	{ .name = "latent", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 100000, .metavar = "N", .source = "KabOOM 2.2",
	  .help = "length of a code (0: 256 with vae, with ae a sixty-fourth of the inputs, with none all)" },
	{ .name = "epochs", .type = WH_PARAM_INT, .initial = "200", .lo = 1, .hi = 100000, .metavar = "N", .source = "KabOOM 3.3",
	  .help = "how often the autoencoder sees every session (the paper: 1000)" },
	{ .name = "batch", .type = WH_PARAM_INT, .initial = "256", .lo = 1, .hi = 65536, .metavar = "N", .help = "sessions a step" },
	{ .name = "learning-rate", .type = WH_PARAM_REAL, .initial = "0", .lo = 0, .hi = 1,
	  .help = "learning rate (Adam, shared second moment; 0: 3e-4, less beyond 1,024 hidden units)" },
	{ .name = "variance", .type = WH_PARAM_REAL, .initial = "1", .lo = 0.01, .hi = 1,
	  .help = "share of the rows' square length that training keeps (1: exact)" },
	{ .name = "energy", .type = WH_PARAM_REAL, .initial = "200", .lo = 0, .hi = 1e6,
	  .help = "mean square length that rows are scaled to, against the prior of the code (0: as they are)" },
	{ .name = "arithmetic", .type = WH_PARAM_CHOICE, .initial = "fp32", .choices = "fp32|bf16", .help = "of the matrix products of training" },
	{ 0 },
};

const struct wh_method wh_method_kaboom = {
	.name = "kaboom",
	.summary = "codes of an autoencoder with deep embedded clustering, as published",
	.source = "KabOOM (Yao, Dyer, Gousios, ICSE-SEIP 2022)",
	.params = params,
	.detail = &embedding,
	WH_SESSION_METHOD_OPS,
};
