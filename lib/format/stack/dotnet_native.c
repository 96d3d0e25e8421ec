/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crashes in native code as Mono reports them (mono/mini/mini-exceptions.c, mini-posix.c): the native stack, then the managed one
 * that lies below it. And stacks as the debugger's extension SOS lists them: `clrstack`, `printexception`
 * (dotnet/diagnostics, src/SOS/Strike/strike.cpp).
 */
#include "format/stack/dotnet.h"
#include "format/stack/report.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define MOST_STRANGE_LINES 400 /* a debugger's dump stands between the two stacks */

/* ---- Mono ---- */

struct crash {
	struct wh_stack_builder native, managed;
	struct wh_span signal;
	enum { IN_NOTHING, IN_NATIVE, IN_MANAGED } part;
	size_t strange;
};

/* `0x7f0e958aa472 - /lib/libc.so.6 : abort`, `0x41860b40 - Unknown`; older `/usr/bin/mono(f+0x12) [0x40]`. */
static bool native_frame(struct wh_span s, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST)
		return false;
	if (wh_scan_hex(&s, &frame->address)) {
		frame->has_address = true;
		if (!wh_scan_skip(&s, " - "))
			return false;
		const char *colon = wh_scan_find(s, " : ");
		if (!colon)
			return true; /* code that was compiled at run time */
		frame->module = SPAN_IN(s.p, colon);
		frame->function = SPAN_IN(colon + 3, s.end);
		if (wh_scan_has(frame->function, "(null)"))
			frame->function = SPAN_IN(NULL, NULL);
		return true;
	}
	const char *open = wh_scan_find(s, "("), *close = open ? wh_scan_find(SPAN_IN(open, s.end), ") [0x") : NULL;
	if (!close || open == s.p || *s.p == '-')
		return false;
	struct wh_span name = { open + 1, close }, address = { close + 3, s.end };
	const char *plus = wh_span_size(name) ? memrchr(name.p, '+', wh_span_size(name)) : NULL;
	struct wh_span offset = { plus ? plus + 1 : NULL, close };
	frame->module = SPAN_IN(s.p, open);
	frame->function = SPAN_IN(name.p, plus ? plus : name.end);
	frame->has_offset = plus && wh_scan_hex(&offset, &frame->offset);
	frame->has_address = wh_scan_hex(&address, &frame->address);
	return true;
}

/* False where the report is over. */
static bool crash_line(struct crash *c, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	struct wh_frame_text frame;
	if (c->part == IN_MANAGED && c->managed.stack.n_frames && (s.p == s.end || wh_scan_has(s, "====")))
		return false;
	if (s.p == s.end || wh_scan_has(s, "===="))
		return true;
	if (wh_scan_has(s, "Native stacktrace:")) {
		c->part = IN_NATIVE;
	} else if (wh_scan_has(s, "Managed Stacktrace:") || wh_scan_has(s, "Stacktrace:")) {
		c->part = IN_MANAGED;
	} else if (c->part == IN_NATIVE && native_frame(s, &frame)) {
		wh_frame_text_add(&frame, &c->native);
	} else if (c->part == IN_MANAGED && wh_dotnet_line(s, &frame) >= WH_DOTNET_LOOSE) {
		if (wh_span_size(frame.function))
			wh_frame_text_add(&frame, &c->managed);
	} else if (wh_scan_skip(&s, "Got a ") && wh_scan_has(s, "SIG")) {
		c->signal = wh_scan_until(s, " ");
	} else {
		if (c->part == IN_NATIVE && c->native.stack.n_frames)
			c->part = IN_NOTHING;
		return ++c->strange < MOST_STRANGE_LINES && !wh_dotnet_native_line(line);
	}
	return true;
}

static int read_crash(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct crash c = { 0 };
	const char *at = line.p;
	wh_stack_builder_init(&c.native, reader->arena);
	wh_stack_builder_init(&c.managed, reader->arena);
	struct wh_span next = *text;
	c.part = wh_scan_find(line, "acktrace:") ? IN_MANAGED : IN_NOTHING;
	while (wh_scan_line(&next, &line) && crash_line(&c, line))
		*text = next;
	if (!c.native.stack.n_frames && !c.managed.stack.n_frames && !c.native.failed && !c.managed.failed) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	for (size_t i = 0; i < c.managed.stack.n_frames; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(&c.native);
		if (frame)
			*frame = c.managed.stack.frames[i];
	}
	c.native.failed |= c.managed.failed;
	wh_stack_message(&c.native, "reason", c.signal);
	wh_stack_message(&c.native, "signal", c.signal);
	return wh_stack_emit(reader, &c.native, at, text->p, err);
}

/* ---- SOS ---- */

/* Two addresses of 8 or 16 digits. */
static bool two_addresses(struct wh_span *s, uint64_t *ip)
{
	uint64_t sp;
	struct wh_span at = *s;
	const char *first = at.p;
	if (!wh_scan_digits16(&at, &sp) || (at.p - first != 8 && at.p - first != 16 && at.p - first != 12))
		return false;
	struct wh_span rest = at;
	wh_scan_blanks(&rest);
	const char *second = rest.p;
	if (rest.p == at.p || !wh_scan_digits16(&rest, ip) || (rest.p - second != 8 && rest.p - second != 16 && rest.p - second != 12))
		return false;
	if (rest.p < rest.end && !wh_is_blank(*rest.p))
		return false;
	*s = wh_scan_trim(rest);
	return true;
}

