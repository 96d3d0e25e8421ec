/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of minidump stackwalkers: what Breakpad's minidump_stackwalk (and microdump_stackwalk) and rust-minidump's
 * minidump-stackwalk --human print for people,
 *
 *   Operating system: Windows NT                   Thread 0 (crashed)
 *                     5.1.2600 Service Pack 2       0  test_app.exe!main [test_app.cc : 58 + 0x3]
 *   CPU: x86                                           eip = 0x0040429e   esp = 0x0012fe84
 *   Crash reason:  EXCEPTION_ACCESS_VIOLATION          Found by: given as instruction pointer in context
 *   Crash address: 0x45                             1  kernel32.dll + 0x23
 *
 * and what minidump_stackwalk -m prints for programs: `OS|…|…`, `CPU|…`, `Crash|reason|address|thread`, `Module|…`, and frames
 * `thread|frame|module|function|file|line|offset`.
 */
#include "format/stack/fault.h"
#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/report.h"
#include "format/stack/stackwalk.h"

struct walk {
	struct wh_stack_builder b;
	struct wh_images images;
	const char *at;
	struct wh_span os, os_version, cpu, reason, address, assertion;
	struct wh_span app, version; /* of the main module */
	uint64_t crashing, thread;   /* for programs: said by `Crash|`; the one whose frames are taken */
	bool open, machine, says_crashing, has_thread, done;
	bool within_os; /* the line after `Operating system:` is its version */
	struct wh_frame *frame; /* the last: `Found by:` is of it */
};

/* ---- one report ---- */

static void start(struct wh_reader *reader, struct walk *w, const char *at)
{
	struct wh_images images = w->images;
	wh_images_clear(&images);
	*w = (struct walk){ .open = true, .at = at, .images = images };
	wh_stack_builder_init(&w->b, reader->arena);
}

static const char *copy(struct wh_stack_builder *b, struct wh_span s)
{
	return wh_span_size(s) ? wh_stack_builder_copy(b, s.p, wh_span_size(s)) : NULL;
}

static void set_platform(struct walk *w)
{
	struct wh_span version = wh_scan_trim(w->os_version);
	if (!wh_span_size(w->os))
		return;
	char *text = wh_arena_printf(w->b.arena, "%.*s%s%.*s", (int)wh_span_size(w->os), w->os.p, wh_span_size(version) ? " " : "",
				     (int)wh_span_size(version), version.p ? version.p : "");
	w->b.failed |= !text;
	if (text)
		wh_fault_platform(&w->b, (struct wh_span){ text, text + strlen(text) }, w->cpu);
}

static int finish(struct wh_reader *reader, struct walk *w, struct wh_err *err)
{
	if (!w->open)
		return WH_OK;
	w->open = false;
	for (size_t i = 0; i < w->b.stack.n_frames && !w->b.failed; i++) {
		struct wh_frame *frame = &w->b.stack.frames[i];
		const struct wh_image *image = NULL;
		if (frame->module)
			image = wh_images_named(&w->images, (struct wh_span){ frame->module, frame->module + strlen(frame->module) });
		if (image) {
			frame->build_id = copy(&w->b, image->build_id);
			frame->module_version = copy(&w->b, image->version);
		}
	}
	if (w->images.failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_stack_message(&w->b, "app", w->app);
	wh_stack_message(&w->b, "version", w->version);
	set_platform(w);
	wh_stack_message(&w->b, "message", w->assertion);
	wh_stackwalk_reason(&w->b, w->reason, w->address);
	return wh_stack_emit(reader, &w->b, w->at, NULL, err);
}

static void set_thread(struct walk *w, uint64_t number)
{
	w->b.stack.thread = wh_arena_printf(w->b.arena, "%llu", (unsigned long long)number);
	w->b.failed |= !w->b.stack.thread;
}

static bool is_word(struct wh_span s, const char *word)
{
	return wh_span_size(s) == strlen(word) && wh_scan_has(s, word);
}

static struct wh_span known(struct wh_span s)
{
	return is_word(s, "???") ? (struct wh_span){ 0 } : s;
}

static void add_module(struct walk *w, struct wh_image image, bool program)
{
	wh_images_add(&w->images, image);
	if (program) {
		w->app = image.name;
		w->version = image.version;
	}
}

/* ---- for people ---- */

/* ` 0  module!function [file : line + 0x3]`, `… + 0x23`, ` 1  0x1234`. */
static bool human_frame(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_span s = wh_scan_trim(line);
	uint64_t number, value;
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_decimal(&s, &number) || !wh_scan_skip(&s, "  "))
		return false;
	struct wh_span address = s;
	if (wh_scan_hex(&address, &value) && address.p == address.end) {
		frame->address = value;
		frame->has_address = true;
		return true;
	}
	const char *bang = memchr(s.p, '!', wh_span_size(s)), *open = wh_scan_last(s, " ["), *plus = wh_scan_last(s, " + 0x");
	bool source = bang && open > bang && s.end[-1] == ']';
	struct wh_span name = { s.p, source ? open : plus ? plus : s.end }, rest;
	if (!source && !plus && !bang)
		return false;
	if (!source && plus) {
		struct wh_span offset = { plus + 3, s.end };
		if (!wh_scan_hex(&offset, &frame->offset) || offset.p != offset.end)
			return false;
		frame->has_offset = true; /* with a source line it would be from that line on */
	}
	if (source) {
		struct wh_span inside = { open + 2, s.end - 1 };
		const char *colon = wh_scan_last(inside, " : ");
		if (colon) {
			rest = (struct wh_span){ colon + 3, inside.end };
			frame->file = (struct wh_span){ inside.p, colon };
			if (wh_scan_decimal(&rest, &value) && value <= UINT32_MAX)
				frame->line = (uint32_t)value;
		}
	}
	frame->module = (struct wh_span){ name.p, bang && bang < name.end ? bang : name.end };
	if (bang && bang < name.end)
		frame->function = (struct wh_span){ bang + 1, name.end };
	return wh_span_size(frame->module);
}

