/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Prometheus answers to /api/v1/query_range and /api/v1/query: one session, of all answers that the file holds.
 *
 *	{"status":"success","data":{"resultType":"matrix","result":[
 *	  {"metric":{"__name__":"go_goroutines","instance":"a:80","job":"shop"},"values":[[1795291901,"30"],[1795291903.5,"31"]]}]}}
 *
 * A metric is called as its series, `name{label="value"}` with the labels in their order; those that all series of the file have with the
 * same value are attributes of the session instead, for they say what it is of and differ from file to file. A series without a sample at a
 * time is not known then; stale markers, histograms and infinities are not known either.
 */
#include <math.h>

#include "base/json_scan.h"
#include "base/real.h"
#include "format/scan.h"
#include "format/session/clock.h"
#include "format/session/list.h"
#include "format/session/report.h"

enum { MOST_LABELS = 64, TEXT_MIB = 16 };

struct label {
	struct wh_bytes name, value;
};

struct prometheus {
	struct wh_reader *reader;
	struct wh_session_builder builder;
	struct wh_session_clock clock;
	struct wh_arena arena;              /* of strings that have escapes, of the answer at hand */
	struct wh_arena kept;               /* of the common labels */
	struct label common[MOST_LABELS];   /* n_common: those that every series had so far */
	size_t n_common, series;
	struct wh_str name;
	bool naming; /* the second walk: common labels are known */
	bool failed; /* out of memory; sticks */
	const char *why;
};

static bool equal(struct wh_bytes a, struct wh_bytes b)
{
	return a.size == b.size && !memcmp(a.data, b.data, a.size);
}

static const struct label *find(const struct label *labels, size_t n, const struct label *label)
{
	for (size_t i = 0; i < n; i++)
		if (equal(labels[i].name, label->name) && equal(labels[i].value, label->value))
			return &labels[i];
	return NULL;
}

static bool is_name(const struct label *label)
{
	return equal(label->name, (struct wh_bytes){ "__name__", 8 });
}

/* ---- what all series have in common ---- */

static void keep(struct prometheus *p, const struct label *labels, size_t n)
{
	if (p->series++ == 0) {
		for (size_t i = 0; i < n; i++) {
			struct label label = { { wh_arena_strndup(&p->kept, labels[i].name.data, labels[i].name.size), labels[i].name.size },
					       { wh_arena_strndup(&p->kept, labels[i].value.data, labels[i].value.size), labels[i].value.size } };
			bool kept = label.name.data && label.value.data;
			p->failed |= !kept && wh_arena_error(&p->kept, NULL) == WH_E_NOMEM;
			if (kept && !is_name(&label)) /* one too long for the arena stays part of the names */
				p->common[p->n_common++] = label;
		}
		return;
	}
	for (size_t i = p->n_common; i-- > 0;)
		if (!find(labels, n, &p->common[i]))
			p->common[i] = p->common[--p->n_common];
}

/* ---- series ---- */

static void name_series(struct prometheus *p, const struct label *labels, size_t n)
{
	const char *before = "{";
	wh_str_clear(&p->name);
	for (size_t i = 0; i < n; i++)
		if (is_name(&labels[i]))
			wh_str_add(&p->name, labels[i].value.data, labels[i].value.size);
	for (size_t i = 0; i < n; i++) {
		if (is_name(&labels[i]) || find(p->common, p->n_common, &labels[i]))
			continue;
		wh_str_puts(&p->name, before);
		wh_str_add(&p->name, labels[i].name.data, labels[i].name.size);
		wh_str_puts(&p->name, "=\"");
		wh_str_add(&p->name, labels[i].value.data, labels[i].value.size);
		wh_str_putc(&p->name, '"');
		before = ",";
	}
	if (*before == ',')
		wh_str_putc(&p->name, '}');
	if (!p->name.n)
		wh_str_puts(&p->name, "value"); /* of an expression */
	p->failed |= p->name.failed;
}

static size_t read_labels(struct wh_json_scan *s, struct label *labels)
{
	struct wh_json_value key, value;
	size_t n = 0;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		if (value.kind == WH_JSON_STRING && n < MOST_LABELS)
			labels[n++] = (struct label){ { key.data, key.size }, { value.data, value.size } };
		wh_json_scan_skip(s, &value);
	}
	return n;
}

/* [1795291901.5, "30"], of which the bracket was taken */
static void read_sample(struct prometheus *p, struct wh_json_scan *s)
{
	struct wh_json_value time, value, more;
	double time_s, v;
	if (!wh_json_scan_element(s) || !wh_json_scan_value(s, &time))
		return;
	wh_json_scan_skip(s, &time);
	if (!wh_json_scan_element(s) || !wh_json_scan_value(s, &value))
		return;
	wh_json_scan_skip(s, &value);
	while (wh_json_scan_element(s) && wh_json_scan_value(s, &more))
		wh_json_scan_skip(s, &more);
	if (!p->naming || p->failed || s->why || time.kind != WH_JSON_NUMBER || !wh_real_parse(time.data, time.size, &time_s) || !isfinite(time_s) ||
	    (value.kind != WH_JSON_STRING && value.kind != WH_JSON_NUMBER) || !wh_real_parse(value.data, value.size, &v))
		return;
	wh_session_builder_row(&p->builder, p->name.data, p->name.n, wh_session_clock_step(&p->clock, time_s), v);
}

