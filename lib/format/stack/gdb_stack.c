/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/gdb_stack.h"

#include <string.h>

/* ---- where a stack lies ---- */

/* Lines of gdb's Python commands (py-bt-full, py-bt) that look like frames. */
static bool is_python_frame(struct wh_span s)
{
	return wh_scan_has(s, "Frame 0x") || wh_scan_has(s, "<built-in ") || wh_scan_has(s, "Waiting for the GIL") ||
	       wh_scan_has(s, "Garbage-collecting") || wh_scan_has(s, "(frame information") || wh_scan_has(s, "(unable to read ");
}

bool wh_gdb_stack_begins(struct wh_span s, size_t blanks, uint64_t number, struct wh_gdb_frame *frame)
{
	bool padded = number < 10 && blanks == 2;
	if (is_python_frame(s))
		return false;
	enum wh_gdb_shape shape = wh_gdb_frame_parse(s, frame);
	if (shape == WH_GDB_NONE)
		return false;
	if (frame->handler || (frame->in && padded))
		return true;
	if (frame->in && !frame->arguments) /* sanitizers print neither arguments nor ` at ` */
		return shape == WH_GDB_INCOMPLETE && wh_scan_find(s, " (") && memchr(s.p, '=', wh_span_size(s));
	if (frame->arguments)
		return frame->named || frame->module.p || (frame->file.p && (padded || frame->in));
	return padded && frame->function.p && wh_scan_find(s, " (") &&
	       (shape == WH_GDB_INCOMPLETE || frame->file.p);
}

bool wh_gdb_stack_continues(const struct wh_gdb_stack *stack, struct wh_span *s, size_t indent, uint64_t *number)
{
	size_t blanks;
	if (indent != stack->indent || !wh_gdb_frame_number(s, number, &blanks))
		return false;
	if (*number < stack->last || !*number || is_python_frame(*s))
		return false;
	struct wh_gdb_frame frame;
	return !stack->padded || *number >= 10 || blanks > 1 || wh_gdb_stack_begins(*s, blanks, *number, &frame);
}

/* ---- its frames ---- */

enum {
	LONGEST_TEXT = 256 * 1024, /* of a name; what is beyond is cut off */
	JOIN_LINES = 64,
	JOIN_BYTES = 32 * 1024, /* with JOIN_LINES: what an unclosed parenthesis may cost */
};

static const char *copy(struct wh_stack_builder *b, struct wh_span s)
{
	size_t n = wh_span_size(s);
	return n ? wh_stack_builder_copy(b, s.p, n < LONGEST_TEXT ? n : LONGEST_TEXT) : NULL;
}

void wh_gdb_frame_add(const struct wh_gdb_frame *frame, struct wh_stack_builder *b)
{
	struct wh_frame *f = wh_stack_builder_frame(b);
	if (!f)
		return;
	f->function = copy(b, frame->function);
	f->module = copy(b, frame->module);
	f->file = copy(b, frame->file);
	f->line = frame->line;
	f->address = frame->address;
	f->has_address = frame->has_address;
	f->handler = frame->handler;
}

/* Whether a line surely does not go on with a frame. */
static bool ends_frame(struct wh_span s)
{
	return s.p == s.end || *s.p == '#' || wh_scan_has(s, "No locals") || wh_scan_has(s, "No symbol table") ||
	       wh_scan_has(s, "Thread ") || wh_scan_has(s, "(gdb)") || wh_scan_has(s, "Backtrace stopped") ||
	       wh_scan_has(s, "(More stack frames");
}

/*
 * A frame that was wrapped, by gdb at 80 columns, by a terminal or by mail: puts its lines together in `whole`, which frame then points
 * into. text is left behind the last line that belongs to it; unchanged where no way of going on makes it whole.
 */
