/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as OpenTelemetry's protocol has them in JSON: what SDKs post to /v1/metrics, and the collector's file exporter writes, an object a line.
 *
 *	{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
 *	  "scopeMetrics":[{"scope":{"name":"shop.orders"},"metrics":[{"name":"requests","sum":{"aggregationTemporality":2,"dataPoints":[
 *	    {"attributes":[],"timeUnixNano":"1795301612089000000","asDouble":3}]}}]}]}]}
 *
 * A resource is a session, in however many exports it comes; its attributes are the session's, `service.name` as `app`, `service.version` as
 * `version`, `os.type` as `platform`. A metric is called as its series, `requests{http.route="/order",otel_scope_name="shop.orders"}`, labels sorted.
 * Sums that are exported as deltas are added up. Of a histogram come `_count`, `_sum`, `_min`, `_max` and, at or below each bound, `_bucket{le="5"}`;
 * of an exponential one no buckets, whose bounds change as it goes; of a summary its quantiles.
 */
#include <math.h>

#include "base/json_scan.h"
#include "base/real.h"
#include "format/scan.h"
#include "format/session/documents.h"
#include "format/session/list.h"
#include "format/session/targets.h"

enum { TEXT_MIB = 16, TOGETHER_MS = 100, DELTA = 1, NO_VALUE = 1 };

struct otlp {
	struct wh_reader *reader;
	struct wh_session_targets targets;
	struct wh_arena arena; /* of strings that have escapes, of the export at hand */
	uint32_t target;       /* … the resource at hand */
	struct wh_bytes scope, metric;
	bool is_delta;
	struct wh_str called, series, id;
	size_t bad; /* points of the export at hand */
	bool failed; /* out of memory; sticks */
};

/* ---- pieces ---- */

static bool is(const struct wh_json_value *key, const char *name)
{
	return wh_json_scan_is(key, name);
}

/* What walks ahead sees as well when memory is short. */
static void notice(struct otlp *o, const struct wh_json_scan *s)
{
	o->failed |= s->short_of_memory && wh_arena_error(&o->arena, NULL) == WH_E_NOMEM;
}

/* Whether the object that s has entered has that member; its value is then *value, and *at stands behind what wh_json_scan_value takes of it. */
static bool peek(struct otlp *o, const struct wh_json_scan *s, const char *name, struct wh_json_scan *at, struct wh_json_value *value)
{
	struct wh_json_value key;
	*at = *s;
	while (wh_json_scan_member(at, &key) && wh_json_scan_value(at, value)) {
		if (is(&key, name))
			return true;
		wh_json_scan_skip(at, value);
	}
	notice(o, at);
	return false;
}

static struct wh_bytes peek_text(struct otlp *o, const struct wh_json_scan *s, const char *name)
{
	struct wh_json_scan at;
	struct wh_json_value value;
	bool found = peek(o, s, name, &at, &value) && value.kind == WH_JSON_STRING;
	return found ? (struct wh_bytes){ value.data, value.size } : (struct wh_bytes){ "", 0 };
}

/* `3`, `"3"`, `"NaN"`, `"-Infinity"` */
static bool read_number(const struct wh_json_value *value, double *number)
{
	return (value->kind == WH_JSON_NUMBER || value->kind == WH_JSON_STRING) && wh_real_parse(value->data, value->size, number);
}

/* The one member of an AnyValue, as text; lists and maps as they are written. */
static struct wh_bytes read_any(struct wh_json_scan *s)
{
	struct wh_json_value key, value;
	struct wh_bytes text = { "", 0 };
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		const char *begin = s->p - 1;
		wh_json_scan_skip(s, &value);
		if (value.kind == WH_JSON_OBJECT || value.kind == WH_JSON_ARRAY)
			text = (struct wh_bytes){ begin, (size_t)(s->p - begin) };
		else if (value.kind == WH_JSON_TRUE || value.kind == WH_JSON_FALSE)
			text = value.kind == WH_JSON_TRUE ? (struct wh_bytes){ "true", 4 } : (struct wh_bytes){ "false", 5 };
		else
			text = (struct wh_bytes){ value.data, value.size };
	}
	return text;
}

