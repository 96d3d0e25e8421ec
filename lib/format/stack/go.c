/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go: panics, fatal errors and signals (runtime/panic.go, runtime/traceback.go), and reports of the race detector.
 *
 * The stack is that of the goroutine printed first, which is the one that crashed; the runtime's own stack (`runtime stack:`,
 * `goroutine 0`) only where no other follows. Of panics within panics the last printed is `reason`. Frames of the runtime stay.
 */
#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

/* ---- lines ---- */

/* Takes the arguments off a function's line: the bracket that the last one closes. */
static bool take_function(struct wh_span s, struct wh_frame_text *frame)
{
	size_t depth = 0;
	const char *p = s.end;
	if (s.p == s.end || s.end[-1] != ')')
		return false;
	while (p > s.p) {
		p--;
		depth += *p == ')';
		if (*p == '(' && !--depth)
			break;
	}
	if (p == s.p || *p != '(' || depth)
		return false;
	frame->function = (struct wh_span){ s.p, p };
	for (p = s.p; p < frame->function.end; p++)
		if ((*p == ' ' || *p == '\t') && !memchr(s.p, '[', (size_t)(p - s.p))) /* only a generic's types hold blanks */
			return false;
	return true;
}

/* `/x.go:12 +0x1d fp=0x1 sp=0x2 pc=0x3`. */
static bool take_location(struct wh_span s, struct wh_frame_text *frame)
{
	while (wh_scan_skip(&s, "\xc2\xa0")) /* a web page's blank */
		wh_scan_blanks(&s);
	struct wh_span where = s, said = s;
	static const char *const tails[] = { " +0x", " fp=0x", " pc=0x", " in goroutine " };
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		const char *at = wh_scan_find(where, tails[i]);
		if (at)
			where.end = at;
	}
	wh_location_split(wh_scan_trim(where), &frame->file, &frame->line);
	said.p = where.end;
	const char *plus = wh_scan_find(said, " +0x"), *pc = wh_scan_find(said, " pc=0x");
	if (plus) {
		struct wh_span digits = { plus + 2, said.end };
		frame->has_offset = wh_scan_hex(&digits, &frame->offset);
	}
	if (pc) {
		struct wh_span digits = { pc + 4, said.end };
		frame->has_address = wh_scan_hex(&digits, &frame->address);
	}
	return frame->line || frame->has_address;
}

bool wh_frame_line_go(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || wh_scan_has(line, "created by "))
		return false;
	const char *in = wh_scan_find(line, ") in ");
	return in && take_function((struct wh_span){ line.p, in + 1 }, frame) &&
	       take_location((struct wh_span){ in + strlen(") in "), line.end }, frame);
}

/* The two lines of a frame: `main.f(0x1)` and, behind blanks or not, `/x.go:12 +0x1d`; *text moves past both. */
static bool take_frame(struct wh_span line, struct wh_span *text, struct wh_frame_text *frame)
{
	struct wh_span next = *text, second, s = wh_scan_trim(line);
	*frame = (struct wh_frame_text){ 0 };
	if (s.p == s.end || wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_scan_line(&next, &second) ||
	    wh_span_size(second) > WH_FRAME_LINE_LONGEST)
		return false;
	struct wh_span where = wh_scan_trim(second);
	bool call = take_function(s, frame);
	if (!take_location(where, frame) || wh_scan_has(where, "created by ") || (where.p < where.end && where.end[-1] == ':'))
		return false;
	if (!call) {
		/* a C function between Go's: its name alone, and an address */
		if (!frame->has_address || memchr(s.p, ' ', wh_span_size(s)))
			return false;
		frame->function = s;
	}
	*text = next;
	return true;
}

/* `goroutine 1 [running, locked to thread]:`, since Go 1.23 also `goroutine 1 gp=0x1 m=0 mp=0x2 [running]:`. */
static bool goroutine_line(struct wh_span line, uint64_t *id, bool *running)
{
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > 4096 || !wh_scan_skip(&s, "goroutine ") || !wh_scan_decimal(&s, id))
		return false;
	const char *state = wh_scan_find(s, " [");
	if (!state || s.p + 2 > s.end || memcmp(s.end - 2, "]:", 2))
		return false;
	*running = wh_scan_has((struct wh_span){ state + 2, s.end }, "running");
	return true;
}

/* ---- one report ---- */

struct go {
	struct wh_stack_builder b;
	bool open;       /* a panic or fatal error was said */
	bool has_stack;  /* its goroutine was read */
	bool runtime;    /* … but it was the runtime's own */
	bool said;       /* in the runtime's words: `panic: ` */
	const char *at;
	struct wh_span reason, cause, signal, created;
	uint64_t goroutine;
};

