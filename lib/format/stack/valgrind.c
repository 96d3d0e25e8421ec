/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Valgrind's tools print: Memcheck, Helgrind, DRD. A paragraph of `==PID== ` lines that begins with what is wrong and has a
 * stack is a record; further stacks, of the block or the thread concerned, begin with a line that is indented by a blank or says
 * so. The fatal signal at the end is a record of its own.
 */
#include "format/stack/list.h"

#include <stdio.h>
#include <string.h>

#include "format/format.h"
#include "format/scan.h"
#include "format/stack/crash_type.h"
#include "format/stack/frame_line.h"
#include "format/stack/report.h"
#include "observation/stack.h"

struct report {
	struct wh_span title; /* p is NULL: no report is open */
	struct wh_span thread, command;
	struct wh_span address; /* the line that describes it */
	uint64_t pid;
	bool any_frame, closed, overflow;
	struct wh_stack_builder b;
};

/* Passes over everything up to `==12== `, or with --time-stamp=yes `==00:00:00:01.234 12== `; text is what follows, with the
 * blanks that say its rank. */
static bool read_prefix(struct wh_span line, uint64_t *pid, struct wh_span *text)
{
	struct wh_span s;
	while (wh_scan_after(line, "==", &s)) {
		line = s;
		struct wh_span stamp = wh_scan_until((struct wh_span){ s.p, wh_span_size(s) < 32 ? s.end : s.p + 32 }, " ");
		if (wh_scan_find(stamp, ":") && stamp.end < s.end && *stamp.end == ' ')
			s.p = stamp.end + 1;
		if (!wh_scan_decimal(&s, pid) || !wh_scan_skip(&s, "=="))
			continue;
		if (s.p < s.end && *s.p != ' ')
			return false;
		wh_scan_skip(&s, " ");
		*text = s;
		return true;
	}
	return false;
}

/* `f(int) (a.cc:3)`, `f (in /lib/x.so)`, `???` */
static void read_place(struct report *r, struct wh_frame *frame, struct wh_span s)
{
	s = wh_scan_trim(s);
	const char *open = wh_last_parenthesis(s);
	if (open && open > s.p && open[-1] == ' ') {
		struct wh_span inner = { open + 1, s.end - 1 };
		const char *colon = memrchr(inner.p, ':', wh_span_size(inner));
		struct wh_span digits = { colon ? colon + 1 : inner.end, inner.end };
		uint64_t line;
		if (wh_scan_skip(&inner, "in ")) {
			frame->module = wh_stack_builder_copy(&r->b, inner.p, wh_span_size(inner));
			s.end = open - 1;
		} else if (wh_scan_decimal(&digits, &line) && digits.p == digits.end && colon > inner.p) {
			frame->file = wh_stack_builder_copy(&r->b, inner.p, (size_t)(colon - inner.p));
			frame->line = line <= UINT32_MAX ? (uint32_t)line : 0;
			s.end = open - 1;
		}
	}
	s = wh_scan_trim(s);
	const char *plus = wh_span_size(s) ? memrchr(s.p, '+', wh_span_size(s)) : NULL;
	struct wh_span offset = { plus ? plus + 1 : s.end, s.end };
	uint64_t value;
	if (plus && plus > s.p && wh_scan_hex(&offset, &value) && offset.p == offset.end) { /* --sym-offsets=yes */
		frame->offset = value;
		frame->has_offset = true;
		s.end = plus;
	}
	if (wh_span_size(s) && !(wh_span_size(s) == 3 && wh_scan_has(s, "???")))
		frame->function = wh_stack_builder_copy(&r->b, s.p, wh_span_size(s));
}

