/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apple's crash reports as text (.crash), of all report versions since CrashReporter's first, also as PLCrashReporter and KSCrash
 * write them, and the samples, spindumps and hang reports that share their head.
 *
 * The stack is that of the uncaught exception where there was one (`Last Exception Backtrace`, `Application Specific Backtrace`):
 * the thread that crashed only rethrew it. Else it is that of the thread headed `Crashed`, else of the thread that the head
 * names, else of the first. A frame's module is the path of the image that its address is in.
 */
#include "format/stack/apple.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

enum section { HEAD, THREAD, EXCEPTION, INFORMATION, IMAGES, OTHER };

struct apple {
	bool open;
	const char *at;
	struct wh_apple_head head;
	struct wh_stack_builder b; /* of the report; its stack is the tree's, if it has one */
	struct wh_stack_builder exception, crashed, named, first;
	struct wh_stack_builder *into; /* where frames go; NULL: nowhere */
	enum section section;
	bool body;		    /* threads were there: a head that follows is of the next report */
	bool tree;
	struct wh_span information; /* what the program said last */
	struct wh_apple_thread named_before; /* `Thread 1 name:` stands before `Thread 1:` */
	struct wh_images images;
};

/* ---- one report ---- */

static void start(struct wh_reader *reader, struct apple *a, const char *at)
{
	struct wh_images images = a->images;
	wh_images_clear(&images);
	*a = (struct apple){ .open = true, .at = at, .images = images };
	struct wh_stack_builder *const all[] = { &a->b, &a->exception, &a->crashed, &a->named, &a->first };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		wh_stack_builder_init(all[i], reader->arena);
}

static const char *copy(struct wh_stack_builder *b, struct wh_span s)
{
	return wh_span_size(s) ? wh_stack_builder_copy(b, s.p, wh_span_size(s)) : NULL;
}

/* Names the image that a frame is in. */
static void resolve(struct apple *a, struct wh_frame *frame)
{
	const struct wh_image *image = frame->has_address ? wh_images_at(&a->images, frame->address) : NULL;
	if (!image && frame->module)
		image = wh_images_named(&a->images, (struct wh_span){ frame->module, frame->module + strlen(frame->module) });
	frame->has_offset &= image || frame->module || frame->function; /* `??? 0x10d 0 + 269`: into nothing */
	if (!image)
		return;
	bool path = wh_span_size(image->path) && *image->path.p == '/';
	frame->module = copy(&a->b, path ? image->path : image->name);
	frame->module_version = copy(&a->b, image->version);
	frame->build_id = wh_apple_uuid(&a->b, image->build_id);
	if (!frame->function && !frame->has_offset && frame->has_address && frame->address >= image->base) {
		frame->offset = frame->address - image->base;
		frame->has_offset = true;
	}
}

static int finish(struct wh_reader *reader, struct apple *a, struct wh_err *err)
{
	if (!a->open)
		return WH_OK;
	a->open = false;
	struct wh_stack_builder *const stacks[] = { &a->exception, &a->crashed, &a->named, &a->first };
	for (size_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
		a->b.failed |= stacks[i]->failed;
		if (!a->b.stack.n_frames && stacks[i]->stack.n_frames)
			a->b.stack.frames = stacks[i]->stack.frames, a->b.stack.n_frames = stacks[i]->stack.n_frames;
	}
	for (size_t i = 1; i < sizeof stacks / sizeof *stacks && !a->b.stack.thread; i++)
		a->b.stack.thread = stacks[i]->stack.thread;
	if (!a->b.stack.n_frames && !a->b.failed && a->head.n < 6) {
		wh_arena_reset(reader->arena); /* a few words that such a head has, too */
		return WH_OK;
	}
	for (size_t i = 0; i < a->b.stack.n_frames && !a->b.failed; i++)
		resolve(a, &a->b.stack.frames[i]);
	if (a->images.failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_apple_head_set(&a->head, a->information, &a->b);
	return wh_stack_emit(reader, &a->b, a->at, NULL, err);
}

/* ---- its lines ---- */

static void take_thread(struct apple *a, const struct wh_apple_thread *thread)
{
	uint64_t crashed;
	a->body = true;
	if (!thread->heading) {
		a->named_before = *thread;
		return;
	}
	bool named = wh_apple_head_crashed(&a->head, &crashed) && crashed == thread->number;
	a->into = thread->crashed ? &a->crashed : named ? &a->named : &a->first;
	a->section = THREAD;
	if (a->into->stack.n_frames) { /* another thread */
		a->into = NULL;
		return;
	}
	struct wh_span name = thread->name;
	if (!wh_span_size(name) && a->named_before.number == thread->number)
		name = a->named_before.name;
	char *text = wh_span_size(name) ? wh_arena_strndup(a->b.arena, name.p, wh_span_size(name))
					: wh_arena_printf(a->b.arena, "%llu", (unsigned long long)thread->number);
	a->into->failed |= !text;
	a->into->stack.thread = text;
}

/* `(0x1847fcfd8 0x183d5c538)`: the exception's stack without symbols. */
static bool take_addresses(struct apple *a, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	uint64_t address;
	bool any = false;
	wh_scan_skip(&s, "(");
	while (wh_scan_hex(&s, &address)) {
		struct wh_frame *frame = wh_stack_builder_frame(&a->exception);
		if (frame)
			frame->address = address, frame->has_address = true;
		any = true;
		wh_scan_blanks(&s);
	}
	return any;
}

static bool take_frame(struct apple *a, struct wh_span line)
{
	struct wh_frame_text text;
	bool inlined;
	if (!wh_apple_frame(line, &text, &inlined))
		return a->section == EXCEPTION && a->into && take_addresses(a, line);
	struct wh_frame *frame = a->into ? wh_frame_text_add(&text, a->into) : NULL;
	if (frame)
		frame->inlined = inlined;
	return true;
}

static bool begins_section(struct apple *a, struct wh_span line)
{
	static const struct {
		const char *words;
		enum section section;
	} sections[] = {
		{ "Last Exception Backtrace:", EXCEPTION }, { "Application Specific Backtrace ", EXCEPTION },
		{ "Application Specific Information:", INFORMATION }, { "Binary Images", IMAGES },
		{ "Application Specific Signatures:", OTHER }, { "VM Region", OTHER }, { "External Modification Summary:", OTHER },
		{ "Error Formulating Crash Report:", OTHER }, { "Kernel Triage:", OTHER }, { "Full Report", OTHER },
		{ "Thread State", OTHER }, { "Filtered syslog:", OTHER }, { "Notable Loads", OTHER },
	};
	struct wh_span s = wh_scan_trim(line);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
		if (!wh_scan_has(s, sections[i].words))
			continue;
		a->section = sections[i].section;
		a->into = a->section == EXCEPTION && !a->exception.stack.n_frames ? &a->exception : NULL;
		a->body |= a->section == EXCEPTION || a->section == IMAGES;
		return true;
	}
	return false;
}