/* end: where its text ends. */
static int finish(struct wh_reader *reader, struct go *g, const char *end, struct wh_err *err)
{
	if (!g->open)
		return WH_OK;
	g->open = false;
	if (!g->has_stack && !g->said) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	wh_stack_message(&g->b, "reason", g->reason);
	wh_stack_message(&g->b, "cause", g->cause);
	wh_stack_message(&g->b, "signal", g->signal);
	wh_stack_message(&g->b, "created_by", g->created);
	if (g->has_stack && !g->runtime) {
		char *name = wh_arena_printf(reader->arena, "goroutine %llu", (unsigned long long)g->goroutine);
		g->b.failed |= !name;
		g->b.stack.thread = name;
	}
	return wh_stack_emit(reader, &g->b, g->at, end, err);
}

static void start(struct wh_reader *reader, struct go *g, struct wh_span line, bool said)
{
	*g = (struct go){ .open = true, .said = said, .at = line.p };
	wh_stack_builder_init(&g->b, reader->arena);
}

/* What follows `panic: ` or `fatal error: `, without `[recovered]`; NULL span where line says no such thing. */
static struct wh_span said_text(struct wh_span line, bool *fatal)
{
	static const char *const words[] = { "panic: ", "fatal error: ", "fatal: " };
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > WH_MESSAGE_LONGEST)
		s.end = s.p + WH_MESSAGE_LONGEST;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!wh_scan_skip(&s, words[i]))
			continue;
		*fatal = i > 0;
		if (i == 2 && !wh_scan_has(s, "morestack")) /* anything else says `fatal: `, too */
			break;
		const char *recovered = wh_scan_find(s, " [recovered");
		if (recovered)
			s.end = recovered;
		return wh_scan_trim(s);
	}
	return (struct wh_span){ 0 };
}

/* `SIGSEGV: segmentation violation`, the whole of what a signal outside Go's code says, followed by `PC=…`. */
static bool signal_line(struct wh_span line, const struct wh_span *text)
{
	struct wh_span next = *text, second;
	return wh_scan_has(line, "SIG") && wh_scan_find(line, ": ") && wh_span_size(line) < 256 && wh_scan_line(&next, &second) &&
	       wh_scan_has(second, "PC=0x");
}

/* The frames behind `goroutine 1 [running]:`. */
static void take_stack(struct go *g, struct wh_span *text)
{
	struct wh_span next = *text, line;
	struct wh_frame_text frame;
	bool any = false;
	while (wh_scan_line(&next, &line)) {
		struct wh_span s = wh_scan_trim(line);
		if (s.p == s.end && !any) { /* a logger's blank line */
			any = true;
			*text = next;
			continue;
		}
		struct wh_span created = s, by;
		if (wh_scan_skip(&created, "created by ")) {
			const char *in = wh_scan_find(created, " in goroutine ");
			g->created = (struct wh_span){ created.p, in ? in : created.end };
			*text = next;
			struct wh_span place = next;
			struct wh_frame_text unused = { 0 };
			if (wh_scan_line(&place, &by) && wh_span_size(by) < 4096 && take_location(wh_scan_trim(by), &unused))
				*text = place;
			return;
		}
		if (wh_scan_has(s, "...")) { /* `...additional frames elided...` */
			*text = next;
			continue;
		}
		if (!take_frame(line, &next, &frame)) {
			/* `runtime: unexpected return pc for f called from 0x1` stands between frames */
			if (!wh_scan_has(s, "runtime: ") && !wh_scan_has(s, "[originating from "))
				return;
		} else {
			wh_frame_text_add(&frame, &g->b);
			any = true;
		}
		*text = next;
	}
}

/* `goroutine 1 [running]:`; above is the line before it. */
static void take_goroutine(struct wh_reader *reader, struct go *g, struct wh_span line, uint64_t id, struct wh_span *text,
			   struct wh_span above)
{
	if (!g->open) {
		/* no panic was said: a stack that a program printed itself (`http: panic serving …: …`) */
		const char *word = wh_scan_find(above, "panic");
		start(reader, g, line, false);
		if (word && wh_span_size(above) <= WH_MESSAGE_LONGEST) {
			const char *what = wh_scan_find((struct wh_span){ word, above.end }, ": ");
			g->reason = (struct wh_span){ what ? what + 2 : word, above.end };
		}
	}
	if (g->has_stack && !g->runtime)
		return; /* one of the others */
	struct wh_stack_builder runtime = g->b;
	wh_stack_builder_init(&g->b, reader->arena);
	take_stack(g, text);
	if (g->runtime && !g->b.stack.n_frames) {
		g->b = runtime;
		return;
	}
	g->has_stack = true;
	g->goroutine = id;
	g->runtime = !id;
}

/* ---- data races ---- */

