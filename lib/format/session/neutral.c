/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/neutral.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <whorl/format.h>

#include "base/json_scan.h"
#include "base/real.h"
#include "base/time.h"
#include "format/format.h"
#include "format/scan.h"
#include "format/session/list.h"

static const double MOST_WHOLE = 9007199254740992.0; /* 2^53 */

/* ---- writing ---- */

static void emit_number(struct wh_emit *e, double v)
{
	if (fabs(v) <= MOST_WHOLE && v == floor(v))
		wh_emit_integer(e, NULL, (int64_t)v);
	else
		wh_emit_real(e, NULL, v); /* NaN: null */
}

int wh_session_encode(const struct wh_observation *o, struct wh_emit *e, struct wh_err *err)
{
	const struct wh_session *session = o->body;
	(void)err;
	for (size_t i = 0; i < o->n_attributes; i++)
		wh_emit_string(e, o->attributes[i].name, o->attributes[i].value);
	wh_emit_string(e, "format", o->format);
	wh_emit_integer(e, "steps", session->n_steps);
	if (session->first_step)
		wh_emit_integer(e, "first_step", session->first_step);
	wh_emit_object(e, "metrics");
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *metric = &session->metrics[i];
		wh_emit_array(e, metric->name);
		for (size_t k = 0; k < metric->n_changes; k++) {
			wh_emit_integer(e, NULL, metric->changes[k].step);
			emit_number(e, metric->changes[k].value);
		}
		wh_emit_end(e);
	}
	wh_emit_end(e);
	if (!session->time_s)
		return WH_OK;
	wh_emit_array(e, "time_s");
	for (uint32_t i = 0; i < session->n_steps; i++)
		emit_number(e, session->time_s[i]);
	wh_emit_end(e);
	return WH_OK;
}

/* ---- reading ---- */

struct decoding {
	struct wh_json_scan scan;
	struct wh_arena *arena;
	struct wh_observation *o;
	struct wh_session *session;
	struct WH_VEC(struct wh_change) changes; /* of the metric at hand */
	struct WH_VEC(struct wh_metric) metrics;
	struct WH_VEC(double) time_s;
	struct WH_VEC(struct wh_attribute) attributes;
	uint64_t last;  /* the greatest step that a change names */
	bool has_steps, has_metrics, timed, no_memory;
};

/* Text that is not empty, up to a NUL, copied; NULL: there is none, or no memory, which is noted. */
static const char *copy(struct decoding *d, const struct wh_json_value *value)
{
	size_t n = value->kind == WH_JSON_STRING || value->kind == WH_JSON_NUMBER ? strnlen(value->data, value->size) : 0;
	const char *text = n ? wh_arena_strndup(d->arena, value->data, n) : NULL;
	d->no_memory |= n && !text;
	return text;
}

/* A number, or null, which is NaN. */
static bool read_number(const struct wh_json_value *value, double *v)
{
	*v = NAN;
	return value->kind == WH_JSON_NULL || (value->kind == WH_JSON_NUMBER && wh_real_parse(value->data, value->size, v) && isfinite(*v));
}

static bool read_step(const struct wh_json_value *value, uint64_t *step)
{
	return value->kind == WH_JSON_NUMBER && wh_json_scan_u64(value, step) && *step < WH_SESSION_MOST_STEPS;
}

/* [step, value, step, value …] */
static int decode_changes(struct decoding *d, struct wh_bytes name, struct wh_err *err)
{
	struct wh_json_value value;
	uint64_t step, before = 0;
	int shown = (int)(name.size < 100 ? name.size : 100);
	d->changes.n = 0;
	for (size_t i = 0; wh_json_scan_element(&d->scan); i++) {
		double v;
		if (!wh_json_scan_value(&d->scan, &value))
			return WH_OK;
		if (!read_step(&value, &step) || (i && step <= before))
			return wh_err_set(err, WH_E_FORMAT, "metric %.*s: steps do not ascend from 0 to %u", shown, name.data, WH_SESSION_MOST_STEPS - 1);
		before = step;
		d->last = step > d->last ? step : d->last;
		if (!wh_json_scan_element(&d->scan) || !wh_json_scan_value(&d->scan, &value))
			return d->scan.why ? WH_OK : wh_err_set(err, WH_E_FORMAT, "metric %.*s: a step without a value", shown, name.data);
		if (!read_number(&value, &v))
			return wh_err_set(err, WH_E_FORMAT, "metric %.*s: neither a number nor null at step %llu", shown, name.data,
					  (unsigned long long)step);
		double holds = d->changes.n ? d->changes.data[d->changes.n - 1].value : 0;
		if (holds != v && !(isnan(holds) && isnan(v)))
			d->no_memory |= wh_vec_push(&d->changes, (struct wh_change){ (uint32_t)step, v == 0 ? 0 : v });
	}
	return WH_OK;
}

