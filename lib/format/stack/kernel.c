/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux kernel logs: oopses, warnings, the sanitizers' and lockdep's reports, stalls, hangs and panics. A report begins with its
 * title and lasts until the next one; its stack is the first after the title (lockdep: the one it calls `stack backtrace`), with
 * the processor's place in front. What follows from a crash (the panic because of an oops, other processors' stacks, where memory
 * was allocated and freed) stays with the report, but is not its stack.
 */
#include <string.h>

#include "format/format.h"
#include "format/scan.h"
#include "format/stack/kernel.h"
#include "format/stack/list.h"
#include "format/stack/report.h"
#include "observation/stack.h"

enum {
	LONGEST_TEXT = 4096, /* of a name or an attribute; what is beyond is cut off */
	MOST_NOISE = 12,    /* foreign lines in a row that a stack survives */
	MOST_REGISTERS = 48, /* lines that registers, code and a dump of the stack take */
	MOST_WAIT = 400,    /* lines between a title and its stack */
};

struct report {
	struct wh_reader *reader;
	struct wh_stack_builder b;
	const char *begin; /* NULL: none is open */
	enum wh_kernel_kind kind;
	struct wh_span reason, access; /* access: Read or Write */
	struct wh_span comm, version, tainted, hardware;
	bool titled;
	bool in_stack;
	bool done;    /* the stack is complete */
	enum { NOT_ASIDE, ASIDE, ASIDE_BEGUN } aside; /* a stack comes, or is being passed, that is not of the one that hangs */
	struct wh_kernel_prefix prefix; /* of its title */
	const char *chain; /* lockdep: behind the line `-> #0`, the newest link of the chain that it prints before the stack */
	bool emitted; /* a report of this text was */
	size_t places, traced, unknown, waited;
	size_t allowed; /* unknown lines that may come now */
};

static const char *copy(struct report *r, struct wh_span s)
{
	size_t n = wh_span_size(s);
	return n ? wh_stack_builder_copy(&r->b, s.p, n < LONGEST_TEXT ? n : LONGEST_TEXT) : NULL;
}

static void attribute(struct report *r, const char *name, struct wh_span value)
{
	size_t n = wh_span_size(value);
	wh_stack_builder_attribute(&r->b, name, value.p, n < LONGEST_TEXT ? n : LONGEST_TEXT);
}

static bool equals(struct wh_span s, const char *text)
{
	return wh_span_size(s) == strlen(text) && wh_scan_has(s, text);
}

static bool same_text(struct wh_span s, const char *text)
{
	return text && equals(s, text);
}

/* ---- reports ---- */

static void begin(struct report *r, const char *at)
{
	*r = (struct report){ .reader = r->reader, .begin = at, .emitted = r->emitted };
	wh_stack_builder_init(&r->b, r->reader->arena);
}

/* The title in a normal form: `KASAN: use-after-free Read`, `kernel panic: …`. */
static void set_reason(struct report *r)
{
	static const char either[] = "KASAN: double-free or invalid-free", panic[] = "kernel panic: ";
	char text[160];
	size_t n = wh_span_size(r->reason);
	if (!n || n > 100)
		return;
	if (equals(r->reason, either)) {
		wh_stack_builder_attribute(&r->b, "reason", "KASAN: invalid-free", strlen("KASAN: invalid-free"));
	} else if (equals(r->reason, "UBSAN: Undefined behaviour")) {
		wh_stack_builder_attribute(&r->b, "reason", "UBSAN: undefined-behaviour", strlen("UBSAN: undefined-behaviour"));
	} else if (r->kind == WH_KERNEL_PANIC) {
		memcpy(text, panic, sizeof panic - 1);
		memcpy(text + sizeof panic - 1, r->reason.p, n);
		wh_stack_builder_attribute(&r->b, "reason", text, n + sizeof panic - 1);
	} else if (r->kind == WH_KERNEL_KASAN && r->access.p) {
		memcpy(text, r->reason.p, n);
		text[n++] = ' ';
		memcpy(text + n, r->access.p, wh_span_size(r->access));
		wh_stack_builder_attribute(&r->b, "reason", text, n + wh_span_size(r->access));
	} else {
		attribute(r, "reason", r->reason);
	}
}

/* The flags without the blanks for those that are not set. */
static void set_tainted(struct report *r)
{
	char flags[32];
	size_t n = 0;
	for (const char *p = r->tainted.p; p < r->tainted.end && n < sizeof flags; p++)
		if (*p != ' ')
			flags[n++] = *p;
	if (n)
		wh_stack_builder_attribute(&r->b, "tainted", flags, n);
}

