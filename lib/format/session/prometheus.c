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
#include "format/session/documents.h"
#include "format/session/list.h"
#include "format/session/report.h"
#include "format/session/series.h"

enum { TEXT_MIB = 16 };

struct prometheus {
	struct wh_reader *reader;
	struct wh_session_builder builder;
	struct wh_session_clock clock;
	struct wh_arena arena;              /* of strings that have escapes, of the answer at hand */
	struct wh_series_common common;
	struct wh_str name;
	bool naming; /* the second walk: common labels are known */
	bool failed; /* out of memory; sticks */
};

static size_t read_labels(struct wh_json_scan *s, struct wh_label *labels)
{
	struct wh_json_value key, value;
	size_t n = 0;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		if (value.kind == WH_JSON_STRING && n < WH_SERIES_LABELS)
			labels[n++] = (struct wh_label){ { key.data, key.size }, { value.data, value.size } };
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
	struct wh_label labels[WH_SERIES_LABELS];
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
	p->failed |= at.short_of_memory && wh_arena_error(&p->arena, NULL) == WH_E_NOMEM;
	if (found && p->naming)
		wh_series_name(&p->common, labels, n, &p->name);
	else if (found)
		wh_series_keep(&p->common, labels, n);
	p->failed |= p->name.failed || p->common.failed;
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

static int read_answer(void *user, struct wh_json_scan *s, const char *at, struct wh_err *err)
{
	struct prometheus *p = user;
	struct wh_json_value key, value;
	(void)at;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value))
		if (value.kind == WH_JSON_OBJECT && wh_json_scan_is(&key, "data"))
			read_data(p, s);
		else
			wh_json_scan_skip(s, &value);
	return p->failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static int emit(struct prometheus *p, struct wh_err *err)
{
	struct wh_attribute attributes[WH_SERIES_LABELS];
	size_t n = wh_series_attributes(&p->common, attributes);
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
	wh_series_common_init(&p.common);
	wh_session_builder_init(&p.builder, reader->arena);
	wh_session_clock_init(&p.clock);
	int code = wh_documents_walk(reader, &p.arena, true, read_answer, &p, err);
	p.naming = true;
	if (code == WH_OK)
		code = wh_documents_walk(reader, &p.arena, false, read_answer, &p, err);
	if (code == WH_OK)
		code = emit(&p, err);
	wh_session_builder_release(&p.builder);
	wh_session_clock_release(&p.clock);
	wh_str_release(&p.name);
	wh_arena_release(&p.arena);
	wh_series_common_release(&p.common);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size };
	const char *first = wh_documents_begin(text, text + size);
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
