/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of the sanitizers (ASan, HWASan, MSan, TSan, UBSan, LSan …) and of libFuzzer, within whatever else a log says.
 *
 * One record a report: a fatal error, a `WARNING: ThreadSanitizer` block, a leak, a `runtime error:`. Its stack is the first one
 * after its header; those of allocation, release and thread creation are not. What went before the header belongs to the
 * report (a failed check prints its message first), back to the report before.
 */
#include "format/stack/list.h"

#include "format/format.h"
#include "format/scan.h"
#include "format/stack/crash_type.h"
#include "format/stack/frame_line.h"
#include "format/stack/grams.h"
#include "format/stack/log_prefix.h"
#include "format/stack/report.h"
#include "format/stack/sanitizer_frame.h"
#include "observation/stack.h"

#include <stdio.h>
#include <string.h>

enum kind { NO_REPORT, FATAL, WARNING, RUNTIME_ERROR, LEAK, LIBFUZZER, MESSAGE };

struct report {
	enum kind kind;
	const struct wh_grams *grams; /* parts of all lines that matter */
	bool any;          /* reports before this one */
	const char *begin; /* where its text begins: the end of the report before */
	struct wh_stack_builder b;
	bool tagged;            /* HWASan's */
	bool any_frame, closed; /* closed: further stacks are not the crash's */
	bool other_first;       /* a stack of another kind may be the first one: it is the only one */
	uint64_t number;        /* of the frame before */
	struct wh_span header;
	struct wh_span location; /* of a runtime error: file, and line */
	uint32_t location_line;
};

static bool ends_with(struct wh_span s, const char *suffix)
{
	size_t n = strlen(suffix);
	return wh_span_size(s) >= n && !memcmp(s.end - n, suffix, n);
}

static void set(struct report *r, const char *name, struct wh_span value)
{
	wh_stack_message(&r->b, name, value);
}

static const char *copy(struct report *r, struct wh_span s)
{
	const char *nul = wh_span_size(s) ? memchr(s.p, '\0', wh_span_size(s)) : NULL;
	if (nul) /* where strings end */
		s.end = nul;
	return wh_span_size(s) ? wh_stack_builder_copy(&r->b, s.p, wh_span_size(s)) : NULL;
}

static void set_thread(struct report *r, struct wh_span s)
{
	if (!r->b.stack.thread)
		r->b.stack.thread = copy(r, wh_scan_trim(s));
}

/* What AddressSanitizer says in a sentence and names in its summary. */
static const struct {
	const char *text, *reason;
} sentences[] = {
	{ "attempting double-free", "double-free" },
	{ "attempting free on address", "bad-free" },
	{ "attempting to call malloc_usable_size", "bad-malloc_usable_size" },
	{ "attempting to call __sanitizer_get_allocated_size", "bad-__sanitizer_get_allocated_size" },
	{ "requested allocation size", "allocation-size-too-big" },
	{ "requested allocation alignment", "invalid-allocation-alignment" },
	{ "invalid allocation alignment", "invalid-allocation-alignment" },
	{ "invalid alignment requested", "invalid-posix-memalign-alignment" },
	{ "calloc parameters overflow", "calloc-overflow" },
	{ "reallocarray parameters overflow", "reallocarray-overflow" },
	{ "pvalloc parameters overflow", "pvalloc-overflow" },
	{ "bad parameters to __sanitizer_annotate", "bad-__sanitizer_annotate_contiguous_container" },
	{ "specified RSS limit exceeded", "rss-limit-exceeded" },
	{ "allocator is out of memory", "out-of-memory" },
	{ "out of memory", "out-of-memory" },
	{ "failed to allocate", "out-of-memory" },
};

