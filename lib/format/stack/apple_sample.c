/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call trees of sample(1), spindump(8) and hang reports: outermost function first, with how often it was seen.
 *
 *   Call graph:                                                            sample
 *       2675 Thread_1234   DispatchQueue_1: com.apple.main-thread  (serial)
 *         2675 start  (in libdyld.dylib) + 1  [0x7fff6c]
 *         + 2675 main  (in Foo) + 34  [0x1000] Foo.c:3
 *   Heaviest stack for the main thread of the target process:              spindump
 *     80  start + 1 (libdyld.dylib + 108756) [0x7fff6c]
 *   Thread 0x1a2b    DispatchQueue 1    80 samples (1-80)                  spindump
 *     80  start + 1 (libdyld.dylib + 108756) [0x7fff6c]
 *       80  main + 33 (Foo + 123) [0x1000]
 *
 * The stack is the heaviest path: siblings are printed the heaviest first, so it is the lines whose numbers stand further and
 * further to the right.
 */
#include "format/stack/apple.h"

bool wh_apple_tree_line(struct wh_span line, bool *flat)
{
	struct wh_span s = wh_scan_trim(line);
	uint64_t id;
	*flat = wh_scan_has(s, "Heaviest stack for the ");
	if (*flat || wh_scan_has(s, "Call graph:"))
		return true;
	return wh_scan_skip(&s, "Thread ") && wh_scan_hex(&s, &id) && (wh_scan_find(s, " samples (") || wh_scan_find(s, "DispatchQueue"));
}

/* Takes ` (in Foo)` or ` (Foo + 12)`, wherever it stands after the function's name; what is before it stays in s. */
static void take_image(struct wh_span *s, struct wh_frame_text *frame)
{
	const char *in = wh_scan_last(*s, " (in "), *open = in ? in : wh_scan_last(*s, " (");
	const char *close = open ? memchr(open, ')', (size_t)(s->end - open)) : NULL;
	if (!close)
		return;
	struct wh_span inside = { open + (in ? strlen(" (in ") : strlen(" (")), close };
	const char *plus = in ? NULL : wh_scan_last(inside, " + ");
	if (!in && !plus)
		return;
	if (plus) {
		struct wh_span number = { plus + 3, inside.end };
		frame->has_offset = wh_scan_decimal(&number, &frame->offset);
		inside.end = plus;
	}
	frame->module = inside;
	if (in) { /* `f  (in Foo) + 34`: the offset stands behind it */
		struct wh_span after = { close + 1, s->end };
		wh_scan_blanks(&after);
		if (wh_scan_skip(&after, "+ "))
			frame->has_offset = wh_scan_decimal(&after, &frame->offset);
	}
	s->end = open;
}

/* A line of a tree; column: where its number stands. */
static bool tree_frame(struct wh_span line, struct wh_frame_text *frame, size_t *column)
{
	struct wh_span s = line;
	uint64_t count;
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return false;
	while (s.p < s.end && *s.p && strchr(" \t+!:|*", *s.p))
		s.p++;
	*column = (size_t)(s.p - line.p);
	if (!wh_scan_decimal(&s, &count) || s.p == s.end || *s.p != ' ')
		return false;
	s = wh_scan_trim(s);
	const char *open = wh_scan_last(s, " [0x");
	if (open) {
		struct wh_span address = { open + 2, s.end };
		frame->has_address = wh_scan_hex(&address, &frame->address);
		address.p += address.p < address.end && *address.p == ']';
		wh_scan_blanks(&address);
		struct wh_span file;
		uint32_t number = 0;
		wh_location_split(address, &file, &number);
		if (number) {
			frame->file = file;
			frame->line = number;
		}
		s.end = open;
	}
	take_image(&s, frame);
	struct wh_frame_text name = { 0 };
	bool inlined = false;
	wh_apple_symbol(s, &name, &inlined);
	if (wh_span_size(name.function)) {
		frame->function = name.function;
		if (name.has_offset) { /* spindump has both: the function's tells more */
			frame->offset = name.offset;
			frame->has_offset = true;
		}
	}
	return wh_span_size(frame->function) || wh_span_size(frame->module) || frame->has_address;
}

void wh_apple_tree(struct wh_span *text, bool flat, struct wh_stack_builder *b)
{
	struct wh_span next = *text, line;
	struct wh_frame_text frame;
	size_t column, before = 0, first = b->stack.n_frames;
	bool any = false;
	while (wh_scan_line(&next, &line)) {
		struct wh_span s = wh_scan_trim(line), words = s;
		uint64_t count;
		*text = next;
		if (s.p == s.end && !any)
			continue;
		if (wh_scan_decimal(&words, &count) && wh_scan_has(wh_scan_trim(words), "Thread_")) {
			column = (size_t)(s.p - line.p);
			if (any)
				break; /* the next thread's tree */
			before = column;
			any = true;
			continue;
		}
		if (!tree_frame(line, &frame, &column) || (any && !flat && column <= before))
			break;
		wh_frame_text_add(&frame, b);
		before = column;
		any = true;
	}
	for (size_t i = first, j = b->stack.n_frames; i + 1 < j; i++) { /* innermost first */
		struct wh_frame other = b->stack.frames[i];
		b->stack.frames[i] = b->stack.frames[--j];
		b->stack.frames[j] = other;
	}
}
