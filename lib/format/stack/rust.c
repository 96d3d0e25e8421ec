/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rust: panics with or without a backtrace, anyhow's errors with one, color-backtrace and color-eyre, and what the runtime says
 * when the stack or the memory ran out. Every panic of a text is a report of its own (a test harness prints many), but for the
 * last words of a program that could not unwind, where they have no backtrace of their own.
 *
 * `reason` is the first line of the message, `location` where the panic was raised; frames stay as printed, hash and all.
 */
#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

#define MOST_MESSAGE_LINES 1000

/* ---- lines ---- */

/* Colours off: passes over escape sequences at the beginning, and cuts s at the next one. */
static struct wh_span plain(struct wh_span s)
{
	s = wh_scan_trim(s);
	while (wh_scan_skip(&s, "\x1b[")) {
		while (s.p < s.end && *s.p != 'm')
			s.p++;
		s.p += s.p < s.end;
		wh_scan_blanks(&s);
	}
	const char *escape = wh_span_size(s) ? memchr(s.p, 0x1b, wh_span_size(s)) : NULL;
	if (escape)
		s.end = escape;
	return wh_scan_trim(s);
}

/* ` at /x.rs:1:2` or, alone on its line, `at /x.rs:1:2`. */
static void take_place(struct wh_span place, struct wh_frame_text *frame)
{
	wh_location_split(wh_scan_trim(place), &frame->file, &frame->line);
	if (wh_scan_has(frame->file, "<unknown>"))
		frame->file = (struct wh_span){ 0 };
}

static void take_name(struct wh_span name, struct wh_frame_text *frame)
{
	name = wh_scan_trim(name);
	if (!wh_scan_has(name, "<unknown>") && !wh_scan_has(name, "<unresolved>"))
		frame->function = name;
}

/* `12: ` or `12:    0x40 - `; a name may be missing only behind an address. */
static bool take_index(struct wh_span *s, struct wh_frame_text *frame)
{
	uint64_t index;
	struct wh_span at;
	if (!wh_scan_decimal(s, &index) || index > WH_STACK_MOST_FRAMES || !wh_scan_skip(s, ":") || s->p == s->end || *s->p != ' ')
		return false;
	wh_scan_blanks(s);
	at = *s;
	if (wh_scan_hex(&at, &frame->address)) {
		wh_scan_blanks(&at);
		if (wh_scan_skip(&at, "-") || at.p == at.end) {
			frame->has_address = true;
			*s = at;
		}
	}
	return true;
}

bool wh_frame_line_rust(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	line = plain(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !take_index(&line, frame))
		return false;
	/* joined by a container of lines; the word stands in `<impl core::fmt::Display at …>` in no name we know */
	const char *at = wh_scan_find(line, " at ");
	if (at) {
		take_place((struct wh_span){ at + 4, line.end }, frame);
		line.end = at;
	}
	take_name(line, frame);
	return frame->has_address || wh_span_size(frame->function);
}

/* ---- one report ---- */

struct panic {
	struct wh_span reason, location, thread;
	const char *at;
};

/* The ends of `thread 'main' panicked at ` (since 1.91 `thread 'main' (123) panicked at `); the rest of the line is *rest. */
static bool panic_line(struct wh_span line, struct panic *panic, struct wh_span *rest)
{
	static const char panicked[] = " panicked at ";
	struct wh_span head = line;
	if (wh_span_size(head) > 4096)
		head.end = head.p + 4096;
	const char *word = wh_scan_find(head, panicked), *quote = word, *open;
	if (!word)
		return false;
	if (quote > line.p && quote[-1] == ')') {
		while (quote > line.p && *quote != '(')
			quote--;
		quote -= quote > line.p;
	}
	if (quote == line.p || quote[-1] != '\'')
		return false;
	open = wh_scan_find((struct wh_span){ head.p, word }, "thread '");
	if (!open || open + strlen("thread '") > quote - 1)
		return false;
	*panic = (struct panic){ .at = line.p, .thread = { open + strlen("thread '"), quote - 1 } };
	*rest = (struct wh_span){ word + sizeof panicked - 1, line.end };
	return true;
}

