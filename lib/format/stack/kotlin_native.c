/* SPDX-License-Identifier: Apache-2.0 */
/* Kotlin/Native's frames: kotlin-native/runtime/src/main/kotlin/kotlin/Throwable.kt (dumpStackTrace), StackTrace.cpp. */
#include "format/stack/java.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })

/* ` (/src/main.kt:3:4)` at the end. */
static void take_source(struct wh_span *s, struct wh_frame_text *frame)
{
	const char *open = wh_last_parenthesis(*s);
	if (!open || open == s->p || open[-1] != ' ')
		return;
	wh_location_split(SPAN_IN(open + 1, s->end - 1), &frame->file, &frame->line);
	if (frame->line)
		*s = wh_scan_trim(SPAN_IN(s->p, open));
	else
		frame->file = SPAN_IN(NULL, NULL);
}

bool wh_kotlin_native_line(struct wh_span text, struct wh_frame_text *frame)
{
	uint64_t index, offset;
	struct wh_span at = text;
	*frame = (struct wh_frame_text){ 0 };
	if (wh_span_size(text) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&at, "at "))
		return false;
	wh_scan_blanks(&at);
	if (!wh_scan_decimal(&at, &index) || index > WH_STACK_MOST_FRAMES || at.p == at.end || !wh_is_blank(*at.p))
		return false;
	wh_scan_blanks(&at);
	struct wh_span module = wh_scan_until(at, " \t");
	at.p = module.end;
	wh_scan_blanks(&at);
	const char *digits = at.p;
	if (wh_scan_hex(&at, &frame->address) ? false : !wh_scan_digits16(&at, &frame->address) || at.p - digits < 6)
		return false;
	if (!wh_span_size(module) || at.p == at.end || !wh_is_blank(*at.p))
		return false;
	frame->has_address = true;
	if (!wh_scan_has(module, "???"))
		frame->module = module;
	at = wh_scan_trim(at);
	/* one that old compilers bracket as a whole */
	if (wh_span_size(at) > 2 && *at.p == '(' && wh_last_parenthesis(at) == at.p)
		at = SPAN_IN(at.p + 1, at.end - 1);
	take_source(&at, frame);
	struct wh_span tail;
	if (wh_scan_after_last(at, " + ", &tail) && (wh_scan_hex(&tail, &offset) || wh_scan_decimal(&tail, &offset)) && tail.p == tail.end) {
		frame->offset = offset;
		frame->has_offset = true;
		at.end = wh_scan_last(at, " + ");
	}
	frame->function = wh_scan_trim(at);
	return wh_span_size(frame->function);
}