/* One element of `result`; its labels may come behind its values, so it is walked twice. */
static void read_series(struct prometheus *p, struct wh_json_scan *s)
{
	struct wh_json_value key, value, part;
	struct wh_json_scan at = *s;
	struct label labels[MOST_LABELS];
	size_t n = 0;
	bool found = false;
	while (wh_json_scan_member(&at, &key) && wh_json_scan_value(&at, &value)) {
		if (value.kind == WH_JSON_OBJECT && wh_json_scan_is(&key, "metric")) {
			n = read_labels(&at, labels);
			found = true;
		} else {
			wh_json_scan_skip(&at, &value);
		}
	}
	found &= !at.why;
	if (found && p->naming)
		name_series(p, labels, n);
	else if (found)
		keep(p, labels, n);
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		bool many = wh_json_scan_is(&key, "values"), one = wh_json_scan_is(&key, "value");
		if (!found || value.kind != WH_JSON_ARRAY || (!many && !one)) {
			wh_json_scan_skip(s, &value);
		} else if (one) {
			read_sample(p, s);
		} else {
			while (wh_json_scan_element(s) && wh_json_scan_value(s, &part))
				if (part.kind == WH_JSON_ARRAY)
					read_sample(p, s);
				else
					wh_json_scan_skip(s, &part);
		}
	}
}

static void read_data(struct prometheus *p, struct wh_json_scan *s)
{
	struct wh_json_value key, value, part;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		if (value.kind != WH_JSON_ARRAY || !wh_json_scan_is(&key, "result")) {
			wh_json_scan_skip(s, &value);
			continue;
		}
		while (wh_json_scan_element(s) && wh_json_scan_value(s, &part))
			if (part.kind == WH_JSON_OBJECT)
				read_series(p, s);
			else
				wh_json_scan_skip(s, &part);
	}
}

/* One answer, from *at on, which moves behind it; what is wrong with it is in p->why. */
static void read_answer(struct prometheus *p, const char **at, const char *end)
{
	struct wh_json_scan s;
	struct wh_json_value key, value;
	wh_json_scan_init(&s, (struct wh_bytes){ *at, (size_t)(end - *at) }, &p->arena);
	p->why = NULL;
	if (wh_json_scan_value(&s, &value) && value.kind == WH_JSON_OBJECT)
		while (wh_json_scan_member(&s, &key) && wh_json_scan_value(&s, &value))
			if (value.kind == WH_JSON_OBJECT && wh_json_scan_is(&key, "data"))
				read_data(p, &s);
			else
				wh_json_scan_skip(&s, &value);
	else if (!s.why)
		p->why = "not a JSON object";
	if (s.why)
		p->why = s.why;
	p->failed |= s.short_of_memory && wh_arena_error(&p->arena, NULL) == WH_E_NOMEM;
	*at = s.p;
	wh_arena_reset(&p->arena);
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* All answers; what is no JSON is passed over to the end of its line. */
static int walk(struct prometheus *p, struct wh_err *err)
{
	const char *at = p->reader->text, *end = at + p->reader->size;
	for (at = skip_blanks(at, end); at < end; at = skip_blanks(at, end)) {
		const char *begin = at;
		read_answer(p, &at, end);
		if (p->failed)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (!p->why)
			continue;
		if (p->naming)
			WH_TRY(wh_reader_skip(p->reader, at < end ? at : begin, err, "JSON: %s", p->why));
		const char *nl = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		at = nl ? nl + 1 : end;
	}
	return WH_OK;
}

static int emit(struct prometheus *p, struct wh_err *err)
{
	struct wh_attribute attributes[MOST_LABELS];
	size_t n = 0;
	for (size_t i = 0; i < p->n_common; i++)
		if (p->common[i].value.size && *p->common[i].value.data && *p->common[i].name.data)
			attributes[n++] = (struct wh_attribute){ p->common[i].name.data, p->common[i].value.data };
	if (p->failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_session_clock_settle(&p->clock, &p->builder, err));
	return wh_session_emit(p->reader, &p->builder, WH_SESSION_SPARSE, &(struct wh_session_head){ .attributes = attributes, .n_attributes = n },
			       p->reader->text, err);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct prometheus p = { .reader = reader };
	wh_arena_init(&p.arena, (size_t)TEXT_MIB << 20);
	wh_arena_init(&p.kept, (size_t)TEXT_MIB << 20);
	wh_session_builder_init(&p.builder, reader->arena);
	wh_session_clock_init(&p.clock);
	int code = walk(&p, err);
	p.naming = true;
	if (code == WH_OK)
		code = walk(&p, err);
	if (code == WH_OK)
		code = emit(&p, err);
	wh_session_builder_release(&p.builder);
	wh_session_clock_release(&p.clock);
	wh_str_release(&p.name);
	wh_arena_release(&p.arena);
	wh_arena_release(&p.kept);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size };
	const char *first = skip_blanks(text, text + size);
	if (first == text + size || *first != '{' || !wh_scan_find(all, "\"resultType\"") || !wh_scan_find(all, "\"result\""))
		return 0;
	return wh_scan_find(all, "\"matrix\"") ? 90 : wh_scan_find(all, "\"vector\"") ? 80 : 0;
}

const struct wh_format wh_format_session_prometheus = {
	.name = "prometheus",
	.summary = "answers of Prometheus to query_range and query, as JSON",
	.reference = "prometheus.io/docs/prometheus/latest/querying/api",
	.detect = detect,
	.read = read,
};
