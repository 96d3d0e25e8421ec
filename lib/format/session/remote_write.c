/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Prometheus sends by remote write (version 1): bodies of its requests, one or many behind each other in a file, without anything between
 * them. A body is a Snappy block, which ends where it says, of a protobuf WriteRequest:
 *
 *	WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
 *	TimeSeries { repeated Label { string name = 1, value = 2; } labels = 1; repeated Sample { double value = 1; int64 timestamp_ms = 2; } samples = 2;
 *		repeated Histogram { uint64 count_int = 1; double count_float = 2, sum = 3; … int64 timestamp_ms = 15; } histograms = 4; }
 *
 * A target (`job` and `instance`) is a session, in however many bodies it comes. Metrics are called as the reader of Prometheus' answers calls
 * them; of native histograms come `NAME_count` and `NAME_sum`. Stale markers are not known values.
 */
#include <math.h>
#include <stdlib.h>

#include "base/snappy.h"
#include "base/str.h"
#include "format/scan.h"
#include "format/session/list.h"
#include "format/session/targets.h"

enum { MOST_BODY_MIB = 64, LOOKED_AT = 4096 };

static const int64_t MOST_MS = INT64_MAX / 1000000;

/* ---- protobuf ---- */

enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };

struct field {
	uint64_t number, value; /* of a varint, of eight or four bytes */
	unsigned type;
	struct wh_span bytes;
};

