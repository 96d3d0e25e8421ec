/* SPDX-License-Identifier: Apache-2.0 */
/* changed: which metrics of a session moved from one window of it to another. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "learn/contrast.h"
#include "learn/shift.h"
#include "observation/session.h"
#include "pipeline/listing.h"
#include "pipeline/model.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	{ .name = "window", .type = WH_PARAM_STRING, .initial = "20%", .metavar = "SPAN",
	  .help = "what is looked at: the last N steps, N%, 15m (s, m, h, d), or FROM/TO as times" },
	{ .name = "baseline", .type = WH_PARAM_STRING, .metavar = "SPAN", .help = "what it is held against: the same of what comes before the window (all of it)" },
	{ .name = "alarm", .type = WH_PARAM_REAL, .initial = "0.05", .lo = 1e-12, .hi = 1, .metavar = "RATE",
	  .help = "share of false alarms among the metrics named (false discovery rate)" },
	{ .name = "most", .type = WH_PARAM_INT, .initial = "20", .lo = 0, .hi = 1e9, .metavar = "N", .help = "name at most N metrics of a session; 0: all" },
	{ 0 },
};

/* ---- spans ---- */

struct span {
	uint32_t first, end; /* steps */
};

static bool parse_moment(const char *text, size_t n, double *seconds)
{
	int64_t ns;
	char *end, copy[64];
	if (!n || n >= sizeof copy)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*seconds = strtod(copy, &end);
	if (!*end)
		return true;
	if (wh_time_parse(copy, n, &ns))
		return false;
	*seconds = (double)ns * 1e-9;
	return true;
}

/* The first step below end whose time is at least so late; end: none. */
static uint32_t step_at(const struct wh_session *session, uint32_t end, double seconds)
{
	uint32_t step = 0;
	while (step < end && !(session->time_s[step] >= seconds))
		step++;
	return step;
}

/* text as a span of the steps below end. WH_E_USAGE: it is none, or needs times that the session does not have. */
static int find_span(const struct wh_session *session, const char *option, const char *text, uint32_t end, struct span *span, struct wh_err *err)
{
	static const char units[] = "smhd";
	static const double seconds[] = { 1, 60, 3600, 86400 };
	const char *slash = strchr(text, '/'), *unit;
	char *rest;
	double n = strtod(text, &rest), from, to;
	if (slash && parse_moment(text, (size_t)(slash - text), &from) && parse_moment(slash + 1, strlen(slash + 1), &to)) {
		if (!session->time_s)
			return wh_err_set(err, WH_E_USAGE, "--%s %s: the session does not say when its steps were", option, text);
		*span = (struct span){ step_at(session, end, from), step_at(session, end, to) };
		return WH_OK;
	}
	if (slash || rest == text || !(n > 0))
		return wh_err_set(err, WH_E_USAGE, "--%s %s: not a number of steps, N%%, a time such as 15m, or FROM/TO", option, text);
	if (!*rest) {
		*span = (struct span){ n < end ? end - (uint32_t)n : 0, end };
		return WH_OK;
	}
	if (!strcmp(rest, "%") && n <= 100) {
		uint32_t steps = (uint32_t)ceil(n / 100 * end);
		*span = (struct span){ end - (steps < end ? steps : end), end };
		return WH_OK;
	}
	unit = *rest && !rest[1] ? strchr(units, *rest) : NULL;
	if (!unit)
		return wh_err_set(err, WH_E_USAGE, "--%s %s: not a number of steps, N%%, a time such as 15m, or FROM/TO", option, text);
	if (!session->time_s)
		return wh_err_set(err, WH_E_USAGE, "--%s %s: the session does not say when its steps were", option, text);
	*span = (struct span){ end ? step_at(session, end, session->time_s[end - 1] - n * seconds[unit - units]) : 0, end };
	return WH_OK;
}

/* ---- the verb ---- */

struct moved {
	const char *metric;
	struct wh_shift shift;
	double p_value; /* corrected */
};

struct changing {
	struct wh_call *call;
	struct wh_emit *out;
	const char *window, *baseline;
	double alarm;
	size_t most, sessions, short_sessions;
};

static int surest_first(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;
	double effect_x = fabs(x->shift.effect), effect_y = fabs(y->shift.effect), baro_x = fabs(x->shift.baro), baro_y = fabs(y->shift.baro);
	if (x->p_value != y->p_value)
		return x->p_value < y->p_value ? -1 : 1;
	if (effect_x != effect_y)
		return effect_x > effect_y ? -1 : 1;
	return baro_x != baro_y ? (baro_x > baro_y ? -1 : 1) : strcmp(x->metric, y->metric);
}