/* The last `', ` of s: behind it stands the place of an old style panic. */
static const char *old_place(struct wh_span s)
{
	for (const char *p = s.end; p - s.p >= 3; p--)
		if (!memcmp(p - 3, "', ", 3)) {
			struct wh_span file;
			uint32_t number;
			wh_location_split((struct wh_span){ p, s.end }, &file, &number);
			return number && !memchr(file.p, '\'', wh_span_size(file)) ? p : NULL;
		}
	return NULL;
}

/* `'message', src/main.rs:2:5`, the message maybe of several lines; before 1.73. */
static void take_old_message(struct panic *panic, struct wh_span rest, struct wh_span *text)
{
	const char *place = old_place(rest);
	panic->reason = (struct wh_span){ rest.p + 1, place ? place - 3 : rest.end };
	if (place)
		panic->location = (struct wh_span){ place, rest.end };
	struct wh_span next = *text, line;
	for (int i = 0; !place && i < MOST_MESSAGE_LINES && wh_scan_line(&next, &line); i++) {
		if (wh_scan_find(line, " panicked at ") || wh_scan_find(line, "stack backtrace:"))
			return;
		place = old_place(line);
		if (!place)
			continue;
		panic->location = (struct wh_span){ place, line.end };
		*text = next;
	}
}

static bool note_line(struct wh_span s)
{
	return wh_scan_has(s, "note: ") || wh_scan_has(s, "Some details are omitted") || wh_scan_has(s, "thread caused non-unwinding");
}

static bool backtrace_line(struct wh_span line)
{
	struct wh_span s = plain(line);
	return wh_scan_has(s, "stack backtrace:") || wh_scan_has(s, "Stack backtrace:") || wh_scan_find(s, " BACKTRACE ");
}

static void set_inlined(struct wh_stack *stack)
{
	for (size_t i = 0; i + 1 < stack->n_frames; i++) {
		struct wh_frame *frame = &stack->frames[i];
		if (frame->has_address && frame->address && stack->frames[i + 1].has_address &&
		    frame->address == stack->frames[i + 1].address)
			frame->inlined = true;
	}
}

/* A symbol that shares the index above it: the function that the one above was inlined into. */
static bool further_symbol(struct wh_span line, struct wh_span s)
{
	size_t blanks = 0;
	while (line.p + blanks < line.end && line.p[blanks] == ' ')
		blanks++;
	if (blanks < 6 || wh_span_size(s) > WH_FRAME_LINE_LONGEST || wh_scan_has(s, "at "))
		return false;
	return wh_scan_find(s, "::") && !wh_scan_find(s, "\xe2\x94\x82");
}

/* The frames behind `stack backtrace:`. */
static void take_backtrace(struct wh_stack_builder *b, struct wh_span *text)
{
	struct wh_span next = *text, line;
	struct wh_frame_text frame;
	struct wh_frame *last = NULL;
	while (wh_scan_line(&next, &line)) {
		struct wh_span s = plain(line);
		if (s.p == s.end && b->stack.n_frames)
			break;
		if (wh_frame_line_rust(s, &frame) || wh_frame_line_sanitizer(s, &frame)) {
			last = wh_frame_text_add(&frame, b);
		} else if (wh_scan_has(s, "at ")) {
			/* of several places of one name the first is the innermost */
			frame = (struct wh_frame_text){ 0 };
			s.p += 3;
			if (last && !last->file && wh_span_size(s) <= WH_FRAME_LINE_LONGEST) {
				take_place(s, &frame);
				last->file = wh_span_size(frame.file)
						     ? wh_stack_builder_copy(b, frame.file.p, wh_span_size(frame.file)) : NULL;
				last->line = frame.line;
			}
		} else if (last && further_symbol(line, s)) {
			struct wh_frame_text outer = { .function = s, .address = last->address, .has_address = last->has_address };
			last->inlined = true;
			last = wh_frame_text_add(&outer, b);
		} else if (s.p < s.end && !wh_scan_find(s, "\xe2\x94\x82") && !wh_scan_find(s, "\xe2\x8b\xae") &&
			   !wh_scan_has(s, "[[[ELF") && !wh_scan_has(s, "\xe2\x94\x81")) {
			break; /* not the source (│) nor the note on hidden frames (⋮) that color-backtrace prints */
		}
		*text = next;
	}
	set_inlined(&b->stack);
}