static int decode_metrics(struct decoding *d, struct wh_err *err)
{
	struct wh_json_value key, value;
	d->has_metrics = true;
	d->metrics.n = 0; /* of two members of one name the last counts */
	d->last = 0;
	while (wh_json_scan_member(&d->scan, &key) && wh_json_scan_value(&d->scan, &value)) {
		struct wh_bytes name = { key.data, strnlen(key.data, key.size) };
		if (value.kind != WH_JSON_ARRAY)
			return wh_err_set(err, WH_E_FORMAT, "metric %.*s is not an array", (int)(name.size < 100 ? name.size : 100), name.data);
		WH_TRY(decode_changes(d, name, err));
		if (!name.size)
			continue;
		struct wh_change *changes = wh_arena_alloc(d->arena, (d->changes.n + 1) * sizeof *changes);
		struct wh_metric metric = { wh_arena_strndup(d->arena, name.data, name.size), changes, d->changes.n };
		if (!metric.name || !changes)
			return wh_arena_error(d->arena, err);
		if (metric.n_changes)
			memcpy(changes, d->changes.data, metric.n_changes * sizeof *changes);
		d->no_memory |= wh_vec_push(&d->metrics, metric);
	}
	return WH_OK;
}

static int decode_times(struct decoding *d, struct wh_err *err)
{
	struct wh_json_value value;
	double v;
	d->timed = true;
	d->time_s.n = 0;
	while (wh_json_scan_element(&d->scan) && wh_json_scan_value(&d->scan, &value)) {
		if (!read_number(&value, &v))
			return wh_err_set(err, WH_E_FORMAT, "\"time_s\": neither a number nor null");
		if (d->time_s.n == WH_SESSION_MOST_STEPS)
			return wh_err_set(err, WH_E_FORMAT, "\"time_s\" has more than %u", WH_SESSION_MOST_STEPS);
		d->no_memory |= wh_vec_push(&d->time_s, v + 0.0); /* no negative zero */
	}
	return WH_OK;
}

static int decode_time(struct wh_observation *o, const struct wh_json_value *value, struct wh_err *err)
{
	if (wh_time_parse(value->data, value->size, &o->time_ns))
		return wh_err_set(err, WH_E_FORMAT, "\"time\" is neither ISO 8601 nor a number: %.*s",
				  (int)(value->size < 60 ? value->size : 60), value->data);
	o->has_time = true;
	return WH_OK;
}

static int decode_steps(struct decoding *d, const struct wh_json_value *value, struct wh_err *err)
{
	uint64_t steps;
	if (value->kind != WH_JSON_NUMBER || !wh_json_scan_u64(value, &steps) || steps > WH_SESSION_MOST_STEPS)
		return wh_err_set(err, WH_E_FORMAT, "\"steps\" is not a number of at most %u", WH_SESSION_MOST_STEPS);
	d->session->n_steps = (uint32_t)steps;
	d->has_steps = true;
	return WH_OK;
}

static int decode_first_step(struct decoding *d, const struct wh_json_value *value, struct wh_err *err)
{
	struct wh_json_value digits = *value;
	uint64_t first;
	bool minus = value->kind == WH_JSON_NUMBER && *value->data == '-';
	digits.data += minus;
	digits.size -= minus;
	if (value->kind != WH_JSON_NUMBER || !wh_json_scan_u64(&digits, &first) || first > (uint64_t)INT64_MAX + minus)
		return wh_err_set(err, WH_E_FORMAT, "\"first_step\" is not a whole number");
	d->session->first_step = (int64_t)(minus ? 0 - first : first);
	return WH_OK;
}

