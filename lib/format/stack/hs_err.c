/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HotSpot's fatal error logs (hs_err_pid1234.log) of Java 6 to 24, and the summary of them that the JVM prints. The stack is `Native
 * frames`, in which those of Java stand where they were called; where it has none (Windows, frames without pointers), `Java frames` follow
 * it. The summary has the problematic frame alone.
 */
#include <string.h>

#include "format/stack/clock.h"
#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/report.h"

struct report {
	struct wh_reader *reader;
	const char *begin; /* NULL: none is open */
	struct wh_stack_builder b;
	struct wh_span problem; /* the problematic frame's line */
	struct wh_span reason, message, location, address, code, thread, app, command, jre, vm, time, compiling;
	const char *access; /* or NULL */
	enum { OUTSIDE, NATIVE, JAVA } part;
	size_t native, java; /* frames read of each; java ones within the native ones count as those */
	bool mixed;          /* the native ones have Java's among them */
	bool awaits_problem, awaits_compiling;
	bool titled, detailed; /* the log itself was there, not only its summary */
};

/* ---- frames ---- */

/* `java.base@17.0.15` at the beginning of s, behind blanks. */
static void take_java_module(struct wh_span s, struct wh_frame_text *frame)
{
	wh_scan_blanks(&s);
	struct wh_span word = wh_scan_until(s, " ");
	const char *at = wh_span_size(word) ? memchr(word.p, '@', wh_span_size(word)) : NULL;
	if (!at || at == word.p)
		return;
	frame->module = (struct wh_span){ word.p, at };
	frame->version = (struct wh_span){ at + 1, word.end };
}

/* `java.lang.Thread.run()V+11 java.base@17.0.15`, `pkg.C.m(I)V java.base@17 (6 bytes) @ 0x0000… [0x0000…+0x24]`: a method with its
 * signature; the number behind + counts bytecodes. */
static bool method(struct wh_span s, struct wh_frame_text *frame)
{
	const char *open = wh_span_size(s) ? memchr(s.p, '(', wh_span_size(s)) : NULL, *close;
	struct wh_span pc;
	if (!open || open == s.p || memchr(s.p, ' ', (size_t)(open - s.p)) || !(close = memchr(open, ')', (size_t)(s.end - open))))
		return false;
	frame->function = (struct wh_span){ s.p, open };
	struct wh_span rest = { close, s.end };
	rest.p = wh_scan_until(rest, " ").end;
	take_java_module(rest, frame);
	if (wh_scan_after(rest, " @ ", &pc))
		frame->has_address = wh_scan_hex(&pc, &frame->address);
	return true;
}

/* `1234 c2 pkg.C.m(I)V …`, `1234% ! 4 …`: the number of the compilation, its marks and its compiler come first. */
static bool compiled(struct wh_span s, struct wh_frame_text *frame)
{
	for (int i = 0; i < 6; i++) {
		struct wh_span word = wh_scan_until(s, " ");
		if (memchr(word.p, '(', wh_span_size(word)) || memchr(word.p, '.', wh_span_size(word)))
			break;
		s.p = word.end;
		wh_scan_blanks(&s);
		if (s.p == s.end)
			return false;
	}
	return method(s, frame);
}

/* `[libjvm.so+0x8282d2]  JavaCalls::call_helper(JavaValue*)+0x302  (javaCalls.cpp:421)`, `0x00007f23e5f87f14` */
static bool native(struct wh_span s, struct wh_frame_text *frame)
{
	struct wh_span pc = s;
	if (wh_scan_hex(&pc, &frame->address)) {
		frame->has_address = true;
		return true;
	}
	const char *close = wh_scan_has(s, "[") ? memchr(s.p, ']', wh_span_size(s)) : NULL;
	if (!close)
		return false;
	struct wh_span module = { s.p + 1, close }, name = wh_scan_trim((struct wh_span){ close + 1, s.end });
	const char *plus = wh_scan_last(module, "+0x");
	struct wh_span offset = { plus ? plus + 1 : module.end, module.end };
	frame->has_offset = plus && wh_scan_hex(&offset, &frame->offset);
	frame->module = (struct wh_span){ module.p, plus ? plus : module.end };
	const char *open = wh_last_parenthesis(name);
	if (open && open - name.p > 2 && open[-1] == ' ' && open[-2] == ' ') {
		wh_location_split((struct wh_span){ open + 1, name.end - 1 }, &frame->file, &frame->line);
		name = wh_scan_trim((struct wh_span){ name.p, open });
	}
	if (!wh_span_size(name))
		return true;
	plus = wh_scan_last(name, "+0x");
	offset = (struct wh_span){ plus ? plus + 1 : name.end, name.end };
	frame->offset = 0;
	frame->has_offset = plus && wh_scan_hex(&offset, &frame->offset) && offset.p == name.end;
	frame->function = (struct wh_span){ name.p, frame->has_offset ? plus : name.end };
	return true;
}

/* A frame by its kind's letter: C and V native, j interpreted, J compiled, A compiled ahead of time, v a stub. */
static bool frame_line(struct wh_span line, struct wh_frame_text *frame, bool *java)
{
	struct wh_span s = wh_scan_trim(line);
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(s) < 4 || wh_span_size(s) > WH_FRAME_LINE_LONGEST || s.p[1] != ' ')
		return false;
	char kind = *s.p;
	s.p += 2;
	wh_scan_blanks(&s);
	*java = kind == 'j' || kind == 'J' || kind == 'A';
	switch (kind) {
	case 'C':
	case 'V':
		return native(s, frame);
	case 'j':
		return method(s, frame);
	case 'J':
	case 'A':
		return compiled(s, frame);
	case 'v':
		frame->function = wh_scan_until(s, " ");
		return wh_scan_has(s, "~");
	}
	return false;
}

static void take_frame(struct report *r, const struct wh_frame_text *frame, bool java)
{
	if (r->part == NATIVE) {
		r->native++;
		r->mixed |= java;
	} else if (r->mixed || (r->java++ == 0 && r->native && !java)) {
		return; /* they are among the native ones; or the native one on top that Java called is there twice */
	}
	wh_frame_text_add(frame, &r->b);
}

/* ---- what is said about it ---- */

/* `SIGSEGV (0xb) at pc=0x00007f50, pid=30016, tid=30039`, `Internal Error (os_linux.cpp:2643), pid=1, tid=2` */
static void title_line(struct report *r, struct wh_span s)
{
	struct wh_span rest;
	const char *open = wh_scan_find(s, " (");
	if (!open || !wh_scan_find(s, ", pid="))
		return;
	r->reason = (struct wh_span){ s.p, open };
	rest = (struct wh_span){ open + 2, s.end };
	if (!wh_scan_has(rest, "0x"))
		r->location = wh_scan_until(rest, ")");
	r->titled = true;
}

/* A line that begins with `#`: the title and what follows it. */
static void summary_line(struct report *r, struct wh_span s)
{
	struct wh_frame_text frame;
	bool java;
	s = wh_scan_trim(s);
	if (s.p == s.end) {
		return;
	} else if (r->awaits_problem) {
		r->awaits_problem = false;
		if (frame_line(s, &frame, &java))
			r->problem = s;
	} else if (wh_scan_has(s, "Problematic frame:")) {
		r->awaits_problem = true;
	} else if (wh_scan_skip(&s, "JRE version: ")) {
		r->jre = s;
	} else if (wh_scan_skip(&s, "Java VM: ")) {
		r->vm = s;
	} else if (!r->titled) {
		title_line(r, s);
		if (!r->titled && wh_scan_has(s, "Native memory allocation ("))
			r->message = s;
	} else if (!wh_span_size(r->message) && !wh_span_size(r->jre) && wh_span_size(r->location)) {
		r->message = s; /* of an internal error; `Error: ` and `fatal error: ` are part of it */
	}
}

