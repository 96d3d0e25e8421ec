/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Node.js and V8 print when they end the process themselves: no memory, a failed check. Node's src/node_errors.cc
 * (OnFatalError, PrintStackTrace), src/debug_utils.cc (DumpNativeBacktrace), v8/src/execution/isolate.cc (Isolate::PrintStack).
 *
 * The native stack comes first among the frames; JavaScript's, which lies between its frames without a name, behind it.
 */
#include "format/stack/javascript.h"
#include "format/stack/report.h"

#define MOST_STRANGE_LINES 200 /* without a frame; then the report is over */

struct fatal {
	struct wh_stack_builder b;
	struct wh_stack_builder script; /* frames of JavaScript */
	struct wh_span reason;
	size_t strange; /* lines since the last that was understood */
	bool in_script, details, native;
};

static bool failed_text(struct wh_span s, struct wh_span *reason)
{
	static const char *const words[] = { "FATAL ERROR: ", "# Fatal JavaScript ", "# Fatal process ", "# Check failed: ",
					     "#  Assertion failed: ", "# Debug check failed: " };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (wh_scan_skip(&s, words[i])) {
			*reason = i == 0 || i == 3 ? s : (struct wh_span){ s.p - strlen(words[i]), s.end };
			while (reason->p < reason->end && strchr("# ", *reason->p))
				reason->p++;
			return true;
		}
	return false;
}

static bool section_line(struct wh_span s, bool *script)
{
	if (wh_scan_has(s, "----- Native stack trace -----"))
		*script = false;
	else if (wh_scan_has(s, "----- JavaScript stack trace -----") || wh_scan_has(s, "==== JS stack trace ===="))
		*script = true;
	else
		return false;
	return true;
}

bool wh_js_fatal_line(struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line), reason;
	bool script;
	return s.p < s.end && strchr("F#-=", *s.p) && (failed_text(s, &reason) || section_line(s, &script));
}

/* False where the report is over. */
static bool fatal_line(struct fatal *f, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line), reason;
	struct wh_frame_text frame;
	if (s.p == s.end)
		return true;
	if (failed_text(s, &reason)) {
		if (wh_span_size(f->reason) && f->native)
			return false; /* the next process */
		if (!wh_span_size(f->reason))
			f->reason = reason;
		f->in_script = f->details = false;
		f->strange = 0;
		return true;
	}
	if (section_line(s, &f->in_script)) {
		f->details = false;
		f->strange = 0;
		return true;
	}
	if (f->details) { /* V8's frames again, with their variables */
		f->details = !wh_scan_has(s, "====");
		return true;
	}
	f->details = wh_scan_has(s, "==== Details");
	if (wh_js_native_line(s, &frame)) {
		f->native = true;
		f->strange = 0;
		wh_frame_text_add(&frame, &f->b);
		return true;
	}
	if (wh_js_numbered_line(s, &frame) || wh_js_v8_line(s, &frame) >= WH_JS_PLAIN) {
		f->strange = 0;
		wh_frame_text_add(&frame, &f->script);
		return true;
	}
	if (strchr("#=<-[", *s.p) || wh_scan_has(s, "Security context: ") || (wh_is_digit(*s.p) && f->in_script && wh_scan_find(s, ": ")))
		return true; /* banners, the garbage collector's last words, frames of V8's own */
	return !f->native && !f->script.stack.n_frames && ++f->strange < MOST_STRANGE_LINES;
}

int wh_js_read_fatal(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct fatal f = { 0 };
	const char *at = line.p;
	struct wh_span next = *text;
	wh_stack_builder_init(&f.b, reader->arena);
	wh_stack_builder_init(&f.script, reader->arena);
	fatal_line(&f, line);
	while (wh_scan_line(&next, &line) && fatal_line(&f, line))
		if (!f.strange)
			*text = next;
	if (!f.b.stack.n_frames && !f.script.stack.n_frames && !f.b.failed && !f.script.failed) {
		wh_arena_reset(reader->arena);
		return WH_OK; /* words alone are no report */
	}
	for (size_t i = 0; i < f.script.stack.n_frames; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(&f.b);
		if (frame)
			*frame = f.script.stack.frames[i];
	}
	f.b.failed |= f.script.failed;
	wh_stack_message(&f.b, "reason", f.reason);
	return wh_stack_emit(reader, &f.b, at, text->p, err);
}