static void add_traced(struct report *r, const struct wh_kernel_frame *frame);

/* A report of lockdep that ends before its stack: what wants the lock stands in the chain, too. */
static void take_chain(struct report *r, const char *end)
{
	struct wh_span text = { r->chain, end }, line;
	struct wh_kernel_prefix prefix;
	struct wh_kernel_frame frame;
	while (wh_scan_line(&text, &line)) {
		struct wh_span s = wh_kernel_strip(line, &prefix);
		if (s.p != s.end && !wh_kernel_frame(s, &frame))
			return;
		if (s.p != s.end)
			add_traced(r, &frame);
	}
}

/* Ends the report that is open; end: where its text does. */
static int finish(struct report *r, const char *end, struct wh_err *err)
{
	struct wh_reader *reader = r->reader;
	const char *at = r->begin;
	if (!at)
		return WH_OK;
	r->begin = NULL;
	if (r->chain && r->chain < end && !r->traced)
		take_chain(r, end);
	struct wh_stack *stack = &r->b.stack;
	while (stack->n_frames && stack->frames[stack->n_frames - 1].handler)
		stack->n_frames--;
	if (!r->titled && !stack->n_frames) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	set_reason(r);
	attribute(r, "version", r->version);
	attribute(r, "comm", r->comm);
	set_tainted(r);
	attribute(r, "hardware", r->hardware);
	r->emitted |= !r->b.failed;
	reader->told = at; /* what programs said before is none of the kernel's */
	return wh_stack_emit(reader, &r->b, at, end, err);
}

/* ---- who and what ---- */

