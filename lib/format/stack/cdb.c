/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of the debuggers of Windows (cdb, WinDbg, ntsd, kd): `k` and its kin, `~*k`, `!analyze -v`, `!exploitable`.
 *
 * A log is a report, unless a debugger starts anew in it. Of its stacks the one is the crash's that !analyze has found; else one
 * in the context of the exception (`.ecxr`), of the thread that the debugger stopped for, of the thread that is marked (`#`, `.`).
 * One pass keeps where the best stack lies; its frames are read when the report ends.
 */
#include "format/stack/cdb_frame.h"
#include "format/stack/clock.h"
#include "format/stack/list.h"
#include "format/stack/report.h"


/* Why a stack is the crash's; the highest wins, among equals the first printed. */
enum rank {
	RANK_NONE,
	RANK_OTHER,   /* of a thread that somebody looked at */
	RANK_CURRENT, /* `.` in the list of threads */
	RANK_ORIGIN,  /* `#` there: it caused the exception */
	RANK_STOPPED, /* `k` without a thread */
	RANK_CONTEXT, /* after .ecxr */
	RANK_ANALYZE, /* STACK_TEXT */
};

struct section {
	const char *begin, *end; /* from its first frame on; begin is NULL where there is none */
	struct wh_span thread;
	enum rank rank;
	bool sites; /* kc: nothing but call sites */
};

struct report {
	struct wh_reader *reader;
	const char *begin; /* NULL: nothing said so far */
	struct section open, best;
	enum rank next; /* of the stack to come */
	bool context, moved; /* after .ecxr; the debugger is on another thread than at first */
	struct wh_span heading; /* the thread's, of the list of threads */
	struct wh_span first_prompt;
	struct wh_span app, command, code, reason, bugcheck, access, address, bucket, symbol, severity, system, thread, time, event, place;
	size_t wrap; /* lines of this length go on in the next one; 0: none do */
	bool evidence; /* somebody said that there was a crash */
};

static const char frame_field[] = "STACK_FRAME:"; /* before the frames of !exploitable -m */

enum { JOIN_LINES = 64, JOIN_BYTES = 16 * 1024 };

/* ---- lines ---- */

static bool skip_digits(struct wh_span *s)
{
	uint64_t value;
	return wh_scan_decimal(s, &value);
}

/* `0:000> `, `0:000:x86> `, `2: kd> `, `kd> `, in front of what was typed; *prompt is what is before the sign. */
static bool take_prompt(struct wh_span *line, struct wh_span *prompt)
{
	struct wh_span s = *line;
	bool number = skip_digits(&s) && wh_scan_skip(&s, ":");
	bool kernel = wh_scan_skip(&s, number ? " kd" : "kd") || (!number && wh_scan_skip(&s, "lkd"));
	if (!kernel && (!number || !skip_digits(&s)))
		return false;
	if (!kernel && wh_scan_skip(&s, ":"))
		while (s.p < s.end && (wh_is_alpha(*s.p) || wh_is_digit(*s.p)))
			s.p++;
	if (s.p == s.end || *s.p != '>')
		return false;
	*prompt = (struct wh_span){ line->p, s.p };
	*line = wh_scan_trim((struct wh_span){ s.p + 1, s.end });
	return true;
}

/* What the debugger says amid a stack. */
static bool is_notice(struct wh_span s)
{
	return wh_scan_has(s, "WARNING: ") || wh_scan_has(s, "***") || wh_scan_has(s, "Unable to load image ") ||
	       wh_scan_has(s, "ERROR: ") || wh_scan_has(s, "Unable to read ");
}

/* The heading over a stack's columns. */
static bool is_heading(struct wh_span s, bool *sites)
{
	s = wh_scan_trim(s);
	if (wh_scan_skip(&s, "#"))
		wh_scan_blanks(&s);
	if (wh_scan_skip(&s, "Memory"))
		wh_scan_blanks(&s);
	*sites = wh_scan_has(s, "Call Site") && wh_span_size(wh_scan_trim(s)) == strlen("Call Site");
	return *sites || wh_scan_has(s, "ChildEBP") || wh_scan_has(s, "Child-SP") || wh_scan_has(s, "Child-FP") ||
	       (wh_scan_has(s, "RetAddr") && (wh_scan_find(s, ": Args to Child") || wh_scan_find(s, "Call Site")));
}