static void join(char whole[static JOIN_BYTES], struct wh_span first, size_t first_width, struct wh_span *text,
		 struct wh_gdb_frame *frame)
{
	struct wh_span ahead = *text, line;
	size_t n = wh_span_size(first), width = first_width;
	if (n > JOIN_BYTES)
		return;
	memcpy(whole, first.p, n);
	for (int i = 0; i < JOIN_LINES && wh_scan_line(&ahead, &line); i++) {
		struct wh_span s = wh_scan_trim(wh_gdb_strip(line));
		size_t more = wh_span_size(s);
		if (ends_frame(s) || n + more + 1 > JOIN_BYTES)
			return;
		/* words are kept apart, unless a terminal cut one at its last column or a file's name is going on */
		struct wh_gdb_frame one;
		bool cut = line.p == s.p && (width == 80 || wh_scan_find((struct wh_span){ whole, whole + n }, ") at /"));
		if (!cut)
			whole[n++] = ' ';
		memcpy(whole + n, s.p, more);
		n += more;
		width = wh_span_size(line);
		if (!memchr(s.p, ')', more) && !memchr(s.p, ':', more) && !memchr(s.p, '/', more))
			continue;
		if (wh_gdb_frame_parse((struct wh_span){ whole, whole + n }, &one) == WH_GDB_WHOLE) {
			*frame = one;
			*text = ahead;
			return;
		}
	}
}

/* What a terminal's colours leave of s, copied. */
static struct wh_span without_colours(struct wh_stack_builder *b, struct wh_span s)
{
	char *plain = wh_arena_alloc(b->arena, wh_span_size(s) + 1);
	if (!plain) {
		b->failed = true;
		return s;
	}
	char *to = plain;
	for (const char *p = s.p; p < s.end; p++) {
		if (*p != '\033') {
			*to++ = *p;
		} else if (p + 1 < s.end && p[1] == '[') {
			for (p += 2; p < s.end && !(*p >= '@' && *p <= '~'); p++)
				;
		}
	}
	return (struct wh_span){ plain, to };
}

static void add_frame(struct wh_stack_builder *b, struct wh_span s, size_t width, struct wh_span *text)
{
	struct wh_gdb_frame frame;
	char whole[JOIN_BYTES];
	if (memchr(s.p, '\033', wh_span_size(s)))
		s = without_colours(b, s);
	enum wh_gdb_shape shape = wh_gdb_frame_parse(s, &frame);
	if (shape == WH_GDB_NONE)
		return;
	if (shape == WH_GDB_INCOMPLETE)
		join(whole, s, width, text, &frame);
	if (frame.arguments && !frame.file.p && !frame.module.p) {
		struct wh_span ahead = *text, line;
		if (wh_scan_line(&ahead, &line) && wh_gdb_frame_location(wh_gdb_strip(line), &frame))
			*text = ahead;
	}
	if (!frame.has_address && !frame.in && !frame.handler && !frame.arguments && !frame.file.p && !wh_scan_find(s, " ("))
		return; /* words */
	wh_gdb_frame_add(&frame, b);
}

/* gdb prints no address for a frame that its callee was inlined into: the callee's address is that of both. Some print it for
 * both, which recursion looks like, but for the place. */
static void mark_inlined(struct wh_stack *stack)
{
	bool addresses = false;
	for (size_t i = 0; i < stack->n_frames; i++)
		addresses |= stack->frames[i].has_address;
	for (size_t i = 0; addresses && i + 1 < stack->n_frames; i++) {
		const struct wh_frame *into = &stack->frames[i + 1];
		struct wh_frame *f = &stack->frames[i];
		if (f->handler || into->handler)
			continue;
		if (!into->has_address || (f->has_address && f->address == into->address && f->line && into->line != f->line))
			f->inlined = true;
	}
}

void wh_gdb_stack_add(struct wh_gdb_stack stack, struct wh_stack_builder *b)
{
	struct wh_span text = { stack.begin, stack.end }, line;
	uint64_t number;
	size_t blanks;
	stack.last = 0;
	for (bool first = true; !b->failed && b->stack.n_frames < WH_STACK_MOST_FRAMES && wh_scan_line(&text, &line);) {
		struct wh_span s = line;
		if (stack.indent)
			s = wh_gdb_strip(s);
		if (s.p == s.end || *s.p != '#')
			continue;
		if (first ? !wh_gdb_frame_number(&s, &number, &blanks)
			  : !wh_gdb_stack_continues(&stack, &s, (size_t)(s.p - line.p), &number))
			continue;
		first = false;
		stack.last = number;
		add_frame(b, s, wh_span_size(line), &text);
	}
	mark_inlined(&b->stack);
}
