/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutation tests (KabOOM sec. 4.3): the model is asked where the observations of a group would belong without a feature, or, of those that lack it, with as much of it
 * as others have. Features that move many, or far, are what the group rests on. Asked are some of the group's observations, of the features that contrast
 * gives first: one embedding each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "pipeline/explain.h"
#include "pipeline/sample.h"

enum { MOST_ASKED = 40 /* observations of a group */ };

struct mutating {
	const struct wh_explaining *x;
	const uint32_t *sample;
	size_t n;
	const char *const *names;
	size_t m;
	struct wh_location *unchanged; /* n */
	struct wh_mutation *mutation;  /* n x m */
	struct wh_arena *arena;        /* one a thread */
};

/* What became of those that were asked about one feature. */
struct outcome {
	const char *name;
	size_t tried, zeroed, left;
	double before, after; /* mean distances to where they belong unchanged */
	uint32_t to;          /* the group of the model that most of those went to that left */
	size_t n_to;
};

static int mutate_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct mutating *m = user;
	for (size_t i = first; i < last; i++) {
		const struct wh_record *record = &m->x->data.records.data[m->sample[i]];
		wh_arena_reset(&m->arena[worker]);
		WH_TRY(m->x->space.method->mutate(m->x->space.state, record->fingerprint, m->names, m->m, m->x->call->host, &m->arena[worker],
						  &m->unchanged[i], m->mutation + i * m->m, err));
	}
	return WH_OK;
}

/* Groups of the model that people hold together are one. */
static bool is_other(const struct wh_model *model, uint32_t a, uint32_t b)
{
	return a != b && strcmp(model->groups.data[a].id, model->groups.data[b].id) != 0;
}

/* count: per group of the model, for this one feature. */
static void judge(const struct mutating *m, size_t k, size_t *count, struct outcome *o)
{
	const struct wh_model *model = &m->x->model;
	*o = (struct outcome){ .name = m->names[k] };
	memset(count, 0, (model->groups.n + 1) * sizeof *count);
	for (size_t i = 0; i < m->n; i++) {
		const struct wh_mutation *mutation = &m->mutation[i * m->m + k];
		const uint32_t from = m->unchanged[i].group, to = mutation->at.group;
		if (!mutation->tried || from >= model->groups.n || to >= model->groups.n)
			continue;
		o->tried++;
		o->zeroed += mutation->zeroed;
		o->before += m->unchanged[i].distance;
		o->after += mutation->distance;
		if (!is_other(model, from, to))
			continue;
		o->left++;
		if (++count[to] > o->n_to || (count[to] == o->n_to && to < o->to)) {
			o->n_to = count[to];
			o->to = to;
		}
	}
	o->before /= o->tried ? (double)o->tried : 1;
	o->after /= o->tried ? (double)o->tried : 1;
}

static double share_left(const struct outcome *o)
{
	return o->tried ? (double)o->left / (double)o->tried : 0;
}

static int decisive_first(const void *a, const void *b)
{
	const struct outcome *x = a, *y = b;
	if (share_left(x) != share_left(y))
		return share_left(x) > share_left(y) ? -1 : 1;
	if (x->after - x->before != y->after - y->before)
		return x->after - x->before > y->after - y->before ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void say(struct wh_str *text, const struct outcome *o, const struct wh_model *model)
{
	const char *how = o->zeroed == o->tried ? "without it" : o->zeroed ? "without it, or with it where it was not," : "with as much of it as others have";
	wh_str_printf(text, "%s: %s %zu of %zu leave", o->name, how, o->left, o->tried);
	if (o->left)
		wh_str_printf(text, ", %zu to %s", o->n_to, model->groups.data[o->to].id);
	wh_str_printf(text, "; mean distance %.3g instead of %.3g", o->after, o->before);
}

static void emit_outcome(const struct outcome *o, const struct wh_explaining *x, const char *sentence, struct wh_emit *out)
{
	wh_emit_object(out, NULL);
	wh_emit_string(out, "name", o->name);
	wh_emit_string(out, "kind", "mutation");
	wh_emit_real(out, "score", share_left(o));
	wh_emit_integer(out, "asked", (int64_t)o->tried);
	wh_emit_integer(out, "zeroed", (int64_t)o->zeroed);
	wh_emit_integer(out, "left", (int64_t)o->left);
	if (o->left)
		wh_emit_string(out, "to", x->model.groups.data[o->to].id);
	wh_emit_real(out, "distance", o->before);
	wh_emit_real(out, "distance_changed", o->after);
	wh_emit_string(out, "sentence", sentence);
	wh_emit_end(out);
}

static int emit_outcomes(const struct mutating *m, struct wh_emit *out, struct wh_err *err)
{
	struct outcome *outcomes = malloc((m->m + 1) * sizeof *outcomes);
	size_t *count = malloc((m->x->model.groups.n + 1) * sizeof *count), most = wh_explain_most(m->x);
	struct wh_str sentence = { 0 };
	int code = outcomes && count ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t k = 0; code == WH_OK && k < m->m; k++)
		judge(m, k, count, &outcomes[k]);
	if (code == WH_OK && m->m)
		qsort(outcomes, m->m, sizeof *outcomes, decisive_first);
	for (size_t k = 0, listed = 0; code == WH_OK && k < m->m && listed < most; k++) {
		if (!outcomes[k].tried)
			continue;
		listed++;
		wh_str_clear(&sentence);
		say(&sentence, &outcomes[k], &m->x->model);
		emit_outcome(&outcomes[k], m->x, sentence.data, out);
	}
	if (code == WH_OK && sentence.failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_str_release(&sentence);
	free(outcomes);
	free(count);
	return code;
}

static int ask(struct mutating *m, struct wh_emit *out, struct wh_err *err)
{
	const struct wh_host *host = m->x->call->host;
	const unsigned threads = wh_host_threads(host);
	m->unchanged = calloc(m->n + 1, sizeof *m->unchanged);
	m->mutation = calloc(m->n * m->m + 1, sizeof *m->mutation);
	m->arena = calloc(threads, sizeof *m->arena);
	int code = m->unchanged && m->mutation && m->arena ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned i = 0; m->arena && i < threads; i++)
		wh_arena_init(&m->arena[i], SIZE_MAX);
	if (code == WH_OK)
		code = wh_parallel(host, "mutating", m->n, 1, mutate_some, m, err);
	if (code == WH_OK)
		code = emit_outcomes(m, out, err);
	for (unsigned i = 0; m->arena && i < threads; i++)
		wh_arena_release(&m->arena[i]);
	free(m->arena);
	free(m->unchanged);
	free(m->mutation);
	return code;
}

static int emit(struct wh_explaining *x, const struct wh_sides *sides, struct wh_emit *out, struct wh_err *err)
{
	const size_t most = (size_t)wh_values_int(&x->call->options, "tried");
	struct mutating m = { .x = x };
	uint32_t *sample = NULL;
	const char **names = malloc((most + 1) * sizeof *names);
	wh_emit_array(out, "features");
	int code = names ? wh_explain_candidates(x, sides, true, names, most, &m.m, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_sample_records(&x->data, sides->records, sides->n, MOST_ASKED, &sample, &m.n, err);
	m.names = names;
	m.sample = sample;
	if (code == WH_OK)
		code = ask(&m, out, err);
	wh_emit_end(out);
	free(sample);
	free(names);
	return code;
}

const struct wh_analysis wh_analysis_mutation = { "mutation", WH_NEEDS_TRAITS | WH_NEEDS_AMOUNTS | WH_NEEDS_SPACE, true, emit };