/* `Not tainted 5.4.0 #1`, `Tainted: G        W  O      5.4.0-rc1 #2 Some hardware` */
static void parse_taint(struct report *r, struct wh_span s)
{
	static const char flags[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ ";
	if (r->version.p)
		return;
	if (wh_scan_skip(&s, "Tainted: ")) {
		const char *first = s.p;
		while (s.p < s.end && strchr(flags, *s.p))
			s.p++;
		r->tainted = wh_scan_trim((struct wh_span){ first, s.p });
	} else if (!wh_scan_skip(&s, "Not tainted")) {
		return;
	}
	wh_scan_blanks(&s);
	const char *end = s.p;
	while (end < s.end && *end != ' ')
		end++;
	if (s.p < end && *s.p >= '0' && *s.p <= '9')
		r->version = (struct wh_span){ s.p, end };
}

/* The earlier of the two ways to say whether the kernel is tainted. */
static const char *find_taint(struct wh_span s)
{
	const char *a = wh_scan_find(s, "Tainted: "), *b = wh_scan_find(s, "Not tainted");
	return a && (!b || a < b) ? a : b;
}

static bool attribute_line(struct report *r, struct wh_span s)
{
	struct wh_span rest = s;
	if (*s.p == 'H' && wh_scan_skip(&rest, "Hardware name: ")) {
		if (!r->hardware.p)
			r->hardware = rest;
		return true;
	}
	if (*s.p == 'C' || *s.p == 'P') {
		const char *comm = NULL;
		if (wh_scan_has(s, "CPU: "))
			comm = wh_scan_find(s, " Comm: ");
		else if (wh_scan_has(s, "Pid: "))
			comm = wh_scan_find(s, " comm: ");
		if (!comm)
			return false;
		if (!r->comm.p) {
			rest.p = comm + strlen(" comm: ");
			const char *taint = find_taint(rest);
			if (taint)
				parse_taint(r, (struct wh_span){ taint, s.end });
			r->comm = wh_scan_trim((struct wh_span){ rest.p, taint ? taint : s.end });
		}
		return true;
	}
	if (*s.p == 'N' || *s.p == 'T') {
		parse_taint(r, s);
		return false;
	}
	if (*s.p >= '0' && *s.p <= '9' && !r->version.p) { /* lockdep: 4.15.0+ #10 Not tainted */
		const char *taint = find_taint(s), *blank = memchr(s.p, ' ', wh_span_size(s));
		if (taint && blank && memchr(s.p, '.', (size_t)(blank - s.p))) {
			r->version = (struct wh_span){ s.p, blank };
			rest.p = taint;
			if (wh_scan_skip(&rest, "Tainted: "))
				r->tainted = wh_scan_trim(rest);
		}
		return false;
	}
	if (r->kind == WH_KERNEL_KASAN && !r->access.p) {
		if (wh_scan_has(s, "Read of size "))
			r->access = (struct wh_span){ s.p, s.p + strlen("Read") };
		else if (wh_scan_has(s, "Write of size "))
			r->access = (struct wh_span){ s.p, s.p + strlen("Write") };
	}
	return false;
}

/* ---- the stack ---- */

static void close_stack(struct report *r)
{
	r->in_stack = false;
	if (r->traced)
		r->done = true;
}

static void fill(struct report *r, struct wh_frame *f, const struct wh_kernel_frame *frame)
{
	f->function = copy(r, frame->function);
	f->module = copy(r, frame->module);
	f->build_id = copy(r, frame->build_id);
	f->file = copy(r, frame->file);
	f->line = frame->line;
	f->offset = frame->offset;
	f->has_offset = frame->has_offset;
	f->address = frame->address;
	f->has_address = frame->has_address;
	f->inlined = frame->inlined;
	f->unreliable = frame->unreliable;
}

static bool same_frame(const struct wh_frame *f, const struct wh_kernel_frame *frame)
{
	if (!f->function || !same_text(frame->function, f->function))
		return !f->function && f->has_address && frame->has_address && f->address == frame->address && !frame->function.p;
	return f->has_offset == frame->has_offset && f->offset == frame->offset;
}

/* A frame of the trace. Some traces begin with the place that the registers showed. */
static void add_traced(struct report *r, const struct wh_kernel_frame *frame)
{
	struct wh_stack *stack = &r->b.stack;
	r->unknown = 0;
	if (r->places == 1 && stack->n_frames && same_frame(&stack->frames[0], frame) && !frame->unreliable) {
		size_t inlined = 1;
		while (inlined < stack->n_frames && stack->frames[inlined].inlined)
			inlined++;
		if (inlined == stack->n_frames) {
			memmove(stack->frames, stack->frames + 1, (stack->n_frames - 1) * sizeof *stack->frames);
			stack->n_frames--;
			r->places = 0;
		}
	}
	r->traced++;
	if (frame->callee.p || frame->has_callee_address) {
		const struct wh_frame *last = stack->n_frames ? &stack->frames[stack->n_frames - 1] : NULL;
		bool known = last && (frame->callee.p ? same_text(frame->callee, last->function)
						      : last->has_address && last->address == frame->callee_address);
		struct wh_frame *f = known ? NULL : wh_stack_builder_frame(&r->b);
		if (f) {
			f->function = copy(r, frame->callee);
			f->address = frame->callee_address;
			f->has_address = frame->has_callee_address;
		}
	}
	struct wh_frame *f = wh_stack_builder_frame(&r->b);
	if (f)
		fill(r, f, frame);
}

/* Where the processor was: in front of the trace, or in it, where an interrupt came. */
static void add_place(struct report *r, const struct wh_kernel_frame *frame)
{
	struct wh_stack *stack = &r->b.stack;
	r->allowed = MOST_REGISTERS;
	r->unknown = 0;
	if (stack->n_frames && same_frame(&stack->frames[stack->n_frames - 1], frame))
		return;
	struct wh_frame *f = wh_stack_builder_frame(&r->b);
	if (!f)
		return;
	fill(r, f, frame);
	r->places += !r->traced;
}

/* marker: as the log has it. */
static void add_boundary(struct report *r, struct wh_span marker)
{
	struct wh_stack *stack = &r->b.stack;
	if (!stack->n_frames || stack->frames[stack->n_frames - 1].handler)
		return;
	struct wh_frame *f = wh_stack_builder_frame(&r->b);
	if (!f)
		return;
	f->function = copy(r, marker);
	f->handler = true;
}

static bool is_header(struct wh_span s)
{
	return equals(s, "Call Trace:") || equals(s, "Call trace:") || wh_scan_has(s, "Backtrace:") || equals(s, "backtrace:") ||
	       equals(s, "stack backtrace:") || wh_scan_has(s, "backtrace (crc ");
}

/* Lines that only come after a stack. */
static bool ends_stack(struct wh_span s)
{
	static const char *const ends[] = {
		"Allocated by task", "Freed by task", "Last potentially related", "Second to last", "Memory state around",
		"The buggy address", "Uninit was ", "Local variable", "Bytes ", "---[ end ", "------------[ cut here", "=======",
		"Rebooting in", "Kernel Offset:", "Dumping ftrace", "Showing all locks", "NMI backtrace for cpu", "Sending NMI ",
		"Modules linked in:", "Mem-Info:", "Showing busy workqueues", "CPU: ", "Pid: ", "kfence-#", "-> #",
		"other info that might", "read to 0x", "write to 0x", "read (marked) to 0x", "write (marked) to 0x",
		"Reported by Kernel Concurrency", "unreferenced object", "irq event stamp:", "Last Breaking-Event-Address", "Object 0x",
		"INFO: Allocated in", "INFO: Freed in", "INFO: Slab ", "SMP: stopping", "Instruction dump:", "value changed:", "task:",
	};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (*ends[i] == *s.p && wh_scan_has(s, ends[i]))
			return true;
	return false;
}

/* Announces frames that are not the crash's: where memory came from, who took a lock before. */
static bool is_of_others(struct wh_span s)
{
	static const char *const words[] = { "Allocated by task", "Freed by task", "INFO: Allocated in", "INFO: Freed in",
					     "Uninit was ", "-> #", "Last potentially related", "kfence-#" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (*words[i] == *s.p && wh_scan_has(s, words[i]))
			return true;
	return false;
}

/* Whether frames may come without a header. */
static bool headless(const struct report *r)
{
	return r->kind != WH_KERNEL_LOCKDEP && !r->aside;
}

static void stack_line(struct report *r, struct wh_span s)
{
	struct wh_kernel_frame frame;
	bool user, boundary;
	if (is_header(s)) {
		if (r->aside == ASIDE) {
			r->aside = ASIDE_BEGUN;
			return;
		}
		r->aside = NOT_ASIDE;
		if (r->traced)
			close_stack(r);
		else
			r->in_stack = true;
		r->unknown = 0;
		r->allowed = 0;
		return;
	}
	if (wh_kernel_place(s, &frame, &user)) {
		if (r->aside && user)
			return;
		r->aside = NOT_ASIDE;
		if (r->kind == WH_KERNEL_LOCKDEP && !r->in_stack)
			return;
		if (user)
			close_stack(r);
		else
			add_place(r, &frame);
		return;
	}
	if (!r->traced && is_of_others(s)) {
		r->in_stack = false;
		r->aside = ASIDE_BEGUN;
		return;
	}
	if (!r->in_stack && wh_scan_skip(&s, "IP: ") && wh_kernel_frame(s, &frame)) {
		add_place(r, &frame); /* what is said again with the registers */
		return;
	}
	if (r->in_stack && (wh_scan_has(s, "--- interrupt: ") || wh_scan_has(s, "--- Exception: "))) { /* PowerPC */
		const char *at = wh_scan_find(s, " at ");
		struct wh_span place = { at ? at + strlen(" at ") : s.end, s.end };
		add_boundary(r, (struct wh_span){ s.p, memchr(s.p, ':', wh_span_size(s)) });
		if (wh_kernel_frame(place, &frame) && frame.function.p)
			add_place(r, &frame);
		r->allowed = MOST_REGISTERS;
		return;
	}
	struct wh_span rest = s, marker;
	if (r->in_stack && wh_kernel_marker(&rest, &marker, &boundary)) {
		r->unknown = 0;
		if (boundary)
			add_boundary(r, marker);
		if (rest.p == rest.end)
			return;
	}
	bool hit = wh_kernel_frame(rest, &frame);
	if (hit && !frame.function.p && (frame.address == UINT64_MAX || frame.address == UINT32_MAX))
		return; /* the end, as stack_trace_print prints it */
	if (hit && (r->in_stack || (frame.sized && headless(r)))) {
		r->in_stack = true;
		r->allowed = 0;
		add_traced(r, &frame);
		return;
	}
	if (!r->in_stack)
		return;
	if (r->traced && (!r->allowed ? ends_stack(s) || wh_scan_has(s, "Code: ") : ends_stack(s) && !wh_scan_has(s, "CPU: "))) {
		close_stack(r);
		return;
	}
	if (r->allowed)
		r->allowed--;
	else if (++r->unknown > MOST_NOISE && r->traced)
		close_stack(r);
}

/* ---- lines ---- */

/* Panics that only say what an earlier report leads to. */
static bool follows(struct wh_span s)
{
	static const char *const texts[] = { "Fatal exception", "panic_on_warn",	"Attempted to kill", "hung_task", "softlockup",
					     "RCU Stall",       "Fatal machine check", "Oops",              "kasan.fault", "kernel: panic_on" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (wh_scan_find(s, texts[i]))
			return true;
	return false;
}

static int title_line(struct report *r, struct wh_span s, const struct wh_kernel_title *title, const struct wh_kernel_prefix *prefix,
		      struct wh_err *err)
{
	bool open = r->begin != NULL;
	if (title->kind == WH_KERNEL_PANIC && open && (!r->done || follows(s)))
		return WH_OK;
	if (title->kind == WH_KERNEL_WEAK && open && !r->done)
		return WH_OK;
	if (open && (r->done || r->traced || r->comm.p || r->places))
		WH_TRY(finish(r, s.p, err));
	/* else a title with nothing behind it: the next one says it anew */
	bool kept = r->begin && r->titled;
	if (kept) {
		/* the first of several titles is the cause */
		if (title->kind != WH_KERNEL_LOCKDEP && r->waited < 8)
			return WH_OK;
		WH_TRY(finish(r, s.p, err));
	}
	begin(r, s.p);
	r->titled = true;
	r->kind = title->kind;
	r->reason = title->reason;
	r->prefix = *prefix;
	return WH_OK;
}

/* Whether a line comes from somewhere else than the report that is open: another processor or task, or no kernel. */
static bool is_foreign(const struct report *r, const struct wh_kernel_prefix *prefix)
{
	const struct wh_span a = r->prefix.caller, b = prefix->caller;
	if (!r->begin || r->done)
		return false;
	if (r->prefix.stamped && !prefix->stamped)
		return true;
	return a.p && b.p && (wh_span_size(a) != wh_span_size(b) || memcmp(a.p, b.p, wh_span_size(a)));
}

static int read_line(struct report *r, struct wh_span line, struct wh_err *err)
{
	struct wh_kernel_title title;
	struct wh_kernel_prefix prefix;
	struct wh_span s = wh_kernel_strip(line, &prefix);
	if (is_foreign(r, &prefix)) {
		if (++r->waited > MOST_WAIT)
			r->done = true;
		return WH_OK;
	}
	if (s.p == s.end) {
		if (r->in_stack && r->traced && !r->allowed)
			close_stack(r);
		return WH_OK;
	}
	if (wh_kernel_title(s, &title))
		return title_line(r, s, &title, &prefix, err);
	if (!r->begin) {
		if (r->emitted || !is_header(s))
			return WH_OK;
		begin(r, s.p); /* a stack that nobody announced */
	}
	bool attributes = attribute_line(r, s);
	if (r->done)
		return WH_OK;
	if (wh_scan_find(s, "grace-period kthread stack dump") || (wh_scan_has(s, "rcu") && wh_scan_find(s, " kthread starved for ")))
		r->aside = ASIDE;
	else if (r->aside && (wh_scan_has(s, "Task dump for CPU") || wh_scan_has(s, "NMI backtrace for cpu") ||
			      wh_scan_has(s, "Sending NMI") || wh_scan_has(s, "CPU: ")))
		r->aside = NOT_ASIDE;
	if (r->kind == WH_KERNEL_LOCKDEP && wh_scan_has(s, "-> #0 "))
		r->chain = line.end;
	if (!attributes || r->in_stack)
		stack_line(r, s);
	if (!r->in_stack && ++r->waited > MOST_WAIT)
		r->done = true;
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
	struct wh_span all = { text, text + size }, line;
	unsigned frames = 0, headers = 0, vague = 0, clear = 0;
	while (wh_scan_line(&all, &line) && (frames < 8 || !clear)) {
		struct wh_kernel_prefix prefix;
		struct wh_span s = wh_kernel_strip(line, &prefix);
		struct wh_kernel_title title;
		struct wh_kernel_frame frame;
		if (s.p == s.end)
			continue;
		if (wh_kernel_title(s, &title)) {
			/* other programs write `BUG: ` and `Oops: ` too */
			bool own = title.kind == WH_KERNEL_KASAN || title.kind == WH_KERNEL_LOCKDEP || title.kind == WH_KERNEL_PANIC ||
				   title.kind == WH_KERNEL_UBSAN ||
				   (title.kind == WH_KERNEL_PLAIN && title.reason.p != s.p);
			*(own ? &clear : &vague) += 1;
		} else if (is_header(s)) {
			headers++;
		} else if ((clear || vague || headers) && wh_kernel_frame(s, &frame) && frame.sized) {
			frames++;
		}
	}
	if (frames >= 2)
		return clear ? 93 : vague ? 88 : headers ? 80 : 0;
	if (frames)
		return clear ? 80 : 60;
	return clear ? 50 : 0;
}

const struct wh_format wh_format_kernel = {
	.name = "kernel",
	.summary = "Linux kernel logs: oopses, warnings, KASAN and its kin, lockdep, stalls, hangs, panics",
	.reference = "Documentation/admin-guide/bug-hunting.rst, arch/*/kernel/{dumpstack,traps,process}.c, mm/kasan/report.c",
	.detect = detect,
	.read = read_text,
};
