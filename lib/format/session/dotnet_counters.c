/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `dotnet-counters collect --format json` writes:
 *
 *	{ "TargetProcess": "shop", "StartTime": "8/5/2020 3:02:45 PM", "Events": [
 *	{ "timestamp": "2020-08-05 15:02:47Z",  "provider": "System.Runtime",  "name": "CPU Usage (%)",  "counterType": "Metric",  "value": 0 } ]}
 *
 * A step ends where a counter comes a second time; its time, of whole seconds, is that of its last event. Metrics are `PROVIDER NAME`, with
 * `{TAGS}` where an event has some. Where the process was killed the text is cut off: what was written is read.
 */
#include <math.h>

#include "base/json_scan.h"
#include "base/real.h"
#include "base/time.h"
#include "format/session/documents.h"
#include "format/session/dumps.h"
#include "format/session/list.h"

enum { TEXT_MIB = 16 };

struct counters {
	struct wh_reader *reader;
	struct wh_session_dumps dumps;
	struct wh_arena arena;
	struct wh_str app, name;
	const char *begin; /* of the session at hand; NULL: there is none */
	bool failed;
};

static bool is(const struct wh_json_value *key, const char *name)
{
	return wh_json_scan_is(key, name);
}

static struct wh_bytes text_of(const struct wh_json_value *value)
{
	return value->kind == WH_JSON_STRING ? (struct wh_bytes){ value->data, value->size } : (struct wh_bytes){ "", 0 };
}

static int emit(struct counters *c, struct wh_err *err)
{
	struct wh_attribute app = { "app", wh_arena_strndup(c->reader->arena, c->app.n ? c->app.data : "", c->app.n) };
	const char *begin = c->begin;
	c->begin = NULL;
	if (!begin)
		return WH_OK;
	if (!app.value)
		return wh_arena_error(c->reader->arena, err);
	struct wh_session_head head = { .attributes = &app, .n_attributes = *app.value != 0 };
	return wh_session_dumps_emit(c->reader, &c->dumps, WH_SESSION_SPARSE, &head, begin, err);
}

/* Whether the step at hand has said the counter that is called c->name. */
static bool is_said(const struct counters *c)
{
	uint32_t at = wh_strtab_find(&c->dumps.names, c->name.data, c->name.n);
	return at != WH_STRTAB_NONE && !isnan(c->dumps.sum.data[at]);
}

static void read_event(struct counters *c, struct wh_json_scan *s)
{
	struct wh_json_value key, value;
	struct wh_bytes provider = { "", 0 }, name = { "", 0 }, tags = { "", 0 }, time = { "", 0 };
	double number = NAN;
	int64_t time_ns;
	bool counted = false;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		if (is(&key, "provider"))
			provider = text_of(&value);
		else if (is(&key, "name"))
			name = text_of(&value);
		else if (is(&key, "tags"))
			tags = text_of(&value);
		else if (is(&key, "timestamp"))
			time = text_of(&value);
		else if (is(&key, "value"))
			counted = (value.kind == WH_JSON_NUMBER || value.kind == WH_JSON_STRING) && wh_real_parse(value.data, value.size, &number);
		wh_json_scan_skip(s, &value);
	}
	if (s->why || !counted || isnan(number) || !name.size)
		return;
	wh_str_clear(&c->name);
	wh_str_add(&c->name, provider.data, provider.size);
	wh_str_puts(&c->name, provider.size ? " " : "");
	wh_str_add(&c->name, name.data, name.size);
	if (tags.size) {
		wh_str_putc(&c->name, '{');
		wh_str_add(&c->name, tags.data, tags.size);
		wh_str_putc(&c->name, '}');
	}
	c->failed |= c->name.failed || c->dumps.failed;
	if (c->failed)
		return;
	if (is_said(c))
		wh_session_dumps_next(&c->dumps);
	wh_session_dumps_add(&c->dumps, c->name.data, (struct wh_span){ "", "" }, number);
	if (!wh_time_parse(time.data, time.size, &time_ns))
		wh_session_dumps_time(&c->dumps, (double)time_ns / 1e9);
}

/* Whether the object that s has entered is no event but a run: what came before it was cut off behind a comma. */
static bool is_run(struct wh_json_scan s)
{
	struct wh_json_value key;
	return wh_json_scan_member(&s, &key) && is(&key, "TargetProcess");
}

/* One run; it goes on with the session where it is of the same process. Runs in runs are as deep as JSON may be. */
static int read_run(void *user, struct wh_json_scan *s, const char *at, struct wh_err *err)
{
	struct counters *c = user;
	struct wh_json_value key, value, part;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		if (is(&key, "TargetProcess") && value.kind == WH_JSON_STRING) {
			size_t n = strnlen(value.data, value.size);
			if (c->begin && (c->app.n != n || (n && memcmp(c->app.data, value.data, n) != 0)))
				WH_TRY(emit(c, err));
			wh_str_clear(&c->app);
			wh_str_add(&c->app, value.data, n);
			c->failed |= c->app.failed;
		}
		if (!is(&key, "Events") || value.kind != WH_JSON_ARRAY) {
			wh_json_scan_skip(s, &value);
			continue;
		}
		c->begin = c->begin ? c->begin : at;
		while (wh_json_scan_element(s) && wh_json_scan_value(s, &part)) {
			struct wh_arena_mark mark = wh_arena_mark(&c->arena);
			if (part.kind == WH_JSON_OBJECT && is_run(*s))
				WH_TRY(read_run(c, s, at, err));
			else if (part.kind == WH_JSON_OBJECT)
				read_event(c, s);
			else
				wh_json_scan_skip(s, &part);
			wh_arena_rewind(&c->arena, mark);
		}
	}
	return c->failed || c->dumps.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct counters c = { .reader = reader };
	wh_arena_init(&c.arena, (size_t)TEXT_MIB << 20);
	wh_session_dumps_init(&c.dumps, reader->arena);
	int code = wh_documents_walk(reader, &c.arena, false, read_run, &c, err);
	if (code == WH_OK)
		code = emit(&c, err);
	wh_session_dumps_release(&c.dumps);
	wh_str_release(&c.app);
	wh_str_release(&c.name);
	wh_arena_release(&c.arena);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size };
	const char *first = wh_documents_begin(text, text + size);
	if (first == text + size || *first != '{' || !wh_scan_find(all, "\"TargetProcess\""))
		return 0;
	return wh_scan_find(all, "\"Events\"") && wh_scan_find(all, "\"counterType\"") ? 95 : 0;
}

const struct wh_format wh_format_session_dotnet_counters = {
	.name = "dotnet-counters",
	.summary = "counters of .NET by dotnet-counters collect --format json",
	.reference = "dotnet/diagnostics, src/Tools/dotnet-counters/Exporters/JSONExporter.cs",
	.detect = detect,
	.read = read,
};
