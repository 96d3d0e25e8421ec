/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of lldb: what it shows when a process stops, `bt`, `thread backtrace all`. The stack is that of the thread which
 * stopped for a reason that ends programs, the one with the most frames where it is shown more than once (the place alone, then
 * `bt`); else that of the selected thread. What was shown before the process went on (at a breakpoint) is no crash.
 *
 * A frame is `frame #N: ADDRESS MODULE`NAME at FILE:LINE:COLUMN` (source/Core/Debugger.cpp, the default frame-format). Into NAME lldb
 * writes the arguments in place of their types, from the name's first `(` to its first `)`, whatever these are
 * (CPlusPlusLanguage.cpp, PrettyPrintFunctionNameWithArgs): what is in front of them is what can be relied on.
 */
#include <string.h>

#include "format/stack/frame_line.h"
#include "format/stack/gdb_frame.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

/* Why a stack is the crash's; the highest wins. */
enum rank { RANK_NONE, RANK_OTHER, RANK_ALONE, RANK_SELECTED, RANK_CRASHED, RANK_SELECTED_CRASHED };

struct thread {
	struct wh_span number, name, reason;
	bool known, selected;
};

struct section {
	const char *begin, *end; /* from its first frame on; begin is NULL where there is none */
	struct thread thread;
	uint64_t last; /* number of the last frame */
	size_t frames;
	enum rank rank;
};

struct report {
	struct wh_reader *reader;
	struct section open, best;
	struct thread heading; /* of the frames to come */
	struct wh_span app, machine, exception;
};

/* ---- lines ---- */

/* `frame #3: ` with its marks; s is then what follows. */
static bool take_number(struct wh_span *s, uint64_t *number)
{
	struct wh_span at = wh_scan_trim(*s);
	wh_scan_skip(&at, "* ");
	if (!wh_scan_skip(&at, "frame #") || !wh_scan_decimal(&at, number) || !wh_scan_skip(&at, ": "))
		return false;
	*s = at;
	return true;
}

static bool is_name(char c)
{
	return wh_is_alpha(c) || wh_is_digit(c) || (c && strchr("_#$.", c));
}

/* Where the arguments that lldb puts into a name begin, or NULL; *close is behind them. */
static const char *find_arguments(struct wh_span name, const char **close)
{
	for (const char *p = name.p; p < name.end && (p = memchr(p, '(', (size_t)(name.end - p))); p++) {
		struct wh_span first = { p + 1, name.end };
		if (!wh_scan_skip(&first, "(null)"))
			while (first.p < first.end && is_name(*first.p))
				first.p++;
		if (first.p == p + 1 || first.p == first.end || *first.p != '=')
			continue;
		struct wh_gdb_nesting nesting = { 0 };
		*close = wh_gdb_close((struct wh_span){ p, name.end }, &nesting);
		return p;
	}
	return NULL;
}

/* Takes ` at FILE:LINE:COLUMN` off the end of s; not before `from`. */
static void take_location(struct wh_span *s, const char *from, struct wh_frame_text *frame)
{
	const char *at = wh_scan_last((struct wh_span){ from, s->end }, " at ");
	if (!at)
		return;
	struct wh_span place = { at + strlen(" at "), s->end };
	wh_location_split(place, &frame->file, &frame->line);
	if (frame->file.end == place.end) { /* a line without a number is none */
		frame->file = (struct wh_span){ 0 };
		return;
	}
	s->end = at;
}

/* ` + 33`: within the function, where there are no lines */
static void take_offset(struct wh_span *s, struct wh_frame_text *frame)
{
	const char *plus = wh_scan_last(*s, " + ");
	struct wh_span digits = { plus ? plus + 3 : s->end, s->end };
	if (!plus || !wh_scan_decimal(&digits, &frame->offset) || digits.p != s->end)
		return;
	frame->has_offset = true;
	s->end = plus;
}

static void take_remarks(struct wh_span *s)
{
	static const char *const remarks[] = { " [opt]", " [artificial]" };
	for (size_t i = 0; i < 4; i++) {
		const char *remark = remarks[i & 1];
		size_t n = strlen(remark);
		if (wh_span_size(*s) >= n && !memcmp(s->end - n, remark, n))
			s->end -= n;
	}
}

