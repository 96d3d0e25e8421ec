/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes CASR's reports (libcasr: report.rs). All members that CASR serialises are there, empty where nothing is known. Frames are lines
 * in the style of the tool that CASR would have run on such a program, so that its own clustering reads them: gdb's, or a language's.
 * A line holds less than a frame: a module only where no source line is known, no build-id, no offset within a function.
 */
#include "format/stack/casrep.h"

#include <string.h>

#include "base/json.h"
#include "base/time.h"
#include "observation/stack.h"

/* ---- frames ---- */

static const char *or_unknown(const char *function)
{
	return function && *function ? function : "??";
}

/* `#0  0x0000555555556e6e in f () at t.c:279`, `… in ?? () from /lib/x.so` */
static void gdb_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	wh_str_printf(out, "#%-2zu ", i);
	if (frame->handler) {
		wh_str_puts(out, "<signal handler called>");
		return;
	}
	if (frame->has_address)
		wh_str_printf(out, "0x%016llx in ", (unsigned long long)frame->address);
	wh_str_printf(out, "%s ()", or_unknown(frame->function));
	if (frame->file)
		wh_str_printf(out, " at %s:%u", frame->file, frame->line);
	else if (frame->module)
		wh_str_printf(out, " from %s", frame->module);
}

/* `    #0 0x7f40 in f(int) /x/f.c:2`, `    #1 0x7f44  (/lib/x.so+0x12)` */
static void sanitizer_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	wh_str_printf(out, "    #%zu 0x%llx", i, frame->has_address ? (unsigned long long)frame->address : 0ULL);
	if (frame->function)
		wh_str_printf(out, " in %s", frame->function);
	if (frame->file && frame->line)
		wh_str_printf(out, " %s:%u", frame->file, frame->line);
	else if (frame->file)
		wh_str_printf(out, " %s", frame->file);
	else if (frame->module)
		wh_str_printf(out, " (%s+0x%llx)", frame->module, frame->function || !frame->has_offset ? 0ULL : (unsigned long long)frame->offset);
}

static void python_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	(void)i;
	wh_str_printf(out, "  File \"%s\", line %u, in %s", frame->file ? frame->file : "<unknown>", frame->line, or_unknown(frame->function));
}

static void java_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	(void)i;
	wh_str_printf(out, "    at %s(", or_unknown(frame->function));
	if (frame->file && frame->line)
		wh_str_printf(out, "%s:%u)", frame->file, frame->line);
	else
		wh_str_printf(out, "%s)", frame->file ? frame->file : "Unknown Source");
}

static void go_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	(void)i;
	wh_str_printf(out, "%s() in %s:%u", or_unknown(frame->function), frame->file ? frame->file : "??", frame->line);
}

static void rust_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	wh_str_printf(out, "%zu: %s", i, or_unknown(frame->function));
	if (frame->file)
		wh_str_printf(out, " at %s:%u:1", frame->file, frame->line);
}

static void js_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	(void)i;
	if (frame->function)
		wh_str_printf(out, "    at %s (%s:%u:1)", frame->function, frame->file ? frame->file : "<anonymous>", frame->line);
	else
		wh_str_printf(out, "    at %s:%u:1", frame->file ? frame->file : "<anonymous>", frame->line);
}

static void dotnet_line(struct wh_str *out, const struct wh_frame *frame, size_t i)
{
	(void)i;
	const char *function = or_unknown(frame->function);
	wh_str_printf(out, "   at %s%s", function, strchr(function, '(') ? "" : "()");
	if (frame->file)
		wh_str_printf(out, " in %s:line %u", frame->file, frame->line);
}

static const struct style {
	const char *format; /* of the reader that made the observation */
	const char *report; /* the member that says so */
	void (*line)(struct wh_str *, const struct wh_frame *, size_t);
} styles[] = {
	{ "sanitizer", "AsanReport", sanitizer_line }, { "python", "PythonReport", python_line }, { "java", "JavaReport", java_line },
	{ "go", "GoReport", go_line }, { "rust", "RustReport", rust_line }, { "javascript", "JsReport", js_line },
	{ "dotnet", "CSharpReport", dotnet_line }, { NULL, NULL, gdb_line },
};

static const struct style *style_of(const char *format)
{
	const struct style *style = styles;
	while (style->format && (!format || strcmp(style->format, format) != 0))
		style++;
	return style;
}

/* ---- the document ---- */

static int append(void *user, const char *text, size_t n, struct wh_err *err)
{
	wh_str_add(user, text, n);
	return wh_str_check(user, err);
}

static const char *attribute(const struct wh_observation *o, const char *name)
{
	const char *value = wh_observation_attribute(o, name);
	return value ? value : "";
}

/* Also where there is none: CASR has every member. */
static void emit_text(struct wh_emit *e, const char *key, const char *text, size_t n)
{
	wh_emit_bytes(e, key, text ? text : "", n);
}

static void emit_string(struct wh_emit *e, const char *key, const char *text)
{
	emit_text(e, key, text, strlen(text));
}

static void emit_empty(struct wh_emit *e, const char *const *keys)
{
	for (; *keys; keys++) {
		wh_emit_array(e, *keys);
		wh_emit_end(e);
	}
}