/* What the runtime says without a panic. */
static bool runtime_line(struct wh_span line, struct panic *panic)
{
	struct wh_span s = wh_scan_trim(line);
	const char *thread = wh_span_size(s) <= 4096 ? wh_scan_find(s, "thread '") : NULL;
	const char *end = thread ? wh_scan_find(s, " has overflowed its stack") : NULL;
	*panic = (struct panic){ .at = line.p };
	if (end && end > thread) {
		const char *quote = memrchr(thread, '\'', (size_t)(end - thread));
		static const char overflow[] = "stack overflow";
		panic->reason = (struct wh_span){ overflow, overflow + sizeof overflow - 1 };
		thread += strlen("thread '");
		if (quote >= thread)
			panic->thread = (struct wh_span){ thread, quote };
		return true;
	}
	uint64_t bytes;
	if (wh_scan_skip(&s, "memory allocation of ") && wh_scan_decimal(&s, &bytes) && wh_scan_has(s, " bytes failed")) {
		static const char failed[] = "memory allocation failed";
		panic->reason = (struct wh_span){ failed, failed + sizeof failed - 1 };
		return true;
	}
	return false;
}

/* Looks for the backtrace behind a panic; what stands between is its message. */
static void take_rest(struct panic *panic, struct wh_stack_builder *b, struct wh_span *text)
{
	struct wh_span next = *text, line, unused;
	struct panic other;
	for (int i = 0; i < MOST_MESSAGE_LINES && wh_scan_line(&next, &line); i++) {
		struct wh_span s = plain(line);
		if (backtrace_line(line)) {
			*text = next;
			take_backtrace(b, text);
			return;
		}
		if (panic_line(line, &other, &unused) || runtime_line(line, &other) || note_line(s) || wh_scan_find(s, "ERROR: "))
			return;
		if (i == 0 && !panic->reason.p) {
			panic->reason = s;
			*text = next;
		}
	}
}

/* end: where its text ends. */
static int emit(struct wh_reader *reader, const struct panic *panic, struct wh_stack_builder *b, const char *end, struct wh_err *err)
{
	struct wh_span location = panic->location;
	if (wh_span_size(location) && location.end[-1] == ':')
		location.end--;
	wh_stack_message(b, "reason", panic->reason);
	wh_stack_message(b, "location", location);
	if (wh_span_size(panic->thread))
		b->stack.thread = wh_stack_builder_copy(b, panic->thread.p, wh_span_size(panic->thread));
	return wh_stack_emit(reader, b, panic->at, end, err);
}

static int read_panic(struct wh_reader *reader, struct panic *panic, struct wh_span rest, struct wh_span *text, struct wh_err *err)
{
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	if (wh_scan_has(rest, "'"))
		take_old_message(panic, rest, text);
	else
		panic->location = rest;
	take_rest(panic, &b, text);
	if (!b.stack.n_frames && (wh_scan_has(panic->reason, "panic in a destructor during cleanup") ||
				  wh_scan_has(panic->reason, "panic in a function that cannot unwind"))) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	return emit(reader, panic, &b, text->p, err);
}