/* `Current thread (0x00007f5098118e10):  JavaThread "worker" [_thread_in_native, id=30039, …` */
static void thread_line(struct report *r, struct wh_span s)
{
	struct wh_span rest, end;
	if (wh_scan_after(s, " \"", &rest) && (wh_scan_after(rest, "\" [", &end) || wh_scan_after(rest, "\"", &end))) {
		r->thread = rest;
		r->thread.end = memrchr(rest.p, '"', (size_t)(end.p - rest.p));
	}
}

/* The class or archive that a command line starts. */
static struct wh_span program_of(struct wh_span s)
{
	static const char *const with_value[] = { "-cp",	   "-classpath",    "--class-path", "-p",
						  "--module-path", "--add-modules", "--add-opens" };
	while (s = wh_scan_trim(s), s.p < s.end) {
		struct wh_span word = wh_scan_until(s, " ");
		s.p = word.end;
		if (*word.p != '-')
			return word;
		for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++)
			if (wh_span_size(word) == strlen(with_value[i]) && wh_scan_has(word, with_value[i])) {
				s = wh_scan_trim(s);
				s.p = wh_scan_until(s, " ").end;
			}
	}
	return (struct wh_span){ 0 };
}

static void value_line(struct report *r, struct wh_span s)
{
	struct wh_span rest = s;
	if (wh_scan_has(s, "Current thread ")) {
		thread_line(r, s);
	} else if (wh_scan_skip(&rest, "siginfo:") || wh_scan_skip(&rest, "siginfo ")) {
		if (wh_scan_after(rest, "si_addr", &s) && (wh_scan_skip(&s, ": ") || wh_scan_skip(&s, "=")))
			r->address = wh_scan_until(s, " ,");
		if (wh_scan_after(rest, "ing address ", &s)) { /* Windows: reading, writing */
			r->address = wh_scan_until(s, " ,");
			r->access = wh_scan_find(rest, "writing") ? "WRITE" : "READ";
		}
		if (wh_scan_after(rest, "si_code", &s) && wh_scan_after(s, "(", &rest))
			r->code = wh_scan_until(rest, ")");
	} else if (wh_scan_skip(&rest, "java_command: ")) {
		r->app = program_of(rest);
	} else if (wh_scan_skip(&rest, "Command Line: ")) {
		r->command = program_of(rest);
	} else if (wh_scan_skip(&rest, "Time: ") || wh_scan_skip(&rest, "time: ")) {
		if (!wh_span_size(r->time))
			r->time = rest;
	} else if (wh_scan_has(s, "Current CompileTask:")) {
		r->awaits_compiling = true;
	} else if (wh_scan_skip(&rest, "vm_info: ") && !wh_span_size(r->vm)) {
		r->vm = rest;
	}
}

