/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CASR's reports: one JSON object. Its array `Stacktrace` holds one string a frame, crash point first, in the style of the tool
 * that CASR ran; which one, the report of that tool says (`AsanReport`, `PythonReport`, …: the one that is not empty). A string
 * in another style is tried in all of them; one in none is no frame (`--- End of inner exception stack trace ---`).
 */
#include "base/time.h"
#include "format/stack/casrep.h"
#include "format/stack/frame_line.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

static const struct style {
	const char *report; /* the member that is not empty where this style is used */
	wh_frame_line_fn *parse;
} styles[] = {
	{ "PythonReport", wh_frame_line_python }, { "GoReport", wh_frame_line_go },
	{ "JavaReport", wh_frame_line_java },	  { "JsReport", wh_frame_line_js },
	{ "JSReport", wh_frame_line_js },	  { "RustReport", wh_frame_line_rust },
	{ "CSharpReport", wh_frame_line_dotnet }, { "LuaReport", wh_frame_line_lua },
	{ "AsanReport", wh_frame_line_sanitizer }, { "MsanReport", wh_frame_line_sanitizer },
	{ "UbsanReport", wh_frame_line_sanitizer }, { NULL, wh_frame_line_gdb },
};

#define N_STYLES (sizeof styles / sizeof *styles)

static size_t style_of(const struct json_object *report)
{
	for (size_t i = 0; i + 1 < N_STYLES; i++) {
		struct json_object *lines = wh_json_array(report, styles[i].report);
		if (lines && json_object_array_length(lines))
			return i;
	}
	return N_STYLES - 1;
}

/* The frame that line says in the report's style, else in any; none where it is no frame. */
static void add_frame(struct wh_stack_builder *b, struct wh_span line, size_t style)
{
	struct wh_frame_text frame;
	bool known = styles[style].parse(line, &frame);
	for (size_t i = 0; i < N_STYLES && !known; i++)
		known = styles[i].parse(line, &frame);
	if (known)
		wh_frame_text_add(&frame, b);
}

static struct wh_span span(const char *text)
{
	return text ? (struct wh_span){ text, text + strlen(text) } : (struct wh_span){ 0 };
}

static void set(struct wh_stack_builder *b, const char *name, const char *text)
{
	wh_stack_message(b, name, span(text));
}

/* The file's name of the program: the executable's, else the first word of the command line. */
static void set_app(struct wh_stack_builder *b, const struct json_object *report)
{
	struct wh_span app = span(wh_json_string(report, "ProcCmdline"));
	const char *blank = wh_span_size(app) ? memchr(app.p, ' ', wh_span_size(app)) : NULL;
	if (blank)
		app.end = blank;
	const char *path = wh_json_string(report, "ExecutablePath");
	if (path && *path)
		app = span(path);
	const char *slash = wh_span_size(app) ? memrchr(app.p, '/', wh_span_size(app)) : NULL;
	if (slash)
		app.p = slash + 1;
	wh_stack_message(b, "app", app);
}

/* `Ubuntu-20.04-amd64`, what is not known left out. */
static void set_platform(struct wh_stack_builder *b, const struct json_object *report)
{
	const char *const parts[] = { wh_json_string(report, "OS"), wh_json_string(report, "OSRelease"),
				      wh_json_string(report, "Architecture") };
	struct wh_str platform = { 0 };
	for (size_t i = 0; i < 3; i++)
		if (parts[i] && *parts[i])
			wh_str_printf(&platform, "%s%s", platform.n ? "-" : "", parts[i]);
	set(b, "platform", platform.data);
	b->failed |= platform.failed;
	wh_str_release(&platform);
}

static void set_attributes(struct wh_stack_builder *b, const struct json_object *report)
{
	const struct json_object *severity = wh_json_object(report, "CrashSeverity"), *exception = wh_json_object(report, "Exception");
	set_app(b, report);
	set(b, "version", wh_json_string(report, "PackageVersion"));
	set_platform(b, report);
	/* early reports of Python's exceptions say `AbortSignal` there, and the exception apart */
	const struct json_object *what = exception && wh_json_string(exception, "ShortDescription") ? exception : severity;
	if (what) {
		set(b, "reason", wh_json_string(what, "ShortDescription"));
		set(b, "message", wh_json_string(what, "Description"));
	}
	if (severity)
		set(b, "severity", wh_json_string(severity, "Type"));
	set(b, "crash_line", wh_json_string(report, "CrashLine"));
	const char *date = wh_json_string(report, "Date");
	struct wh_observation *o = &b->observation;
	o->has_time = date && !wh_time_parse(date, strlen(date), &o->time_ns);
}

static int read_object(struct wh_reader *reader, struct json_object *report, const char *at, struct wh_err *err)
{
	struct json_object *frames = wh_json_array(report, "Stacktrace");
	if (!frames)
		return wh_reader_skip(reader, at, err, "no array \"Stacktrace\"");
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	size_t style = style_of(report);
	for (size_t i = 0, n = json_object_array_length(frames); i < n; i++) {
		struct json_object *frame = json_object_array_get_idx(frames, i);
		if (!json_object_is_type(frame, json_type_string))
			continue;
		const char *text = json_object_get_string(frame);
		add_frame(&b, (struct wh_span){ text, text + json_object_get_string_len(frame) }, style);
	}
	set_attributes(&b, report);
	return wh_stack_emit(reader, &b, at, NULL, err);
}

static int read_casrep(struct wh_reader *reader, struct wh_err *err)
{
	return wh_json_reports(reader, read_object, err);
}

static int detect(const char *text, size_t size)
{
	struct wh_span s = { text, text + size };
	while (s.p < s.end && (*s.p == ' ' || *s.p == '\n' || *s.p == '\r' || *s.p == '\t'))
		s.p++;
	if (s.p == s.end || *s.p != '{')
		return 0;
	/* the members come in this order; the stack may lie beyond what we were given, behind the memory map */
	if (wh_scan_find(s, "\"CrashSeverity\"") && wh_scan_find(s, "\"Stacktrace\""))
		return 96;
	return wh_scan_find(s, "\"ExecutablePath\"") && wh_scan_find(s, "\"ProcCmdline\"") ? 90 : 0;
}

const struct wh_format wh_format_casrep = {
	.name = "casrep",
	.summary = "CASR's crash reports (.casrep)",
	.reference = "libcasr: report.rs, and the stack trace of each language beside it",
	.detect = detect,
	.read = read_casrep,
	.write = wh_casrep_write,
};
