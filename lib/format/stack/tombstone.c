/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Android's tombstones as debuggerd prints them, those of xCrash, and what `debuggerd -b` prints of a process that hangs. A report
 * lasts from one `*** *** ***` to the next; its stack is that of the first thread in it, which is the one that crashed. Where a
 * Java exception or a thread dump is all that xCrash could tell, the reader of Java's traces reads it.
 */
#include "base/time.h"
#include "format/stack/crash_type.h"
#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/nested.h"
#include "format/stack/report.h"

struct report {
	struct wh_reader *reader;
	const char *begin; /* NULL: none is open */
	struct wh_stack_builder b;
	struct wh_span app, name, thread, abi, fingerprint, version, time, signal, code, address, abort, cause, crash;
	const char *java; /* where a trace of Java's begins */
	bool starred;     /* its `*** *** ***` was there */
	bool dead;        /* somebody said that it died */
	bool any_frame, closed;
	bool native;     /* its frames are debuggerd's own */
	uint64_t number; /* of the frame before */
};

static const char stars[] = "*** *** *** *** *** *** *** ***", dashes[] = "--- --- --- --- --- --- --- ---";

static bool equals(struct wh_span s, const char *text)
{
	return wh_span_size(s) == strlen(text) && wh_scan_has(s, text);
}

/* ---- frames ---- */

/* Takes ` (…)` off the end of s: what is between the parentheses. */
static bool take_group(struct wh_span *s, struct wh_span *inner)
{
	const char *open = wh_last_parenthesis(*s);
	if (!open || open <= s->p || open[-1] != ' ')
		return false;
	*inner = (struct wh_span){ open + 1, s->end - 1 };
	*s = wh_scan_trim((struct wh_span){ s->p, open });
	return true;
}

/* `abort+164`: the offset is decimal, and left out where it is 0. */
static void set_function(struct wh_span name, struct wh_frame_text *frame)
{
	const char *plus = wh_span_size(name) ? memrchr(name.p, '+', wh_span_size(name)) : NULL;
	struct wh_span digits = { plus ? plus + 1 : name.end, name.end };
	uint64_t offset;
	if (equals(name, "???"))
		return;
	frame->offset = 0;
	frame->has_offset = true;
	if (plus && plus > name.p && wh_scan_decimal(&digits, &offset) && digits.p == digits.end) {
		frame->offset = offset;
		name.end = plus;
	}
	frame->function = name;
}

/* `#00 pc 0000000000051234  /system/lib64/libc.so (offset 0x1000) (abort+164) (BuildId: 12ab)`. pc counts from where the module
 * was loaded; without a module it is an address. */
static bool frame_line(struct wh_span s, uint64_t *number, struct wh_frame_text *frame)
{
	uint64_t pc;
	struct wh_span inner;
	*frame = (struct wh_frame_text){ 0 };
	s = wh_scan_trim(s);
	wh_scan_skip(&s, "native: "); /* in ART's dumps */
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&s, "#") || !wh_scan_decimal(&s, number))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "pc ") && !wh_scan_skip(&s, "eip: "))
		return false;
	wh_scan_blanks(&s);
	wh_scan_skip(&s, "0x");
	if (!wh_scan_digits16(&s, &pc) || (s.p < s.end && !wh_is_blank(*s.p)))
		return false;
	s = wh_scan_trim(s);
	for (int i = 0; i < 4 && !frame->function.p; i++) {
		struct wh_span rest = s;
		if (!take_group(&rest, &inner) || equals(inner, "deleted"))
			break;
		s = rest;
		if (wh_scan_skip(&inner, "BuildId: "))
			frame->build_id = wh_scan_until(inner, " ");
		else if (!wh_scan_has(inner, "offset 0x"))
			set_function(inner, frame);
	}
	while (take_group(&s, &inner) && !equals(inner, "deleted")) /* an offset in front of the function */
		;
	if (!equals(s, "<unknown>") && !wh_scan_has(s, "<anonymous:"))
		frame->module = s;
	if (!frame->function.p) {
		*(wh_span_size(frame->module) ? &frame->offset : &frame->address) = pc;
		frame->has_offset = wh_span_size(frame->module);
		frame->has_address = !frame->has_offset;
	}
	return true;
}