/* What follows the number. function may lack the `()` of an operator: *call says so. */
static bool frame_text(struct wh_span s, struct wh_frame_text *frame, bool *inlined, bool *call)
{
	static const char unnamed[] = "___lldb_unnamed_symbol", inlined_mark[] = " [inlined] ";
	*frame = (struct wh_frame_text){ 0 };
	*inlined = *call = false;
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_scan_hex(&s, &frame->address))
		return false;
	frame->has_address = true;
	s = wh_scan_trim(s);
	const char *tick = wh_span_size(s) ? memchr(s.p, '`', wh_span_size(s)) : NULL, *close = NULL;
	if (!tick) {
		frame->module = s;
		return !wh_span_size(s) || !memchr(s.p, ' ', wh_span_size(s));
	}
	frame->module = (struct wh_span){ s.p, tick };
	struct wh_span name = { tick + 1, s.end };
	const char *mark = wh_scan_find(name, inlined_mark);
	if (mark) {
		*inlined = true;
		name.p = mark + strlen(inlined_mark);
	}
	const char *open = find_arguments(name, &close);
	take_remarks(&name);
	take_location(&name, close && close < name.end ? close : name.p, frame);
	if (open && open < name.end) {
		name.end = open;
		*call = wh_span_size(name) >= strlen("operator") && !memcmp(name.end - strlen("operator"), "operator", strlen("operator"));
	} else {
		take_offset(&name, frame);
	}
	name = wh_scan_trim(name);
	if (wh_scan_has(name, unnamed))
		frame->has_offset = false; /* a name that another build of lldb gives to something else */
	else
		frame->function = name;
	return true;
}

static bool frame_line(struct wh_span line, uint64_t *number, struct wh_frame_text *frame, bool *inlined, bool *call)
{
	return take_number(&line, number) && frame_text(line, frame, inlined, call);
}

/* ` name = 'worker'` and the like, up to the quote that ends it. */
static void quoted(struct wh_span s, const char *name, struct wh_span *value)
{
	struct wh_span rest;
	if (wh_scan_after(s, name, &rest))
		*value = wh_scan_until(rest, "'");
}

/* `* thread #3, name = 'worker', stop reason = signal SIGSEGV: …` */
static bool thread_line(struct wh_span line, struct thread *thread)
{
	uint64_t number;
	*thread = (struct thread){ .known = true };
	struct wh_span s = wh_scan_trim(line);
	thread->selected = wh_scan_skip(&s, "* ");
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&s, "thread #"))
		return false;
	thread->number.p = s.p;
	if (!wh_scan_decimal(&s, &number) || (s.p < s.end && *s.p != ',' && *s.p != ':'))
		return false;
	thread->number.end = s.p;
	quoted(s, ", name = '", &thread->name);
	if (!thread->name.p)
		quoted(s, ", queue = '", &thread->name);
	wh_scan_after(s, "stop reason = ", &thread->reason);
	return true;
}

