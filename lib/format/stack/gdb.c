/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gdb prints about a crash, from a bare `bt` to `thread apply all bt full` within a session, a KDE or apport report.
 *
 * One pass over the lines keeps of each report only its best stack so far: where it lies in the text and why it should be the
 * one of the crash. The frames of that one are read when the report ends. So memory does not depend on the number of threads.
 */
#include <string.h>

#include "format/format.h"
#include "format/scan.h"
#include "format/stack/gdb_stack.h"
#include "format/stack/list.h"
#include "format/stack/report.h"
#include "observation/stack.h"

/* A thread as gdb names it: `Thread 3 (Thread 0x7f… (LWP 123) "name")`; what was not said is 0 or empty. */
struct thread {
	uint64_t number, pointer, lwp;
	struct wh_span name;
	bool known;
};

/* Why a stack is the crash's; the highest wins, among equals the first printed. */
enum rank {
	RANK_NONE,
	RANK_ECHO,     /* one frame that a session shows by itself */
	RANK_ANY,      /* printed */
	RANK_FIRST,    /* thread 1: of a core the one that died, else the main thread */
	RANK_ABORT,    /* abort and the like on top */
	RANK_SELECTED, /* the debugger was on this thread; but nobody says that it stopped because of a signal */
	RANK_HANDLER,  /* runs a signal handler */
	RANK_PLACE,    /* its top is where the signal was reported */
	RANK_BARE,     /* `bt` without a thread: the current one */
	RANK_SIGNAL,   /* received the signal */
	RANK_KCRASH,   /* runs KDE's crash handler */
};

struct section {
	struct wh_gdb_stack text;
	struct thread thread; /* known: it has a heading */
	struct wh_gdb_frame top;
	size_t frames;
	bool handler, kcrash, aborted;
	enum rank rank;
};

struct report {
	struct wh_reader *reader;
	struct section open, best; /* text.begin NULL: none */
	struct thread heading;     /* of the stack to come */
	struct thread current;
	struct wh_gdb_frame place; /* where the signal was reported */
	struct wh_span app, reason, address, version;
	bool evidence; /* somebody said that there was a crash */
	bool signal, core, apport, bare, kcrash;
	int awaits_place; /* lines left in which the place of the signal may be shown */
};

/* ---- words of a session ---- */

static struct wh_span until(struct wh_span s, const char *stop)
{
	const char *at = wh_scan_find(s, stop);
	return (struct wh_span){ s.p, at ? at : s.end };
}

static struct wh_span base_name(struct wh_span s)
{
	const char *slash = wh_span_size(s) ? memrchr(s.p, '/', wh_span_size(s)) : NULL;
	return slash && slash + 1 < s.end ? (struct wh_span){ slash + 1, s.end } : s;
}

static struct wh_span text_of(const char *text)
{
	return (struct wh_span){ text, text + strlen(text) };
}

/* Linux's numbers, for versions of gdb that print them, and the texts of strsignal where only these are printed. */
static const struct {
	const char *number, *name, *text;
} signals[] = {
	{ "4", "SIGILL", "Illegal instruction" },   { "5", "SIGTRAP", "Trace/breakpoint trap" },
	{ "6", "SIGABRT", "Aborted" },              { "7", "SIGBUS", "Bus error" },
	{ "8", "SIGFPE", "Floating point exception" }, { "8", "SIGFPE", "Arithmetic exception" },
	{ "11", "SIGSEGV", "Segmentation fault" },  { "31", "SIGSYS", "Bad system call" },
	{ "3", "SIGQUIT", "Quit" },                 { "9", "SIGKILL", "Killed" },
	{ "13", "SIGPIPE", "Broken pipe" },         { "15", "SIGTERM", "Terminated" },
};

/* A signal's name from `SIGSEGV, Segmentation fault.`, `11, Segmentation fault.`, `11` or `Segmentation fault`. */
static struct wh_span signal_name(struct wh_span s)
{
	struct wh_span word = wh_scan_trim(until(s, ","));
	while (word.p < word.end && word.end[-1] == '.')
		word.end--;
	size_t n = wh_span_size(word);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		if ((n == strlen(signals[i].number) && !memcmp(word.p, signals[i].number, n)) ||
		    (n >= strlen(signals[i].text) && wh_scan_has(word, signals[i].text)))
			return text_of(signals[i].name);
	return word;
}