static int find_moved(const struct changing *c, const struct wh_session *session, struct span before, struct span now, struct wh_arena *arena,
		      struct moved **moved, size_t *n, struct wh_err *err)
{
	double *value = wh_arena_zalloc(arena, session->n_steps, sizeof *value), *p = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof *p);
	*moved = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof **moved);
	*n = 0;
	if (!value || !p || !*moved)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < session->n_metrics; i++) {
		struct moved *m = &(*moved)[i];
		wh_metric_expand(&session->metrics[i], 0, session->n_steps, value);
		WH_TRY(wh_shift(value + before.first, before.end - before.first, value + now.first, now.end - now.first, &m->shift, err));
		m->metric = session->metrics[i].name;
		p[i] = m->shift.p_value;
	}
	if (session->n_metrics)
		WH_TRY(wh_adjust_bh(p, session->n_metrics, err));
	for (size_t i = 0; i < session->n_metrics; i++)
		if (p[i] <= c->alarm) {
			(*moved)[*n] = (*moved)[i];
			(*moved)[(*n)++].p_value = p[i];
		}
	if (*n)
		qsort(*moved, *n, sizeof **moved, surest_first);
	return WH_OK;
}

static int look(void *user, const struct wh_record *record, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	struct changing *c = user;
	const struct wh_session *session = o->body;
	struct span now, before;
	struct moved *moved;
	size_t n;
	(void)record;
	c->sessions++;
	WH_TRY(find_span(session, "window", c->window, session->n_steps, &now, err));
	before = (struct span){ 0, now.first };
	if (c->baseline)
		WH_TRY(find_span(session, "baseline", c->baseline, now.first, &before, err));
	if (now.end < now.first + 2 || before.end < before.first + 2) {
		c->short_sessions++;
		return WH_OK;
	}
	WH_TRY(find_moved(c, session, before, now, arena, &moved, &n, err));
	for (size_t i = 0; i < n && (!c->most || i < c->most); i++) {
		const struct wh_shift *s = &moved[i].shift;
		wh_emit_object(c->out, NULL);
		wh_emit_string(c->out, "id", o->id);
		wh_emit_string(c->out, "metric", moved[i].metric);
		wh_emit_real(c->out, "before", s->median_before);
		wh_emit_real(c->out, "now", s->median_now);
		wh_emit_real(c->out, "effect", s->effect);
		wh_emit_real(c->out, "p_value", moved[i].p_value);
		wh_emit_real(c->out, "baro", s->baro);
		wh_emit_end(c->out);
	}
	wh_emit_flush(c->out);
	c->call->found |= n > 0;
	return WH_OK;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "id", "metric", "before", "now", "effect", "p_value", "baro", NULL };
	struct wh_model model;
	char schema[WH_SCHEMA];
	struct changing c = { .call = call, .out = out, .window = wh_values_string(&call->options, "window"),
			      .baseline = wh_values_string(&call->options, "baseline"), .alarm = wh_values_real(&call->options, "alarm"),
			      .most = (size_t)wh_values_int(&call->options, "most") };
	WH_TRY(wh_model_open(&model, call, err));
	wh_emit_records(out, wh_verb_schema(call, "changes", schema), columns);
	int code = wh_listing(call, &model, look, &c, err);
	wh_model_release(&model);
	if (code == WH_OK && c.short_sessions)
		wh_host_log(call->host, WH_WARNING, "%zu of %zu sessions have fewer than two steps in the window or before it", c.short_sessions,
			    c.sessions);
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

const struct wh_verb wh_verb_changed = {
	.name = "changed",
	.noun = "session",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "which metrics moved from one window of a session to another",
	.description =
		"Holds every metric of a session (thousands of series that Prometheus answered with, say) in one window against another, and names\n"
		"those that moved: the median before and now, the effect (the chance that a reading of now is larger than one of before, less the\n"
		"chance that it is smaller), and a p-value, below --alarm, that allows for readings that repeat their neighbours and is corrected for\n"
		"all metrics (Benjamini and Hochberg). Beside it the score of BARO, the largest reading of now in interquartile ranges of before.\n"
		"\n"
		"With --exit-code, exits with 3 where something moved.\n",
	.examples = "whorl NOUN changed --window 15m --baseline 2h answer.json\n"
		    "whorl NOUN changed --window 2026-11-20T10:00:00Z/2026-11-20T10:20:00Z answer.json\n",
	.result = "changes",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS,
	.options = options,
	.run = run,
};