/* `0x00400000 - 0x0042cfff  test_app.exe  ???  (main)  (WARNING: No symbols, test_app.pdb, 5A98…)`. */
static bool human_module(struct wh_span line, struct wh_image *image, bool *program)
{
	struct wh_span s = line, rest;
	*image = (struct wh_image){ 0 };
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_hex(&s, &image->base) || !wh_scan_skip(&s, " - ") ||
	    !wh_scan_hex(&s, &image->last) || !wh_scan_skip(&s, "  "))
		return false;
	const char *end = wh_scan_find(s, "  ");
	image->name = (struct wh_span){ s.p, end ? end : s.end };
	rest = (struct wh_span){ image->name.end, s.end };
	*program = wh_scan_find(rest, "  (main)");
	wh_scan_blanks(&rest);
	struct wh_span symbols, version = rest;
	end = wh_scan_find(version, "  ");
	version.end = end ? end : version.end;
	const char *certificate = wh_scan_find(version, " (");
	image->version = known((struct wh_span){ version.p, certificate ? certificate : version.end });
	if (wh_scan_after(rest, "(WARNING: ", &symbols) && wh_scan_after_last(symbols, ", ", &symbols))
		image->build_id = wh_scan_until(symbols, ")");
	return wh_span_size(image->name);
}

/* `Thread 0 (crashed)`, `Thread 0  (crashed) - tid: 3060`, `Thread 3 name (requested dump, did not crash)`, `Thread 1`. */
static bool thread_line(struct wh_span line, uint64_t *number, bool *crashed, struct wh_span *name)
{
	struct wh_span s = line;
	if (wh_span_size(line) > 4096 || !wh_scan_skip(&s, "Thread ") || !wh_scan_decimal(&s, number) || (s.p < s.end && *s.p != ' '))
		return false;
	const char *mark = wh_scan_find(s, "(crashed)"), *asked = wh_scan_find(s, "(requested dump, did not crash)");
	const char *tid = wh_scan_find(s, "- tid:"), *end = mark ? mark : asked ? asked : tid ? tid : s.end;
	*crashed = mark || asked;
	*name = wh_scan_trim((struct wh_span){ s.p, end });
	return true;
}

static void human_line(struct walk *w, struct wh_span line)
{
	struct wh_frame_text frame;
	struct wh_image image;
	struct wh_span s = line, name;
	uint64_t number;
	bool crashed, program;
	if (w->within_os) {
		w->within_os = false;
		if (line.p < line.end && wh_is_blank(*line.p)) {
			w->os_version = wh_scan_trim(line);
			return;
		}
	}
	if (thread_line(line, &number, &crashed, &name)) {
		/* the one that crashed is printed first; without it the first is */
		w->done |= w->has_thread;
		if (!w->has_thread) {
			w->has_thread = true;
			if (wh_span_size(name))
				w->b.stack.thread = copy(&w->b, name);
			else
				set_thread(w, number);
		}
		return;
	}
	if (w->has_thread && !w->done && human_frame(line, &frame)) {
		w->frame = wh_frame_text_add(&frame, &w->b);
		return;
	}
	struct wh_span trimmed = wh_scan_trim(line);
	if (wh_scan_skip(&trimmed, "Found by: ")) {
		if (w->frame) {
			w->frame->unreliable = wh_stackwalk_guessed(trimmed);
			w->frame->inlined = wh_scan_has(trimmed, "inlin");
		}
		w->frame = NULL;
	} else if (wh_scan_skip(&s, "CPU: ")) {
		w->cpu = s;
	} else if (wh_scan_skip(&s, "Crash reason:")) {
		w->reason = wh_scan_trim(s);
	} else if (wh_scan_skip(&s, "Crash address:")) {
		w->address = wh_scan_trim(s);
	} else if (wh_scan_skip(&s, "Assertion: ")) {
		w->assertion = s;
	} else if (human_module(line, &image, &program)) {
		add_module(w, image, program);
	}
}