/* Whether line, one of a head, is the first of another report. */
static bool begins_report(const struct apple *a, struct wh_span line)
{
	static const char *const firsts[] = { "Date/Time:", "Incident Identifier:", "Process:", "Host Name:", "Command:" };
	struct wh_span s = wh_scan_trim(line);
	for (size_t i = 0; a->body && i < (a->tree ? 1 : sizeof firsts / sizeof *firsts); i++)
		if (wh_scan_has(s, firsts[i]))
			return true;
	return false;
}

static void take_information(struct apple *a, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	if (s.p == s.end && wh_span_size(a->information))
		a->section = OTHER;
	else if (s.p < s.end)
		a->information = (struct wh_span){ a->information.p ? a->information.p : s.p, s.end };
}

static int apple_line(struct wh_reader *reader, struct apple *a, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct wh_apple_thread thread;
	struct wh_image image;
	bool flat;
	if (wh_apple_thread(line, &thread)) {
		if (!a->open && !thread.crashed && thread.heading)
			return WH_OK; /* another program's threads */
		if (!a->open)
			start(reader, a, line.p);
		take_thread(a, &thread);
		return WH_OK;
	}
	if (a->open && (a->section == THREAD || a->section == EXCEPTION) && take_frame(a, line))
		return WH_OK;
	if (a->open && a->section == IMAGES && wh_apple_image(line, &image)) {
		wh_images_add(&a->images, image);
		return WH_OK;
	}
	if (a->open && begins_section(a, line))
		return WH_OK;
	if (a->open && wh_apple_tree_line(line, &flat)) {
		if (!a->b.stack.n_frames)
			wh_apple_tree(text, flat, &a->b);
		a->body = a->tree = true;
		return WH_OK;
	}
	struct wh_apple_head head = { 0 };
	if (wh_apple_head_line(&head, line)) {
		if (a->open && begins_report(a, line))
			WH_TRY(finish(reader, a, err));
		if (!a->open)
			start(reader, a, line.p);
		if (!a->body) {
			a->section = HEAD;
			wh_apple_head_line(&a->head, line);
		}
		return WH_OK;
	}
	if (a->open && a->section == INFORMATION)
		take_information(a, line);
	return WH_OK;
}

int wh_apple_read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct apple a = { 0 };
	int code = WH_OK;
	while (code == WH_OK && wh_scan_line(&all, &line))
		code = apple_line(reader, &a, line, &all, err);
	if (code == WH_OK)
		code = finish(reader, &a, err);
	wh_images_release(&a.images);
	return code;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line;
	struct wh_apple_head head = { 0 };
	struct wh_apple_thread thread;
	struct wh_frame_text frame;
	bool within = false, crashed = false, tree = false, inlined, flat;
	unsigned frames = 0;
	static const char *const parts[] = { " Crashed:", "OS Version:", "Exception Type:", "Analysis of sampling" };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line)) {
		if (wh_apple_thread(line, &thread)) {
			within = thread.heading;
			crashed |= thread.crashed;
		} else if (within && wh_apple_frame(line, &frame, &inlined)) {
			frames += frames < 1000;
		} else if (!wh_apple_head_line(&head, line)) {
			tree |= wh_apple_tree_line(line, &flat);
		}
	}
	if (head.n >= 6 && (frames || tree))
		return 97;
	if (head.n >= 3 && frames && crashed)
		return 85;
	if (head.n >= 8 && wh_span_size(head.os) && wh_span_size(head.code_type))
		return 80; /* a head without threads */
	return crashed && frames > 1 ? 60 : 0;
}

const struct wh_format wh_format_apple_crash = {
	.name = "apple-crash",
	.summary = "Apple's crash reports as text (.crash), samples and spindumps",
	.reference = "Apple: Examining the fields in a crash report; PLCrashReporter: PLCrashReportTextFormatter.m; KSCrash: "
		     "KSCrashReportFilterAppleFmt.m; spindump(8), sample(1)",
	.detect = detect,
	.read = wh_apple_read,
};