/* Adds the line if it is the next frame of the crash's stack. */
static bool take_frame(struct report *r, struct wh_span s)
{
	struct wh_frame_text frame;
	uint64_t number;
	if (s.p == s.end || (*s.p != '#' && *s.p != 'n'))
		return false;
	bool native = frame_line(s, &number, &frame);
	if (!native) { /* symbolised by somebody who writes frames as sanitizers do */
		struct wh_span digits = { s.p + 1, s.end };
		if (!wh_frame_line_sanitizer(s, &frame) || !wh_scan_decimal(&digits, &number))
			return false;
		if (equals(frame.function, "in"))
			frame.function = (struct wh_span){ 0 };
	}
	r->closed |= r->any_frame && (!number || number < r->number);
	if (r->closed)
		return true;
	r->any_frame = true;
	r->native |= native;
	r->number = number;
	wh_frame_text_add(&frame, &r->b);
	return true;
}

/* ---- what is said about it ---- */

static struct wh_span unquoted(struct wh_span s)
{
	s = wh_scan_trim(s);
	if (wh_scan_skip(&s, "'") && s.p < s.end && s.end[-1] == '\'')
		s.end--;
	return s;
}

static struct wh_span base_name(struct wh_span s)
{
	const char *slash = wh_span_size(s) ? memrchr(s.p, '/', wh_span_size(s)) : NULL;
	return slash && slash + 1 < s.end ? (struct wh_span){ slash + 1, s.end } : s;
}

/* `pid: 12, tid: 34, name: worker  >>> com.example <<<`; true for the first one of a report, the thread that crashed. */
static bool process_line(struct wh_span s, struct wh_span *thread, struct wh_span *name, struct wh_span *app)
{
	uint64_t pid;
	struct wh_span rest;
	if (!wh_scan_skip(&s, "pid: ") || !wh_scan_decimal(&s, &pid) || !wh_scan_after(s, ">>> ", &rest))
		return false;
	const char *close = wh_scan_find(rest, " <<<");
	*app = wh_scan_trim((struct wh_span){ rest.p, close ? close : rest.end });
	*thread = *name = (struct wh_span){ 0 };
	s.end = rest.p - strlen(">>> ");
	if (wh_scan_after(s, "tid: ", &rest))
		*thread = wh_scan_until(rest, " ,");
	if (wh_scan_after(s, "name: ", &rest))
		*name = wh_scan_trim(rest);
	return true;
}

/* `signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x8`, and bionic's `Fatal signal 11 (SIGSEGV), code 1, fault addr 0x8 in
 * tid 34 (worker), pid 12 (com.example)` */
static void signal_line(struct report *r, struct wh_span s)
{
	struct wh_span rest;
	if (!wh_scan_after(s, " (SIG", &rest))
		return;
	r->dead = true;
	r->signal = wh_scan_until((struct wh_span){ rest.p - strlen("SIG"), s.end }, ")");
	if (wh_scan_after(rest, "), code ", &s) && wh_scan_after(s, " (", &rest))
		r->code = wh_scan_until(rest, " )");
	if (wh_scan_after(s, "fault addr ", &rest) && wh_scan_has(rest, "0x"))
		r->address = wh_scan_until(rest, " ");
	if (wh_scan_after(s, " in tid ", &rest) && !r->thread.p) {
		r->thread = wh_scan_until(rest, " ,");
		if (wh_scan_after(rest, " (", &rest))
			r->name = wh_scan_until(rest, ")");
		if (wh_scan_after(rest, "), pid ", &rest) && wh_scan_after(rest, " (", &rest))
			r->app = wh_scan_until(rest, ")");
	}
}