/* ---- for programs ---- */

/* Takes what is before the next bar. */
static struct wh_span field(struct wh_span *s)
{
	struct wh_span value = wh_scan_until(*s, "|");
	s->p = value.end < s->end ? value.end + 1 : s->end;
	return value;
}

/* `0|1|module|function|file|line|0x12`; thread: its first number. */
static bool machine_frame(struct wh_span line, uint64_t *thread, struct wh_frame_text *frame)
{
	struct wh_span s = line, digits;
	uint64_t number;
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_decimal(&s, thread) || !wh_scan_skip(&s, "|") ||
	    !wh_scan_decimal(&s, &number) || !wh_scan_skip(&s, "|"))
		return false;
	frame->module = field(&s);
	frame->function = field(&s);
	frame->file = wh_stackwalk_file(field(&s));
	digits = field(&s);
	if (wh_scan_decimal(&digits, &number) && number <= UINT32_MAX)
		frame->line = (uint32_t)number;
	digits = field(&s);
	if (!wh_scan_hex(&digits, &number) || digits.p != digits.end)
		return false;
	if (!wh_span_size(frame->module)) {
		frame->address = number;
		frame->has_address = true;
	} else if (!wh_span_size(frame->file)) {
		frame->offset = number;
		frame->has_offset = true;
	}
	return true;
}

static void machine_line(struct walk *w, struct wh_span line)
{
	struct wh_frame_text frame;
	struct wh_span s = line;
	uint64_t thread;
	if (wh_scan_skip(&s, "CPU|")) {
		w->cpu = field(&s);
	} else if (wh_scan_skip(&s, "Crash|") || wh_scan_skip(&s, "No crash|")) {
		w->reason = field(&s);
		w->address = field(&s);
		struct wh_span number = field(&s);
		w->says_crashing = wh_scan_decimal(&number, &w->crashing);
	} else if (wh_scan_skip(&s, "Module|")) {
		struct wh_image image = { 0 };
		image.name = field(&s);
		image.version = field(&s);
		field(&s); /* the file of debugging information */
		image.build_id = field(&s);
		struct wh_span base = field(&s), last = field(&s);
		if (!wh_scan_hex(&base, &image.base) || !wh_scan_hex(&last, &image.last))
			return;
		add_module(w, image, is_word(field(&s), "1"));
	} else if (machine_frame(line, &thread, &frame)) {
		if (!w->has_thread && (!w->says_crashing || thread == w->crashing)) {
			w->has_thread = true;
			w->thread = thread;
			set_thread(w, thread);
		}
		if (w->has_thread && thread == w->thread)
			wh_frame_text_add(&frame, &w->b);
	}
}

/* ---- the reader ---- */

static int walk_line(struct wh_reader *reader, struct walk *w, struct wh_span line, struct wh_err *err)
{
	struct wh_span s = line;
	bool human = wh_scan_skip(&s, "Operating system: ");
	if (human || wh_scan_skip(&s, "OS|")) {
		WH_TRY(finish(reader, w, err));
		start(reader, w, line.p);
		w->os = field(&s);
		w->os_version = field(&s);
		w->within_os = human;
		w->machine = !human;
		return WH_OK;
	}
	if (!w->open)
		return WH_OK;
	if (w->machine)
		machine_line(w, line);
	else
		human_line(w, line);
	return WH_OK;
}

static int read_text(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct walk w = { 0 };
	int code = WH_OK;
	while (code == WH_OK && wh_scan_line(&all, &line))
		code = walk_line(reader, &w, line, err);
	if (code == WH_OK)
		code = finish(reader, &w, err);
	wh_images_release(&w.images);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line, name;
	struct wh_frame_text frame;
	uint64_t number;
	bool system = false, cpu = false, crash = false, thread = false, frames = false, machine = false, crashed;
	static const char *const parts[] = { "Crash reason:", "\nNo crash", "\nCrash|" };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line)) {
		machine |= wh_scan_has(line, "OS|");
		system |= wh_scan_has(line, "OS|") || wh_scan_has(line, "Operating system: ");
		cpu |= wh_scan_has(line, "CPU|") || wh_scan_has(line, "CPU: ");
		crash |= wh_scan_has(line, "Crash|") || wh_scan_has(line, "No crash") || wh_scan_has(line, "Crash reason:");
		thread |= thread_line(line, &number, &crashed, &name);
		frames |= machine ? machine_frame(line, &number, &frame) : thread && human_frame(line, &frame);
	}
	return !system || !cpu || !crash ? 0 : frames ? 97 : 85;
}

const struct wh_format wh_format_minidump_stackwalk = {
	.name = "minidump-stackwalk",
	.summary = "texts of minidump stackwalkers, for people and for programs (-m)",
	.reference = "Breakpad: src/processor/stackwalk_common.cc; rust-minidump: minidump-processor/src/process_state.rs",
	.detect = detect,
	.read = read_text,
};