/* `   at 0x1234: …`, `   by 0x1234: …` */
static bool read_frame(struct report *r, struct wh_span text)
{
	uint64_t address;
	bool first = wh_scan_skip(&text, "   at ");
	if (!first && !wh_scan_skip(&text, "   by "))
		return false;
	if (!wh_scan_hex(&text, &address) || !wh_scan_skip(&text, ": "))
		return false;
	if (first && r->any_frame)
		r->closed = true;
	if (!r->title.p || r->closed)
		return true;
	r->any_frame = true;
	struct wh_frame *frame = wh_stack_builder_frame(&r->b);
	if (!frame)
		return true;
	frame->address = address;
	frame->has_address = true;
	read_place(r, frame, text);
	if (r->b.stack.n_frames > 1) {
		struct wh_frame *inner = frame - 1;
		bool same_place = inner->line == frame->line && inner->function && frame->function &&
				  !strcmp(inner->function, frame->function);
		inner->inlined = inner->address == address && !same_place;
	}
	return true;
}

static void set(struct report *r, const char *name, struct wh_span value)
{
	wh_stack_message(&r->b, name, value);
}

static void set_text(struct report *r, const char *name, const char *value)
{
	wh_stack_builder_attribute(&r->b, name, value, strlen(value));
}

/* `read of size 4`: how memory was used. */
static const char *read_access(struct report *r, struct wh_span s)
{
	struct wh_span size;
	bool write = wh_scan_find(s, "write of size ") || wh_scan_find(s, "store by");
	uint64_t bytes;
	if (!wh_scan_after(s, " of size ", &size) && !wh_scan_after(s, " size ", &size))
		return NULL;
	if (!wh_scan_decimal(&size, &bytes))
		return NULL;
	char text[40];
	int n = snprintf(text, sizeof text, "%s %llu", write ? "WRITE" : "READ", (unsigned long long)bytes);
	wh_stack_builder_attribute(&r->b, "access", text, (size_t)n);
	return wh_stack_builder_copy(&r->b, text, (size_t)n);
}

/* The type that a sanitizer's report of the same bug would have. access: "READ 4" or NULL. */
static void set_type(struct report *r, const char *access)
{
	static const struct {
		const char *title, *type;
	} types[] = {
		{ "Conditional jump or move depends on uninit", "Use-of-uninitialized-value" },
		{ "Use of uninitialised value", "Use-of-uninitialized-value" },
		{ "Syscall param ", "Use-of-uninitialized-value" },
		{ "Mismatched free()", "Alloc-dealloc-mismatch" },
		{ "Source and destination overlap", "Memcpy-param-overlap" },
		{ "Possible data race", "Data race" },
		{ "Conflicting ", "Data race" },
		{ "Jump to the invalid address", "UNKNOWN" },
		{ "Argument 'size' of function", "Negative-size-param" },
	};
	struct wh_span t = r->title;
	bool freed = wh_scan_find(r->address, "free'd") && !wh_scan_find(r->address, "not stack'd");
	const char *type = NULL;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (wh_scan_has(t, types[i].title))
			type = types[i].type;
	if (wh_scan_has(t, "Invalid free()"))
		type = freed ? "Heap-double-free" : "Invalid-free";
	else if (wh_scan_find(t, " definitely lost "))
		type = "Direct-leak";
	else if (wh_scan_find(t, " indirectly lost ") || wh_scan_find(t, " possibly lost "))
		type = "Indirect-leak";
	else if (r->overflow || wh_scan_has(t, "Stack overflow in thread"))
		type = "Stack-overflow";
	else if (wh_scan_find(t, "lock order "))
		type = "Lock-order-inversion";
	else if (wh_scan_find(t, "(SIGABRT)"))
		type = "Abrt";
	else if (wh_scan_find(t, "(SIGFPE)"))
		type = "Floating-point-exception";
	else if (wh_scan_find(t, "(SIGILL)"))
		type = "Ill";
	else if (wh_scan_find(t, "(SIGSEGV)") || wh_scan_find(t, "(SIGBUS)"))
		type = "UNKNOWN";
	bool invalid = wh_scan_has(t, "Invalid read") || wh_scan_has(t, "Invalid write");
	if (invalid && freed)
		type = "Heap-use-after-free";
	else if (invalid && wh_scan_find(r->address, "a block of size"))
		type = "Heap-buffer-overflow";
	else if (invalid && wh_scan_find(r->address, "stack"))
		type = wh_scan_find(r->address, "not stack'd") ? "UNKNOWN" : "Stack-buffer-overflow";
	else if (invalid)
		type = "UNKNOWN";
	if (!type)
		return;
	struct wh_span at;
	uint64_t address = UINT64_MAX;
	if (wh_scan_after(r->address, "ddress ", &at))
		wh_scan_hex(&at, &address);
	bool unknown = !strcmp(type, "UNKNOWN");
	if (unknown && address < 4096)
		type = "Null-dereference";
	char text[96];
	int n;
	if (unknown && access) /* its size is not part of the type */
		n = snprintf(text, sizeof text, "%s %.*s", type, (int)strcspn(access, " "), access);
	else
		n = snprintf(text, sizeof text, access ? "%s\n%s" : "%s", type, access);
	r->b.stack.crash_type = wh_stack_builder_copy(&r->b, text, (size_t)n);
}

