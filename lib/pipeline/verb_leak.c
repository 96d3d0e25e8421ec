/* SPDX-License-Identifier: Apache-2.0 */
/* leak: which metrics of a session keep growing to its end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "learn/contrast.h"
#include "learn/trend.h"
#include "observation/session.h"
#include "pipeline/listing.h"
#include "pipeline/model.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	{ .name = "alarm", .type = WH_PARAM_REAL, .initial = "0.01", .lo = 1e-9, .hi = 1, .metavar = "RATE",
	  .help = "share of false alarms among the metrics named (false discovery rate)" },
	{ .name = "tail", .type = WH_PARAM_REAL, .initial = "0.5", .lo = 0.01, .hi = 1, .metavar = "SHARE",
	  .help = "the last part of a session in which a leak must grow: what fills up and then stays is none" },
	{ .name = "most", .type = WH_PARAM_INT, .initial = "10", .lo = 0, .hi = 1e9, .metavar = "N", .help = "name at most N metrics of a session; 0: all" },
	{ 0 },
};

struct grown {
	const char *metric;
	struct wh_trend trend;
	double p_value; /* corrected */
	double last;
};

struct leaking {
	struct wh_call *call;
	struct wh_emit *out;
	double alarm, tail;
	size_t most;
	size_t sessions, short_sessions;
};

static int most_grown_first(const void *a, const void *b)
{
	const struct grown *x = a, *y = b;
	if (x->trend.growth != y->trend.growth)
		return x->trend.growth > y->trend.growth ? -1 : 1;
	return strcmp(x->metric, y->metric);
}

/* Seconds a step takes over the last n steps; NaN where the input does not say. */
static double step_seconds(const struct wh_session *session, uint32_t n)
{
	if (!session->time_s || n < 2)
		return NAN;
	return (session->time_s[session->n_steps - 1] - session->time_s[session->n_steps - n]) / (n - 1);
}

static int find_grown(const struct leaking *l, const struct wh_session *session, uint32_t n_steps, struct wh_arena *arena, struct grown **grown,
		      size_t *n, struct wh_err *err)
{
	double *value = wh_arena_zalloc(arena, n_steps, sizeof *value), *p = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof *p);
	*grown = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof **grown);
	*n = 0;
	if (!value || !p || !*grown)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < session->n_metrics; i++) {
		struct grown *g = &(*grown)[i];
		wh_metric_expand(&session->metrics[i], session->n_steps - n_steps, n_steps, value);
		wh_trend(value, n_steps, &g->trend);
		g->metric = session->metrics[i].name;
		g->last = value[n_steps - 1];
		p[i] = g->trend.p_value;
	}
	if (session->n_metrics)
		WH_TRY(wh_adjust_bh(p, session->n_metrics, err));
	for (size_t i = 0; i < session->n_metrics; i++)
		if (p[i] <= l->alarm) {
			(*grown)[*n] = (*grown)[i];
			(*grown)[(*n)++].p_value = p[i];
		}
	if (*n)
		qsort(*grown, *n, sizeof **grown, most_grown_first);
	return WH_OK;
}

static void emit_grown(const struct leaking *l, const char *id, const struct grown *g, double total, double seconds)
{
	wh_emit_object(l->out, NULL);
	wh_emit_string(l->out, "id", id);
	wh_emit_string(l->out, "metric", g->metric);
	wh_emit_real(l->out, "growth", g->trend.growth);
	wh_emit_real(l->out, "share", total > 0 ? g->trend.growth / total : 0);
	wh_emit_real(l->out, "slope", g->trend.slope);
	wh_emit_real(l->out, "slope_per_second", g->trend.slope / seconds);
	wh_emit_real(l->out, "last", g->last);
	wh_emit_real(l->out, "p_value", g->p_value);
	wh_emit_end(l->out);
}

static int look(void *user, const struct wh_record *record, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	struct leaking *l = user;
	const struct wh_session *session = o->body;
	uint32_t n_steps = (uint32_t)ceil(l->tail * session->n_steps);
	struct grown *grown;
	size_t n;
	(void)record;
	n_steps = n_steps < 3 ? (session->n_steps < 3 ? session->n_steps : 3) : n_steps;
	l->sessions++;
	/* with so few increments not even all of them upwards would be below the rate */
	l->short_sessions += n_steps < 2 || ldexp(1, -(int)(n_steps - 1)) > l->alarm;
	if (n_steps < 3)
		return WH_OK;
	WH_TRY(find_grown(l, session, n_steps, arena, &grown, &n, err));
	double total = 0;
	for (size_t i = 0; i < n; i++)
		total += grown[i].trend.growth;
	for (size_t i = 0; i < n && (!l->most || i < l->most); i++)
		emit_grown(l, o->id, &grown[i], total, step_seconds(session, n_steps));
	wh_emit_flush(l->out);
	l->call->found |= n > 0;
	return WH_OK;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "id", "metric", "growth", "share", "slope", "slope_per_second", "p_value", NULL };
	struct wh_model model;
	char schema[WH_SCHEMA];
	struct leaking l = { .call = call, .out = out, .alarm = wh_values_real(&call->options, "alarm"), .tail = wh_values_real(&call->options, "tail"),
			     .most = (size_t)wh_values_int(&call->options, "most") };
	WH_TRY(wh_model_open(&model, call, err));
	wh_emit_records(out, wh_verb_schema(call, "leaks", schema), columns);
	int code = wh_listing(call, &model, look, &l, err);
	wh_model_release(&model);
	if (code == WH_OK && l.short_sessions)
		wh_host_log(call->host, WH_WARNING, "%zu of %zu sessions are too short: at a rate of %g a leak needs at least %d steps in their last part",
			    l.short_sessions, l.sessions, l.alarm, (int)ceil(-log2(l.alarm)) + 1);
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

const struct wh_verb wh_verb_leak = {
	.name = "leak",
	.noun = "session",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "which metrics keep growing to the end of a session",
	.description =
		"Looks at every metric of every session (a series of heap profiles or histograms of one process, say) and names those that keep\n"
		"growing in its last part (--tail), most growth first: how much they grew, their share of all that keeps growing, the robust slope\n"
		"(Theil and Sen) a step and, where times are known, a second, and a p-value corrected for all metrics of the session (Benjamini and\n"
		"Hochberg), below --alarm.\n"
		"\n"
		"The test is made for memory: it takes a level with noise, a random walk and the sawtooth of a garbage collector for what they\n"
		"are. What filled up early and stayed does not count. With --exit-code, exits with 3 where something leaks: for CI.\n",
	.examples = "whorl NOUN leak --exit-code heap-profiles/\n"
		    "whorl NOUN leak --format table session.csv.zst\n",
	.result = "leaks",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS,
	.options = options,
	.run = run,
};
