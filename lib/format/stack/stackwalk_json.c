/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of minidump stackwalkers. */
#include "format/stack/stackwalk.h"

#include "format/stack/fault.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

bool wh_stackwalk_guessed(struct wh_span trust)
{
	return wh_scan_find(trust, "scan");
}

struct wh_span wh_stackwalk_file(struct wh_span file)
{
	static const char *const systems[] = { "hg:", "git:", "s3:", "svn:" };
	struct wh_span path = file;
	for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
		if (!wh_scan_skip(&path, systems[i]))
			continue;
		const char *first = memchr(path.p, ':', wh_span_size(path)), *last = wh_scan_last(path, ":");
		return first && last > first ? (struct wh_span){ first + 1, last } : file;
	}
	return file;
}

void wh_stackwalk_reason(struct wh_stack_builder *b, struct wh_span reason, struct wh_span address)
{
	struct wh_span digits = wh_scan_trim(address), signal = wh_scan_until(reason, " /");
	uint64_t value = 0;
	bool has = wh_scan_hex(&digits, &value);
	wh_stack_message(b, "reason", reason);
	if (wh_scan_has(signal, "SIG"))
		wh_stack_message(b, "signal", signal);
	char *text = has ? wh_arena_printf(b->arena, "0x%llx", (unsigned long long)value) : NULL;
	b->failed |= has && !text;
	if (text)
		wh_stack_message(b, "address", (struct wh_span){ text, text + strlen(text) });
	wh_fault_type(b, reason, has, value);
}

/* ---- modules ---- */

static void take_modules(struct wh_images *images, struct json_object *modules)
{
	wh_images_clear(images);
	for (size_t i = 0, n = wh_json_count(modules); i < n; i++) {
		struct json_object *module = wh_json_element(modules, i);
		struct wh_image image = { .name = wh_json_span(module, "filename"), .version = wh_json_span(module, "version"),
					  .build_id = wh_json_span(module, "debug_id") };
		if (!wh_json_u64(module, "base_addr", &image.base) || !wh_json_u64(module, "end_addr", &image.last))
			image.base = 1, image.last = 0;
		wh_images_add(images, image);
	}
}

static const char *copy(struct wh_stack_builder *b, struct wh_span s)
{
	return wh_span_size(s) ? wh_stack_builder_copy(b, s.p, wh_span_size(s)) : NULL;
}

/* The module that a frame names, its build and version. */
static void set_module(struct wh_stack_builder *b, struct wh_frame *frame, struct json_object *object, struct wh_images *images)
{
	struct json_object *unloaded = wh_json_element(wh_json_array(object, "unloaded_modules"), 0);
	struct wh_span name = wh_json_span(object, "module");
	if (wh_span_size(name)) {
		const struct wh_image *image = frame->has_address ? wh_images_at(images, frame->address) : NULL;
		if (!image || wh_span_size(image->name) != wh_span_size(name) || memcmp(image->name.p, name.p, wh_span_size(name)))
			image = wh_images_named(images, name);
		frame->module = copy(b, name);
		frame->build_id = image ? copy(b, image->build_id) : NULL;
		frame->module_version = image ? copy(b, image->version) : NULL;
	} else if (unloaded) {
		frame->module = wh_json_copy(b, unloaded, "module");
		struct json_object *offset = wh_json_element(wh_json_array(unloaded, "offsets"), 0);
		frame->has_offset = offset && wh_json_value_u64(offset, &frame->offset);
	}
}

/* ---- frames ---- */