/* `.  0  Id: 1a2c.3f8 Suspend: 1 Teb: 7ffdf000 Unfrozen`: a thread of the list. */
static bool thread_line(struct wh_span s, char *mark, struct wh_span *thread)
{
	s = wh_scan_trim(s);
	*mark = s.p < s.end && (*s.p == '.' || *s.p == '#') ? *s.p : 0;
	s.p += *mark != 0;
	wh_scan_blanks(&s);
	if (!skip_digits(&s))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "Id: "))
		return false;
	*thread = wh_scan_until(s, " ");
	const char *dot = wh_span_size(*thread) ? memchr(thread->p, '.', wh_span_size(*thread)) : NULL;
	if (!dot || !wh_scan_find(s, "Teb: "))
		return false;
	thread->p = dot + 1;
	return true;
}

/*
 * The frame that begins with line, with those lines that it goes on in, taken off text: arguments that kP prints one a line, and
 * what a console cut at its width. whole: where they are put together; the frame may point into it.
 */
static bool read_frame(const struct report *r, struct wh_span line, struct wh_span *text, char whole[static JOIN_BYTES],
		       struct wh_cdb_frame *frame)
{
	bool found = wh_cdb_frame_read(line, frame);
	size_t n = wh_span_size(line), width = n;
	struct wh_span ahead = *text, next;
	if (n > JOIN_BYTES || (!found && !wh_cdb_frame_begins(line)))
		return found;
	for (int i = 0; i < JOIN_LINES && ((found && frame->open) || (r->wrap && width == r->wrap)); i++) {
		if (!wh_scan_line(&ahead, &next) || next.p == next.end || is_notice(next) || wh_cdb_frame_begins(next) ||
		    wh_span_size(next) > JOIN_BYTES - n)
			break;
		if (n == wh_span_size(line))
			memcpy(whole, line.p, n);
		width = wh_span_size(next);
		memcpy(whole + n, next.p, width);
		n += width;
		*text = ahead;
		found = wh_cdb_frame_read((struct wh_span){ whole, whole + n }, frame);
	}
	return found;
}

/* ---- stacks ---- */

static void close_section(struct report *r, const char *end)
{
	if (!r->open.begin)
		return;
	r->open.end = end;
	if (r->open.rank > r->best.rank)
		r->best = r->open;
	r->open = (struct section){ 0 };
}

static void open_section(struct report *r, const char *at, bool sites)
{
	enum rank rank = r->next ? r->next : r->context ? RANK_CONTEXT : r->moved ? RANK_OTHER : RANK_STOPPED;
	r->open = (struct section){ .begin = at, .rank = rank, .thread = r->heading, .sites = sites };
	r->next = RANK_NONE;
	r->heading = (struct wh_span){ 0 };
	if (!r->begin)
		r->begin = at;
}

static const char *copy(struct wh_stack_builder *b, struct wh_span s)
{
	return wh_span_size(s) ? wh_stack_builder_copy(b, s.p, wh_span_size(s)) : NULL;
}

static void add_frames(struct report *r, struct wh_stack_builder *b)
{
	struct wh_span text = { r->best.begin, r->best.end }, line;
	char whole[JOIN_BYTES];
	uint64_t address = 0;
	bool has_address = false;
	while (!b->failed && b->stack.n_frames < WH_STACK_MOST_FRAMES && wh_scan_line(&text, &line)) {
		struct wh_cdb_frame said;
		wh_scan_skip(&line, frame_field);
		if (is_notice(line) || !(r->best.sites ? wh_cdb_site_read(line, &said) : read_frame(r, line, &text, whole, &said)))
			continue;
		/* the pseudo stack that !analyze makes up where it found none */
		if (wh_span_size(said.text.module) == 7 && wh_scan_has(said.text.module, "unknown"))
			continue;
		if (!said.inlined && !said.text.has_address) {
			said.text.address = address;
			said.text.has_address = has_address;
		}
		struct wh_frame *frame = wh_frame_text_add(&said.text, b);
		if (frame)
			frame->inlined = said.inlined;
		if (!said.inlined) {
			address = said.returns;
			has_address = said.has_returns && said.returns;
		}
	}
}