/* Anything else that is said of a session is an attribute, in the words in which it stands there. */
static void decode_attribute(struct decoding *d, const struct wh_json_value *key, const struct wh_json_value *value)
{
	struct wh_json_value name = *key, text = *value;
	if (value->kind == WH_JSON_TRUE || value->kind == WH_JSON_FALSE)
		text = (struct wh_json_value){ WH_JSON_STRING, value->kind == WH_JSON_TRUE ? "true" : "false", value->kind == WH_JSON_TRUE ? 4 : 5 };
	name.kind = WH_JSON_STRING;
	struct wh_attribute attribute = { copy(d, &name), copy(d, &text) };
	if (!attribute.name || !attribute.value)
		return;
	for (size_t i = 0; i < d->attributes.n; i++)
		if (!strcmp(d->attributes.data[i].name, attribute.name)) {
			d->attributes.data[i].value = attribute.value;
			return;
		}
	d->no_memory |= wh_vec_push(&d->attributes, attribute);
}

static int decode_member(struct decoding *d, const struct wh_json_value *key, const struct wh_json_value *value, struct wh_err *err)
{
	if (value->kind == WH_JSON_NULL)
		return WH_OK;
	if (wh_json_scan_is(key, "metrics"))
		return value->kind == WH_JSON_OBJECT ? decode_metrics(d, err) : wh_err_set(err, WH_E_FORMAT, "\"metrics\" is not an object");
	if (wh_json_scan_is(key, "time_s"))
		return value->kind == WH_JSON_ARRAY ? decode_times(d, err) : wh_err_set(err, WH_E_FORMAT, "\"time_s\" is not an array");
	if (wh_json_scan_is(key, "steps"))
		return decode_steps(d, value, err);
	if (wh_json_scan_is(key, "first_step"))
		return decode_first_step(d, value, err);
	if (wh_json_scan_is(key, "time") && (value->kind == WH_JSON_STRING || value->kind == WH_JSON_NUMBER))
		return decode_time(d->o, value, err);
	if (wh_json_scan_is(key, "id"))
		d->o->id = copy(d, value);
	else if (wh_json_scan_is(key, "label"))
		d->o->label = copy(d, value);
	else if (wh_json_scan_is(key, "format"))
		d->o->format = copy(d, value);
	else if (!wh_json_scan_is(key, "time")) /* which may be anything in other tools' records */
		decode_attribute(d, key, value);
	wh_json_scan_skip(&d->scan, value);
	return WH_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct wh_metric *)a)->name, ((const struct wh_metric *)b)->name);
}

/* Sorted by name; one that stands there twice is an error. */
static int keep_metrics(struct decoding *d, struct wh_err *err)
{
	size_t n = d->metrics.n;
	bool sorted = true;
	for (size_t i = 1; i < n && sorted; i++)
		sorted = strcmp(d->metrics.data[i - 1].name, d->metrics.data[i].name) < 0;
	if (!sorted)
		qsort(d->metrics.data, n, sizeof *d->metrics.data, by_name);
	for (size_t i = 1; i < n && !sorted; i++)
		if (!strcmp(d->metrics.data[i - 1].name, d->metrics.data[i].name))
			return wh_err_set(err, WH_E_FORMAT, "metric %.100s stands there twice", d->metrics.data[i].name);
	struct wh_metric *metrics = wh_arena_alloc(d->arena, (n + 1) * sizeof *metrics);
	if (!metrics)
		return wh_arena_error(d->arena, err);
	if (n)
		memcpy(metrics, d->metrics.data, n * sizeof *metrics);
	d->session->metrics = metrics;
	d->session->n_metrics = n;
	return WH_OK;
}