static void set_attributes(struct report *r, bool describe)
{
	struct wh_span t = r->title, rest;
	set_text(r, "sanitizer", "valgrind");
	static const char *const lost[] = { "definitely lost", "indirectly lost", "possibly lost", "still reachable" };
	struct wh_span reason = t;
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
		if (wh_scan_find(t, lost[i]) && wh_scan_find(t, " in loss record "))
			reason = (struct wh_span){ lost[i], lost[i] + strlen(lost[i]) };
	if (reason.p != t.p) {
		struct wh_span bytes = t;
		if (wh_scan_skip(&bytes, "(")) /* (direct) */
			bytes = (struct wh_span){ wh_scan_until(bytes, " ").end, t.end };
		bytes = wh_scan_until(wh_scan_trim(bytes), " ");
		char digits[32]; /* 102,400 */
		size_t n = 0;
		for (const char *p = bytes.p; p < bytes.end && n < sizeof digits; p++)
			if (*p != ',')
				digits[n++] = *p;
		wh_stack_builder_attribute(&r->b, "leaked_bytes", digits, n);
	} else if (wh_scan_find(t, "lock order ")) {
		static const char violated[] = "lock order violated";
		reason = (struct wh_span){ violated, violated + strlen(violated) };
	} else {
		static const char *const ends[] = { " by thread ", " at 0x", "(0x" }; /* differ from run to run */
		for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
			const char *end = wh_scan_find(reason, ends[i]);
			if (end)
				reason.end = end;
		}
	}
	set(r, "reason", reason);
	if (wh_scan_after(t, "default action of signal ", &rest) && wh_scan_after(rest, "(", &rest))
		set(r, "signal", wh_scan_until(rest, ")"));
	if (wh_scan_after(r->address, "ddress ", &rest) || wh_scan_after(t, " at ", &rest))
		if (wh_scan_has(rest, "0x"))
			set(r, "address", wh_scan_until(rest, " ,"));
	if (r->command.p) {
		struct wh_span program = wh_scan_until(r->command, " ");
		const char *slash = memrchr(program.p, '/', wh_span_size(program));
		if (slash)
			program.p = slash + 1;
		set(r, "app", program);
	}
	if (wh_scan_after(t, "hread #", &rest) || wh_scan_after(t, "by thread ", &rest))
		r->thread = wh_scan_until(rest, " :,)");
	if (wh_span_size(r->thread))
		r->b.stack.thread = wh_stack_builder_copy(&r->b, r->thread.p, wh_span_size(r->thread));
	const char *access = read_access(r, t);
	if (describe)
		set_type(r, access);
}

static int finish(struct wh_reader *reader, struct report *r, struct wh_err *err)
{
	int code = WH_OK;
	if (r->title.p && r->any_frame) {
		set_attributes(r, reader->describe);
		/* the type is Valgrind's own, no tracker knows its text: no text to derive it from */
		code = wh_stack_emit(reader, &r->b, r->title.p, NULL, err);
	}
	*r = (struct report){ .command = r->command, .pid = r->pid };
	return code;
}

