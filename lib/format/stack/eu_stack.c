/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What elfutils' eu-stack prints of a core or a process, with any of its options: modules (-m), build-ids (-b), sources (-s), inlined
 * frames (-i), activations (-a), raw names (-r). A core's first thread is the one that died; of a process that of a signal's handler or
 * of abort is taken before the first.
 */
#include <string.h>

#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

struct thread {
	const char *begin, *end; /* from its first frame on; begin is NULL where there is none */
	struct wh_span number;
	bool dying; /* its top says that it came to its end */
};

struct report {
	struct wh_reader *reader;
	bool open, core;
	struct wh_span number; /* of the thread to come */
	struct thread thread, best;
	size_t frames; /* of the thread so far */
};

/* ---- lines ---- */

/* `#3  0x00007f6982a6f111 - 1 name - module`: what was asked for, and no more. */
static bool frame_line(struct wh_span line, struct wh_frame_text *frame, bool *inlined)
{
	struct wh_span s = line;
	uint64_t number;
	*frame = (struct wh_frame_text){ 0 };
	*inlined = false;
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&s, "#") || !wh_scan_decimal(&s, &number) || !wh_scan_has(s, " "))
		return false;
	wh_scan_blanks(&s);
	const char *first = s.p;
	if (!wh_scan_hex(&s, &frame->address) || (s.p - first != 18 && s.p - first != 10) || (s.p < s.end && *s.p != ' '))
		return false;
	frame->has_address = true;
	s = wh_scan_trim(s);
	if (wh_scan_has(s, "in ")) /* gdb */
		return false;
	if (wh_scan_has(s, "- 1 ") || (wh_span_size(s) == 3 && wh_scan_has(s, "- 1"))) { /* -a: a return address */
		s.p += 3;
		s = wh_scan_trim(s);
	}
	if (wh_scan_skip(&s, "[inlined] "))
		*inlined = true;
	if (wh_scan_skip(&s, "- ")) {
		frame->module = s;
		return true;
	}
	const char *dash = wh_scan_last(s, " - ");
	if (dash) {
		frame->module = (struct wh_span){ dash + 3, s.end };
		s.end = dash;
	}
	const char *plus = wh_scan_last(s, " + 0x");
	struct wh_span offset = { plus ? plus + 3 : s.end, s.end };
	if (plus && wh_scan_hex(&offset, &frame->offset) && offset.p == s.end) {
		frame->has_offset = true;
		s.end = plus;
	}
	/* systemd-coredump writes `name (module + 0x12)` */
	if (!dash && wh_span_size(s) && s.end[-1] == ')' && wh_scan_find(s, " (") && plus)
		return false;
	frame->function = s;
	return true;
}

/* `    [12ab]@0x561840887000+0x1181`, `    /src/walk.cc:21:9`: about the frame above. */
static bool detail_line(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_span s = line, rest;
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&s, "    ") || s.p == s.end || *s.p == ' ')
		return false;
	if (wh_scan_skip(&s, "[")) {
		frame->build_id = wh_scan_until(s, "]");
		if (!frame->function.p && wh_scan_after(s, "]@0x", &rest) && wh_scan_after(rest, "+", &rest))
			frame->has_offset = wh_scan_hex(&rest, &frame->offset);
		return frame->build_id.end < s.end;
	}
	struct wh_span file;
	uint32_t number;
	wh_location_split(s, &file, &number);
	if (file.end == s.end)
		return false;
	frame->file = file;
	frame->line = number;
	return true;
}

static bool equals(struct wh_span s, const char *text)
{
	return wh_span_size(s) == strlen(text) && wh_scan_has(s, text);
}

