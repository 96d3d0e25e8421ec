/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal `session`: the metrics of a process over its last minutes, grouped into categories by what grew.
 * A fingerprint is the packed session, its last steps; empty where it has no metric.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "collect/session/recorder.h"
#include "format/session/list.h"
#include "format/session/neutral.h"
#include "format/session/reading.h"
#include "method/kaboom/measures.h"
#include "method/kaboom/methods.h"

static const struct wh_param settings[] = {
	{ .name = "last", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = WH_SESSION_MOST_STEPS, .metavar = "STEPS",
	  .help = "look at the last so many steps of a session only; 0: at all" },
	{ 0 },
};

/* ---- fingerprint ---- */

struct config {
	uint32_t last;
};

static int configure(const struct wh_values *values, void **config, struct wh_err *err)
{
	struct config *c = calloc(1, sizeof *c);
	if (!c)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	c->last = (uint32_t)wh_values_int(values, "last");
	*config = c;
	return WH_OK;
}

static void release(void *config)
{
	free(config);
}

/* The changes of a metric from step `first` on, which becomes step 0. */
static struct wh_metric cut_metric(const struct wh_metric *metric, uint32_t first, struct wh_change *changes)
{
	size_t n = 0;
	double at_first = wh_metric_at(metric, first);
	if (at_first != 0) /* NaN is a change, too */
		changes[n++] = (struct wh_change){ 0, at_first };
	for (size_t i = 0; i < metric->n_changes; i++)
		if (metric->changes[i].step > first)
			changes[n++] = (struct wh_change){ metric->changes[i].step - first, metric->changes[i].value };
	return (struct wh_metric){ metric->name, changes, n };
}

static int cut(const struct wh_session *session, uint32_t last, struct wh_arena *arena, struct wh_session *shown, struct wh_err *err)
{
	*shown = *session;
	if (!last || session->n_steps <= last)
		return WH_OK;
	uint32_t first = session->n_steps - last;
	struct wh_metric *metrics = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof *metrics);
	if (!metrics)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < session->n_metrics; i++) {
		struct wh_change *changes = wh_arena_alloc(arena, (session->metrics[i].n_changes + 1) * sizeof *changes);
		if (!changes)
			return wh_arena_error(arena, err);
		metrics[i] = cut_metric(&session->metrics[i], first, changes);
	}
	shown->metrics = metrics;
	shown->n_steps = last;
	shown->first_step += first;
	shown->time_s = session->time_s ? session->time_s + first : NULL;
	return WH_OK;
}

static void scratch_free(void *scratch)
{
	wh_str_release(scratch);
	free(scratch);
}

static int fingerprint(const void *config, void **scratch, const struct wh_observation *o, struct wh_arena *arena, struct wh_bytes *result,
		       struct wh_err *err)
{
	const struct config *c = config;
	struct wh_session session;
	if (!*scratch && !(*scratch = calloc(1, sizeof(struct wh_str))))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_str *bytes = *scratch;
	WH_TRY(cut(o->body, c->last, arena, &session, err));
	session.time_s = NULL; /* when is no part of what */
	session.first_step = 0;
	wh_str_clear(bytes);
	if (session.n_metrics)
		wh_session_pack(&session, bytes);
	WH_TRY(wh_str_check(bytes, err));
	char *copy = wh_arena_strndup(arena, bytes->n ? bytes->data : "", bytes->n);
	if (!copy)
		return wh_arena_error(arena, err);
	*result = (struct wh_bytes){ copy, bytes->n };
	return WH_OK;
}

static int show(const void *config, const struct wh_observation *o, bool explain, struct wh_arena *arena, struct wh_emit *e, struct wh_err *err)
{
	const struct config *c = config;
	struct wh_session session;
	struct wh_observation shown = *o;
	(void)explain; /* nothing but steps is left out, and those are counted */
	WH_TRY(cut(o->body, c->last, arena, &session, err));
	shown.body = &session;
	return wh_session_encode(&shown, e, err);
}

/* ---- for people ---- */

static int largest_first(const void *a, const void *b)
{
	const struct wh_measure *x = a, *y = b;
	if (x->share != y->share)
		return x->share > y->share ? -1 : 1;
	return strcmp(x->metric, y->metric);
}

/* Of the metrics that are there, the one with the largest share of the growth first. */
static int telling_first(struct wh_bytes fingerprint_, struct wh_arena *arena, struct wh_measure **sorted, size_t *n)
{
	const struct wh_measure *measures;
	size_t all;
	*n = 0;
	if (!fingerprint_.size)
		return WH_OK;
	WH_TRY(wh_measures(fingerprint_, 0, arena, &measures, &all, NULL));
	*sorted = wh_arena_zalloc(arena, all + 1, sizeof **sorted);
	if (!*sorted)
		return WH_E_NOMEM;
	for (size_t i = 0; i < all; i++)
		if (measures[i].present)
			(*sorted)[(*n)++] = measures[i];
	if (*n)
		qsort(*sorted, *n, sizeof **sorted, largest_first);
	return WH_OK;
}