/* Whether a program ends so, rather than somebody having stopped it. */
static bool is_crash(struct wh_span reason)
{
	static const char *const others[] = {
		"breakpoint", "step", "watchpoint", "signal SIGSTOP", "signal SIGINT", "signal SIGTRAP", "trace", "exec", "Plan",
		"instruction step", "thread exiting", "fork", "signal SIGCHLD", "one-shot breakpoint",
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (wh_scan_has(reason, others[i]))
			return false;
	return wh_span_size(reason);
}

/* ---- reports ---- */

static enum rank rank_of(const struct section *s)
{
	bool crash = is_crash(s->thread.reason);
	if (!s->thread.known)
		return RANK_ALONE;
	if (crash)
		return s->thread.selected ? RANK_SELECTED_CRASHED : RANK_CRASHED;
	return s->thread.selected ? RANK_SELECTED : RANK_OTHER;
}

static void close_section(struct report *r, const char *end)
{
	struct section *s = &r->open;
	if (!s->begin)
		return;
	s->end = end;
	s->rank = rank_of(s);
	if (s->rank > r->best.rank || (s->rank == r->best.rank && s->frames > r->best.frames))
		r->best = *s;
	*s = (struct section){ 0 };
}

/* `signal SIGSEGV: invalid address (fault address: 0x10)`, `EXC_BAD_ACCESS (code=1, address=0x0)` */
static void set_reason(struct wh_stack_builder *b, struct wh_span reason)
{
	static const char *const addresses[] = { "fault address: 0x", "address=0x" };
	struct wh_span address, name = reason;
	for (size_t i = 0; i < 2; i++)
		if (wh_scan_after(reason, addresses[i], &address)) {
			address.p -= 2;
			wh_stack_message(b, "address", wh_scan_until(address, " ,)"));
			break;
		}
	if (wh_scan_skip(&name, "signal "))
		name = wh_scan_until(name, ": ");
	else if (wh_scan_has(name, "EXC_"))
		name = wh_scan_until(name, " ");
	wh_stack_message(b, "reason", name);
	if (name.end < reason.end)
		wh_stack_message(b, "message", reason);
}

static const char *with_call(struct wh_stack_builder *b, struct wh_span name)
{
	char *text = wh_span_size(name) < WH_FRAME_LINE_LONGEST
			     ? wh_arena_printf(b->arena, "%.*s()", (int)wh_span_size(name), name.p) : NULL;
	b->failed |= !text;
	return text;
}

static void add_frames(struct wh_stack_builder *b, const struct section *section)
{
	struct wh_span text = { section->begin, section->end }, line;
	struct wh_frame_text said;
	uint64_t number;
	bool inlined, call;
	while (!b->failed && b->stack.n_frames < WH_STACK_MOST_FRAMES && wh_scan_line(&text, &line)) {
		if (!frame_line(line, &number, &said, &inlined, &call))
			continue;
		struct wh_frame *frame = wh_frame_text_add(&said, b);
		if (!frame)
			return;
		frame->inlined = inlined;
		if (call)
			frame->function = with_call(b, said.function);
	}
}

static struct wh_span base_name(struct wh_span s)
{
	const char *slash = wh_span_size(s) ? memrchr(s.p, '/', wh_span_size(s)) : NULL;
	return slash && slash + 1 < s.end ? (struct wh_span){ slash + 1, s.end } : s;
}

static int finish(struct report *r, const char *end, struct wh_err *err)
{
	close_section(r, end);
	struct report done = *r;
	struct wh_stack_builder b;
	*r = (struct report){ .reader = done.reader, .app = done.app, .machine = done.machine };
	if (!done.best.begin)
		return WH_OK;
	wh_stack_builder_init(&b, done.reader->arena);
	add_frames(&b, &done.best);
	const struct thread *thread = &done.best.thread;
	wh_stack_message(&b, "app", base_name(done.app));
	wh_stack_message(&b, "machine", done.machine);
	set_reason(&b, thread->reason);
	wh_stack_message(&b, "exception", done.exception);
	struct wh_span name = wh_span_size(thread->name) ? thread->name : thread->number;
	if (wh_span_size(name))
		b.stack.thread = wh_stack_builder_copy(&b, name.p, wh_span_size(name));
	return wh_stack_emit(done.reader, &b, done.best.begin, end, err);
}

/* The process goes on, or another begins: what stopped it was no crash, or its report is complete. */
static int goes_on(struct report *r, const char *at, struct wh_err *err)
{
	close_section(r, at);
	if (r->best.rank >= RANK_CRASHED)
		return finish(r, at, err);
	r->best = (struct section){ 0 };
	r->heading = (struct thread){ 0 };
	return WH_OK;
}

static int word_line(struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_span s = line, rest;
	uint64_t pid;
	if (wh_scan_skip(&s, "(lldb) ")) {
		close_section(r, line.p);
		r->heading = (struct thread){ 0 };
		rest = s;
		if (wh_scan_skip(&rest, "target create \""))
			r->app = wh_scan_until(rest, "\"");
		if (wh_scan_has(s, "target create") || wh_scan_has(s, "process launch") || wh_scan_has(s, "run"))
			return goes_on(r, line.p, err);
	} else if (wh_scan_skip(&s, "Process ") && wh_scan_decimal(&s, &pid) && wh_scan_has(s, " resuming")) {
		return goes_on(r, line.p, err);
	} else if (wh_scan_after(line, "Current executable set to '", &rest)) {
		const char *quote = wh_scan_last(rest, "' (");
		r->app = (struct wh_span){ rest.p, quote ? quote : wh_scan_until(rest, "'").end };
		if (quote)
			r->machine = wh_scan_until((struct wh_span){ quote + 3, rest.end }, ")");
	} else if (wh_scan_skip(&s, "terminate called after throwing an instance of '")) {
		r->exception = wh_scan_until(s, "'");
	}
	return WH_OK;
}

static int read_line(struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_frame_text frame;
	struct thread thread;
	uint64_t number;
	bool inlined, call;
	if (frame_line(line, &number, &frame, &inlined, &call)) {
		if (r->open.begin && number != r->open.last + 1)
			close_section(r, line.p);
		if (!r->open.begin) {
			r->open = (struct section){ .begin = line.p, .thread = r->heading };
			r->heading = (struct thread){ 0 };
		}
		r->open.last = number;
		r->open.frames++;
		return WH_OK;
	}
	if (thread_line(line, &thread)) {
		close_section(r, line.p);
		r->heading = thread;
		return WH_OK;
	}
	return word_line(r, line, err);
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
	struct wh_span all = { text, text + size }, line;
	struct wh_frame_text frame;
	struct thread thread;
	uint64_t number;
	size_t frames = 0;
	bool said = false, inlined, call;
	if (!wh_scan_find(all, "frame #"))
		return 0;
	while (wh_scan_line(&all, &line) && (frames < 2 || !said)) {
		/* gdb and others have no ticks behind the module */
		frames += frame_line(line, &number, &frame, &inlined, &call) && (frame.function.p || frame.module.p);
		said |= thread_line(line, &thread) || wh_scan_has(line, "(lldb) ");
	}
	return said && frames ? 95 : frames >= 2 ? 85 : frames ? 60 : 0;
}

const struct wh_format wh_format_lldb = {
	.name = "lldb",
	.summary = "sessions and backtraces of lldb",
	.reference = "LLVM: lldb/source/Core/FormatEntity.cpp, Debugger.cpp (frame-format, thread-format), Target/ThreadList.cpp",
	.detect = detect,
	.read = read_text,
};