/* ---- reports ---- */

static struct wh_span base_name(struct wh_span s)
{
	for (const char *p = s.end; p > s.p; p--)
		if (p[-1] == '\\' || p[-1] == '/')
			return (struct wh_span){ p, s.end };
	return s;
}

/* `"C:\Program Files\a.exe" -x`, `a.exe -x` */
static struct wh_span program_of(struct wh_span command)
{
	command = wh_scan_trim(command);
	bool quoted = wh_scan_skip(&command, "\"");
	return base_name(wh_scan_until(command, quoted ? "\"" : " "));
}

/* `Windows 10 Version 14393 MP (4 procs) Free x64` */
static void set_platform(struct wh_stack_builder *b, struct wh_span system)
{
	static const struct {
		const char *word, *platform;
	} machines[] = {
		{ " x64", "windows-x86_64" }, { " x86", "windows-x86" }, { " ARM 64", "windows-arm64" }, { " ARM64", "windows-arm64" },
		{ " ARM", "windows-arm" },
	};
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (wh_scan_find(system, machines[i].word)) {
			wh_stack_builder_attribute(b, "platform", machines[i].platform, strlen(machines[i].platform));
			return;
		}
}

/* What codes are called, where the log does not say. */
static struct wh_span name_of_code(struct wh_span code)
{
	static const struct {
		const char *code, *name;
	} names[] = {
		{ "c0000005", "Access violation" },        { "c0000374", "Heap corruption" },
		{ "c0000409", "Security check failure or stack buffer overrun" }, { "c00000fd", "Stack overflow" },
		{ "c0000094", "Integer divide-by-zero" },  { "c000001d", "Illegal instruction" },
		{ "80000003", "Break instruction exception" }, { "e06d7363", "C++ EH exception" },
		{ "c0000420", "Assertion failure" },       { "c0000602", "Fail-fast exception" },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (wh_span_size(code) == 8 && wh_scan_has(code, names[i].code))
			return (struct wh_span){ names[i].name, names[i].name + strlen(names[i].name) };
	return (struct wh_span){ 0 };
}

/* Hands the report over, which ends at end. */
static int finish(struct report *r, const char *end, struct wh_err *err)
{
	struct wh_reader *reader = r->reader;
	struct wh_stack_builder b;
	struct wh_cdb_frame place;
	close_section(r, end);
	struct report done = *r;
	*r = (struct report){ .reader = reader, .wrap = done.wrap };
	if (!done.best.begin && !done.evidence)
		return WH_OK;
	wh_stack_builder_init(&b, reader->arena);
	if (done.best.begin)
		add_frames(&done, &b);
	if (!b.stack.n_frames && wh_cdb_site_read(done.place, &place))
		wh_frame_text_add(&place.text, &b);
	struct wh_span reason = wh_span_size(done.bugcheck) ? done.bugcheck : done.reason;
	if (!wh_span_size(reason))
		reason = name_of_code(done.code);
	wh_stack_message(&b, "app", wh_span_size(done.app) ? done.app : program_of(done.command));
	wh_stack_message(&b, "reason", wh_span_size(reason) ? reason : done.event);
	wh_stack_message(&b, "code", done.code);
	wh_stack_message(&b, "access", done.access);
	wh_stack_message(&b, "address", done.address);
	wh_stack_message(&b, "bucket", done.bucket);
	wh_stack_message(&b, "symbol", done.symbol);
	wh_stack_message(&b, "severity", done.severity);
	set_platform(&b, done.system);
	b.observation.has_time = wh_clock_asctime(done.time, &b.observation.time_ns);
	b.stack.thread = copy(&b, wh_span_size(done.best.thread) ? done.best.thread : done.thread);
	return wh_stack_emit(reader, &b, done.best.begin ? done.best.begin : done.begin, end, err);
}

/* The value behind `NAME:` at the beginning of s. */
static bool field(struct wh_span s, const char *name, struct wh_span *value)
{
	if (!wh_scan_skip(&s, name))
		return false;
	*value = wh_scan_trim(s);
	return true;
}

/* `(1a2c.3f8): Access violation - code c0000005 (first chance)`, `Last event: 1a2c.3f8: …` */
static bool event_line(struct report *r, struct wh_span s)
{
	uint64_t process, thread;
	struct wh_span at = s, id, code;
	bool last = wh_scan_skip(&at, "Last event: ");
	if (!last && !wh_scan_skip(&at, "("))
		return false;
	if (!wh_scan_digits16(&at, &process) || !wh_scan_skip(&at, "."))
		return false;
	id = at;
	if (!wh_scan_digits16(&at, &thread))
		return false;
	id.end = at.p;
	if (!wh_scan_skip(&at, last ? ": " : "): ") || !wh_scan_after(at, " - code ", &code))
		return false;
	r->event = (struct wh_span){ at.p, code.p - strlen(" - code ") };
	if (wh_scan_has(r->event, "Unknown exception"))
		r->event.end = r->event.p;
	r->code = wh_scan_until(code, " ");
	if (!wh_span_size(r->event))
		r->event = name_of_code(r->code);
	r->reason = (struct wh_span){ 0 };
	r->thread = id;
	r->evidence |= last || wh_scan_find(code, "second chance") || wh_scan_find(code, "not available");
	return true;
}

/* `KMODE_EXCEPTION_NOT_HANDLED (1e)`: below `Bugcheck Analysis`. */
static bool bugcheck_line(struct report *r, struct wh_span s)
{
	const char *open = wh_scan_find(s, " (");
	uint64_t code;
	if (!open || open - s.p < 6 || wh_span_size(s) > 100 || s.end[-1] != ')')
		return false;
	for (const char *p = s.p; p < open; p++)
		if (!(*p >= 'A' && *p <= 'Z') && !wh_is_digit(*p) && *p != '_')
			return false;
	struct wh_span digits = { open + 2, s.end - 1 };
	if (!wh_scan_digits16(&digits, &code) || digits.p + 1 != s.end)
		return false;
	r->bugcheck = (struct wh_span){ s.p, open };
	r->evidence = true;
	return true;
}

static void exception_line(struct report *r, struct wh_span s)
{
	struct wh_span value;
	if (field(s, "ExceptionAddress: ", &value)) {
		const char *open = wh_scan_find(value, " (");
		struct wh_span place = { open ? open + 2 : value.end, value.end };
		if (wh_span_size(place) && place.end[-1] == ')')
			place.end--;
		r->place = place;
		r->evidence = true;
	} else if (field(s, "ExceptionCode: ", &value) && !wh_span_size(r->reason)) {
		struct wh_span code = wh_scan_until(value, " ");
		const char *open = wh_scan_find(value, " (");
		r->code = code;
		if (open && value.end[-1] == ')')
			r->reason = (struct wh_span){ open + 2, value.end - 1 };
		else
			r->reason = name_of_code(code);
		r->evidence = true;
	} else if (field(s, "Attempt to ", &value)) {
		static const char *const words[][2] = { { "read from address ", "READ" }, { "write to address ", "WRITE" },
							{ "execute non-executable address ", "EXEC" } };
		for (size_t i = 0; i < 3; i++)
			if (wh_scan_skip(&value, words[i][0])) {
				r->access = (struct wh_span){ words[i][1], words[i][1] + strlen(words[i][1]) };
				r->address = wh_scan_until(value, " ");
			}
	}
}

/* What !analyze, !exploitable and the debugger's banner say. */
static void value_line(struct report *r, struct wh_span s)
{
	static const struct {
		const char *name;
		size_t at;
		bool first; /* the first one said stays */
	} fields[] = {
		{ "PROCESS_NAME:", offsetof(struct report, app), true },
		{ "CommandLine:", offsetof(struct report, command), true },
		{ "FAILURE_BUCKET_ID:", offsetof(struct report, bucket), true },
		{ "SYMBOL_NAME:", offsetof(struct report, symbol), true },
		{ "FAULTING_THREAD:", offsetof(struct report, thread), false },
		{ "Debug session time:", offsetof(struct report, time), true },
		{ "Exploitability Classification:", offsetof(struct report, severity), true },
		{ "CLASSIFICATION:", offsetof(struct report, severity), true },
		{ "EXCEPTION_FAULTING_ADDRESS:", offsetof(struct report, address), true },
		{ "EXCEPTION_SUBTYPE:", offsetof(struct report, access), true },
		{ "EXCEPTION_TYPE:", offsetof(struct report, event), true },
	};
	struct wh_span value;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct wh_span *at = (struct wh_span *)((char *)r + fields[i].at);
		if (*s.p == *fields[i].name && field(s, fields[i].name, &value) && !(fields[i].first && wh_span_size(*at)))
			*at = value;
	}
	if (*s.p == 'A' || wh_scan_has(s, "Exception")) {
		exception_line(r, s);
	} else if (*s.p == 'W' && wh_scan_has(s, "Windows ") && (wh_scan_find(s, " procs) ") || wh_scan_find(s, " UP "))) {
		r->system = s;
	} else if (*s.p >= 'A' && *s.p <= 'Z') {
		bugcheck_line(r, s);
	}
	struct wh_span *thread = &r->thread; /* 0000000000000c04, as others have it: c04 */
	while (wh_span_size(*thread) > 1 && *thread->p == '0')
		thread->p++;
}