static int features(struct wh_bytes fingerprint_, wh_feature_fn *feature, void *user)
{
	struct wh_arena arena;
	struct wh_measure *measures = NULL;
	size_t n;
	wh_arena_init(&arena, SIZE_MAX);
	int code = telling_first(fingerprint_, &arena, &measures, &n);
	for (size_t i = 0; code == WH_OK && i < n; i++)
		code = feature(user, measures[i].metric, strlen(measures[i].metric));
	wh_arena_release(&arena);
	return code;
}

static int measures(struct wh_bytes fingerprint_, struct wh_arena *arena, wh_measure_fn *measure, void *user, struct wh_err *err)
{
	const struct wh_measure *all;
	size_t n = 0;
	if (fingerprint_.size)
		WH_TRY(wh_measures(fingerprint_, 0, arena, &all, &n, err));
	for (size_t i = 0; i < n; i++)
		if (all[i].share > 0)
			WH_TRY(measure(user, all[i].metric, all[i].share));
	return WH_OK;
}

static int levels(struct wh_bytes fingerprint_, struct wh_arena *arena, wh_measure_fn *level, void *user, struct wh_err *err)
{
	const struct wh_measure *all;
	size_t n = 0;
	if (fingerprint_.size)
		WH_TRY(wh_measures(fingerprint_, 0, arena, &all, &n, err));
	for (size_t i = 0; i < n; i++)
		if (all[i].present)
			WH_TRY(level(user, all[i].metric, all[i].mean));
	return WH_OK;
}

static int series(struct wh_bytes fingerprint_, struct wh_arena *arena, wh_series_fn *take, void *user, struct wh_err *err)
{
	struct wh_session *session;
	if (!fingerprint_.size)
		return WH_OK;
	WH_TRY(wh_session_unpack(fingerprint_, arena, &session, err));
	double *x = wh_arena_zalloc(arena, session->n_steps, sizeof *x), *y = wh_arena_zalloc(arena, session->n_steps, sizeof *y);
	if (!x || !y)
		return wh_arena_error(arena, err);
	for (uint32_t t = 0; t < session->n_steps; t++)
		x[t] = (double)session->first_step + t;
	for (size_t i = 0; i < session->n_metrics; i++) {
		wh_metric_expand(&session->metrics[i], 0, session->n_steps, y);
		WH_TRY(take(user, session->metrics[i].name, x, y, session->n_steps));
	}
	return WH_OK;
}

static int title(struct wh_bytes fingerprint_, struct wh_str *out)
{
	enum { MOST = 3, WIDEST = 40 };
	struct wh_arena arena;
	struct wh_measure *all = NULL;
	size_t n, named = 0;
	wh_arena_init(&arena, SIZE_MAX);
	int code = telling_first(fingerprint_, &arena, &all, &n);
	for (; code == WH_OK && named < n && named < MOST && all[named].share >= 0.01; named++) {
		size_t length = strlen(all[named].metric), from = length > WIDEST ? length - WIDEST : 0; /* names differ at their end */
		wh_str_printf(out, "%s%s%s +%.0f %%", named ? ", " : "", from ? "…" : "", all[named].metric + from, 100 * all[named].share);
	}
	if (code == WH_OK && !named)
		wh_str_puts(out, fingerprint_.size ? "(nothing grew)" : "(no metrics)");
	wh_arena_release(&arena);
	return code != WH_OK ? code : out->failed ? WH_E_NOMEM : WH_OK;
}

static const struct wh_method *const methods[] = { &wh_method_session, &wh_method_kaboom, NULL };
static const char *const attributes[] = { "app", "version", "platform", "death", NULL };
static const char *const columns[] = { "app", "version", "death", "steps", "format", NULL };

const struct wh_signal wh_signal_session = {
	.noun = "session",
	.group_noun = "cluster",
	.group_verb = "cluster",
	.method_noun = "method",
	.feature_noun = "metric",
	.summary = "metrics of dying sessions, put into categories by what grew",
	.formats = wh_session_formats,
	.reading = wh_session_reading,
	.settings = settings,
	.methods = methods,
	.attributes = attributes,
	.columns = columns,
	.encode = wh_session_encode,
	.decode = wh_session_decode,
	.open_reading = wh_session_open_reading,
	.close_reading = wh_session_close_reading,
	.configure = configure,
	.release = release,
	.fingerprint = fingerprint,
	.scratch_free = scratch_free,
	.show = show,
	.features = features,
	.measures = measures,
	.measure_noun = "share of the growth",
	.levels = levels,
	.series = series,
	.title = title,
	.recorder = &wh_recorder_session,
};