/* [{"key":"http.route","value":{"stringValue":"/order"}}], of which the bracket was taken; up to `most` of them. */
static size_t read_attributes(struct wh_json_scan *s, struct wh_label *labels, size_t most)
{
	struct wh_json_value part, key, value;
	size_t n = 0;
	while (wh_json_scan_element(s) && wh_json_scan_value(s, &part)) {
		struct wh_label label = { { "", 0 }, { "", 0 } };
		if (part.kind != WH_JSON_OBJECT) {
			wh_json_scan_skip(s, &part);
			continue;
		}
		while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
			if (is(&key, "key") && value.kind == WH_JSON_STRING)
				label.name = (struct wh_bytes){ value.data, value.size };
			if (is(&key, "value") && value.kind == WH_JSON_OBJECT)
				label.value = read_any(s);
			else
				wh_json_scan_skip(s, &value);
		}
		if (label.name.size && n < most)
			labels[n++] = label;
	}
	return n;
}

/* ---- data points ---- */

struct point {
	struct wh_label labels[WH_SERIES_LABELS]; /* n; two are kept free */
	size_t n;
	uint64_t time_ns, flags;
	double value, count, sum, min, max;
	bool has_value, has_count, has_sum, has_min, has_max;
	bool has_counts, has_bounds, has_quantiles;
	struct wh_json_scan counts, bounds, quantiles; /* in their arrays */
};

static void put(struct otlp *o, const struct point *point, const char *suffix, const struct wh_label *more, double value, bool is_delta)
{
	struct wh_label labels[WH_SERIES_LABELS + 1];
	size_t n = point->n;
	wh_str_clear(&o->called);
	wh_str_add(&o->called, o->metric.data, o->metric.size);
	wh_str_puts(&o->called, suffix);
	memcpy(labels, point->labels, n * sizeof *labels);
	labels[n++] = (struct wh_label){ { "__name__", 8 }, { o->called.data, o->called.n } };
	if (more)
		labels[n++] = *more;
	wh_series_sort(labels, n);
	wh_series_name(NULL, labels, n, &o->series);
	o->failed |= o->called.failed || o->series.failed;
	if (!o->failed)
		wh_session_targets_sample(&o->targets, o->target, (struct wh_bytes){ o->series.data, o->series.n }, (int64_t)point->time_ns, value, is_delta);
}

/* At or below each bound. */
static void put_buckets(struct otlp *o, struct point *point)
{
	struct wh_json_value count, bound;
	double number, least, below = 0;
	while (wh_json_scan_element(&point->bounds) && wh_json_scan_value(&point->bounds, &bound) && read_number(&bound, &least) &&
	       wh_json_scan_element(&point->counts) && wh_json_scan_value(&point->counts, &count) && read_number(&count, &number)) {
		below += number;
		put(o, point, "_bucket", &(struct wh_label){ { "le", 2 }, { bound.data, bound.size } }, below, o->is_delta);
	}
	notice(o, &point->bounds);
	notice(o, &point->counts);
}

/* [{"quantile":0.5,"value":1.25}] */
static void put_quantiles(struct otlp *o, struct point *point)
{
	struct wh_json_scan *s = &point->quantiles;
	struct wh_json_value part, key, value;
	while (wh_json_scan_element(s) && wh_json_scan_value(s, &part) && part.kind == WH_JSON_OBJECT) {
		struct wh_label label = { { "quantile", 8 }, { "0", 1 } }; /* zeros may be left out */
		double number = 0;
		while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
			if (is(&key, "quantile") && value.kind == WH_JSON_NUMBER)
				label.value = (struct wh_bytes){ value.data, value.size };
			if (is(&key, "value") && !read_number(&value, &number))
				number = NAN;
			wh_json_scan_skip(s, &value);
		}
		put(o, point, "", &label, number, false);
	}
	notice(o, s);
}