static void command_line(struct report *r, struct wh_span command, struct wh_span prompt)
{
	if (!r->first_prompt.p)
		r->first_prompt = prompt;
	r->moved = wh_span_size(prompt) != wh_span_size(r->first_prompt) || memcmp(prompt.p, r->first_prompt.p, wh_span_size(prompt));
	r->next = RANK_NONE;
	r->heading = (struct wh_span){ 0 };
	if (wh_scan_find(command, ".ecxr") || wh_scan_find(command, ".cxr "))
		r->context = true;
	else if (wh_scan_find(command, "!analyze") || wh_scan_has(command, "g"))
		r->context = false;
	if (wh_scan_has(command, "~#"))
		r->next = RANK_ORIGIN;
	else if (wh_scan_has(command, "~."))
		r->next = RANK_CURRENT;
	else if (wh_scan_has(command, "~") && command.p + 1 < command.end)
		r->next = RANK_OTHER;
}

/* A debugger that starts: what was before is another report. */
static bool is_banner(struct wh_span s)
{
	return wh_scan_has(s, "Microsoft (R) Windows Debugger") || wh_scan_has(s, "Loading Dump File [");
}

static int other_line(struct report *r, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct wh_span s = wh_scan_trim(line), prompt, rest;
	bool sites;
	char mark;
	if (s.p == s.end)
		return WH_OK;
	if (is_banner(s)) {
		if (r->best.begin || r->evidence)
			WH_TRY(finish(r, line.p, err));
		r->begin = r->begin ? r->begin : line.p;
	} else if (take_prompt(&s, &prompt)) {
		command_line(r, s, prompt);
	} else if (wh_scan_has(s, "STACK_TEXT:")) {
		r->next = RANK_ANALYZE;
	} else if (wh_scan_has(s, "*** Stack trace for last set context")) {
		r->next = RANK_CONTEXT;
	} else if (wh_scan_skip(&s, frame_field)) { /* !exploitable -m: the frames one after the other */
		if (!r->best.begin && !r->open.begin) {
			open_section(r, s.p, true);
			while (rest = *text, wh_scan_line(&rest, &line) && wh_scan_has(line, frame_field))
				*text = rest;
			close_section(r, text->p);
		}
	} else if (is_heading(s, &sites)) {
		if (sites)
			open_section(r, text->p, true);
	} else if (thread_line(line, &mark, &rest)) {
		r->heading = rest;
		r->next = mark == '#' ? RANK_ORIGIN : mark == '.' ? RANK_CURRENT : RANK_OTHER;
	} else if (!event_line(r, s)) {
		value_line(r, s);
	}
	if (!r->begin && r->evidence)
		r->begin = line.p;
	return WH_OK;
}