/* text: what follows `XSanitizer: ` in the header. */
static void set_reason(struct report *r, struct wh_span text)
{
	static const char *const signals[] = { "SEGV", "BUS", "FPE", "ILL", "ABRT", "TRAP" };
	struct wh_span at, rest = text;
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
		if (wh_scan_has(text, sentences[i].text)) {
			struct wh_span name = { sentences[i].reason, sentences[i].reason + strlen(sentences[i].reason) };
			set(r, "reason", name);
			rest.p = rest.end;
			break;
		}
	if (rest.p < rest.end) {
		const char *pid = wh_scan_find(rest, " (pid="); /* ThreadSanitizer's reasons have parentheses of their own */
		if (pid) {
			rest.end = pid;
		} else {
			static const char *const ends[] = { " on ", " (", ": ", ";", ", " };
			for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
				const char *end = wh_scan_find(rest, ends[i]);
				if (end)
					rest.end = end;
			}
		}
		set(r, "reason", rest);
		for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
			if (wh_span_size(rest) == strlen(signals[i]) && wh_scan_has(rest, signals[i])) {
				char name[16];
				snprintf(name, sizeof name, "SIG%s", signals[i]);
				wh_stack_builder_attribute(&r->b, "signal", name, strlen(name));
			}
		r->other_first = wh_scan_has(rest, "thread leak") || wh_scan_has(rest, "lock-order") ||
				 wh_scan_has(rest, "odr-violation");
	}
	static const char *const before_address[] = { " address ", " on ", "-ed: ", "free: " };
	for (size_t i = 0; i < sizeof before_address / sizeof *before_address; i++)
		if (wh_scan_after(text, before_address[i], &at) && wh_scan_has(at, "0x")) {
			set(r, "address", wh_scan_until(at, " ,;:()"));
			break;
		}
	if (wh_scan_after(text, " thread ", &at)) {
		set_thread(r, wh_scan_until(at, " ):"));
	} else if (text.end > text.p && text.end[-1] == ')') { /* (pc 0x… bp 0x… sp 0x… T0) */
		const char *blank = memrchr(text.p, ' ', wh_span_size(text));
		if (blank && blank[1] == 'T')
			set_thread(r, (struct wh_span){ blank + 1, text.end - 1 });
	}
}

/* `READ of size 4 at 0x… thread T0`, `  Atomic write of size 8 at 0x… by thread T1 (mutexes: …):` */
static bool read_access(struct report *r, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(wh_log_line(line)), rest;
	bool atomic = wh_scan_skip(&s, "Atomic ") || wh_scan_skip(&s, "atomic ");
	bool write = wh_scan_has(s, "WRITE of") || wh_scan_has(s, "Write of") || wh_scan_has(s, "write of");
	bool read = wh_scan_has(s, "READ of") || wh_scan_has(s, "Read of") || wh_scan_has(s, "read of");
	static const char main_thread[] = "main";
	uint64_t size;
	if (!write && !read)
		return false;
	s.p += write ? 8 : 7;
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "size "))
		return false;
	struct wh_span number = s;
	if (wh_scan_decimal(&s, &size)) {
		char text[48];
		int n = snprintf(text, sizeof text, "%s%s %.*s", atomic ? "ATOMIC " : "", write ? "WRITE" : "READ",
				 (int)(s.p - number.p < 20 ? s.p - number.p : 20), number.p);
		wh_stack_builder_attribute(&r->b, "access", text, (size_t)n);
	}
	if (wh_scan_after(s, " at ", &rest) && wh_scan_has(rest, "0x"))
		set(r, "address", wh_scan_until(rest, " ,;:()"));
	if (wh_scan_after(s, "thread ", &rest))
		set_thread(r, wh_scan_until(rest, " ():"));
	else if (wh_scan_find(s, " main thread"))
		set_thread(r, (struct wh_span){ main_thread, main_thread + strlen(main_thread) });
	return true;
}

/* HWASan's words on why tags differ: `… tags: 03/0a(03) (ptr/mem) …`, `Cause: use-after-free`. Newer ones name several causes, the
 * likeliest first. */