/* `Thread 0x7f… (LWP 123)`, `LWP 123`, `process 123`, `Thread 19965`, with `"name"` anywhere behind. */
static void thread_details(struct wh_span s, struct thread *t)
{
	struct wh_span at;
	const char *p = wh_scan_find(s, "Thread 0x");
	if (p) {
		at = (struct wh_span){ p + 7, s.end };
		wh_scan_hex(&at, &t->pointer);
	}
	static const char *const words[] = { "LWP ", "process ", "Thread " };
	for (size_t i = 0; i < 3 && !t->lwp; i++)
		if ((p = wh_scan_find(s, words[i]))) {
			at = (struct wh_span){ p + strlen(words[i]), s.end };
			if (!wh_scan_has(at, "0x"))
				wh_scan_decimal(&at, &t->lwp);
		}
	if ((p = wh_scan_find(s, "\""))) {
		struct wh_span name = until((struct wh_span){ p + 1, s.end }, "\"");
		if (name.end < s.end)
			t->name = name;
	}
}

static bool same_thread(const struct thread *a, const struct thread *b)
{
	if (a->lwp && b->lwp)
		return a->lwp == b->lwp;
	if (a->pointer && b->pointer)
		return a->pointer == b->pointer;
	return a->number && a->number == b->number;
}

static bool same_place(const struct wh_gdb_frame *a, const struct wh_gdb_frame *b)
{
	if (a->has_address && b->has_address)
		return a->address == b->address;
	size_t n = wh_span_size(a->function);
	return n && n == wh_span_size(b->function) && !memcmp(a->function.p, b->function.p, n) && a->line == b->line;
}

/* ---- stacks ---- */

