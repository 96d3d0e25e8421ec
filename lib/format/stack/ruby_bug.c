/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crashes of the interpreter: ruby/ruby error.c (rb_bug_for_fatal_signal), vm_dump.c (rb_vm_bugreport, rb_vmdebug_stack_dump_raw),
 * addr2line.c. The frames of C come first, crash point first, up to where the interpreter runs a method; what lies below is told better
 * by Ruby's own, which the report has outermost first.
 */
#include "format/stack/line_pattern.h"
#include "format/stack/report.h"
#include "format/stack/ruby.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define MOST_STRANGE_LINES 5000 /* registers, loaded features, the memory map */

enum part { PART_NONE, PART_CONTROL, PART_RUBY, PART_C };

struct bug {
	struct wh_stack_builder native, ruby;
	struct wh_span reason, runtime, platform;
	enum part part;
	size_t strange;
};

bool wh_ruby_bug_line(struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > 4096)
		s.end = s.p + 4096;
	const char *bug = wh_scan_find(s, "[BUG] ");
	return bug && (bug == s.p || (bug - s.p > 2 && !memcmp(bug - 2, ": ", 2)));
}

/* `libruby.so(rb_vm_exec+0xb3) [0x7fb4] vm.c:12`. */
static bool native_line(struct wh_span line, struct wh_frame_text *frame)
{
	static const char *const patterns[] = { "%m(%g+%o) [%a] %F:%l", "%m(%g+%o) [%a]", "%m(%o) [%a]", "%m(%g) [%a] %F:%l", "%m(%g) [%a]",
						"%m(%g) %F:%l", "%m [%a] %F:%l", "[%a] %F:%l", "%m [%a]" };
	struct wh_line_match match;
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return false;
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		if (wh_line_match(patterns[i], line, &match)) {
			*frame = match.frame;
			if (i == 2)
				frame->has_offset = false; /* it is the address again */
			return true;
		}
	return false;
}

/* `ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]`. */
static bool version_line(struct bug *bug, struct wh_span s)
{
	if (!wh_scan_has(s, "ruby ") || s.end[-1] != ']')
		return false;
	const char *open = memrchr(s.p, '[', wh_span_size(s)), *blank = wh_scan_find(SPAN_IN(s.p + strlen("ruby "), s.end), " ");
	if (!open || !blank || blank > open)
		return false;
	bug->runtime = SPAN_IN(s.p, blank);
	bug->platform = SPAN_IN(open + 1, s.end - 1);
	return true;
}

/* False where the report is over. */
static bool bug_line(struct bug *bug, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	struct wh_frame_text frame;
	struct wh_ruby_line said;
	if (s.p == s.end) {
		bug->part = PART_NONE;
		return true;
	}
	if (wh_scan_has(s, "-- ")) {
		bug->part = wh_scan_find(s, "Ruby level backtrace")   ? PART_RUBY
			    : wh_scan_find(s, "C level backtrace")    ? PART_C
			    : wh_scan_find(s, "Control frame")	      ? PART_CONTROL
								      : PART_NONE;
		return !wh_scan_has(s, "-- Other runtime information");
	}
	if (bug->part == PART_C && native_line(s, &frame)) {
		wh_frame_text_add(&frame, &bug->native);
	} else if (bug->part == PART_RUBY && wh_ruby_frame_line(s, &said)) {
		wh_frame_text_add(&said.frame, &bug->ruby);
	} else if (!wh_span_size(bug->runtime) && version_line(bug, s)) {
		/* taken */
	} else if (wh_ruby_bug_line(line)) {
		return false; /* the next process */
	} else {
		return ++bug->strange < MOST_STRANGE_LINES;
	}
	return true;
}

/* `Segmentation fault at 0x0000000000000008`: less the address, which is another one every time. */
static struct wh_span without_address(struct wh_span s)
{
	const char *at = wh_scan_find(s, " at 0x");
	return wh_scan_trim(SPAN_IN(s.p, at ? at : s.end));
}

/* Drops the frames of C from the first that interprets Ruby on. */
static void drop_interpreter(struct wh_stack *stack)
{
	for (size_t i = 0; i < stack->n_frames; i++) {
		const char *function = stack->frames[i].function;
		if (function && (!strcmp(function, "rb_vm_exec") || !strcmp(function, "vm_exec") || !strcmp(function, "vm_exec_core"))) {
			stack->n_frames = i;
			return;
		}
	}
}

int wh_ruby_read_bug(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct bug bug = { 0 };
	const char *at = line.p;
	struct wh_span next = *text, rest = { 0 };
	wh_stack_builder_init(&bug.native, reader->arena);
	wh_stack_builder_init(&bug.ruby, reader->arena);
	wh_scan_after(line, "[BUG] ", &rest);
	bug.reason = without_address(rest);
	while (wh_scan_line(&next, &line) && bug_line(&bug, line))
		*text = next;
	if (bug.ruby.stack.n_frames)
		drop_interpreter(&bug.native.stack);
	for (size_t i = bug.ruby.stack.n_frames; i-- > 0;) {
		struct wh_frame *frame = wh_stack_builder_frame(&bug.native);
		if (frame)
			*frame = bug.ruby.stack.frames[i];
	}
	bug.native.failed |= bug.ruby.failed;
	wh_stack_message(&bug.native, "reason", bug.reason);
	if (wh_scan_has(bug.reason, "Segmentation fault"))
		wh_stack_builder_attribute(&bug.native, "signal", "SIGSEGV", strlen("SIGSEGV"));
	else if (wh_scan_has(bug.reason, "Bus Error"))
		wh_stack_builder_attribute(&bug.native, "signal", "SIGBUS", strlen("SIGBUS"));
	else if (wh_scan_has(bug.reason, "Illegal instruction"))
		wh_stack_builder_attribute(&bug.native, "signal", "SIGILL", strlen("SIGILL"));
	wh_stack_message(&bug.native, "runtime", bug.runtime);
	wh_stack_message(&bug.native, "platform", bug.platform);
	return wh_stack_emit(reader, &bug.native, at, text->p, err);
}