static void read_tags(struct report *r, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(wh_log_line(line)), rest;
	if (wh_scan_after(s, "tags: ", &rest) && wh_scan_find(rest, " (ptr/mem)"))
		set(r, "tags", wh_scan_until(rest, " "));
	else if (wh_scan_skip(&s, "Cause: ") && !wh_observation_attribute(&r->b.observation, "cause"))
		set(r, "cause", s);
}

/* Lines that begin the stacks of something else than the crash. */
static bool is_other_stack(struct wh_span line)
{
	static const char *const texts[] = {
		"allocated by", "freed by", "reviously", "Previous ", "created by", "stored to memory", "is located", "Location is ",
		"SUMMARY: ",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (wh_scan_find(line, texts[i]))
			return true;
	return false;
}

static void add_frame(struct report *r, const struct wh_frame_line *line)
{
	if (r->closed)
		return;
	/* A number that was skipped is a line that was lost; a lower one begins another stack. */
	if (r->any_frame && line->number <= r->number && !(line->number == r->number && line->inlined)) {
		r->closed = true;
		return;
	}
	r->any_frame = true;
	r->number = line->number;
	struct wh_frame *frame = wh_stack_builder_frame(&r->b);
	if (!frame)
		return;
	frame->function = copy(r, line->function);
	frame->module = copy(r, line->module);
	frame->build_id = copy(r, line->build_id);
	frame->file = copy(r, line->file);
	frame->line = line->line;
	frame->offset = line->offset;
	frame->has_offset = line->has_offset;
	frame->address = line->address;
	frame->has_address = line->has_address;
	frame->inlined = line->inlined;
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Inlined callees have their caller's address; so has a recursive call, but it is the same place in the source then. */
static void mark_inlined(struct wh_stack *stack)
{
	for (size_t i = 0; i + 1 < stack->n_frames; i++) {
		struct wh_frame *frame = &stack->frames[i], *next = frame + 1;
		if (frame->has_address && next->has_address && frame->address && frame->address == next->address &&
		    !(same(frame->function, next->function) && same(frame->file, next->file) && frame->line == next->line))
			frame->inlined = true;
	}
}

/* The program is the module of its entry point. */
static void set_app(struct report *r)
{
	const struct wh_stack *stack = &r->b.stack;
	for (size_t i = stack->n_frames; i-- > 0;) {
		const struct wh_frame *frame = &stack->frames[i];
		if (frame->module && frame->function && !strcmp(frame->function, "_start")) {
			const char *slash = strrchr(frame->module, '/');
			const char *name = slash ? slash + 1 : frame->module;
			wh_stack_builder_attribute(&r->b, "app", name, strlen(name));
			return;
		}
	}
}

/* Hands the open report over; its text ends at end. */
static int finish(struct wh_reader *reader, struct report *r, const char *end, struct wh_err *err)
{
	if (r->kind == NO_REPORT)
		return WH_OK;
	if (!r->any_frame && r->location.p) { /* nobody asked for a stack: what the message says is all there is */
		struct wh_frame *frame = wh_stack_builder_frame(&r->b);
		if (frame) {
			frame->file = wh_stack_builder_copy(&r->b, r->location.p, wh_span_size(r->location));
			frame->line = r->location_line;
		}
	}
	mark_inlined(&r->b.stack);
	set_app(r);
	reader->told = r->begin;
	int code = wh_stack_emit(reader, &r->b, r->header.p ? r->header.p : r->begin, r->kind == MESSAGE ? NULL : end, err);
	*r = (struct report){ .grams = r->grams, .begin = end, .any = true };
	return code;
}

static int begin(struct wh_reader *reader, struct report *r, enum kind kind, struct wh_span line, struct wh_err *err)
{
	WH_TRY(finish(reader, r, line.p, err));
	r->kind = kind;
	r->header = line;
	wh_stack_builder_init(&r->b, reader->arena);
	return WH_OK;
}

/* A signal that a report raised itself, by aborting, is no crash of its own. */
static bool is_aftermath(const struct report *r, struct wh_span text)
{
	return (r->kind == RUNTIME_ERROR || r->kind == FATAL) &&
	       (wh_scan_has(text, "ABRT") || wh_scan_has(text, "ILL") || wh_scan_has(text, "TRAP") ||
		wh_scan_has(text, "breakpoint") || wh_scan_has(text, "deadly signal"));
}

/* A process dies once: the same words with the same process and addresses are a copy, symbolised elsewhere perhaps. */
static bool is_repeated(const struct report *r, struct wh_span line)
{
	return (r->kind == FATAL || r->kind == LIBFUZZER) && wh_span_size(line) == wh_span_size(r->header) &&
	       !memcmp(line.p, r->header.p, wh_span_size(line)) && wh_scan_find(line, "==");
}

static bool is_name(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* `==1==ERROR: AddressSanitizer: …`; at is where `Sanitizer` was found in line. */
static int read_header(struct wh_reader *reader, struct report *r, struct wh_span line, const char *at, struct wh_err *err)
{
	const char *name = at;
	while (name > line.p && is_name(name[-1]))
		name--;
	struct wh_span tool = { name, at + strlen("Sanitizer") }, text = { tool.end, line.end };
	struct wh_span before = wh_scan_trim((struct wh_span){ line.p, name });
	bool error = ends_with(before, "ERROR:"), warning = ends_with(before, "WARNING:");
	bool check = wh_scan_has(text, " CHECK failed: ") || wh_scan_has(text, ": CHECK failed: ");
	if (ends_with(before, "SUMMARY:")) {
		r->closed = true;
		return WH_OK;
	}
	if (!check && !error && (!warning || wh_scan_has(tool, "AddressSanitizer") || wh_scan_has(tool, "LeakSanitizer")))
		return WH_OK;
	if (!wh_scan_skip(&text, ":") && !check && !wh_scan_has(text, " failed to allocate"))
		return WH_OK;
	text = wh_scan_trim(text);
	if (warning && !wh_scan_has(tool, "ThreadSanitizer") && !wh_scan_has(tool, "MemorySanitizer") &&
	    !wh_scan_has(tool, "TypeSanitizer") && !wh_scan_has(tool, "RealtimeSanitizer"))
		return WH_OK;
	if (wh_scan_has(text, "detected memory leaks"))
		return finish(reader, r, line.p, err);
	if (is_aftermath(r, text) || is_repeated(r, line)) {
		r->closed = r->any_frame;
		return WH_OK;
	}
	if (check && r->kind == FATAL && !r->any_frame && !r->closed)
		return WH_OK; /* `failed to allocate`, which ends in a check of the tool's own: the stack is that of both */
	WH_TRY(begin(reader, r, warning ? WARNING : FATAL, line, err));
	set(r, "sanitizer", tool);
	r->tagged = wh_scan_has(tool, "HWAddressSanitizer");
	if (check) {
		struct wh_span message;
		wh_stack_builder_attribute(&r->b, "reason", "CHECK failed", strlen("CHECK failed"));
		if (wh_scan_after(text, "CHECK failed: ", &message))
			set(r, "message", message);
	} else {
		set_reason(r, text);
	}
	return WH_OK;
}

/* `==1== ERROR: libFuzzer: timeout after 25 seconds`; text follows `libFuzzer: `. */
static int read_libfuzzer(struct wh_reader *reader, struct report *r, struct wh_span line, struct wh_span text, struct wh_err *err)
{
	if (is_aftermath(r, text) || is_repeated(r, line)) {
		r->closed = r->any_frame;
		return WH_OK;
	}
	WH_TRY(begin(reader, r, LIBFUZZER, line, err));
	static const char *const ends[] = { " (", " after ", ";" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const char *end = wh_scan_find(text, ends[i]);
		if (end)
			text.end = end;
	}
	wh_stack_builder_attribute(&r->b, "sanitizer", "libFuzzer", strlen("libFuzzer"));
	set(r, "reason", text);
	return WH_OK;
}

/* `a.c:3:4: runtime error: …`; at is where the colon before `runtime` is. Go's panics say the same. */
static int read_runtime_error(struct wh_reader *reader, struct report *r, struct wh_span line, const char *at, struct wh_err *err)
{
	struct wh_span where = wh_scan_trim((struct wh_span){ line.p, at }), text = { at + strlen(": runtime error: "), line.end };
	struct wh_span file = where;
	uint64_t numbers[2] = { 0, 0 };
	size_t n = 0;
	for (; n < 2; n++) {
		const char *p = file.end;
		while (p > file.p && p[-1] >= '0' && p[-1] <= '9')
			p--;
		if (p == file.end || p == file.p || p[-1] != ':')
			break;
		struct wh_span digits = { p, file.end };
		if (!wh_scan_decimal(&digits, &numbers[n]))
			break;
		file.end = p - 1;
	}
	if (!n && !ends_with(where, "<unknown>") && !wh_scan_find(where, "+0x") && !wh_scan_find(where, " in "))
		return WH_OK;
	WH_TRY(begin(reader, r, RUNTIME_ERROR, line, err));
	wh_stack_builder_attribute(&r->b, "sanitizer", "UndefinedBehaviorSanitizer", strlen("UndefinedBehaviorSanitizer"));
	set(r, "reason", text);
	if (n) {
		const char *blank = file.p < file.end && *file.p == '/' ? NULL : memrchr(file.p, ' ', wh_span_size(file));
		if (blank) /* a log's prefix */
			file.p = blank + 1;
		r->location = file;
		r->location_line = numbers[n - 1] <= UINT32_MAX ? (uint32_t)numbers[n - 1] : 0;
	}
	return WH_OK;
}

/* `Direct leak of 8 byte(s) in 1 object(s) allocated from:` */
static int read_leak(struct wh_reader *reader, struct report *r, struct wh_span line, const char *at, struct wh_err *err)
{
	bool direct = at - line.p >= 6 && !memcmp(at - 6, "Direct", 6);
	bool indirect = at - line.p >= 8 && !memcmp(at - 8, "Indirect", 8);
	if (!direct && !indirect)
		return WH_OK;
	WH_TRY(begin(reader, r, LEAK, line, err));
	r->begin = at - (direct ? 6 : 8); /* a leak is told by its own lines only */
	r->other_first = true;
	wh_stack_builder_attribute(&r->b, "sanitizer", "LeakSanitizer", strlen("LeakSanitizer"));
	wh_stack_builder_attribute(&r->b, "reason", direct ? "direct-leak" : "indirect-leak", strlen(direct ? "direct-leak" : "indirect-leak"));
	struct wh_span size = { at + strlen(" leak of "), line.end };
	set(r, "leaked_bytes", wh_scan_until(size, " "));
	return WH_OK;
}

static const char *const line_grams[] = {
	"niti", "Fuzz", "runtime", "leak of", "of size", "caused", "ated by", "eed by", "eviously", "revious ", "stored", "is located",
	"Location", "SUMMARY", "tags: ", "Cause: ", NULL,
};

static int read_line(struct wh_reader *reader, struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_frame_line frame;
	const char *at;
	struct wh_span rest;
	if (wh_frame_line_read(line, &frame)) {
		if (r->kind != NO_REPORT)
			add_frame(r, &frame);
		return WH_OK;
	}
	if (wh_span_size(line) > 2 && line.p[1] == ' ' && wh_scan_has(wh_scan_trim(line), "0x")) /* a row of shadow bytes */
		return WH_OK;
	if (!wh_grams_any(r->grams, line))
		return WH_OK;
	if ((at = wh_scan_find(line, "Sanitizer")))
		return read_header(reader, r, line, at, err);
	if (wh_scan_after(line, "ERROR: libFuzzer: ", &rest))
		return read_libfuzzer(reader, r, line, rest, err);
	if ((at = wh_scan_find(line, ": runtime error: ")))
		return read_runtime_error(reader, r, line, at, err);
	if ((at = wh_scan_find(line, " leak of ")))
		return read_leak(reader, r, line, at, err);
	if (r->tagged)
		read_tags(r, line);
	if (r->kind == NO_REPORT || r->closed)
		return WH_OK;
	if (!r->any_frame && read_access(r, line))
		return WH_OK;
	if (wh_scan_after(line, "The signal is caused by a ", &rest))
		set(r, "access", wh_scan_until(rest, " "));
	else if ((r->any_frame || !r->other_first) && is_other_stack(line))
		r->closed = true;
	return WH_OK;
}

/* A text without any header may still tell of a failed check, with a stack below: Chrome, V8, Android print such. */
static int read_message(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, text = all, line;
	struct report r = { .kind = MESSAGE, .begin = reader->text };
	struct wh_frame_line frame;
	struct wh_crash crash;
	wh_stack_builder_init(&r.b, reader->arena);
	WH_TRY(wh_crash_derive(all, reader->arena, &crash, err));
	if (!crash.type)
		return WH_OK;
	r.b.stack.crash_type = crash.type;
	r.b.stack.crash_state = crash.state;
	set(&r, "reason", (struct wh_span){ crash.type, crash.type + strcspn(crash.type, "\n") });
	while (!r.closed && wh_scan_line(&text, &line))
		if (wh_frame_line_read(line, &frame))
			add_frame(&r, &frame);
	return finish(reader, &r, all.end, err);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span text = { reader->text, reader->text + reader->size }, line;
	struct wh_grams grams;
	struct report r = { .grams = &grams, .begin = reader->text };
	wh_grams_init(&grams, line_grams);
	while (wh_scan_line(&text, &line))
		WH_TRY(read_line(reader, &r, line, err));
	if (r.kind == NO_REPORT && !r.any)
		return read_message(reader, err);
	return finish(reader, &r, text.end, err);
}

/* Logs of other languages' programs end in a sanitizer's report of the signal that their own error raised. */
static bool has_other_error(struct wh_span s)
{
	static const char *const texts[] = {
		"=== Uncaught Python exception: ===", "== Java Exception: ", "Uncaught Exception: Jazzer.js", "BUG: KASAN: ",
		"\ngoroutine ", "\nstack backtrace:",
	};
	return wh_scan_any(s, texts, sizeof texts / sizeof *texts);
}

/* `#1 0x4f f`, as these tools print frames; gdb pads the number. */
static bool has_frame(struct wh_span text)
{
	struct wh_span line;
	struct wh_frame_line frame;
	while (wh_scan_line(&text, &line)) {
		const char *sign = wh_span_size(line) > 5 ? memchr(line.p, '#', wh_span_size(line) - 5) : NULL;
		if (!sign || sign[2] != ' ' || sign[3] != '0')
			continue;
		struct wh_span s = wh_scan_trim(wh_log_line(line));
		if (wh_span_size(s) > 5 && s.p[0] == '#' && s.p[2] == ' ' && s.p[3] == '0' && wh_frame_line_read(s, &frame))
			return true;
	}
	return false;
}

/* What the tools' own headers say: most texts have none of their parts. */
static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { "Sanitizer", "libFuzzer", "irect leak of ", ": runtime error: " };
	static const struct {
		const char *text;
		int sure;
	} marks[] = {
		{ "ERROR: AddressSanitizer", 95 }, { "ERROR: HWAddressSanitizer", 95 }, { "WARNING: ThreadSanitizer: ", 95 },
		{ "WARNING: MemorySanitizer: ", 95 }, { "ERROR: MemorySanitizer: ", 95 }, { "ERROR: LeakSanitizer: ", 95 },
		{ "ERROR: UndefinedBehaviorSanitizer: ", 95 }, { "ERROR: ThreadSanitizer: ", 95 }, { "Sanitizer CHECK failed: ", 90 },
		{ "ERROR: libFuzzer: ", 90 }, { "Sanitizer: CHECK failed: ", 90 }, { "ERROR: TypeSanitizer: ", 90 },
		{ "ERROR: RealtimeSanitizer: ", 90 }, { "Direct leak of ", 70 }, { "Indirect leak of ", 70 },
	};
	struct wh_span s = { text, text + size };
	int sure = 0;
	if (!wh_scan_any(s, parts, sizeof parts / sizeof *parts))
		return 0;
	for (size_t i = 0; i < sizeof marks / sizeof *marks && !sure; i++)
		if (wh_scan_find(s, marks[i].text))
			sure = marks[i].sure;
	const char *at = sure ? NULL : wh_scan_find(s, ": runtime error: ");
	if (at && at > text && (at[-1] == '>' || (at[-1] >= '0' && at[-1] <= '9') || wh_scan_find(s, "UndefinedBehaviorSanitizer")))
		sure = 85;
	return sure && has_other_error(s) ? 40 : sure;
}

/* Whether text is what a program printed, rather than one about programs that quotes a message: short, or full of addresses. */
static bool is_log(struct wh_span text)
{
	enum { FEW_LINES = 128, LINES_AN_ADDRESS = 16 };
	struct wh_span line;
	size_t lines = 0, addresses = 0;
	while (wh_scan_line(&text, &line)) {
		bool any = false;
		for (const char *p = line.p; p < line.end && !any; p++) {
			struct wh_span word = { p, line.end };
			uint64_t value;
			if (!((*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z')))
				continue;
			bool hex = wh_scan_skip(&word, "0x");
			const char *first = word.p;
			wh_scan_digits16(&word, &value);
			size_t n = (size_t)(word.p - first);
			any = hex ? n >= 4 : n == 8 || n == 16;
			while (word.p < line.end && ((*word.p >= '0' && *word.p <= '9') || ((*word.p | 32) >= 'a' && (*word.p | 32) <= 'z'))) {
				any &= hex;
				word.p++;
			}
			p = word.p - (word.p > p);
		}
		addresses += any;
		lines++;
	}
	return lines <= FEW_LINES || addresses * LINES_AN_ADDRESS >= lines;
}

/* A message without a sanitizer's header: where it stands above a debugger's frames or another language's, their readers are
 * surer. */
static int detect_late(const char *text, size_t size, int sure)
{
	enum { WITH_FRAMES = 88, ALONE = 44, BINARY = 4096 };
	struct wh_span s = { text, text + size };
	struct wh_arena arena;
	struct wh_crash crash;
	if (memchr(text, '\0', size < BINARY ? size : BINARY)) /* a program that has the messages it may print */
		return 0;
	int most = sure < WITH_FRAMES && has_frame(s) ? WITH_FRAMES : ALONE;
	if (most > sure && has_other_error(s))
		most = WH_DETECT_LEAST;
	if (most <= sure)
		return 0;
	wh_arena_init(&arena, (size_t)1 << 20);
	int code = wh_crash_derive(s, &arena, &crash, NULL);
	bool found = code == WH_OK && crash.type;
	wh_arena_release(&arena);
	return found && (most == WITH_FRAMES || is_log(s)) ? most : 0;
}

const struct wh_format wh_format_sanitizer = {
	.name = "sanitizer",
	.summary = "reports of AddressSanitizer and its family, and of libFuzzer",
	.reference = "LLVM compiler-rt: lib/sanitizer_common/sanitizer_stacktrace_printer.cpp, lib/asan/asan_errors.cpp, "
		     "lib/hwasan/hwasan_report.cpp, lib/tsan/rtl/tsan_report.cpp, lib/lsan/lsan_common.cpp, lib/ubsan/ubsan_diag.cpp, lib/fuzzer/FuzzerLoop.cpp",
	.detect = detect,
	.detect_late = detect_late,
	.read = read,
};
