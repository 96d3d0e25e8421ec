/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apple's .ips files: a line of JSON that says what the report is, and then the report: JSON (bug_type 309), or text as in .crash
 * files (109 until macOS 11 and iOS 14). Reports of other kinds (memory, power, stackshots) have no stack of a crash: they are
 * handed over without frames, their kind as the reason.
 *
 * The stack is that of the last exception where there was one, else of the thread that is `triggered`, else of `faultingThread`.
 */
#include "format/stack/apple.h"
#include "format/stack/fault.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

struct ips {
	struct json_tokener *parser;
	struct json_object *head; /* of the report at hand, NULL: it has none */
	const char *at;
	bool answered; /* a report followed it */
};

/* ---- frames ---- */

static void add_frame(struct wh_stack_builder *b, struct json_object *object, struct json_object *images)
{
	uint64_t index, line, base, image_offset = 0, symbol_offset;
	struct wh_frame *frame = json_object_is_type(object, json_type_object) ? wh_stack_builder_frame(b) : NULL;
	if (!frame)
		return;
	frame->function = wh_json_copy(b, object, "symbol");
	if (frame->function && !strcmp(frame->function, "<redacted>"))
		frame->function = NULL;
	frame->file = wh_json_copy(b, object, "sourceFile");
	frame->line = wh_json_u64(object, "sourceLine", &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
	frame->inlined = wh_json_true(object, "inline");
	bool has = wh_json_u64(object, "imageOffset", &image_offset);
	frame->has_offset = frame->function ? wh_json_u64(object, "symbolLocation", &symbol_offset) : has;
	frame->offset = !frame->has_offset ? 0 : frame->function ? symbol_offset : image_offset;
	struct json_object *image = wh_json_u64(object, "imageIndex", &index) ? wh_json_element(images, index) : NULL;
	if (!image)
		return;
	frame->module = wh_json_copy(b, image, "path");
	if (!frame->module)
		frame->module = wh_json_copy(b, image, "name");
	frame->module_version = wh_json_copy(b, image, "CFBundleShortVersionString");
	frame->build_id = wh_apple_uuid(b, wh_json_span(image, "uuid"));
	frame->has_offset &= frame->function || frame->module; /* else it is an address */
	if (has && wh_json_u64(image, "base", &base)) {
		frame->address = base + image_offset;
		frame->has_address = true;
	}
}

static void add_frames(struct wh_stack_builder *b, struct json_object *frames, struct json_object *images)
{
	for (size_t i = 0, n = wh_json_count(frames); i < n; i++)
		add_frame(b, wh_json_element(frames, i), images);
}

/* The thread that crashed; *number is its place. */
static struct json_object *crashed_thread(struct json_object *payload, size_t *number)
{
	struct json_object *threads = wh_json_array(payload, "threads");
	uint64_t faulting;
	for (*number = 0; *number < wh_json_count(threads); ++*number)
		if (wh_json_true(wh_json_element(threads, *number), "triggered"))
			return wh_json_element(threads, *number);
	*number = wh_json_u64(payload, "faultingThread", &faulting) ? faulting : 0;
	return wh_json_element(threads, *number);
}

static void take_stack(struct wh_stack_builder *b, struct json_object *payload)
{
	size_t number;
	struct json_object *images = wh_json_array(payload, "usedImages"), *thread = crashed_thread(payload, &number);
	add_frames(b, wh_json_array(payload, "lastExceptionBacktrace"), images);
	if (!b->stack.n_frames)
		add_frames(b, wh_json_array(thread, "frames"), images);
	if (!thread)
		return;
	b->stack.thread = wh_json_copy(b, thread, "name");
	if (!b->stack.thread)
		b->stack.thread = wh_json_copy(b, thread, "queue");
	if (!b->stack.thread) {
		b->stack.thread = wh_arena_printf(b->arena, "%zu", number);
		b->failed |= !b->stack.thread;
	}
}

/* ---- attributes ---- */

/* Kinds of reports that are no crashes, as Apple's OSAnalytics numbers them. */
static const char *kind_of(const char *bug_type)
{
	static const struct {
		const char *number, *name;
	} kinds[] = {
		{ "298", "JetsamEvent" },    { "288", "stackshot" },	   { "202", "cpu_resource" },	{ "142", "microstackshots" },
		{ "206", "wakeups_resource" }, { "145", "diskwrites_resource" }, { "210", "panic-full" }, { "211", "Analytics" },
		{ "228", "hang" },	     { "409", "watchdog" },
	};
	for (size_t i = 0; bug_type && i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(bug_type, kinds[i].number))
			return kinds[i].name;
	return NULL;
}

/* What the program and the libraries said last (`asi`): the first line that tells of an exception, else the first. */
static void set_message(struct wh_stack_builder *b, struct json_object *payload)
{
	struct json_object *said = wh_json_object(payload, "asi"), *reason = wh_json_object(payload, "exceptionReason");
	bool any = false;
	if (said) {
		json_object_object_foreach(said, library, lines)
		{
			(void)library;
			for (size_t i = 0, n = wh_json_count(lines); i < n && i < 64; i++) {
				struct json_object *line = wh_json_element(lines, i);
				if (!json_object_is_type(line, json_type_string))
					continue;
				const char *text = json_object_get_string(line);
				struct wh_span span = { text, text + strlen(text) };
				if (wh_apple_uncaught(b, span))
					return;
				/* what the dynamic linker and the simulator always say tells nothing */
				if (!any && !wh_scan_has(span, "dyld4 config") && !wh_scan_has(span, "CoreSimulator ")) {
					wh_stack_message(b, "message", span);
					any = true;
				}
			}
		}
	}
	if (reason) {
		wh_json_attribute(b, "reason", reason, "name");
		wh_json_attribute(b, "message", reason, "composed_message");
	}
}

/* `1.2 (34)`. */
static void set_version(struct wh_stack_builder *b, struct json_object *head, struct json_object *payload)
{
	struct json_object *bundle = wh_json_object(payload, "bundleInfo");
	const char *version = wh_json_string(bundle, "CFBundleShortVersionString"), *build = wh_json_string(bundle, "CFBundleVersion");
	if (!version && !build) {
		version = wh_json_string(head, "app_version");
		build = wh_json_string(head, "build_version");
	}
	if (!version || !*version)
		version = build, build = NULL;
	if (!version || !*version)
		return;
	char *text = build && *build ? wh_arena_printf(b->arena, "%s (%s)", version, build) : wh_arena_strdup(b->arena, version);
	b->failed |= !text;
	if (text)
		wh_stack_message(b, "version", (struct wh_span){ text, text + strlen(text) });
}

static void set_system(struct wh_stack_builder *b, struct json_object *head, struct json_object *payload)
{
	struct json_object *os = wh_json_object(payload, "osVersion");
	const char *train = wh_json_string(os, "train"), *build = wh_json_string(os, "build");
	struct wh_span system = wh_json_span(head, "os_version");
	if (!wh_span_size(system) && train) {
		char *text = wh_arena_printf(b->arena, build ? "%s (%s)" : "%s", train, build);
		b->failed |= !text;
		if (text)
			system = (struct wh_span){ text, text + strlen(text) };
	}
	wh_fault_platform(b, system, wh_json_span(payload, "cpuType"));
	wh_json_attribute(b, "hardware", payload, "modelCode");
}

static void set_exception(struct wh_stack_builder *b, struct json_object *payload)
{
	struct json_object *exception = wh_json_object(payload, "exception"), *end = wh_json_object(payload, "termination");
	uint64_t address = 0;
	bool has = wh_apple_address(b, wh_json_span(exception, "subtype"), &address) ||
		   wh_apple_address(b, wh_json_span(exception, "codes"), &address);
	wh_json_attribute(b, "reason", exception, "type");
	wh_json_attribute(b, "signal", exception, "signal");
	if (!wh_scan_has(wh_json_span(exception, "codes"), "0x")) /* mere numbers tell nobody anything */
		wh_json_attribute(b, "message", exception, "codes");
	wh_json_attribute(b, "message", exception, "subtype");
	wh_json_attribute(b, "message", exception, "message");
	wh_json_attribute(b, "termination", end, "indicator");
	wh_fault_type(b, wh_json_span(exception, "type"), has, address);
	set_message(b, payload);
}

static int emit(struct wh_reader *reader, struct ips *ips, struct json_object *payload, const char *at, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct json_object *const heads[] = { ips->head, payload };
	const char *bug_type = wh_json_string(ips->head, "bug_type");
	wh_stack_builder_init(&b, reader->arena);
	if (!bug_type)
		bug_type = wh_json_string(payload, "bug_type");
	take_stack(&b, payload);
	wh_json_attribute(&b, "app", ips->head, "name");
	wh_json_attribute(&b, "app", ips->head, "app_name");
	wh_json_attribute(&b, "app", payload, "procName");
	set_version(&b, ips->head, payload);
	set_system(&b, ips->head, payload);
	for (size_t i = 0; i < 2; i++) {
		wh_json_attribute(&b, "incident", heads[i], i ? "incident" : "incident_id");
		wh_json_time(&b, heads[i], i ? "captureTime" : "timestamp");
	}
	const char *kind = kind_of(bug_type);
	if (kind) {
		wh_stack_message(&b, "reason", (struct wh_span){ kind, kind + strlen(kind) });
		wh_json_attribute(&b, "message", payload, "largestProcess");
	} else if (!b.stack.n_frames && bug_type) {
		char *reason = wh_arena_printf(b.arena, "bug_type %.20s", bug_type);
		b.failed |= !reason;
		if (reason)
			wh_stack_message(&b, "reason", (struct wh_span){ reason, reason + strlen(reason) });
	}
	set_exception(&b, payload);
	return wh_stack_emit(reader, &b, at, NULL, err);
}

/* ---- the file ---- */

static void forget_head(struct ips *ips)
{
	json_object_put(ips->head);
	ips->head = NULL;
}

static bool is_head(const struct json_object *object)
{
	return wh_json_member(object, "bug_type") && !wh_json_member(object, "threads") && !wh_json_member(object, "usedImages") &&
	       (wh_json_member(object, "os_version") || wh_json_member(object, "incident_id") || wh_json_member(object, "timestamp"));
}

static int take_object(struct wh_reader *reader, struct ips *ips, struct wh_span text, size_t values, struct wh_err *err)
{
	struct json_object *object;
	struct wh_err why;
	wh_json_advance(reader, ips->head && !ips->answered ? ips->at : text.p);
	int code = wh_json_document(ips->parser, text, values, &object, &why);
	if (code == WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why.message);
	if (code != WH_OK) {
		ips->answered = true;
		return wh_reader_skip(reader, text.p, err, "%s", why.message);
	}
	if (is_head(object) && (!ips->head || ips->answered)) {
		forget_head(ips);
		ips->head = object;
		ips->at = text.p;
		ips->answered = false;
		return WH_OK;
	}
	code = emit(reader, ips, object, ips->head ? ips->at : text.p, err);
	json_object_put(object);
	ips->answered = true;
	return code;
}

/* What follows a head and is no JSON, up to the next head: a report as text. */
static int take_text(struct wh_reader *reader, struct ips *ips, struct wh_span *text, struct wh_err *err)
{
	struct wh_span next = *text, line, report = { text->p, text->end };
	while (wh_scan_line(&next, &line))
		if (wh_scan_has(line, "{\"") && wh_scan_find(line, "\"bug_type\"")) {
			report.end = line.p;
			break;
		}
	text->p = report.end;
	wh_json_advance(reader, report.p);
	size_t size = reader->size;
	reader->size = wh_span_size(report);
	ips->answered = true;
	int code = wh_apple_read(reader, err);
	reader->size = size;
	return code;
}

static int read_all(struct wh_reader *reader, struct ips *ips, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, object;
	size_t values;
	if (!wh_json_find_object(&all))
		return WH_OK;
	while (all.p < all.end) {
		while (all.p < all.end && strchr(" \t\r\n,[]", *all.p) && *all.p)
			all.p++;
		if (all.p == all.end)
			break;
		if (*all.p == '{') {
			wh_json_take_object(&all, &object, &values);
			WH_TRY(take_object(reader, ips, object, values, err));
		} else if (ips->head && !ips->answered) {
			WH_TRY(take_text(reader, ips, &all, err));
		} else if (!wh_json_find_object(&all)) {
			break;
		}
	}
	if (ips->head && !ips->answered)
		return wh_reader_skip(reader, ips->at, err, "nothing follows the line that says what the report is");
	return WH_OK;
}

static int read_ips(struct wh_reader *reader, struct wh_err *err)
{
	struct ips ips = { .parser = wh_json_document_parser() };
	struct wh_reader whole = *reader;
	if (!ips.parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = read_all(reader, &ips, err);
	reader->text = whole.text;
	reader->size = whole.size;
	reader->first_line = whole.first_line;
	forget_head(&ips);
	json_tokener_free(ips.parser);
	return code;
}

static int detect(const char *text, size_t size)
{
	static const char *const paths[] = { "bug_type", "incident_id", "os_version", "timestamp", "app_name", "usedImages.uuid",
					     "threads.frames.imageOffset", "threads.frames.imageIndex", "exception.type",
					     "lastExceptionBacktrace.imageIndex" };
	static const char *const parts[] = { "\"bug_type\"", "\"usedImages\"", "\"imageIndex\"" };
	struct wh_span all = { text, text + size };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	uint32_t found = wh_json_paths(text, size, paths, sizeof paths / sizeof *paths);
	if (found & 1 && found & (1 << 1 | 1 << 2) && found & (1 << 3 | 1 << 4))
		return 98;
	bool frames = found & (1 << 6 | 1 << 7 | 1 << 9);
	return frames && found & (1 << 5 | 1 << 8 | 1) ? 97 : frames ? 60 : 0;
}

const struct wh_format wh_format_ips = {
	.name = "ips",
	.summary = "Apple's reports as JSON (.ips)",
	.reference = "Apple: Interpreting the JSON format of a crash report; LLVM: lldb/examples/python/crashlog.py",
	.detect = detect,
	.read = read_ips,
};