static int read_line(struct report *r, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct wh_cdb_frame frame;
	struct wh_span rest = *text, s = line;
	char whole[JOIN_BYTES];
	if (r->open.begin) {
		if (is_notice(line))
			return WH_OK;
		if (r->open.sites ? wh_cdb_site_read(line, &frame) : read_frame(r, line, &rest, whole, &frame)) {
			*text = rest;
			return WH_OK;
		}
		close_section(r, line.p);
	} else if (line.p < line.end && !is_notice(line)) {
		wh_scan_skip(&s, "STACK_TEXT:");
		if (read_frame(r, s, &rest, whole, &frame)) {
			if (s.p != line.p)
				r->next = RANK_ANALYZE;
			open_section(r, s.p, false);
			*text = rest;
			return WH_OK;
		}
	}
	return other_line(r, line, text, err);
}

/* The width at which a console cut the lines: as that of the longest one, if it is one that consoles have. */
static size_t wrap_width(struct wh_span text)
{
	enum { LOOKED_AT = 1 << 20 };
	struct wh_span line;
	size_t widest = 0;
	if (wh_span_size(text) > LOOKED_AT)
		text.end = text.p + LOOKED_AT;
	while (wh_scan_line(&text, &line))
		if (wh_span_size(line) > widest)
			widest = wh_span_size(line);
	return widest == 79 || widest == 80 || widest == 119 || widest == 120 ? widest : 0;
}