static void put_point(struct otlp *o, struct point *point)
{
	if (!point->time_ns || point->time_ns > INT64_MAX || !(point->has_value || point->has_count || point->flags & NO_VALUE)) {
		o->bad++;
		return;
	}
	if (o->scope.size)
		point->labels[point->n++] = (struct wh_label){ { "otel_scope_name", 15 }, o->scope };
	if (point->has_value)
		put(o, point, "", NULL, point->flags & NO_VALUE ? NAN : point->value, o->is_delta);
	if (point->has_count)
		put(o, point, "_count", NULL, point->flags & NO_VALUE ? NAN : point->count, o->is_delta);
	if (point->flags & NO_VALUE)
		return;
	if (point->has_sum)
		put(o, point, "_sum", NULL, point->sum, o->is_delta);
	if (point->has_min)
		put(o, point, "_min", NULL, point->min, false);
	if (point->has_max)
		put(o, point, "_max", NULL, point->max, false);
	if (point->has_counts && point->has_bounds)
		put_buckets(o, point);
	if (point->has_quantiles)
		put_quantiles(o, point);
}

static void read_member(struct point *point, const struct wh_json_value *key, const struct wh_json_value *value, const struct wh_json_scan *s)
{
	bool many = value->kind == WH_JSON_ARRAY;
	if (is(key, "timeUnixNano") && !wh_json_scan_u64(value, &point->time_ns))
		point->time_ns = 0;
	else if (is(key, "flags") && !wh_json_scan_u64(value, &point->flags))
		point->flags = 0;
	else if (is(key, "asDouble") || is(key, "asInt"))
		point->has_value = read_number(value, &point->value);
	else if (is(key, "count"))
		point->has_count = read_number(value, &point->count);
	else if (is(key, "sum"))
		point->has_sum = read_number(value, &point->sum);
	else if (is(key, "min"))
		point->has_min = read_number(value, &point->min);
	else if (is(key, "max"))
		point->has_max = read_number(value, &point->max);
	else if (many && is(key, "bucketCounts"))
		point->has_counts = (point->counts = *s, true);
	else if (many && is(key, "explicitBounds"))
		point->has_bounds = (point->bounds = *s, true);
	else if (many && is(key, "quantileValues"))
		point->has_quantiles = (point->quantiles = *s, true);
}

static void read_point(struct otlp *o, struct wh_json_scan *s)
{
	struct wh_json_value key, value;
	struct point point;
	point.n = 0;
	point.time_ns = point.flags = 0;
	point.has_value = point.has_count = point.has_sum = point.has_min = point.has_max = false;
	point.has_counts = point.has_bounds = point.has_quantiles = false;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		read_member(&point, &key, &value, s);
		if (is(&key, "attributes") && value.kind == WH_JSON_ARRAY)
			point.n = read_attributes(s, point.labels, WH_SERIES_LABELS - 2);
		else
			wh_json_scan_skip(s, &value);
	}
	if (!s->why)
		put_point(o, &point);
}

/* ---- metrics of scopes of resources ---- */

typedef void each_fn(struct otlp *, struct wh_json_scan *);

/* The objects of the array that s has entered. */
static void each(struct otlp *o, struct wh_json_scan *s, each_fn *f)
{
	struct wh_json_value part;
	while (wh_json_scan_element(s) && wh_json_scan_value(s, &part)) {
		struct wh_arena_mark mark = wh_arena_mark(&o->arena);
		if (part.kind == WH_JSON_OBJECT)
			f(o, s);
		else
			wh_json_scan_skip(s, &part);
		wh_arena_rewind(&o->arena, mark);
	}
}

/* Those of the array `name` in the object that s has entered. */
static void each_of(struct otlp *o, struct wh_json_scan *s, const char *name, each_fn *f)
{
	struct wh_json_value key, value;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value))
		if (value.kind == WH_JSON_ARRAY && is(&key, name))
			each(o, s, f);
		else
			wh_json_scan_skip(s, &value);
}

/* {"aggregationTemporality":1,"dataPoints":[…]} */
static void read_data(struct otlp *o, struct wh_json_scan *s)
{
	struct wh_json_scan at;
	struct wh_json_value value;
	uint64_t kind = 0;
	bool told = peek(o, s, "aggregationTemporality", &at, &value);
	o->is_delta = told && (is(&value, "AGGREGATION_TEMPORALITY_DELTA") || (wh_json_scan_u64(&value, &kind) && kind == DELTA));
	each_of(o, s, "dataPoints", read_point);
}

static void read_metric(struct otlp *o, struct wh_json_scan *s)
{
	static const char *const kinds[] = { "gauge", "sum", "histogram", "exponentialHistogram", "summary" };
	struct wh_json_value key, value;
	o->metric = peek_text(o, s, "name");
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		bool data = false;
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			data |= value.kind == WH_JSON_OBJECT && is(&key, kinds[i]);
		if (data && o->metric.size)
			read_data(o, s);
		else
			wh_json_scan_skip(s, &value);
	}
}