/* A session without "steps" ends with its last change. */
static int settle_steps(struct decoding *d, struct wh_err *err)
{
	struct wh_session *session = d->session;
	bool changes = false;
	for (size_t i = 0; i < d->metrics.n && !changes; i++)
		changes = d->metrics.data[i].n_changes;
	uint64_t least = changes ? d->last + 1 : d->metrics.n ? 1 : 0;
	if (!d->has_steps)
		session->n_steps = (uint32_t)(least > d->time_s.n ? least : d->time_s.n);
	if (session->n_steps < least)
		return wh_err_set(err, WH_E_FORMAT, "%u steps, but a metric changes at step %llu", session->n_steps, (unsigned long long)d->last);
	if (!d->timed)
		return WH_OK;
	if (d->time_s.n != session->n_steps)
		return wh_err_set(err, WH_E_FORMAT, "%u steps, but \"time_s\" has %zu", session->n_steps, d->time_s.n);
	double *time_s = wh_arena_alloc(d->arena, (d->time_s.n + 1) * sizeof *time_s);
	if (!time_s)
		return wh_arena_error(d->arena, err);
	if (d->time_s.n)
		memcpy(time_s, d->time_s.data, d->time_s.n * sizeof *time_s);
	session->time_s = time_s;
	return WH_OK;
}

static int decode_object(struct decoding *d, struct wh_err *err)
{
	struct wh_json_value key, value;
	if (!wh_json_scan_value(&d->scan, &value))
		return wh_json_scan_finish(&d->scan, err);
	if (value.kind != WH_JSON_OBJECT)
		return wh_err_set(err, WH_E_FORMAT, "not a JSON object");
	while (wh_json_scan_member(&d->scan, &key) && wh_json_scan_value(&d->scan, &value))
		WH_TRY(decode_member(d, &key, &value, err));
	WH_TRY(wh_json_scan_finish(&d->scan, err));
	if (d->no_memory)
		return wh_arena_error(d->arena, err);
	if (!d->has_metrics)
		return wh_err_set(err, WH_E_FORMAT, "no object \"metrics\"");
	WH_TRY(keep_metrics(d, err));
	WH_TRY(settle_steps(d, err));
	struct wh_attribute *attributes = wh_arena_alloc(d->arena, (d->attributes.n + 1) * sizeof *attributes);
	if (!attributes)
		return wh_arena_error(d->arena, err);
	if (d->attributes.n)
		memcpy(attributes, d->attributes.data, d->attributes.n * sizeof *attributes);
	d->o->attributes = attributes;
	d->o->n_attributes = d->attributes.n;
	return WH_OK;
}

int wh_session_decode(struct wh_bytes text, struct wh_arena *arena, struct wh_observation *o, struct wh_err *err)
{
	struct decoding d = { .arena = arena, .o = o, .session = wh_arena_zalloc(arena, 1, sizeof *d.session) };
	*o = (struct wh_observation){ .body = d.session };
	if (!d.session)
		return wh_arena_error(arena, err);
	wh_json_scan_init(&d.scan, text, arena);
	int code = decode_object(&d, err);
	wh_vec_release(&d.changes);
	wh_vec_release(&d.metrics);
	wh_vec_release(&d.time_s);
	wh_vec_release(&d.attributes);
	return code;
}

/* ---- the reader ---- */

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line;
	while (wh_scan_line(&all, &line)) {
		line = wh_scan_trim(line);
		if (line.p == line.end)
			continue;
		/* one object a line; its end may lie beyond what we were given */
		struct wh_span rest;
		if (*line.p != '{' || !wh_scan_after(line, "\"metrics\"", &rest))
			return 0;
		wh_scan_blanks(&rest);
		if (!wh_scan_skip(&rest, ":"))
			return 0;
		wh_scan_blanks(&rest);
		return !wh_scan_has(rest, "{") ? 0 : wh_scan_find(line, "\"steps\"") ? 95 : 40;
	}
	return 0;
}

static int read_lines(struct wh_reader *reader, struct wh_err *err)
{
	return wh_reader_records(reader, wh_session_decode, err);
}

const struct wh_format wh_format_session_neutral = {
	.name = "neutral",
	.summary = "whorl's own JSON lines",
	.reference = "docs/format/sessions.md",
	.lines = true,
	.detect = detect,
	.read = read_lines,
};