/* `00007FFD… 00007FFC… N.C.M(System.String) [/x.cs @ 12]`, `… app!N.C.M(Int32)+0x1a`. A marker (`[FaultingExceptionFrame: …]`) need not
 * have a name. */
static bool sos_frame(struct wh_span s, struct wh_frame_text *frame, bool *marker)
{
	uint64_t ip;
	*frame = (struct wh_frame_text){ 0 };
	*marker = false;
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !two_addresses(&s, &ip) || s.p == s.end)
		return false;
	if (*s.p == '[') {
		const char *close = memchr(s.p, ']', wh_span_size(s));
		*marker = true;
		s.p = close ? close + 1 : s.end;
		wh_scan_blanks(&s);
		if (s.p == s.end)
			return true;
	}
	frame->address = ip;
	frame->has_address = ip != 0;
	const char *place = wh_scan_last(s, " [");
	if (place && s.end[-1] == ']') {
		struct wh_span file = { place + 2, s.end - 1 };
		const char *sign = wh_scan_last(file, " @ ");
		struct wh_span digits = { sign ? sign + 3 : NULL, file.end };
		uint64_t number;
		if (sign && wh_scan_decimal(&digits, &number)) {
			frame->file = SPAN_IN(file.p, sign);
			frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
		}
		s.end = place;
	}
	const char *open = memchr(s.p, '(', wh_span_size(s)), *bang = memchr(s.p, '!', wh_span_size(s));
	if (!open)
		return false;
	if (bang && bang < open) {
		const char *plus = wh_scan_last(s, "+0x");
		struct wh_span offset = { plus ? plus + 1 : NULL, s.end };
		frame->has_offset = plus && wh_scan_hex(&offset, &frame->offset);
		frame->module = SPAN_IN(s.p, bang);
		s.p = bang + 1;
	}
	frame->function = wh_scan_trim(SPAN_IN(s.p, open));
	return wh_span_size(frame->function);
}

static bool thread_line(struct wh_span s, struct wh_span *id)
{
	if (!wh_scan_skip(&s, "OS Thread Id: "))
		return false;
	*id = wh_scan_until(s, " ");
	return true;
}

static bool exception_line(struct wh_span s)
{
	return wh_scan_has(s, "Exception type: ") || wh_scan_has(s, "Exception type:   ");
}

/* `Exception type:`, `Message:`, `StackTrace (generated):` of printexception; several threads of clrstack -all: the one that stopped
 * in a fault, else the first. */
static int read_sos(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct wh_stack_builder b, other;
	struct wh_span id = { 0 }, crashed = { 0 }, reason = { 0 }, message = { 0 }, next = *text;
	const char *at = line.p;
	bool marker, fault = false, told = false;
	size_t strange = 0;
	wh_stack_builder_init(&b, reader->arena);
	wh_stack_builder_init(&other, reader->arena);
	struct wh_stack_builder *into = &b;
	do {
		struct wh_span s = wh_scan_trim(line);
		struct wh_frame_text frame;
		if (thread_line(s, &id)) {
			if (b.stack.n_frames && !fault) {
				wh_stack_builder_init(&other, reader->arena);
				into = &other;
			}
			crashed = wh_span_size(crashed) ? crashed : id;
			told = false;
			strange = 0;
		} else if (exception_line(s)) {
			if (wh_span_size(reason))
				break;
			reason = wh_scan_trim(SPAN_IN(s.p + strlen("Exception type:"), s.end));
		} else if (wh_scan_has(s, "Message:") && !wh_span_size(message)) {
			message = wh_scan_trim(SPAN_IN(s.p + strlen("Message:"), s.end));
		} else if (sos_frame(s, &frame, &marker)) {
			strange = 0;
			if (marker) {
				if ((wh_scan_find(s, "FaultingExceptionFrame") || wh_scan_find(s, "SoftwareExceptionFrame")) && !fault && !told) {
					fault = true;
					if (into == &other) {
						other.failed |= b.failed;
						b = other;
						crashed = id;
						into = &b;
					}
				}
			}
			if (wh_span_size(frame.function)) {
				told = true;
				if (into == &b || !fault)
					wh_frame_text_add(&frame, into);
			}
		} else if (s.p < s.end && ++strange > 16) {
			break;
		}
		if (!strange)
			*text = next;
	} while (wh_scan_line(&next, &line));
	b.failed |= other.failed;
	if (!b.stack.n_frames && !b.failed) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	wh_stack_message(&b, "reason", reason);
	wh_stack_message(&b, "message", message);
	if (wh_span_size(crashed))
		b.stack.thread = wh_stack_builder_copy(&b, crashed.p, wh_span_size(crashed));
	return wh_stack_emit(reader, &b, at, text->p > at ? text->p : next.p, err);
}

/* ---- both ---- */

bool wh_dotnet_native_line(struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line), id;
	return wh_scan_has(s, "Native Crash Reporting") || (wh_scan_has(s, "Stacktrace:") && wh_span_size(s) == strlen("Stacktrace:")) ||
	       thread_line(s, &id) || exception_line(s);
}

int wh_dotnet_read_native(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct wh_span s = wh_scan_trim(line), id;
	return thread_line(s, &id) || exception_line(s) ? read_sos(reader, line, text, err) : read_crash(reader, line, text, err);
}