static int read_text(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span text = { reader->text, reader->text + reader->size }, line;
	struct report r = { .reader = reader, .wrap = wrap_width(text) };
	while (wh_scan_line(&text, &line))
		WH_TRY(read_line(&r, line, &text, err));
	return finish(&r, text.end, err);
}

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = {
		"STACK_TEXT:", "ChildEBP", "Child-SP", "RetAddr", "ExceptionAddress:", "FAULTING_IP:", "STACK_FRAME:",
		"Windows Debugger Version",
	};
	struct wh_span all = { text, text + size }, line;
	struct wh_cdb_frame frame;
	size_t frames = 0, headed = 0;
	bool heading = false, said = false, exploitable = false, sites;
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line) && headed < 3) {
		struct wh_span s = wh_scan_trim(line);
		if (s.p == s.end)
			continue;
		if (wh_scan_has(s, "STACK_TEXT:") || is_heading(s, &sites)) {
			heading = true;
		} else if (wh_cdb_frame_read(s, &frame)) {
			frames += wh_span_size(frame.text.module) > 0;
			headed += heading;
		} else {
			exploitable |= wh_scan_has(s, "MAJOR_HASH:") || wh_scan_has(s, "EXCEPTION_FAULTING_ADDRESS:");
			headed += exploitable && wh_scan_skip(&s, frame_field) && wh_cdb_site_read(s, &frame);
			said |= wh_scan_has(s, "ExceptionAddress: ") || wh_scan_has(s, "FAULTING_IP:") || is_banner(s);
		}
	}
	if (headed)
		return headed >= 3 ? 95 : 85;
	/* a log may list many modules before its stack: then it is known by what it begins with */
	struct wh_span first = wh_scan_trim((struct wh_span){ text, text + (size < 64 ? size : 64) });
	wh_scan_skip(&first, "\n");
	return is_banner(first) ? 75 : frames && said ? 65 : said ? 45 : 0;
}

const struct wh_format wh_format_cdb = {
	.name = "cdb",
	.summary = "logs of Windows' debuggers (cdb, WinDbg, kd): k and its kin, !analyze -v, !exploitable",
	.reference = "Debugging Tools for Windows: k, kb, kc, kd, kp, kP, kv (Display Stack Backtrace), !analyze, .exr, ~ (Thread Status)",
	.detect = detect,
	.read = read_text,
};