static bool take_varint(struct wh_span *s, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 70 && s->p < s->end; shift += 7) {
		unsigned char c = (unsigned char)*s->p++;
		*value |= shift < 64 ? (uint64_t)(c & 0x7f) << shift : 0;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

/* The next field of a message; false at its end, and where it is none: message->p is then not its end. */
static bool take_field(struct wh_span *message, struct field *f)
{
	struct wh_span s = *message;
	uint64_t tag, size = 0;
	if (s.p == s.end || !take_varint(&s, &tag))
		return false;
	f->number = tag >> 3;
	f->type = tag & 7;
	f->value = 0;
	if (!f->number)
		return false;
	if (f->type == VARINT) {
		if (!take_varint(&s, &f->value))
			return false;
	} else if (f->type == FIXED64 || f->type == FIXED32) {
		size = f->type == FIXED64 ? 8 : 4;
		if (wh_span_size(s) < size)
			return false;
		for (unsigned i = 0; i < size; i++)
			f->value |= (uint64_t)(unsigned char)s.p[i] << (8 * i);
	} else if (f->type != BYTES || !take_varint(&s, &size) || size > wh_span_size(s)) {
		return false;
	}
	f->bytes = (struct wh_span){ s.p, s.p + size };
	message->p = s.p + size;
	return true;
}

static bool is(const struct field *f, uint64_t number, unsigned type)
{
	return f->number == number && f->type == type;
}

static double to_double(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static bool is_utf8(struct wh_span s)
{
	while (s.p < s.end) {
		size_t n = wh_utf8_length(s.p, wh_span_size(s));
		if (!n)
			return false;
		s.p += n;
	}
	return true;
}

/* ---- series ---- */

struct remote_write {
	struct wh_reader *reader;
	struct wh_session_targets targets;
	struct wh_series_common common;
	struct wh_str name;
	char *body; /* the one at hand, unpacked */
	size_t cap;
	bool naming; /* the second walk: common labels are known */
	bool failed;
	size_t bad; /* series of the body at hand that are none, or have samples that are none */
};

static bool read_label(struct wh_span message, struct wh_label *label)
{
	struct field f;
	*label = (struct wh_label){ { "", 0 }, { "", 0 } };
	while (take_field(&message, &f))
		if ((is(&f, 1, BYTES) || is(&f, 2, BYTES)) && is_utf8(f.bytes))
			*(f.number == 1 ? &label->name : &label->value) = (struct wh_bytes){ f.bytes.p, wh_span_size(f.bytes) };
		else if (f.number <= 2)
			return false;
	return message.p == message.end && label->name.size;
}

/* The labels of a series; false where it is none. */
static bool read_labels(struct wh_span message, struct wh_label *labels, size_t *n)
{
	struct field f;
	*n = 0;
	while (take_field(&message, &f)) {
		struct wh_label label;
		if (!is(&f, 1, BYTES))
			continue;
		if (!read_label(f.bytes, &label))
			return false;
		if (*n < WH_SERIES_LABELS)
			labels[(*n)++] = label;
	}
	return message.p == message.end;
}

static bool put(struct remote_write *w, uint32_t target, const char *suffix, int64_t ms, double value)
{
	size_t n = w->name.n;
	if (ms < -MOST_MS || ms > MOST_MS)
		return false;
	if (!*suffix) {
		wh_session_targets_sample(&w->targets, target, (struct wh_bytes){ w->name.data, n }, ms * 1000000, value, false);
		return true;
	}
	/* behind the metric, before its labels */
	const char *brace = memchr(w->name.data, '{', n);
	struct wh_str called = { 0 };
	wh_str_add(&called, w->name.data, brace ? (size_t)(brace - w->name.data) : n);
	wh_str_puts(&called, suffix);
	if (brace)
		wh_str_add(&called, brace, n - (size_t)(brace - w->name.data));
	w->failed |= called.failed;
	if (!w->failed)
		wh_session_targets_sample(&w->targets, target, (struct wh_bytes){ called.data, called.n }, ms * 1000000, value, false);
	wh_str_release(&called);
	return true;
}

static bool read_sample(struct remote_write *w, uint32_t target, struct wh_span message)
{
	struct field f;
	uint64_t bits = 0, ms = 0; /* zeros are left out */
	while (take_field(&message, &f))
		if (is(&f, 1, FIXED64))
			bits = f.value;
		else if (is(&f, 2, VARINT))
			ms = f.value;
	return message.p == message.end && put(w, target, "", (int64_t)ms, to_double(bits));
}

static bool read_histogram(struct remote_write *w, uint32_t target, struct wh_span message)
{
	struct field f;
	uint64_t ms = 0;
	double count = 0, sum = 0;
	while (take_field(&message, &f))
		if (is(&f, 1, VARINT))
			count = (double)f.value;
		else if (is(&f, 2, FIXED64))
			count = to_double(f.value);
		else if (is(&f, 3, FIXED64))
			sum = to_double(f.value);
		else if (is(&f, 15, VARINT))
			ms = f.value;
	if (isnan(sum)) /* a stale marker */
		count = sum;
	return message.p == message.end && put(w, target, "_count", (int64_t)ms, count) && put(w, target, "_sum", (int64_t)ms, sum);
}

/* Its target's labels go before what is left. */
static size_t take_target(struct wh_label *labels, size_t n, struct wh_label *of_target, size_t *n_of_target)
{
	size_t rest = 0;
	*n_of_target = 0;
	for (size_t i = 0; i < n; i++)
		if (wh_label_is(&labels[i], "job") || wh_label_is(&labels[i], "instance"))
			of_target[(*n_of_target)++] = labels[i];
		else
			labels[rest++] = labels[i];
	return rest;
}

static bool read_series(struct remote_write *w, struct wh_span message)
{
	struct wh_label labels[WH_SERIES_LABELS], of_target[WH_SERIES_LABELS];
	struct wh_span samples = message;
	struct field f;
	size_t n, n_of_target;
	bool good = true;
	if (!read_labels(message, labels, &n))
		return false;
	n = take_target(labels, n, of_target, &n_of_target);
	if (!w->naming) {
		wh_series_keep(&w->common, labels, n);
		w->failed |= w->common.failed;
		return true;
	}
	uint32_t target = wh_session_targets_add(&w->targets, (struct wh_bytes){ "", 0 }, of_target, n_of_target);
	wh_series_name(&w->common, labels, n, &w->name);
	w->failed |= w->name.failed;
	while (!w->failed && take_field(&samples, &f))
		if (is(&f, 2, BYTES))
			good &= read_sample(w, target, f.bytes);
		else if (is(&f, 4, BYTES))
			good &= read_histogram(w, target, f.bytes);
	return good;
}

/* ---- bodies ---- */

/* What stands in w->body; false where it ends before it should. */
static bool read_request(struct remote_write *w, size_t n)
{
	struct wh_span message = { w->body, w->body + n };
	struct field f;
	while (!w->failed && take_field(&message, &f))
		if (is(&f, 1, BYTES))
			w->bad += !read_series(w, f.bytes);
	return message.p == message.end;
}

static int make_room(struct remote_write *w, size_t n)
{
	if (w->body && n <= w->cap)
		return WH_OK;
	free(w->body);
	w->cap = 0;
	w->body = malloc(n + 1);
	if (!w->body)
		return WH_E_NOMEM;
	w->cap = n;
	return WH_OK;
}

/* One body; what is wrong with it, or NULL. *end: whether nobody knows where the next one begins. */
static const char *read_body(struct remote_write *w, struct wh_snappy *s, bool *end)
{
	*end = true;
	if (!wh_snappy_begin(s))
		return "no Snappy block";
	if (s->size > (uint32_t)MOST_BODY_MIB << 20)
		return "a body of more than 64 MiB";
	/* a block of n bytes takes three for each 64 of them at least */
	if (s->size / 64 > (size_t)(s->end - s->p))
		return "a body that is cut off";
	if (make_room(w, s->size) != WH_OK) {
		w->failed = true;
		return NULL;
	}
	if (wh_snappy_unpack(s, w->body, s->size) < s->size)
		return "a Snappy block that is broken or cut off";
	*end = false;
	return read_request(w, s->size) ? NULL : "no WriteRequest";
}

static int walk(struct remote_write *w, struct wh_err *err)
{
	struct wh_snappy s = { w->reader->text, w->reader->text + w->reader->size, 0 };
	bool end = false;
	while (!end && s.p < s.end) {
		const char *begin = s.p;
		w->bad = 0;
		const char *why = read_body(w, &s, &end);
		size_t at = (size_t)(begin - w->reader->text);
		if (w->failed || w->targets.failed)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (why && w->naming)
			WH_TRY(wh_reader_skip(w->reader, begin, err, "at byte %zu: %s%s", at, why, end ? "; what is behind it is left out" : ""));
		if (w->bad && w->naming)
			WH_TRY(wh_reader_skip(w->reader, begin, err, "at byte %zu: %zu series that are none, or have samples that are none", at, w->bad));
	}
	return WH_OK;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct remote_write w = { .reader = reader };
	struct wh_attribute attributes[WH_SERIES_LABELS];
	wh_session_targets_init(&w.targets);
	wh_series_common_init(&w.common);
	int code = walk(&w, err);
	w.naming = true;
	if (code == WH_OK)
		code = walk(&w, err);
	if (code == WH_OK)
		code = wh_session_targets_emit(reader, &w.targets, attributes, wh_series_attributes(&w.common, attributes), err);
	wh_session_targets_release(&w.targets);
	wh_series_common_release(&w.common);
	wh_str_release(&w.name);
	free(w.body);
	return code;
}

static bool is_label_name(struct wh_span s)
{
	for (const char *p = s.p; p < s.end; p++)
		if (!wh_is_alpha(*p) && *p != '_' && *p != ':' && !(p > s.p && wh_is_digit(*p)))
			return false;
	return s.p < s.end;
}

/* The first field of the text, as far as it is there (it may be cut). */
static bool first_field(struct wh_span text, uint64_t number, size_t most, struct wh_span *inside, bool *whole)
{
	uint64_t tag, size;
	if (!take_varint(&text, &tag) || tag != (number << 3 | BYTES) || !take_varint(&text, &size) || !size || size > most)
		return false;
	*whole = size <= wh_span_size(text);
	*inside = (struct wh_span){ text.p, *whole ? text.p + size : text.end };
	return true;
}

static int detect(const char *text, size_t size)
{
	struct wh_snappy s = { text, text + size, 0 };
	struct wh_span series, label;
	struct field f;
	char body[LOOKED_AT];
	bool whole;
	if (!wh_snappy_begin(&s) || s.size > (uint32_t)MOST_BODY_MIB << 20)
		return 0;
	size_t n = wh_snappy_unpack(&s, body, s.size < sizeof body ? s.size : sizeof body);
	struct wh_span all = { body, body + n };
	if (first_field(all, 1, s.size, &series, &whole) && first_field(series, 1, s.size, &label, &whole) && whole) {
		if (!take_field(&label, &f) || !is(&f, 1, BYTES) || !is_label_name(f.bytes))
			return 0;
		return label.p == label.end || (take_field(&label, &f) && is(&f, 2, BYTES) && label.p == label.end) ? 90 : 0;
	}
	if (!first_field(all, 3, s.size, &series, &whole) || !whole || !take_field(&series, &f))
		return 0;
	if (is(&f, 1, VARINT) && !take_field(&series, &f))
		return 0;
	return is(&f, 2, BYTES) && is_label_name(f.bytes) ? 80 : 0;
}

const struct wh_format wh_format_session_remote_write = {
	.name = "remote-write",
	.summary = "bodies of Prometheus' remote write, a session for each target",
	.reference = "prometheus.io/docs/specs/remote_write_spec; prometheus/prompb/remote.proto, types.proto; google/snappy, format_description.txt",
	.binary = true,
	.detect = detect,
	.read = read,
};