/* `The application panicked (crashed).`, `Message:  …`, `Location: …`: color-backtrace and color-eyre. */
static int read_colored(struct wh_reader *reader, const char *at, struct wh_span *text, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct panic panic = { .at = at };
	struct wh_span next = *text, line;
	wh_stack_builder_init(&b, reader->arena);
	for (int i = 0; i < 100 && wh_scan_line(&next, &line); i++) {
		struct wh_span s = wh_scan_trim(line), value;
		bool message = wh_scan_find(s, "Message: "), location = wh_scan_find(s, "Location: ");
		if (message || location) {
			const char *colon = wh_scan_find(s, ": ");
			value = plain((struct wh_span){ colon + 2, s.end });
			*(message ? &panic.reason : &panic.location) = value;
		} else if (backtrace_line(line)) {
			*text = next;
			take_backtrace(&b, text);
			break;
		}
		*text = next;
	}
	/* Location: path:12 in colours is cut behind the path: take what is left */
	return emit(reader, &panic, &b, text->p, err);
}

/* ---- the reader ---- */

static int rust_line(struct wh_reader *reader, struct wh_span line, struct wh_span *error, struct wh_span *text, struct wh_err *err)
{
	struct panic panic;
	struct wh_span rest, s;
	struct wh_stack_builder b;
	if (panic_line(line, &panic, &rest))
		return read_panic(reader, &panic, rest, text, err);
	if (wh_scan_find(line, "The application panicked (crashed)."))
		return read_colored(reader, line.p, text, err);
	wh_stack_builder_init(&b, reader->arena);
	if (runtime_line(line, &panic)) {
		take_rest(&panic, &b, text);
		return emit(reader, &panic, &b, text->p, err);
	}
	s = line;
	if (wh_scan_skip(&s, "Error: ")) {
		*error = s;
	} else if (backtrace_line(line)) {
		/* anyhow: the error, its causes, its backtrace; or a panic whose top was cut off */
		panic = (struct panic){ .reason = *error, .at = error->p ? error->p : line.p };
		take_backtrace(&b, text);
		*error = (struct wh_span){ 0 };
		if (b.stack.n_frames || b.failed)
			return emit(reader, &panic, &b, text->p, err);
		wh_arena_reset(reader->arena);
	}
	return WH_OK;
}

static int read_rust(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line, error = { 0 };
	while (wh_scan_line(&all, &line))
		WH_TRY(rust_line(reader, line, &error, &all, err));
	return WH_OK;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line, rest;
	struct wh_frame_text frame;
	struct panic panic;
	bool said = false, trace = false, sanitizer = false;
	int sure = 0;
	static const char *const parts[] = { " panicked", " has overflowed its stack", "memory allocation of ", "tack backtrace:", " BACKTRACE " };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line)) {
		const char *other = wh_scan_find(line, "ERROR: ");
		sanitizer |= other && (wh_scan_find(line, "Sanitizer") || wh_scan_find(line, "libFuzzer"));
		if (panic_line(line, &panic, &rest)) {
			said = true;
			sure = sure > 70 ? sure : 70;
		} else if (runtime_line(line, &panic)) {
			sure = sure > 50 ? sure : 50;
		} else if (wh_scan_find(line, "The application panicked (crashed).")) {
			said = true;
			sure = 85;
		}
		trace |= backtrace_line(line);
		if (trace && wh_frame_line_rust(line, &frame) && (frame.has_address || wh_scan_find(frame.function, "::"))) {
			if (said)
				return 97;
			sure = sure > 60 ? sure : 60;
		}
	}
	/* without frames of its own a sanitizer's report below it says more */
	return sanitizer && sure > 35 ? 35 : sure;
}

const struct wh_format wh_format_rust = {
	.name = "rust",
	.summary = "Rust panics, anyhow's and eyre's backtraces",
	.reference = "Rust: library/std/src/panicking.rs, library/std/src/sys/backtrace.rs; crates backtrace, anyhow, color-backtrace",
	.detect = detect,
	.read = read_rust,
};
