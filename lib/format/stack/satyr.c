/* SPDX-License-Identifier: Apache-2.0 */
/*
 * satyr's JSON, which ABRT keeps and sends: micro-reports (`ureport_version` 2, with the stack in `problem`; and 1, with a flat
 * `core_backtrace`), and the stacks alone. Which language a stack is of, `type` says, else the names of its members. Frames are
 * crash point first in all of them, Python's too; Java's name the innermost cause first.
 */
#include "format/stack/fault.h"
#include "format/stack/frame_line.h"
#include "format/stack/json_report.h"
#include "format/stack/kernel.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

enum { OOPS_LINES = 32 }; /* of a kernel's text, where its title is */

static uint32_t line_of(const struct json_object *object)
{
	uint64_t line;
	return wh_json_u64(object, "file_line", &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
}

static struct wh_span base_name(struct wh_span path)
{
	const char *slash = wh_span_size(path) ? memrchr(path.p, '/', wh_span_size(path)) : NULL;
	return slash ? (struct wh_span){ slash + 1, path.end } : path;
}

/* ---- frames ---- */

typedef void frame_fn(struct wh_stack_builder *, struct json_object *);

/* `file_name` is the program's or library's; offset is within it, so it only helps where no function is known. */
static void core_frame(struct wh_stack_builder *b, struct json_object *object)
{
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return;
	frame->function = wh_json_copy(b, object, "function_name");
	frame->module = wh_json_copy(b, object, "file_name");
	frame->build_id = wh_json_copy(b, object, "build_id");
	frame->has_address = wh_json_u64(object, "address", &frame->address);
	frame->has_offset = !frame->function && wh_json_u64(object, "build_id_offset", &frame->offset);
}

/* One of the first version's: other names for the same. */
static void flat_frame(struct wh_stack_builder *b, struct json_object *object)
{
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return;
	frame->function = wh_json_copy(b, object, "funcname");
	frame->module = wh_json_copy(b, object, "path");
	frame->build_id = wh_json_copy(b, object, "buildid");
	frame->has_offset = !frame->function && wh_json_u64(object, "offset", &frame->offset);
}

static void kernel_frame(struct wh_stack_builder *b, struct json_object *object)
{
	struct wh_frame *frame = wh_stack_builder_frame(b);
	struct json_object *reliable = wh_json_member(object, "reliable");
	if (!frame)
		return;
	frame->function = wh_json_copy(b, object, "function_name");
	frame->module = wh_json_copy(b, object, "module_name");
	frame->has_address = wh_json_u64(object, "address", &frame->address);
	frame->has_offset = wh_json_u64(object, "function_offset", &frame->offset);
	frame->unreliable = json_object_is_type(reliable, json_type_boolean) && !json_object_get_boolean(reliable);
}

/* Through the line that Python prints: it is what finds the module's name in the path. */
static void python_frame(struct wh_stack_builder *b, struct json_object *object)
{
	const char *path = wh_json_string(object, "file_name"), *special = wh_json_string(object, "special_file");
	const char *function = wh_json_string(object, "function_name");
	char *line = wh_arena_printf(b->arena, "File \"%s%s%s\", line %u, in x", special && !path ? "<" : "", path ? path : special ? special : "",
				     special && !path ? ">" : "", line_of(object));
	struct wh_frame_text text = { 0 };
	b->failed |= !line;
	if (!line || !wh_frame_line_python((struct wh_span){ line, line + strlen(line) }, &text))
		return;
	text.function = (struct wh_span){ 0 };
	struct wh_frame *frame = wh_frame_text_add(&text, b);
	if (!frame)
		return;
	const char *module = wh_json_string(object, "special_function");
	if (function && *function)
		frame->function = wh_stack_builder_copy(b, function, strlen(function));
	else if (wh_json_true(object, "is_module") || !module)
		frame->function = "<module>";
	else
		frame->function = wh_arena_printf(b->arena, "<%s>", module);
	b->failed |= !frame->function;
}

/* `rescue in block (2 levels) in f`, as Ruby says it. */
static void ruby_frame(struct wh_stack_builder *b, struct json_object *object)
{
	const char *name = wh_json_string(object, "function_name"), *special = wh_json_string(object, "special_function");
	struct wh_frame *frame = wh_stack_builder_frame(b);
	uint64_t blocks = 0, rescues = 0;
	struct wh_str text = { 0 };
	if (!frame)
		return;
	wh_json_u64(object, "block_level", &blocks);
	wh_json_u64(object, "rescue_level", &rescues);
	for (uint64_t i = 0; i < rescues && i < 8; i++)
		wh_str_puts(&text, "rescue in ");
	if (blocks == 1)
		wh_str_puts(&text, "block in ");
	else if (blocks)
		wh_str_printf(&text, "block (%llu levels) in ", (unsigned long long)blocks);
	if (name && *name)
		wh_str_puts(&text, name);
	else if (special && *special)
		wh_str_printf(&text, "<%s>", special);
	if ((name && *name) || (special && *special))
		frame->function = text.failed ? NULL : wh_stack_builder_copy(b, text.data, text.n);
	b->failed |= text.failed;
	wh_str_release(&text);
	frame->file = wh_json_copy(b, object, "file_name");
	frame->line = line_of(object);
}

static void script_frame(struct wh_stack_builder *b, struct json_object *object)
{
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return;
	frame->function = wh_json_copy(b, object, "function_name");
	frame->file = wh_json_copy(b, object, "file_name");
	frame->line = line_of(object);
}

/* Also the exceptions themselves, as frames: the first is the root cause, the last what was thrown at the end. */
static void java_frame(struct wh_stack_builder *b, struct json_object *object)
{
	if (wh_json_true(object, "is_exception")) {
		bool first = !wh_observation_attribute(&b->observation, "reason");
		wh_json_attribute(b, first ? "reason" : "wrapper", object, "name");
		if (first)
			wh_json_attribute(b, "message", object, "message");
		return;
	}
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return;
	frame->function = wh_json_copy(b, object, "name");
	frame->file = wh_json_copy(b, object, "file_name");
	frame->module = wh_json_copy(b, object, "class_path");
	frame->line = line_of(object);
}

/* ---- stacks ---- */

static void add_frames(struct wh_stack_builder *b, struct json_object *frames, frame_fn *add)
{
	for (size_t i = 0, n = wh_json_count(frames); i < n; i++) {
		struct json_object *frame = wh_json_element(frames, i);
		if (json_object_is_type(frame, json_type_object))
			add(b, frame);
	}
}

/* The thread marked as the one that crashed, else the first. */
static struct json_object *crash_thread(struct json_object *threads)
{
	for (size_t i = 0, n = wh_json_count(threads); i < n; i++)
		if (wh_json_true(wh_json_element(threads, i), "crash_thread"))
			return wh_json_element(threads, i);
	return wh_json_element(threads, 0);
}

static void take_core(struct wh_stack_builder *b, struct json_object *stack)
{
	struct json_object *thread = crash_thread(wh_json_array(stack, "stacktrace"));
	uint64_t number;
	add_frames(b, wh_json_array(thread, "frames"), core_frame);
	if (wh_json_u64(stack, "signal", &number) && number) {
		const char *name = wh_fault_signal(number);
		wh_json_attribute(b, "reason", stack, "signal");
		if (!name)
			return;
		wh_stack_message(b, "reason", (struct wh_span){ name, name + strlen(name) });
		wh_stack_message(b, "signal", (struct wh_span){ name, name + strlen(name) });
		if (strcmp(name, "SIGSEGV") && strcmp(name, "SIGBUS")) /* without an address nobody knows which fault it was */
			wh_fault_type(b, (struct wh_span){ name, name + strlen(name) }, false, 0);
	}
}

static void take_kernel(struct wh_stack_builder *b, struct json_object *stack)
{
	add_frames(b, wh_json_array(stack, "frames"), kernel_frame);
	wh_json_attribute(b, "version", stack, "version");
	struct wh_span oops = wh_json_span(stack, "raw_oops"), line;
	struct wh_kernel_title title;
	for (int i = 0; i < OOPS_LINES && wh_scan_line(&oops, &line); i++)
		if (wh_kernel_title(wh_scan_trim(line), &title)) {
			wh_stack_message(b, "reason", title.reason);
			break;
		}
}

/* The flat frames of the thread that crashed, or of the first. */
static void take_flat(struct wh_stack_builder *b, struct json_object *report)
{
	struct json_object *frames = wh_json_array(report, "core_backtrace");
	uint64_t crashed, thread;
	bool known = wh_json_u64(report, "crash_thread", &crashed) || wh_json_u64(wh_json_element(frames, 0), "thread", &crashed);
	for (size_t i = 0, n = wh_json_count(frames); i < n; i++) {
		struct json_object *frame = wh_json_element(frames, i);
		if (json_object_is_type(frame, json_type_object) &&
		    (!known || !wh_json_u64(frame, "thread", &thread) || thread == crashed))
			flat_frame(b, frame);
	}
	struct wh_span signal; /* `Process /usr/bin/x was killed by signal 6 (SIGABRT)` */
	if (wh_scan_after(wh_json_span(report, "reason"), "(SIG", &signal)) {
		signal = wh_scan_until((struct wh_span){ signal.p - strlen("SIG"), signal.end }, ")");
		wh_stack_message(b, "reason", signal);
		wh_stack_message(b, "signal", signal);
	}
}

static void take_script(struct wh_stack_builder *b, struct json_object *stack, frame_fn *add)
{
	add_frames(b, wh_json_array(stack, "stacktrace"), add);
	wh_json_attribute(b, "reason", stack, "exception_name");
}

/* What a stack is of where nobody says it. */
static const char *guess_type(struct json_object *stack)
{
	struct json_object *frames = wh_json_array(stack, "stacktrace"), *frame = wh_json_element(frames, 0);
	if (wh_json_array(stack, "threads"))
		return "java";
	if (wh_json_array(stack, "frames"))
		return "kerneloops";
	if (wh_json_array(frame, "frames"))
		return "core";
	for (size_t i = 0, n = wh_json_count(frames); i < n && i < 64; i++) {
		frame = wh_json_element(frames, i);
		struct wh_span file = wh_json_span(frame, "file_name");
		bool script = wh_span_size(file) > 3 && !memcmp(file.end - 3, ".py", 3);
		if (script || wh_json_member(frame, "line_contents") || wh_json_member(frame, "is_module"))
			return "python";
		if (wh_json_member(frame, "line_column"))
			return "javascript";
	}
	return "ruby";
}

static void take_stack(struct wh_stack_builder *b, struct json_object *stack, const char *type)
{
	static const struct {
		const char *type;
		frame_fn *add;
	} scripts[] = { { "python", python_frame }, { "ruby", ruby_frame }, { "javascript", script_frame } };
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		if (!strcmp(type, scripts[i].type))
			take_script(b, stack, scripts[i].add);
	if (!strcmp(type, "core"))
		take_core(b, stack);
	else if (!strcmp(type, "kerneloops"))
		take_kernel(b, stack);
	else if (!strcmp(type, "java"))
		add_frames(b, wh_json_array(wh_json_element(wh_json_array(stack, "threads"), 0), "frames"), java_frame);
}

/* ---- reports ---- */

/* `1:8.17-8.fc18`, the version of the package that the program is from. */
static void set_version(struct wh_stack_builder *b, struct json_object *package)
{
	const char *version = wh_json_string(package, "version"), *release = wh_json_string(package, "release");
	if (!version)
		return;
	char *text = wh_arena_printf(b->arena, "%s%s%s", version, release ? "-" : "", release ? release : "");
	b->failed |= !text;
	if (text)
		wh_stack_message(b, "version", (struct wh_span){ text, text + strlen(text) });
}

static struct json_object *affected_package(struct json_object *report)
{
	struct json_object *packages = wh_json_array(report, "packages");
	for (size_t i = 0, n = wh_json_count(packages); i < n; i++) {
		const char *role = wh_json_string(wh_json_element(packages, i), "package_role");
		if (role && !strcmp(role, "affected"))
			return wh_json_element(packages, i);
	}
	return wh_json_object(report, "installed_package"); /* of the first version */
}

static void set_attributes(struct wh_stack_builder *b, struct json_object *report, struct json_object *stack)
{
	struct json_object *os = wh_json_object(report, "os");
	struct wh_span name = wh_json_span(os, "name"), version = wh_json_span(os, "version"), cpu = wh_json_span(os, "architecture");
	wh_json_attribute(b, "message", report, "reason");
	wh_json_attribute(b, "app", report, "component");
	wh_json_attribute(b, "app", stack, "component");
	const struct wh_span paths[] = { wh_json_span(report, "executable"), wh_json_span(stack, "executable") };
	for (size_t i = 0; i < 2; i++)
		if (wh_span_size(paths[i]))
			wh_stack_message(b, "app", base_name(paths[i]));
	if (!wh_observation_attribute(&b->observation, "version"))
		set_version(b, affected_package(report));
	static const char system[] = "Linux"; /* it runs nowhere else */
	wh_fault_platform(b, (struct wh_span){ system, system + strlen(system) }, wh_span_size(cpu) ? cpu : wh_json_span(report, "architecture"));
	if (wh_span_size(name)) {
		char *text = wh_arena_printf(b->arena, "%s%s%s", name.p, wh_span_size(version) ? " " : "", wh_span_size(version) ? version.p : "");
		b->failed |= !text;
		if (text)
			wh_stack_message(b, "os", (struct wh_span){ text, text + strlen(text) });
	}
}

static int read_report(struct wh_reader *reader, struct json_object *report, const char *at, struct wh_err *err)
{
	struct json_object *problem = wh_json_object(report, "problem"), *stack = problem ? problem : report;
	const char *type = wh_json_string(stack, "type");
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	if (wh_json_array(report, "core_backtrace")) {
		take_flat(&b, report);
	} else if (wh_json_array(stack, "stacktrace") || wh_json_array(stack, "threads") || wh_json_array(stack, "frames")) {
		take_stack(&b, stack, type ? type : guess_type(stack));
	} else if (!problem) {
		return wh_reader_skip(reader, at, err, "no \"stacktrace\", \"threads\" or \"frames\"");
	}
	set_attributes(&b, report, stack);
	return wh_stack_emit(reader, &b, at, NULL, err);
}

static int read_satyr(struct wh_reader *reader, struct wh_err *err)
{
	return wh_json_reports(reader, read_report, err);
}

static int detect(const char *text, size_t size)
{
	static const char *const paths[] = {
		"ureport_version", "problem.type", "problem.stacktrace", "core_backtrace.funcname", "core_backtrace.buildid", /* 0-4 */
		"stacktrace.frames.build_id_offset", "stacktrace.frames.address", "executable", "signal",		     /* 5-8 */
		"exception_name", "stacktrace.file_name", "stacktrace.file_line", "stacktrace.function_name",		     /* 9-12 */
		"threads.frames.is_exception", "threads.frames.class_path", "frames.function_length", "taint_flags", "raw_oops", /* 13-17 */
	};
	static const char *const parts[] = { "\"ureport_version\"", "\"core_backtrace\"", "\"build_id_offset\"", "\"file_line\"",
					     "\"is_exception\"", "\"function_length\"" };
	struct wh_span all = { text, text + size };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	uint32_t found = wh_json_paths(text, size, paths, sizeof paths / sizeof *paths);
	bool report = found & 1 && found & (1 << 1 | 1 << 2), flat = found & 1 << 3 && found & 1 << 4;
	bool core = found & 1 << 5 && found & (1 << 6 | 1 << 7 | 1 << 8);
	bool java = found & 1 << 13 && found & 1 << 14, kernel = found & 1 << 15 && found & (1 << 16 | 1 << 17);
	if (report || flat || core || java || kernel)
		return 97;
	if (found & 1 << 10 && found & 1 << 11)
		return found & 1 << 9 ? 95 : found & 1 << 12 ? 70 : 0;
	return found & (1 << 5 | 1 << 13 | 1 << 15) ? 60 : 0;
}

const struct wh_format wh_format_satyr = {
	.name = "satyr",
	.summary = "satyr's and ABRT's micro-reports and stacks",
	.reference = "abrt/satyr: lib/report.c, lib/core_frame.c and the frames of each language beside it; abrt/faf: ureport",
	.detect = detect,
	.read = read_satyr,
};
