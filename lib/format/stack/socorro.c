/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socorro's processed crashes: JSON around a stackwalker's (`json_dump`), or around a Java exception (`java_exception`,
 * `java_stack_trace`). The signature is kept as an attribute: it is what Socorro grouped by.
 */
#include "format/stack/fault.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "format/stack/nested.h"
#include "format/stack/report.h"
#include "format/stack/stackwalk.h"

/* ---- Java ---- */

static void add_java_frame(struct wh_stack_builder *b, struct json_object *object)
{
	const char *class = wh_json_string(object, "module"), *method = wh_json_string(object, "function");
	struct wh_frame *frame = method && *method ? wh_stack_builder_frame(b) : NULL;
	uint64_t line;
	if (!frame)
		return;
	frame->function = class && *class ? wh_arena_printf(b->arena, "%s.%s", class, method) : wh_arena_strdup(b->arena, method);
	b->failed |= !frame->function;
	frame->file = wh_json_copy(b, object, "filename");
	frame->line = wh_json_u64(object, "lineno", &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
}

/* `java.lang.RuntimeException`: package and class stand apart. */
static void set_class(struct wh_stack_builder *b, const char *attribute, struct json_object *trace)
{
	const char *package = wh_json_string(trace, "module"), *class = wh_json_string(trace, "type");
	if (!class || !*class)
		return;
	char *name = package && *package ? wh_arena_printf(b->arena, "%s.%s", package, class) : wh_arena_strdup(b->arena, class);
	b->failed |= !name;
	if (name)
		wh_stack_message(b, attribute, (struct wh_span){ name, name + strlen(name) });
}

/* What was thrown comes first, its root cause last; each has all of its frames, the crash point first (android-components:
 * Throwable.getStacktraceAsJsonString). */
static void take_java_exception(struct wh_stack_builder *b, struct json_object *crash)
{
	struct json_object *exception = wh_json_object(wh_json_object(crash, "java_exception"), "exception");
	struct json_object *values = wh_json_array(exception, "values"), *trace = NULL;
	size_t n = wh_json_count(values), i = n;
	while (i > 0 && !wh_json_count(wh_json_array(trace, "frames")))
		trace = wh_json_object(wh_json_element(values, --i), "stacktrace");
	struct json_object *frames = wh_json_array(trace, "frames");
	for (size_t k = 0; k < wh_json_count(frames); k++)
		add_java_frame(b, wh_json_element(frames, k));
	if (!trace)
		return;
	set_class(b, "reason", trace);
	wh_json_attribute(b, "message", trace, "value");
	if (i > 0)
		set_class(b, "wrapper", wh_json_object(wh_json_element(values, 0), "stacktrace"));
}

/* ---- the reader ---- */

static void set_attributes(struct wh_stack_builder *b, struct json_object *crash)
{
	static const struct {
		const char *attribute, *member;
	} members[] = {
		{ "app", "product" }, { "app", "product_name" }, { "version", "version" }, { "signature", "signature" },
		{ "reason", "reason" }, { "message", "abort_message" }, { "message", "moz_crash_reason" },
		{ "process", "process_type" }, { "channel", "release_channel" }, { "uuid", "uuid" },
	};
	struct wh_span os = wh_json_span(crash, "os_name"), version = wh_json_span(crash, "os_version");
	struct wh_span pretty = wh_json_span(crash, "os_pretty_version");
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		wh_json_attribute(b, members[i].attribute, crash, members[i].member);
	if (wh_span_size(os)) {
		struct wh_span detail = wh_span_size(version) ? version : pretty;
		char *text = wh_arena_printf(b->arena, "%s%s%s", os.p, wh_span_size(detail) ? " " : "", wh_span_size(detail) ? detail.p : "");
		b->failed |= !text;
		struct wh_span cpu = wh_json_span(crash, "cpu_arch");
		if (!wh_span_size(cpu))
			cpu = wh_json_span(crash, "cpu_name");
		if (text)
			wh_fault_platform(b, (struct wh_span){ text, text + strlen(text) }, cpu);
	}
	static const char *const times[] = { "date_processed", "submitted_timestamp", "client_crash_date", "crash_time", "date" };
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		wh_json_time(b, crash, times[i]);
}

static void amend(void *user, struct wh_stack_builder *b)
{
	set_attributes(b, user);
}

static int read_crash(struct wh_reader *reader, struct json_object *crash, const char *at, struct wh_err *err)
{
	struct json_object *dump = wh_json_object(crash, "json_dump");
	struct wh_span java = wh_json_span(crash, "java_stack_trace"), reason = wh_json_span(crash, "reason");
	struct wh_images images = { 0 };
	struct wh_stack_builder b;
	uint64_t crashing;
	size_t n = 0;
	wh_stack_builder_init(&b, reader->arena);
	take_java_exception(&b, crash);
	if (!b.stack.n_frames && wh_span_size(java)) {
		/* the text that Java printed, by the reader of such texts */
		WH_TRY(wh_stack_read_nested(reader, &wh_format_java, java, at, (struct wh_span){ 0 }, amend, crash, &n, err));
		if (n)
			return WH_OK;
		wh_stack_builder_init(&b, reader->arena);
	}
	if (!b.stack.n_frames) {
		bool said = wh_json_u64(crash, "crashing_thread", &crashing) && crashing < INT64_MAX;
		wh_stackwalk_json(&b, dump ? dump : crash, said ? (int64_t)crashing : -1, &images);
		if (wh_span_size(reason))
			wh_stackwalk_reason(&b, reason, wh_json_span(crash, "address"));
	}
	set_attributes(&b, crash);
	bool failed = images.failed;
	wh_images_release(&images);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_stack_emit(reader, &b, at, NULL, err);
}

static int read_socorro(struct wh_reader *reader, struct wh_err *err)
{
	return wh_json_reports(reader, read_crash, err);
}

static int detect(const char *text, size_t size)
{
	static const char *const paths[] = { "json_dump", "signature", "product", "uuid", "java_stack_trace", "java_exception.exception",
					     "proto_signature" };
	static const char *const parts[] = { "\"json_dump\"", "\"java_stack_trace\"", "\"java_exception\"", "\"proto_signature\"" };
	struct wh_span all = { text, text + size };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	uint32_t found = wh_json_paths(text, size, paths, sizeof paths / sizeof *paths);
	bool crash = found & (1 << 1 | 1 << 2 | 1 << 3), body = found & (1 << 0 | 1 << 4 | 1 << 5);
	return crash && body ? 98 : found & 1 ? 85 : crash && found & 1 << 6 ? 90 : 0;
}

const struct wh_format wh_format_socorro = {
	.name = "socorro",
	.summary = "Socorro's processed crashes",
	.reference = "mozilla-services/socorro: socorro/schemas/processed_crash.schema.yaml",
	.detect = detect,
	.read = read_socorro,
};