static bool is_end(struct wh_span function)
{
	static const char *const names[] = { "abort", "__GI_abort", "raise", "__GI_raise", "gsignal", "__pthread_kill_implementation",
					     "pthread_kill@@GLIBC_2.34", "__assert_fail", "__restore_rt" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (equals(function, names[i]))
			return true;
	return false;
}

/* ---- reports ---- */

static void close_thread(struct report *r, const char *end)
{
	struct thread *t = &r->thread;
	if (!t->begin)
		return;
	t->end = end;
	if (!r->best.begin || (!r->core && t->dying && !r->best.dying))
		r->best = *t;
	*t = (struct thread){ 0 };
}

/* Inlined frames have the address of the one that they were inlined into; so has a frame that calls itself. */
static void mark_inlined(struct wh_stack *stack)
{
	for (size_t i = 0; i + 1 < stack->n_frames; i++) {
		struct wh_frame *f = &stack->frames[i];
		const struct wh_frame *into = f + 1;
		bool other = f->function && into->function && strcmp(f->function, into->function) != 0;
		f->inlined |= f->has_address && into->has_address && f->address == into->address && (other || f->line != into->line);
	}
}

/* The program is the module of its entry point. */
static void set_app(struct wh_stack_builder *b)
{
	const struct wh_stack *stack = &b->stack;
	for (size_t i = stack->n_frames; i-- > 0;) {
		const struct wh_frame *f = &stack->frames[i];
		if (!f->module || !f->function || (strcmp(f->function, "_start") != 0 && strcmp(f->function, "main") != 0))
			continue;
		const char *slash = strrchr(f->module, '/'), *name = slash ? slash + 1 : f->module;
		wh_stack_builder_attribute(b, "app", name, strlen(name));
		return;
	}
}

static void add_frames(struct wh_stack_builder *b, const struct thread *t)
{
	struct wh_span text = { t->begin, t->end }, line, next;
	struct wh_frame_text said;
	bool inlined;
	while (!b->failed && b->stack.n_frames < WH_STACK_MOST_FRAMES && wh_scan_line(&text, &line)) {
		if (!frame_line(line, &said, &inlined))
			continue;
		struct wh_span ahead = text;
		for (int i = 0; i < 2 && wh_scan_line(&ahead, &next) && detail_line(next, &said); i++)
			text = ahead;
		struct wh_frame *frame = wh_frame_text_add(&said, b);
		if (frame)
			frame->inlined = inlined;
	}
}

static int finish(struct report *r, const char *end, struct wh_err *err)
{
	close_thread(r, end);
	struct report done = *r;
	struct wh_stack_builder b;
	*r = (struct report){ .reader = done.reader };
	if (!done.best.begin)
		return WH_OK;
	wh_stack_builder_init(&b, done.reader->arena);
	add_frames(&b, &done.best);
	mark_inlined(&b.stack);
	set_app(&b);
	if (wh_span_size(done.best.number))
		b.stack.thread = wh_stack_builder_copy(&b, done.best.number.p, wh_span_size(done.best.number));
	return wh_stack_emit(done.reader, &b, done.best.begin, end, err);
}

/* `PID 13244 - core`, `PID 13244 - process` */
static bool process_line(struct wh_span s, bool *core)
{
	uint64_t pid;
	if (!wh_scan_skip(&s, "PID ") || !wh_scan_decimal(&s, &pid) || !wh_scan_skip(&s, " - "))
		return false;
	*core = equals(s, "core");
	return *core || equals(s, "process");
}

/* `TID 13244:`; a thread without frames has none below it. */
static bool thread_line(struct wh_span s, struct wh_span *number)
{
	uint64_t tid;
	if (!wh_scan_skip(&s, "TID "))
		return false;
	number->p = s.p;
	if (!wh_scan_decimal(&s, &tid))
		return false;
	number->end = s.p;
	return equals(s, ":");
}

static int read_line(struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_frame_text frame;
	bool inlined, core;
	struct wh_span number;
	if (process_line(line, &core)) {
		WH_TRY(finish(r, line.p, err));
		r->core = core;
	} else if (thread_line(line, &number)) {
		close_thread(r, line.p);
		r->number = number;
		r->frames = 0;
	} else if (frame_line(line, &frame, &inlined)) {
		if (wh_scan_has(line, "#0 ") && r->thread.begin)
			close_thread(r, line.p);
		if (!r->thread.begin)
			r->thread = (struct thread){ .begin = line.p, .number = r->number };
		r->thread.dying |= r->frames++ < 6 && is_end(frame.function);
	}
	return WH_OK;
}

static int read_text(struct wh_reader *reader, struct wh_err *err)
{
	struct report r = { .reader = reader };
	struct wh_span text = { reader->text, reader->text + reader->size }, line;
	while (wh_scan_line(&text, &line))
		WH_TRY(read_line(&r, line, err));
	return finish(&r, text.end, err);
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line, number;
	struct wh_frame_text frame;
	size_t frames = 0, modules = 0;
	bool process = false, thread = false, core, inlined;
	if (!wh_scan_find(all, "#0  0x"))
		return 0;
	while (wh_scan_line(&all, &line) && (frames < 2 || !thread)) {
		process |= process_line(line, &core);
		thread |= thread_line(line, &number);
		if (frame_line(line, &frame, &inlined)) {
			frames++;
			modules += wh_span_size(frame.module) > 0;
		}
	}
	if (thread)
		return frames ? process ? 95 : 90 : process ? 40 : 0;
	return frames >= 2 ? modules ? 70 : 42 : 0;
}

const struct wh_format wh_format_eu_stack = {
	.name = "eu-stack",
	.summary = "eu-stack of elfutils, of cores and processes",
	.reference = "elfutils: src/stack.c (print_frame, print_frames, module_callback)",
	.detect = detect,
	.read = read_text,
};