static int race(struct wh_reader *reader, struct wh_span first, struct wh_span *text, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_frame_text frame;
	struct wh_span line, access = { 0 };
	bool done = false;
	wh_stack_builder_init(&b, reader->arena);
	while (wh_scan_line(text, &line) && !wh_scan_has(line, "==================")) {
		struct wh_span s = wh_scan_trim(line);
		if (s.p == line.p && wh_span_size(s) && s.end[-1] == ':') {
			done = b.stack.n_frames;
			if (!wh_span_size(access))
				access = (struct wh_span){ s.p, s.end - 1 };
		} else if (!done && take_frame(line, text, &frame)) {
			wh_frame_text_add(&frame, &b);
		}
	}
	wh_stack_builder_attribute(&b, "reason", "DATA RACE", strlen("DATA RACE"));
	wh_stack_message(&b, "message", access);
	return wh_stack_emit(reader, &b, first.p, text->p, err);
}

/* ---- the reader ---- */

/* `[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x5da137]`, once `[signal 0xb code=…]`. */
static void take_signal(struct go *g, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	if (!wh_scan_skip(&s, "[signal "))
		return;
	g->signal = s;
	for (const char *p = s.p; p < s.end; p++)
		if (*p == ':' || *p == ' ' || *p == ']') {
			g->signal.end = p;
			return;
		}
}

static bool same(struct wh_span a, struct wh_span b)
{
	return wh_span_size(a) == wh_span_size(b) && !memcmp(a.p, b.p, wh_span_size(a));
}

static int go_line(struct wh_reader *reader, struct go *g, struct wh_span line, struct wh_span above, struct wh_span *text,
		   struct wh_err *err)
{
	uint64_t id;
	bool running, fatal = false;
	struct wh_span said = said_text(line, &fatal);
	if (said.p) {
		/* `panic: a` and, on the next line, `	panic: b`: one crash, the newest panic last */
		bool nested = g->open && g->said && !g->has_stack && said_text(above, &fatal).p;
		if (!nested) {
			WH_TRY(finish(reader, g, line.p, err));
			start(reader, g, line, true);
		} else if (!wh_span_size(g->cause) && !same(g->reason, said)) {
			g->cause = g->reason;
		}
		g->reason = said;
		return WH_OK;
	}
	if (signal_line(line, text)) {
		WH_TRY(finish(reader, g, line.p, err));
		start(reader, g, line, true);
		g->reason = line;
		g->signal = (struct wh_span){ line.p, memchr(line.p, ':', wh_span_size(line)) };
		return WH_OK;
	}
	if (goroutine_line(line, &id, &running)) {
		if (running || g->open)
			take_goroutine(reader, g, line, id, text, above);
		return WH_OK;
	}
	if (wh_scan_has(line, "WARNING: DATA RACE")) {
		WH_TRY(finish(reader, g, line.p, err));
		return race(reader, line, text, err);
	}
	if (g->open && g->said && !g->has_stack) {
		take_signal(g, line);
		if (wh_scan_has(line, "runtime stack:")) {
			take_stack(g, text);
			g->has_stack = g->runtime = g->b.stack.n_frames > 0;
		}
	}
	return WH_OK;
}

static int read_go(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line, above = { 0 };
	struct go g = { 0 };
	while (wh_scan_line(&all, &line)) {
		WH_TRY(go_line(reader, &g, line, above, &all, err));
		if (line.p < line.end)
			above = line;
	}
	return finish(reader, &g, all.end, err);
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line, above = { 0 };
	struct wh_frame_text frame;
	bool said = false, serving = false, stack = false, running, unused;
	uint64_t id;
	int sure = 0;
	static const char *const parts[] = { "goroutine ", "runtime stack:", "WARNING: DATA RACE" };
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line)) {
		if (wh_scan_has(line, "WARNING: DATA RACE")) {
			/* ThreadSanitizer's own reports say who they are, and number their frames */
			struct wh_span next = all, second;
			for (int i = 0; i < 2 && wh_scan_line(&next, &second); i++)
				if (take_frame(second, &next, &frame))
					return 90;
		}
		said |= said_text(line, &unused).p || signal_line(line, &all);
		bool routine = goroutine_line(line, &id, &running);
		serving |= routine && wh_scan_find(above, "panic");
		above = line;
		stack |= routine || (said && wh_scan_has(line, "runtime stack:"));
		if (!stack || !take_frame(line, &all, &frame))
			continue;
		/* the report of a sanitizer that is below is the consequence of the panic above; but without one, what is above
		 * the goroutine may be anything */
		if (said)
			return 97;
		sure = serving ? 80 : sure > 38 ? sure : 38;
	}
	return sure;
}

const struct wh_format wh_format_go = {
	.name = "go",
	.summary = "Go panics, fatal errors, signals and data races",
	.reference = "Go: src/runtime/panic.go, src/runtime/traceback.go; the race detector's reports",
	.detect = detect,
	.read = read_go,
};