/* What says on top of a stack that the thread came to its end by itself. */
static bool is_abort(const struct wh_gdb_frame *frame)
{
	static const char *const names[] = { "raise",  "__GI_raise",  "*__GI_raise", ".raise", "abort", "__GI_abort",
					     "*__GI_abort", ".abort", "gsignal", "__pthread_kill_implementation", "__assert_fail" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (wh_span_size(frame->function) == strlen(names[i]) && wh_scan_has(frame->function, names[i]))
			return true;
	return false;
}

static enum rank rank_of(struct report *r, const struct section *s)
{
	if (s->kcrash)
		return RANK_KCRASH;
	if (!s->thread.known && s->frames > 1 && !r->bare) {
		r->bare = true;
		return RANK_BARE;
	}
	if (!s->thread.known && s->frames == 1)
		return RANK_ECHO;
	if (s->thread.known && r->current.known && same_thread(&s->thread, &r->current))
		return r->signal ? RANK_SIGNAL : s->handler ? RANK_HANDLER : RANK_SELECTED;
	if (s->thread.known && same_place(&s->top, &r->place))
		return RANK_PLACE;
	if (s->handler)
		return RANK_HANDLER;
	if (s->aborted)
		return RANK_ABORT;
	return s->thread.number == 1 ? RANK_FIRST : RANK_ANY;
}

/* Ends the stack that is being passed, at `end`. */
static void close_section(struct report *r, const char *end)
{
	struct section *s = &r->open;
	if (!s->text.begin)
		return;
	s->text.end = end;
	s->rank = rank_of(r, s);
	if (s->rank == RANK_ECHO && !r->place.has_address && !r->place.function.p)
		r->place = s->top;
	if (s->rank > r->best.rank)
		r->best = *s;
	*s = (struct section){ 0 };
}

/* A line that begins with `#`, indent bytes into `line`. */
static void frame_line(struct report *r, struct wh_span line, struct wh_span s, size_t indent)
{
	struct section *open = &r->open;
	uint64_t number;
	size_t blanks;
	if (open->text.begin) {
		struct wh_span rest = s;
		if (wh_gdb_stack_continues(&open->text, &rest, indent, &number)) {
			open->text.last = number;
			open->frames++;
			if (wh_scan_has(rest, "<signal handler"))
				open->handler = true;
			if (open->thread.known && open->frames < 6 && !open->kcrash) {
				struct wh_gdb_frame frame;
				wh_gdb_frame_parse(rest, &frame);
				open->aborted |= is_abort(&frame);
				open->kcrash = frame.function.p && wh_scan_has(frame.function, "KCrash::");
			}
			return;
		}
	}
	struct wh_gdb_frame frame;
	if (!wh_gdb_frame_number(&s, &number, &blanks)) {
		return;
	}
	/* a stack may begin in the middle: KDE leaves its handler's frames out, and logs lose their heads */
	bool may_begin = !number || r->heading.known || r->kcrash || (!open->text.begin && !r->best.text.begin);
	if (!may_begin || !wh_gdb_stack_begins(s, blanks, number, &frame)) {
		if (number && open->text.begin && indent == open->text.indent)
			close_section(r, line.p); /* another tool's numbering */
		return;
	}
	close_section(r, line.p);
	*open = (struct section){
		.text = { .begin = line.p, .last = number, .indent = indent, .padded = number < 10 && blanks > 1 },
		.thread = r->heading,
		.top = frame,
		.frames = 1,
		.handler = frame.handler,
		.kcrash = r->kcrash,
		.aborted = is_abort(&frame),
	};
	r->heading = (struct thread){ 0 };
	r->kcrash = false;
	r->awaits_place = 0;
}

/* ---- reports ---- */

static void attribute(struct wh_stack_builder *b, const char *name, struct wh_span value)
{
	size_t n = wh_span_size(value);
	wh_stack_builder_attribute(b, name, value.p, n < 4096 ? n : 4096);
}

/* Ends the report before `end` and begins the next. */
static int finish(struct report *r, const char *end, struct wh_err *err)
{
	close_section(r, end);
	struct wh_reader *reader = r->reader;
	struct report done = *r;
	*r = (struct report){ .reader = reader };
	if (!done.evidence && !done.best.text.begin)
		return WH_OK;
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	if (done.best.text.begin) {
		wh_gdb_stack_add(done.best.text, &b);
	} else if (done.place.has_address || done.place.function.p) {
		/* no stack, but the debugger said where it was */
		wh_gdb_frame_add(&done.place, &b);
	}
	attribute(&b, "app", base_name(done.app));
	attribute(&b, "version", done.version);
	attribute(&b, "reason", done.reason);
	attribute(&b, "address", done.address);
	const struct thread *thread = done.best.thread.known ? &done.best.thread : &done.current;
	if (thread->name.p < thread->name.end)
		b.stack.thread = wh_stack_builder_copy(&b, thread->name.p, wh_span_size(thread->name) < 4096 ? wh_span_size(thread->name) : 4096);
	else if (thread->number)
		b.stack.thread = wh_arena_printf(b.arena, "%llu", (unsigned long long)thread->number);
	else if (thread->lwp && done.best.thread.known)
		b.stack.thread = wh_arena_printf(b.arena, "%llu", (unsigned long long)thread->lwp);
	return wh_stack_emit(reader, &b, done.best.text.begin ? done.best.text.begin : end, end, err);
}

/* Something that a report begins with: what was said before it without any stack belongs to it. */
static int boundary(struct report *r, const char *line, struct wh_err *err)
{
	close_section(r, line);
	return r->best.text.begin ? finish(r, line, err) : WH_OK;
}

static void set_signal(struct report *r, struct wh_span s)
{
	r->reason = signal_name(s);
	r->evidence = r->signal = true;
	r->awaits_place = 4;
	r->place = (struct wh_gdb_frame){ 0 };
}

/* `Thread 3 (…):` is a heading, `Thread 3 "name" received signal …` the crash. */
static int thread_line(struct report *r, struct wh_span line, struct wh_span s, struct wh_err *err)
{
	struct thread t = { .known = true };
	struct wh_span at = s;
	at.p += strlen("Thread ");
	if (!wh_scan_decimal(&at, &t.number))
		return WH_OK;
	if (at.p < at.end && *at.p == '.') { /* inferior.thread */
		at.p++;
		if (!wh_scan_decimal(&at, &t.number))
			return WH_OK;
	}
	const char *received = wh_scan_find(at, " received signal ");
	thread_details(at, &t);
	if (received) {
		WH_TRY(boundary(r, line.p, err));
		r->current = t;
		set_signal(r, (struct wh_span){ received + strlen(" received signal "), s.end });
	} else if (wh_scan_has(at, " (")) {
		close_section(r, line.p);
		r->heading = t;
	}
	return WH_OK;
}

static void application_line(struct report *r, struct wh_span s)
{
	/* Plasma (plasmashell), signal: Segmentation fault */
	const char *signal = wh_scan_find(s, ", signal: ");
	struct wh_span name = { s.p, signal ? signal : s.end };
	const char *open = memrchr(name.p, '(', wh_span_size(name));
	if (open && name.end[-1] == ')')
		name = (struct wh_span){ open + 1, name.end - 1 };
	r->app = name;
	if (signal) {
		r->reason = signal_name((struct wh_span){ signal + strlen(", signal: "), s.end });
		r->evidence = true;
	}
}

/* A line that begins with a letter or a sign of its own. */
static int word_line(struct report *r, struct wh_span line, struct wh_span s, struct wh_span ahead, struct wh_err *err)
{
	struct wh_span rest = s;
	uint64_t value;
	switch (*s.p) {
	case 'T':
		if (wh_scan_has(s, "Thread "))
			return thread_line(r, line, s, err);
		break;
	case 'S':
		if (wh_scan_skip(&rest, "Starting program: ")) {
			WH_TRY(boundary(r, line.p, err));
			r->app = until(rest, " ");
		} else if (r->apport && wh_scan_skip(&rest, "Signal: ")) {
			r->reason = signal_name(rest);
		}
		break;
	case 'P':
		if (wh_scan_skip(&rest, "Program received signal ")) {
			WH_TRY(boundary(r, line.p, err));
			set_signal(r, rest);
		} else if (wh_scan_skip(&rest, "Program terminated with signal ")) {
			/* of a core; but a live one says so too when it is let go on after its crash */
			bool ended = wh_scan_has(wh_gdb_strip(ahead), "The program no longer exists");
			if (!ended || !r->evidence) {
				WH_TRY(boundary(r, line.p, err));
				set_signal(r, rest);
			}
		} else if (wh_scan_has(s, "ProblemType: ")) {
			WH_TRY(finish(r, line.p, err));
			r->apport = true;
		} else if (r->apport && wh_scan_skip(&rest, "Package: ")) {
			struct wh_span name = until(rest, " ");
			r->version = wh_scan_trim(until((struct wh_span){ name.end, rest.end }, " ["));
		}
		break;
	case 'C':
		if (wh_scan_skip(&rest, "Core was generated by `")) {
			WH_TRY(boundary(r, line.p, err));
			rest = until(rest, "'.");
			r->app = until(until(rest, " "), "'");
			r->evidence = true;
		}
		break;
	case 'R':
		if (wh_scan_skip(&rest, "Reading symbols from ")) {
			WH_TRY(boundary(r, line.p, err));
			if (r->app.p == r->app.end) {
				r->app = until(rest, "...");
				r->app = until(r->app, "\033");
			}
		} else if (wh_scan_skip(&rest, "Reason: KERN_")) {
			const char *at = wh_scan_find(rest, "at address: 0x");
			if (at)
				r->address = wh_scan_trim((struct wh_span){ at + strlen("at address: "), rest.end });
		}
		break;
	case 'r':
		if (wh_scan_skip(&rest, "received signal ")) {
			WH_TRY(boundary(r, line.p, err));
			set_signal(r, rest);
		}
		break;
	case 'A':
		if (wh_scan_skip(&rest, "Application: ")) {
			WH_TRY(boundary(r, line.p, err));
			application_line(r, rest);
		}
		break;
	case 'E':
		if (r->apport && wh_scan_skip(&rest, "ExecutablePath: "))
			r->app = rest;
		break;
	case '[':
		if (wh_scan_skip(&rest, "[Current thread is ")) {
			r->current = (struct thread){ .known = true };
			wh_scan_decimal(&rest, &r->current.number);
			thread_details(rest, &r->current);
		} else if (wh_scan_skip(&rest, "[Switching to Thread ")) {
			r->current = (struct thread){ .known = true };
			thread_details((struct wh_span){ rest.p - strlen("Thread "), rest.end }, &r->current);
		} else if (wh_scan_skip(&rest, "[Switching to thread ")) {
			close_section(r, line.p); /* somebody is looking around */
			r->heading = (struct thread){ .known = true };
			wh_scan_decimal(&rest, &r->heading.number);
			thread_details(rest, &r->heading);
		} else if (wh_scan_has(s, "[KCrash Handler]") || wh_scan_has(s, "[KCrash handler]")) {
			close_section(r, line.p);
			r->kcrash = r->evidence = true;
		}
		break;
	case '*': /* info threads: the current one */
		rest.p++;
		wh_scan_blanks(&rest);
		if (wh_scan_decimal(&rest, &value) && !r->current.known) {
			wh_scan_blanks(&rest);
			if (wh_scan_has(rest, "Thread ") || wh_scan_has(rest, "LWP ") || wh_scan_has(rest, "process ")) {
				r->current = (struct thread){ .known = true, .number = value };
				thread_details(rest, &r->current);
			}
		}
		break;
	case '$':
	case 's': {
		const char *at = *s.p == 's' ? (wh_scan_has(s, "si_addr = 0x") ? s.p : NULL) : wh_scan_find(s, "si_addr = 0x");
		if (at && r->evidence) {
			rest.p = at + strlen("si_addr = ");
			r->address = (struct wh_span){ rest.p, rest.p };
			wh_scan_hex(&rest, &value);
			r->address.end = rest.p;
		}
		break;
	}
	}
	return WH_OK;
}

/* The line after the signal: `0x… in f (…) at x.c:3`, or without the address. */
static void place_line(struct report *r, struct wh_span s)
{
	struct wh_gdb_frame frame;
	r->awaits_place--;
	if (wh_gdb_frame_parse(s, &frame) == WH_GDB_NONE || (!frame.in && !(frame.arguments && frame.file.p)))
		return;
	r->place = frame;
	r->awaits_place = 0;
}

static int read_line(struct report *r, struct wh_span line, struct wh_span ahead, struct wh_err *err)
{
	struct wh_span s = line;
	if (s.p == s.end)
		return WH_OK;
	if (*s.p == ' ' || *s.p == '\t' || *s.p == '>' || *s.p == '|') {
		s = wh_gdb_strip(s); /* locals, mostly */
		if (s.p == s.end || (*s.p != '#' && *s.p != 'T' && *s.p != 'S' && *s.p != '[' && *s.p != 's' && *s.p != 'P'))
			return WH_OK;
	}
	while (*s.p == '(' && wh_scan_skip(&s, "(gdb) ")) {
		if (s.p == s.end)
			return WH_OK;
		if (*s.p != '#' && *s.p != '(')
			close_section(r, line.p);
	}
	if (*s.p == '#') {
		frame_line(r, line, s, (size_t)(s.p - line.p));
		return WH_OK;
	}
	WH_TRY(word_line(r, line, s, ahead, err));
	if (r->awaits_place)
		place_line(r, s);
	return WH_OK;
}

static int read_text(struct wh_reader *reader, struct wh_err *err)
{
	struct report r = { .reader = reader };
	struct wh_span text = { reader->text, reader->text + reader->size }, line;
	while (wh_scan_line(&text, &line))
		WH_TRY(read_line(&r, line, text, err));
	return finish(&r, text.end, err);
}

/* Whether what stands for a function is words, as in a list of changes (`#1  Migrate to GitHub (except …)`): names have blanks
 * only within brackets, and where C++ says what kind of function it is. */
static bool is_prose(struct wh_span name)
{
	size_t depth = 0;
	if (wh_scan_find(name, "operator") || wh_scan_find(name, "thunk to"))
		return false;
	for (; name.p < name.end; name.p++) {
		if (strchr("<([{", *name.p) && *name.p)
			depth++;
		else if (strchr(">)]}", *name.p) && *name.p && depth)
			depth--;
		else if (*name.p == ' ' && !depth)
			return true;
	}
	return false;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line;
	unsigned sure = 0, squeezed = 0, session = 0;
	while (wh_scan_line(&all, &line) && sure < 8) {
		struct wh_span s = wh_gdb_strip(line);
		uint64_t number;
		size_t blanks;
		struct wh_gdb_frame frame;
		while (wh_scan_skip(&s, "(gdb) "))
			;
		if (s.p == s.end)
			continue;
		if (*s.p == '#') {
			if (!wh_gdb_frame_number(&s, &number, &blanks) || !wh_gdb_stack_begins(s, blanks, number, &frame) ||
			    (!frame.has_address && is_prose(frame.function)))
				continue;
			if (number < 10 ? blanks == 2 : sure)
				sure++;
			else
				squeezed++;
		} else if (wh_scan_has(s, "Program received signal ") || wh_scan_has(s, "Program terminated with signal ") ||
			   wh_scan_has(s, "Core was generated by `") || wh_scan_has(s, "[Current thread is ") ||
			   wh_scan_has(s, "[KCrash Handler]")) {
			session++;
		} else if (wh_scan_has(s, "Thread ") && wh_scan_find(s, "\" received signal SIG")) {
			session++;
		}
	}
	if (sure)
		return sure >= 3 ? 85 + (session ? 7 : 0) : 75 + (session ? 10 : 0);
	if (session)
		return squeezed ? 70 : 45;
	return squeezed ? 40 : 0;
}

const struct wh_format wh_format_gdb = {
	.name = "gdb",
	.summary = "gdb backtraces, one or all threads, and sessions; KDE and apport reports",
	.reference = "gdb/stack.c (print_frame)",
	.detect = detect,
	.read = read_text,
};