static void value_line(struct report *r, struct wh_span s)
{
	static const struct {
		const char *name;
		size_t at;
	} fields[] = {
		{ "Build fingerprint: ", offsetof(struct report, fingerprint) }, { "ABI: ", offsetof(struct report, abi) },
		{ "Timestamp: ", offsetof(struct report, time) },                { "Crash time: ", offsetof(struct report, time) },
		{ "Abort message: ", offsetof(struct report, abort) },           { "Cause: ", offsetof(struct report, cause) },
		{ "App ID: ", offsetof(struct report, app) },                    { "App version: ", offsetof(struct report, version) },
		{ "Crash type: ", offsetof(struct report, crash) },              { "Cmd line: ", offsetof(struct report, app) },
	};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct wh_span value = s, *at = (struct wh_span *)((char *)r + fields[i].at);
		if (*s.p != *fields[i].name || !wh_scan_skip(&value, fields[i].name))
			continue;
		if (!wh_span_size(*at))
			*at = unquoted(value);
		return;
	}
	if (wh_scan_has(s, "signal ") || wh_scan_has(s, "Fatal signal "))
		signal_line(r, s);
}

static void set_platform(struct wh_stack_builder *b, struct wh_span abi)
{
	if (!wh_span_size(abi) || wh_span_size(abi) > 32)
		return;
	char *platform = wh_arena_printf(b->arena, "android-%.*s", (int)wh_span_size(abi), abi.p);
	b->failed |= !platform;
	if (platform)
		wh_stack_builder_attribute(b, "platform", platform, strlen(platform));
}

/* What the report's head says; signal and message only where no exception of Java's says it better. */
static void set_attributes(void *user, struct wh_stack_builder *b)
{
	const struct report *r = user;
	struct wh_observation *o = &b->observation;
	wh_stack_message(b, "app", base_name(r->app));
	wh_stack_message(b, "version", r->version);
	set_platform(b, r->abi);
	wh_stack_message(b, "build_fingerprint", r->fingerprint);
	if (wh_span_size(r->time))
		o->has_time = !wh_time_parse(r->time.p, wh_span_size(r->time), &o->time_ns);
	struct wh_span thread = wh_span_size(r->name) ? r->name : r->thread;
	if (!b->stack.thread && wh_span_size(thread))
		b->stack.thread = wh_stack_builder_copy(b, thread.p, wh_span_size(thread));
	if (r->java && !wh_observation_attribute(o, "reason") && equals(r->crash, "anr"))
		wh_stack_builder_attribute(b, "reason", "ANR", strlen("ANR"));
}

/* ---- reports ---- */

static int finish(struct report *r, const char *end, struct wh_err *err)
{
	struct wh_reader *reader = r->reader;
	struct report done = *r;
	*r = (struct report){ .reader = reader };
	if (!done.begin)
		return WH_OK;
	if (!done.b.stack.n_frames && !done.b.failed && done.java) {
		struct wh_span text = { done.java, end }, about = { NULL, NULL };
		size_t n = 0;
		wh_arena_reset(reader->arena);
		WH_TRY(wh_stack_read_nested(reader, &wh_format_java, text, done.java, about, set_attributes, &done, &n, err));
		reader->told = end;
		if (n)
			return WH_OK;
		wh_stack_builder_init(&done.b, reader->arena);
	}
	if (!done.dead && !done.b.stack.n_frames && !done.b.failed) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	struct wh_stack_builder *b = &done.b;
	set_attributes(&done, b);
	wh_stack_message(b, "reason", done.signal);
	wh_stack_message(b, "code", done.code);
	wh_stack_message(b, "address", done.address);
	wh_stack_message(b, "message", done.abort);
	wh_stack_message(b, "cause", done.cause);
	/* trackers know these frames only once somebody has rewritten them, and would name the crash after the process */
	if (done.native && !wh_span_size(done.abort) && !b->failed)
		b->failed = wh_crash_state_of_frames(&b->stack, reader->arena, &b->stack.crash_state, NULL) != WH_OK;
	return wh_stack_emit(reader, b, done.begin, end, err);
}

static int begin(struct report *r, const char *at, struct wh_err *err)
{
	WH_TRY(finish(r, at, err));
	r->begin = at;
	wh_stack_builder_init(&r->b, r->reader->arena);
	return WH_OK;
}