/* Paragraphs that go on with the report before them, or are about something else. */
static bool is_other_stack(struct wh_span text)
{
	static const char *const texts[] = {
		"This conflicts with", "Required order", "Block was alloc'd", "Other segment", "Uninitialised value was", "followed by a later",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (wh_scan_has(text, texts[i]))
			return true;
	return wh_scan_has(text, "Thread #") && (wh_scan_find(text, " was created") || wh_scan_find(text, "root thread"));
}

/* A line that begins with one blank. */
static int read_title(struct wh_reader *reader, struct report *r, struct wh_span text, struct wh_err *err)
{
	struct wh_span rest;
	if (wh_scan_has(text, "Command: ")) {
		r->command = (struct wh_span){ text.p + strlen("Command: "), text.end };
		return WH_OK;
	}
	if (wh_scan_has(text, "Thread ") && text.end[-1] == ':' && !wh_scan_find(text, "lock order")) {
		WH_TRY(finish(reader, r, err));
		rest = (struct wh_span){ text.p + strlen("Thread "), text.end };
		wh_scan_skip(&rest, "#");
		r->thread = wh_scan_until(rest, " :");
		return WH_OK;
	}
	if (wh_scan_has(text, "Stack overflow in thread") && r->title.p) {
		r->overflow = true;
		return WH_OK;
	}
	if (is_other_stack(text)) {
		r->closed = true;
		return WH_OK;
	}
	if (wh_scan_has(text, "Locks held: ") || wh_scan_has(text, "Observed (incorrect) order") || wh_scan_has(text, "Allocation context: "))
		return WH_OK;
	struct wh_span thread = r->thread;
	bool keep = !r->title.p;
	WH_TRY(finish(reader, r, err));
	r->title = text;
	if (keep)
		r->thread = thread;
	wh_stack_builder_init(&r->b, reader->arena);
	return WH_OK;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line, text;
	struct report r = { .pid = 0 };
	uint64_t pid;
	while (wh_scan_line(&all, &line)) {
		if (!read_prefix(line, &pid, &text))
			continue;
		if (pid != r.pid) {
			WH_TRY(finish(reader, &r, err));
			r.command = (struct wh_span){ NULL, NULL };
			r.pid = pid;
		}
		struct wh_span said = wh_scan_trim(text);
		if (!wh_span_size(said) || wh_scan_has(said, "-------")) {
			if (r.any_frame)
				r.closed = true;
		} else if (read_frame(&r, text)) {
			continue;
		} else if (wh_scan_has(text, " ")) {
			if (r.title.p && !r.address.p && wh_scan_find(said, "ddress 0x"))
				r.address = said;
			r.closed |= r.any_frame;
		} else {
			WH_TRY(read_title(reader, &r, said, err));
		}
	}
	return finish(reader, &r, err);
}

static int detect(const char *text, size_t size)
{
	struct wh_span s = { text, text + size }, line, said;
	uint64_t pid;
	static const char *const banners[] = { "== Memcheck, a memory error detector", "== Helgrind, a thread error detector",
					       "== DRD, a thread error detector" };
	if (wh_scan_any(s, banners, sizeof banners / sizeof *banners))
		return 92;
	if (!wh_scan_find(s, "==    at 0x"))
		return 0;
	while (wh_scan_line(&s, &line))
		if (read_prefix(line, &pid, &said) && wh_scan_has(said, "   at 0x"))
			return 90;
	return 0;
}

const struct wh_format wh_format_valgrind = {
	.name = "valgrind",
	.summary = "errors that Valgrind's Memcheck, Helgrind and DRD print",
	.reference = "Valgrind: coregrind/m_errormgr.c, m_execontext.c, m_debuginfo/debuginfo.c; memcheck/mc_errors.c; "
		     "helgrind/hg_errors.c; drd/drd_error.c",
	.detect = detect,
	.read = read,
};