/* `linux-x86_64` */
static void emit_platform(struct wh_emit *e, const char *platform)
{
	const char *dash = strrchr(platform, '-');
	emit_text(e, "OS", platform, dash ? (size_t)(dash - platform) : strlen(platform));
	emit_text(e, "OSRelease", "", 0);
	emit_text(e, "Architecture", dash ? dash + 1 : "", dash ? strlen(dash + 1) : 0);
}

/* libcasr: execution_class.rs; a bug tracker's severity is none of them. */
static const char *class_of(const struct wh_observation *o)
{
	static const char *const classes[] = { "EXPLOITABLE", "PROBABLY_EXPLOITABLE", "NOT_EXPLOITABLE" };
	const char *severity = attribute(o, "severity");
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (!strcmp(severity, classes[i]))
			return severity;
	return "UNDEFINED";
}

static void emit_severity(const struct wh_observation *o, struct wh_emit *e)
{
	wh_emit_object(e, "CrashSeverity");
	emit_string(e, "Type", class_of(o));
	emit_string(e, "ShortDescription", attribute(o, "reason"));
	emit_string(e, "Description", attribute(o, "message"));
	emit_string(e, "Explanation", "");
	wh_emit_end(e);
}

static void emit_frames(const struct wh_stack *stack, const struct style *style, struct wh_emit *e, struct wh_str *line)
{
	wh_emit_array(e, "Stacktrace");
	for (size_t i = 0; i < stack->n_frames; i++) {
		wh_str_clear(line);
		style->line(line, &stack->frames[i], i);
		emit_text(e, NULL, line->data, line->n);
	}
	wh_emit_end(e);
}

/* The report of the tool whose style the frames have: all that is known of it is its last line. */
static void emit_reports(const struct wh_observation *o, const struct style *style, struct wh_emit *e, struct wh_str *line)
{
	static const char *const reports[] = { "AsanReport", "MsanReport", "UbsanReport", "PythonReport", "GoReport", "JavaReport",
					       "RustReport", "JsReport", "CSharpReport", "LuaReport" };
	const char *reason = attribute(o, "reason"), *message = attribute(o, "message");
	for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
		wh_emit_array(e, reports[i]);
		if (style->report && !strcmp(style->report, reports[i])) {
			wh_str_clear(line);
			wh_str_printf(line, "%s%s%s", reason, *reason && *message ? ": " : "", message);
			emit_text(e, NULL, line->data, line->n);
		}
		wh_emit_end(e);
	}
}

/* `source:line`, else `binary+offset`. */
static void emit_crash_line(const struct wh_observation *o, struct wh_emit *e, struct wh_str *line)
{
	const struct wh_stack *stack = o->body;
	const char *said = attribute(o, "crash_line");
	wh_str_clear(line);
	wh_str_puts(line, said);
	for (size_t i = 0; i < stack->n_frames && !line->n; i++) {
		const struct wh_frame *frame = &stack->frames[i];
		if (frame->file && frame->line)
			wh_str_printf(line, "%s:%u", frame->file, frame->line);
		else if (frame->module && frame->has_offset && !frame->function)
			wh_str_printf(line, "%s+0x%llx", frame->module, (unsigned long long)frame->offset);
	}
	emit_text(e, "CrashLine", line->data, line->n);
}

static void emit_report(const struct wh_observation *o, struct wh_emit *e, struct wh_str *line)
{
	static const char *const process[] = { "ProcStatus", "ProcMaps", "ProcFiles", "NetworkConnections", NULL };
	static const char *const rest[] = { "Source", NULL }, *const environment[] = { "ProcEnviron", NULL };
	static const char *const disassembly[] = { "Disassembly", NULL };
	const struct style *style = style_of(o->format);
	char date[WH_TIME_TEXT] = "";
	wh_emit_object(e, NULL);
	emit_string(e, "Date", o->has_time ? wh_time_format(o->time_ns, date) : "");
	emit_string(e, "Uname", "");
	emit_platform(e, attribute(o, "platform"));
	emit_string(e, "ExecutablePath", attribute(o, "app"));
	emit_empty(e, environment);
	emit_string(e, "ProcCmdline", attribute(o, "app"));
	emit_string(e, "Stdin", "");
	emit_empty(e, process);
	emit_severity(o, e);
	emit_frames(o->body, style, e, line);
	wh_emit_object(e, "Registers");
	wh_emit_end(e);
	emit_empty(e, disassembly);
	emit_string(e, "Package", "");
	emit_string(e, "PackageVersion", attribute(o, "version"));
	emit_string(e, "PackageArchitecture", "");
	emit_string(e, "PackageDescription", "");
	emit_reports(o, style, e, line);
	emit_crash_line(o, e, line);
	emit_empty(e, rest);
	wh_emit_end(e);
}

int wh_casrep_write(const struct wh_observation *o, struct wh_str *out, struct wh_err *err)
{
	struct wh_json_writer writer;
	struct wh_str line = { 0 };
	wh_json_writer_init(&writer, (struct wh_sink){ append, out }, false);
	emit_report(o, &writer.emit, &line);
	int code = wh_emit_close(&writer.emit, err);
	if (code == WH_OK && line.failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_json_writer_release(&writer);
	wh_str_release(&line);
	return code == WH_OK ? wh_str_check(out, err) : code;
}