/* Lines that other stacks, or what is no stack, come after. */
static bool closes(struct wh_span s)
{
	static const char *const texts[] = {
		"stack:", "allocated by thread", "deallocated by thread", "memory near ", "code around ", "memory map", "build id:",
		"logcat:", "open files", "other threads:", "--------- ", "java stacktrace:",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (wh_scan_has(s, texts[i]))
			return true;
	return false;
}

/* `"main" sysTid=12`: a thread that debuggerd -b prints. */
static bool thread_line(struct wh_span s, struct wh_span *name, struct wh_span *thread)
{
	const char *quote = wh_scan_has(s, "\"") ? wh_scan_last(s, "\" sysTid=") : NULL;
	if (!quote)
		return false;
	*name = (struct wh_span){ s.p + 1, quote };
	*thread = wh_scan_until((struct wh_span){ quote + strlen("\" sysTid="), s.end }, " ");
	return true;
}

static void open_line(struct report *r, struct wh_span line, struct wh_span s)
{
	struct wh_span thread, name, app;
	if (wh_scan_has(s, dashes)) {
		r->closed |= r->dead || r->any_frame;
		if (equals(r->crash, "anr"))
			r->java = line.end;
	} else if (process_line(s, &thread, &name, &app)) {
		if (!r->thread.p || !r->any_frame) {
			r->thread = thread;
			r->name = name;
			r->app = wh_span_size(r->app) ? r->app : app;
		}
	} else if (thread_line(s, &name, &thread)) {
		if (!r->any_frame) {
			r->name = name;
			r->thread = thread;
		}
		r->closed |= r->any_frame;
	} else if (closes(s)) {
		r->closed |= r->any_frame;
		if (wh_scan_has(s, "java stacktrace:") && !r->java)
			r->java = line.end;
	} else if (!r->closed || !r->any_frame) {
		value_line(r, s);
	}
}

static int read_line(struct report *r, struct wh_span whole, struct wh_err *err)
{
	struct wh_span line = wh_log_line(whole), s = wh_scan_trim(line);
	if (s.p == s.end)
		return WH_OK;
	if (wh_scan_has(s, stars)) {
		if (!r->begin || r->starred || r->any_frame) /* else what was said before is about the same crash */
			WH_TRY(begin(r, whole.p, err));
		r->starred = true;
		return WH_OK;
	}
	if (wh_scan_has(s, "----- pid ") && wh_scan_find(s, " at "))
		return begin(r, whole.p, err);
	if (!r->begin) {
		if (!wh_scan_has(s, "pid: ") && !wh_scan_has(s, "Fatal signal ") && !wh_scan_has(s, "signal "))
			return WH_OK;
		struct wh_span thread, name, app;
		if (*s.p == 'p' && !process_line(s, &thread, &name, &app))
			return WH_OK;
		if (*s.p != 'p' && !wh_scan_find(s, " (SIG"))
			return WH_OK;
		WH_TRY(begin(r, whole.p, err)); /* its top was cut off */
	}
	if ((r->java && !r->any_frame) || take_frame(r, s)) /* what follows is Java's alone */
		return WH_OK;
	open_line(r, line, s);
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
	static const char *const parts[] = { "pid: ", "sysTid=", "Tombstone maker: " };
	struct wh_span all = { text, text + size }, line, thread, name, app;
	struct wh_frame_text frame;
	uint64_t number;
	size_t frames = 0;
	bool starred = false, process = false, hangs = false, maker = false, pid = false;
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line) && frames < 2) {
		struct wh_span s = wh_scan_trim(line);
		starred |= wh_scan_has(s, stars);
		maker |= starred && wh_scan_has(s, "Tombstone maker: ");
		process |= process_line(s, &thread, &name, &app);
		pid |= wh_scan_has(s, "----- pid ");
		hangs |= pid && thread_line(s, &name, &thread);
		frames += (process || hangs) && frame_line(s, &number, &frame);
	}
	if (maker)
		return 97;
	if (starred && process)
		return frames ? 94 : 88;
	return hangs && frames ? 85 : process && frames ? 80 : process ? 40 : 0;
}

const struct wh_format wh_format_tombstone = {
	.name = "tombstone",
	.summary = "Android's tombstones (debuggerd), xCrash's, and what debuggerd -b prints",
	.reference = "AOSP: system/core/debuggerd/libdebuggerd/{tombstone_proto_to_text,backtrace}.cpp; iqiyi/xCrash: "
		     "xcrash_lib/src/main/cpp",
	.detect = detect,
	.read = read_text,
};
