/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default fingerprint: z_m = sqrt(share_m), the square root of each metric's share of all that grew in the session (the Hellinger map:
 * the distance of two sessions is that of two distributions, at most sqrt 2). Growth in metrics that no training session has lies outside.
 */
#include <math.h>
#include <stdlib.h>

#include "method/kaboom/measures.h"
#include "method/kaboom/methods.h"
#include "method/kaboom/space.h"
#include "method/kaboom/vocabulary.h"

enum { SCRATCH_LIMIT_GIB = 32 };

struct growth {
	struct wh_vocabulary vocabulary;
};

static int growth_open(const struct wh_values *values, void **fitted, struct wh_err *err)
{
	struct growth *g = calloc(1, sizeof *g);
	(void)values;
	if (!g)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_vocabulary_init(&g->vocabulary);
	*fitted = g;
	return WH_OK;
}

static void growth_close(void *fitted)
{
	struct growth *g = fitted;
	if (!g)
		return;
	wh_vocabulary_release(&g->vocabulary);
	free(g);
}

static int growth_fit(void *fitted, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, struct wh_err *err)
{
	struct growth *g = fitted;
	struct wh_arena scratch;
	int code = WH_OK;
	wh_arena_init(&scratch, (size_t)SCRATCH_LIMIT_GIB << 30);
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		struct wh_session *session;
		wh_arena_reset(&scratch);
		code = wh_session_unpack(sessions[i], &scratch, &session, err);
		if (code == WH_OK)
			code = wh_vocabulary_count(&g->vocabulary, session, err);
		if (code == WH_OK && wh_host_cancelled(host))
			code = wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	wh_arena_release(&scratch);
	return code == WH_OK ? wh_vocabulary_fix(&g->vocabulary, 0, 1, err) : code;
}

static const struct wh_vocabulary *growth_vocabulary(const void *fitted)
{
	return &((const struct growth *)fitted)->vocabulary;
}

static size_t growth_width(const void *fitted)
{
	const struct growth *g = fitted;
	return wh_vocabulary_size(&g->vocabulary);
}

static int growth_embed(const void *fitted, const struct wh_session *session, struct wh_arena *scratch, float *z, double *outside,
			struct wh_err *err)
{
	const struct growth *g = fitted;
	double *growth = wh_arena_alloc(scratch, (session->n_metrics + 1) * sizeof *growth), all = 0;
	if (!growth)
		return wh_arena_error(scratch, err);
	for (size_t i = 0; i < session->n_metrics; i++) {
		growth[i] = fmax(0, wh_measure_metric(&session->metrics[i], 0, session->n_steps).growth);
		all += growth[i];
	}
	for (size_t i = 0; all > 0 && isfinite(all) && i < session->n_metrics; i++) {
		uint32_t column = growth[i] > 0 ? wh_vocabulary_column(&g->vocabulary, session->metrics[i].name) : WH_VOCABULARY_NONE;
		if (column == WH_VOCABULARY_NONE)
			*outside += growth[i] / all;
		else
			z[column] = (float)sqrt(growth[i] / all);
	}
	return WH_OK;
}

static int growth_save(const void *fitted, struct wh_str *out, struct wh_err *err)
{
	const struct growth *g = fitted;
	wh_vocabulary_save(&g->vocabulary, out);
	return wh_str_check(out, err);
}

static int growth_load(void *fitted, struct wh_unpack *r, struct wh_err *err)
{
	struct growth *g = fitted;
	return wh_vocabulary_load(&g->vocabulary, r, err);
}

static const struct wh_embedding embedding = {
	.open = growth_open,
	.fit = growth_fit,
	.vocabulary = growth_vocabulary,
	.width = growth_width,
	.embed = growth_embed,
	.save = growth_save,
	.load = growth_load,
	.close = growth_close,
};

static const struct wh_param params[] = {
	WH_SESSION_PARAMS,
	{ 0 },
};

const struct wh_method wh_method_session = {
	.name = "whorl",
	.summary = "each metric's share of what grew in the session (the default)",
	.source = "whorl",
	.params = params,
	.detail = &embedding,
	WH_SESSION_METHOD_OPS,
};