static void read_scope(struct otlp *o, struct wh_json_scan *s)
{
	struct wh_json_scan at;
	struct wh_json_value value;
	bool told = peek(o, s, "scope", &at, &value) && value.kind == WH_JSON_OBJECT;
	o->scope = told ? peek_text(o, &at, "name") : (struct wh_bytes){ "", 0 };
	each_of(o, s, "metrics", read_metric);
}

/* A service's instance has a name that no other has: namespace, service and instance together. */
static void find_target(struct otlp *o, struct wh_label *labels, size_t n)
{
	static const struct {
		const char *name, *as;
	} parts[] = { { "service.namespace", "service.namespace" }, { "service.name", "app" }, { "service.instance.id", "service.instance.id" },
		      { "service.version", "version" }, { "os.type", "platform" } };
	bool instance = false;
	wh_str_clear(&o->id);
	for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
		for (size_t i = 0; i < n; i++) {
			if (!wh_label_is(&labels[i], parts[k].name))
				continue;
			if (k < 3 && labels[i].value.size && !memchr(labels[i].value.data, '\0', labels[i].value.size)) {
				if (o->id.n)
					wh_str_putc(&o->id, '/');
				wh_str_add(&o->id, labels[i].value.data, labels[i].value.size);
				instance |= k == 2;
			}
			labels[i].name = (struct wh_bytes){ parts[k].as, strlen(parts[k].as) };
		}
	o->failed |= o->id.failed;
	if (!o->failed)
		o->target = wh_session_targets_add(&o->targets, (struct wh_bytes){ o->id.data, instance ? o->id.n : 0 }, labels, n);
}

static void read_resource(struct otlp *o, struct wh_json_scan *s)
{
	struct wh_label labels[WH_SERIES_LABELS];
	struct wh_json_scan at, inside;
	struct wh_json_value value;
	size_t n = 0;
	if (peek(o, s, "resource", &at, &value) && value.kind == WH_JSON_OBJECT && peek(o, &at, "attributes", &inside, &value) &&
	    value.kind == WH_JSON_ARRAY) {
		n = read_attributes(&inside, labels, WH_SERIES_LABELS);
		notice(o, &inside);
	}
	find_target(o, labels, n);
	each_of(o, s, "scopeMetrics", read_scope);
}

/* ---- exports ---- */

static int read_export(void *user, struct wh_json_scan *s, const char *at, struct wh_err *err)
{
	struct otlp *o = user;
	o->bad = 0;
	each_of(o, s, "resourceMetrics", read_resource);
	if (o->failed || o->targets.failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return o->bad ? wh_reader_skip(o->reader, at, err, "%zu data points without a time or without a number", o->bad) : WH_OK;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct otlp o = { .reader = reader };
	wh_arena_init(&o.arena, (size_t)TEXT_MIB << 20);
	wh_session_targets_init(&o.targets);
	o.targets.together_ns = (int64_t)TOGETHER_MS * 1000000;
	int code = wh_documents_walk(reader, &o.arena, false, read_export, &o, err);
	if (code == WH_OK)
		code = wh_session_targets_emit(reader, &o.targets, NULL, 0, err);
	wh_session_targets_release(&o.targets);
	wh_str_release(&o.called);
	wh_str_release(&o.series);
	wh_str_release(&o.id);
	wh_arena_release(&o.arena);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size };
	const char *first = wh_documents_begin(text, text + size);
	if (first == text + size || *first != '{' || !wh_scan_after(all, "\"resourceMetrics\"", &all) || !wh_scan_find(all, "\"scopeMetrics\""))
		return 0;
	all.p = wh_documents_begin(all.p, all.end);
	return wh_scan_has(all, ":") ? 95 : 0;
}

const struct wh_format wh_format_session_otlp = {
	.name = "otlp",
	.summary = "metrics of OpenTelemetry as OTLP/JSON, a session for each resource",
	.reference = "opentelemetry.io/docs/specs/otlp, opentelemetry/proto/metrics/v1/metrics.proto; the file exporter of the collector",
	.detect = detect,
	.read = read,
};