static void set_source(struct wh_stack_builder *b, struct wh_frame *frame, struct json_object *object)
{
	uint64_t line;
	frame->function = wh_json_copy(b, object, "function");
	frame->file = copy(b, wh_stackwalk_file(wh_json_span(object, "file")));
	frame->line = wh_json_u64(object, "line", &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
}

/* The functions inlined into a frame, innermost first, then the frame itself. */
static void add_frame(struct wh_stack_builder *b, struct json_object *object, struct wh_images *images)
{
	struct json_object *inlines = wh_json_array(object, "inlines");
	struct wh_frame whole = { 0 };
	whole.has_address = wh_json_u64(object, "offset", &whole.address);
	whole.unreliable = wh_stackwalk_guessed(wh_json_span(object, "trust"));
	set_module(b, &whole, object, images);
	set_source(b, &whole, object);
	if (whole.function)
		whole.has_offset = wh_json_u64(object, "function_offset", &whole.offset);
	else if (wh_json_member(object, "module_offset"))
		whole.has_offset |= wh_json_u64(object, "module_offset", &whole.offset);
	if (!whole.function && !whole.module && !whole.has_address)
		return; /* Socorro's mark where it left frames out */
	for (size_t i = 0, n = wh_json_count(inlines); i < n; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(b);
		if (!frame)
			return;
		*frame = whole;
		set_source(b, frame, wh_json_element(inlines, i));
		frame->has_offset = false;
		frame->inlined = true;
	}
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return;
	*frame = whole;
	frame->inlined = wh_scan_has(wh_json_span(object, "trust"), "inline");
}

/* ---- the thread ---- */

/* The thread that crashed: its copy, or its place in the list where that has more frames (Socorro shortens the copy). Without a
 * crash the thread that asked for the dump is as good as any: the first. */
static struct json_object *find_thread(struct json_object *dump, int64_t crashing, uint64_t *number)
{
	struct json_object *copy = wh_json_object(dump, "crashing_thread"), *threads = wh_json_array(dump, "threads");
	bool known = wh_json_u64(wh_json_object(dump, "crash_info"), "crashing_thread", number) ||
		     wh_json_u64(copy, "threads_index", number) || wh_json_u64(copy, "thread_index", number);
	if (!known)
		*number = crashing > 0 ? (uint64_t)crashing : 0;
	struct json_object *listed = wh_json_element(threads, *number);
	if (copy && wh_json_count(wh_json_array(copy, "frames")) >= wh_json_count(wh_json_array(listed, "frames")))
		return copy;
	return listed;
}

static void set_program(struct wh_stack_builder *b, struct json_object *dump)
{
	struct json_object *system = wh_json_object(dump, "system_info"), *info = wh_json_object(dump, "crash_info");
	struct json_object *record = wh_json_element(wh_json_array(wh_json_object(dump, "mac_crash_info"), "records"), 0);
	uint64_t number;
	struct json_object *program = wh_json_u64(dump, "main_module", &number)
					      ? wh_json_element(wh_json_array(dump, "modules"), number)
					      : NULL;
	wh_json_attribute(b, "app", program, "filename");
	wh_json_attribute(b, "version", program, "version");
	struct wh_span os = wh_json_span(system, "os"), version = wh_json_span(system, "os_ver");
	if (wh_span_size(os)) {
		char *text = wh_arena_printf(b->arena, "%s%s%s", os.p, wh_span_size(version) ? " " : "", wh_span_size(version) ? version.p : "");
		b->failed |= !text;
		if (text)
			wh_fault_platform(b, (struct wh_span){ text, text + strlen(text) }, wh_json_span(system, "cpu_arch"));
	}
	wh_json_attribute(b, "message", record, "message");
	wh_json_attribute(b, "message", info, "assertion");
	wh_stackwalk_reason(b, wh_json_span(info, "type"), wh_json_span(info, "address"));
}

void wh_stackwalk_json(struct wh_stack_builder *b, struct json_object *dump, int64_t crashing, struct wh_images *images)
{
	uint64_t number;
	struct json_object *thread = find_thread(dump, crashing, &number), *frames = wh_json_array(thread, "frames");
	take_modules(images, wh_json_array(dump, "modules"));
	for (size_t i = 0, n = wh_json_count(frames); i < n; i++)
		add_frame(b, wh_json_element(frames, i), images);
	if (thread) {
		b->stack.thread = wh_json_copy(b, thread, "thread_name");
		if (!b->stack.thread) {
			b->stack.thread = wh_arena_printf(b->arena, "%llu", (unsigned long long)number);
			b->failed |= !b->stack.thread;
		}
	}
	set_program(b, dump);
}

/* ---- the reader ---- */

static int read_dump(struct wh_reader *reader, struct json_object *dump, const char *at, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_images images = { 0 };
	if (!wh_json_member(dump, "threads") && !wh_json_member(dump, "crashing_thread")) {
		const char *status = wh_json_string(dump, "status");
		return wh_reader_skip(reader, at, err, "no threads (status %.60s)", status ? status : "not said");
	}
	wh_stack_builder_init(&b, reader->arena);
	wh_stackwalk_json(&b, dump, -1, &images);
	bool failed = images.failed;
	wh_images_release(&images);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_stack_emit(reader, &b, at, NULL, err);
}

static int read_stackwalk(struct wh_reader *reader, struct wh_err *err)
{
	return wh_json_reports(reader, read_dump, err);
}

static int detect(const char *text, size_t size)
{
	static const char *const paths[] = { "crash_info", "system_info.cpu_arch", "crashing_thread.frames.trust", "threads.frames.trust",
					     "threads.frames.module_offset", "crashing_thread.frames.offset", "modules.debug_id",
					     "modules.base_addr", "crash_info.crashing_thread", "threads.frames.offset" };
	static const char *const parts[] = { "\"crash_info\"", "\"trust\"", "\"module_offset\"" };
	struct wh_span all = { text, text + size };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	uint32_t found = wh_json_paths(text, size, paths, sizeof paths / sizeof *paths);
	bool frames = found & (1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9), modules = found & (1 << 6 | 1 << 7);
	bool info = found & 1, system = found & 1 << 1;
	return info && frames ? 97 : (info && (system || modules)) || (frames && (system || modules)) ? 90 : 0;
}

const struct wh_format wh_format_minidump_json = {
	.name = "minidump-json",
	.summary = "minidump-stackwalk's JSON",
	.reference = "rust-minidump: minidump-processor/json-schema.md; mozilla-services: minidump-stackwalk/stackwalker.cc",
	.detect = detect,
	.read = read_stackwalk,
};