/* `C2:   1234  567   4   java.lang.String::hashCode (49 bytes)` */
static void compiling_line(struct report *r, struct wh_span s)
{
	const char *colons = wh_scan_find(s, "::"), *first = colons;
	r->awaits_compiling = false;
	if (!colons)
		return;
	while (first > s.p && first[-1] != ' ')
		first--;
	r->compiling = wh_scan_until((struct wh_span){ first, s.end }, " ");
}

/* ---- reports ---- */

/* `…, g1 gc, linux-amd64)` */
static void set_platform(struct wh_stack_builder *b, struct wh_span vm)
{
	static const char *const names[][2] = {
		{ "linux-amd64", "linux-x86_64" },     { "linux-aarch64", "linux-arm64" },   { "linux-x86", "linux-x86" },
		{ "windows-amd64", "windows-x86_64" }, { "windows-aarch64", "windows-arm64" }, { "windows-x86", "windows-x86" },
		{ "bsd-amd64", "macos-x86_64" },       { "bsd-aarch64", "macos-arm64" },      { "linux-arm", "linux-arm" },
		{ "solaris-amd64", "solaris-x86_64" }, { "linux-ppc64le", "linux-ppc64" },   { "linux-riscv64", "linux-riscv64" },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (wh_scan_find(vm, names[i][0])) {
			wh_stack_builder_attribute(b, "platform", names[i][1], strlen(names[i][1]));
			return;
		}
}

/* `OpenJDK Runtime Environment (17.0.15+6) (build 17.0.15+6-Debian-1deb12u1)`: what is in the first parentheses, or the last word. */
static struct wh_span version_of(struct wh_span jre)
{
	const char *open = wh_scan_find(jre, " (");
	if (!open)
		return jre;
	struct wh_span inner = wh_scan_until((struct wh_span){ open + 2, jre.end }, ")");
	wh_scan_skip(&inner, "build ");
	return inner;
}

static struct wh_span base_name(struct wh_span s)
{
	const char *slash = wh_span_size(s) ? memrchr(s.p, '/', wh_span_size(s)) : NULL;
	return slash && slash + 1 < s.end ? (struct wh_span){ slash + 1, s.end } : s;
}

static int finish(struct report *r, const char *end, struct wh_err *err)
{
	struct report done = *r;
	struct wh_frame_text frame;
	bool java;
	*r = (struct report){ .reader = done.reader };
	if (!done.begin)
		return WH_OK;
	struct wh_stack_builder *b = &done.b;
	if (!b->stack.n_frames && frame_line(done.problem, &frame, &java))
		wh_frame_text_add(&frame, b);
	if (!done.titled && !b->stack.n_frames && !b->failed) {
		wh_arena_reset(done.reader->arena);
		return WH_OK;
	}
	wh_stack_message(b, "app", base_name(wh_span_size(done.app) ? done.app : done.command));
	wh_stack_message(b, "reason", done.reason);
	wh_stack_message(b, "message", done.message);
	wh_stack_message(b, "location", done.location);
	wh_stack_message(b, "code", done.code);
	wh_stack_message(b, "address", done.address);
	if (done.access)
		wh_stack_builder_attribute(b, "access", done.access, strlen(done.access));
	wh_stack_message(b, "compiling", done.compiling);
	wh_stack_message(b, "vm", version_of(done.jre));
	set_platform(b, done.vm);
	b->observation.has_time = wh_clock_asctime(done.time, &b->observation.time_ns);
	if (wh_span_size(done.thread))
		b->stack.thread = wh_stack_builder_copy(b, done.thread.p, wh_span_size(done.thread));
	return wh_stack_emit(done.reader, b, done.begin, end, err);
}

static bool is_title(struct wh_span s)
{
	return wh_scan_has(s, "# A fatal error has been detected by") || wh_scan_has(s, "# An unexpected error has been detected by") ||
	       wh_scan_has(s, "# There is insufficient memory for the Java Runtime Environment");
}

static int begin(struct report *r, const char *at, struct wh_err *err)
{
	WH_TRY(finish(r, at, err));
	r->begin = at;
	wh_stack_builder_init(&r->b, r->reader->arena);
	return WH_OK;
}

static int read_line(struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_span s = wh_scan_trim(wh_log_line(line));
	struct wh_frame_text frame;
	bool java;
	if (s.p == s.end) {
		r->part = OUTSIDE;
		return WH_OK;
	}
	if (is_title(s))
		return begin(r, line.p, err);
	if (!r->begin) {
		if (!wh_scan_has(s, "---------------  T H R E A D  ---") && !wh_scan_has(s, "Native frames: (J="))
			return WH_OK;
		WH_TRY(begin(r, line.p, err)); /* its top was cut off */
	}
	if (*s.p == '#') {
		s.p++;
		summary_line(r, s);
	} else if (wh_scan_has(s, "Native frames: (")) {
		r->part = r->native ? OUTSIDE : NATIVE;
	} else if (wh_scan_has(s, "Java frames: (")) {
		r->part = r->java ? OUTSIDE : JAVA;
	} else if (r->part != OUTSIDE && frame_line(s, &frame, &java)) {
		take_frame(r, &frame, java);
	} else if (r->part == OUTSIDE && r->awaits_compiling) {
		compiling_line(r, s);
	} else if (r->part == OUTSIDE) {
		value_line(r, s);
	}
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
	static const char *const parts[] = { "Native frames: (", "# Java VM: ", "# JRE version: ", "Java Runtime Environment" };
	struct wh_span all = { text, text + size }, line;
	struct wh_frame_text frame;
	bool title = false, vm = false, stack = false, java, frames = false;
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line) && !(title && vm)) {
		struct wh_span s = wh_scan_trim(wh_log_line(line));
		title |= is_title(s);
		vm |= title && (wh_scan_has(s, "# Java VM: ") || wh_scan_has(s, "# JRE version: "));
		stack |= wh_scan_has(s, "Native frames: (") || wh_scan_has(s, "Java frames: (");
		frames |= stack && wh_span_size(s) && frame_line(s, &frame, &java);
	}
	return title && vm ? 97 : frames ? 88 : title ? 60 : 0;
}

const struct wh_format wh_format_hs_err = {
	.name = "hs_err",
	.summary = "fatal error logs of Java's virtual machine (hs_err_pid….log), and their summary",
	.reference = "OpenJDK: src/hotspot/share/utilities/vmError.cpp, src/hotspot/share/runtime/frame.cpp (print_on_error)",
	.detect = detect,
	.read = read_text,
};
