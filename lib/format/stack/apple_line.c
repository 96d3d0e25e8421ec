/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of Apple's reports: frames, images, the headings of threads. */
#include "format/stack/apple.h"

/* ---- frames ---- */

/* Where the first word is that is 0x and hexadecimal digits, or NULL; *address is their value and rest what follows. */
static const char *find_address(struct wh_span s, uint64_t *address, struct wh_span *rest)
{
	for (const char *p = s.p; (p = wh_scan_find((struct wh_span){ p, s.end }, "0x")); p += 2) {
		struct wh_span at = { p, s.end };
		if ((p == s.p || wh_is_blank(p[-1])) && wh_scan_hex(&at, address) && (at.p == at.end || wh_is_blank(*at.p))) {
			*rest = at;
			return p;
		}
	}
	return NULL;
}

/* Takes ` (…)` off the end of s; inside is what it holds. */
static bool take_parenthesis(struct wh_span *s, struct wh_span *inside)
{
	const char *open = wh_span_size(*s) && s->end[-1] == ')' ? wh_last_parenthesis(*s) : NULL;
	if (!open || open == s->p || !wh_is_blank(open[-1]))
		return false;
	*inside = (struct wh_span){ open + 1, s->end - 1 };
	s->end = open;
	*s = wh_scan_trim(*s);
	return true;
}

/* Takes ` + 12` or ` + 0xc` off the end of s. */
static bool take_offset(struct wh_span *s, uint64_t *offset)
{
	const char *plus = wh_scan_last(*s, "+ ");
	struct wh_span number = { plus ? plus + 2 : NULL, s->end };
	if (!plus || (plus > s->p && !wh_is_blank(plus[-1])) || !(wh_scan_hex(&number, offset) || wh_scan_decimal(&number, offset)) ||
	    number.p != number.end)
		return false;
	s->end = plus;
	*s = wh_scan_trim(*s);
	return true;
}

static bool is_word(struct wh_span s, const char *word)
{
	return wh_span_size(s) == strlen(word) && wh_scan_has(s, word);
}

/* `f.c:3`; false where the parenthesis is part of a name, `(anonymous namespace)`. */
static bool take_location(struct wh_span inside, struct wh_frame_text *frame)
{
	struct wh_span file;
	uint32_t line = 0;
	const char *colon = wh_scan_last(inside, ":");
	struct wh_span digits = { colon ? colon + 1 : NULL, inside.end };
	uint64_t number;
	if (!colon || colon == inside.p || colon[-1] == ':' || !wh_scan_decimal(&digits, &number) || digits.p != digits.end)
		return false;
	wh_location_split(inside, &file, &line);
	if (wh_scan_has(file, "<"))
		return true; /* `<compiler-generated>:0` */
	frame->file = file;
	frame->line = line;
	return true;
}

void wh_apple_symbol(struct wh_span text, struct wh_frame_text *frame, bool *inlined)
{
	static const char inline_mark[] = "[inlined]";
	struct wh_span s = wh_scan_trim(text), inside, whole;
	uint64_t base, offset = 0;
	size_t mark = strlen(inline_mark);
	if (wh_span_size(s) > mark && !memcmp(s.end - mark, inline_mark, mark)) {
		*inlined = true;
		s.end -= mark;
		s = wh_scan_trim(s);
	}
	struct wh_span first = wh_scan_until(s, " ");
	struct wh_span hex = first;
	if (is_word(first, "0") || (wh_scan_hex(&hex, &base) && hex.p == hex.end)) {
		/* no symbol, but where the image begins; KSCrash may have both */
		struct wh_span symbol = { 0 };
		take_parenthesis(&s, &symbol);
		if (take_offset(&s, &offset)) {
			frame->offset = offset;
			frame->has_offset = true;
		}
		if (!wh_span_size(symbol) || is_word(symbol, "(null)"))
			return;
		frame->has_offset = false;
		s = symbol;
	}
	whole = s;
	if (take_parenthesis(&s, &inside) && !take_location(inside, frame))
		s = whole;
	whole = s;
	if (take_parenthesis(&s, &inside)) {
		if (!wh_scan_skip(&inside, "in "))
			s = whole;
		else if (!wh_span_size(frame->module))
			frame->module = inside;
	}
	bool has = take_offset(&s, &offset);
	if (!wh_span_size(s) || is_word(s, "<redacted>") || is_word(s, "???") || is_word(s, "(null)"))
		return;
	frame->function = s;
	frame->offset = offset;
	frame->has_offset = has;
}

bool wh_apple_frame(struct wh_span line, struct wh_frame_text *frame, bool *inlined)
{
	struct wh_span s = wh_scan_trim(line), rest;
	uint64_t number;
	*frame = (struct wh_frame_text){ 0 };
	*inlined = false;
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return false;
	bool old = wh_scan_skip(&s, "#");
	if (!wh_scan_decimal(&s, &number) || s.p == s.end || !wh_is_blank(*s.p))
		return false;
	wh_scan_blanks(&s);
	const char *address = find_address(s, &frame->address, &rest);
	if (!address)
		return false;
	frame->has_address = true;
	struct wh_span module = wh_scan_trim((struct wh_span){ s.p, address });
	if (!is_word(module, "???"))
		frame->module = module;
	wh_scan_blanks(&rest);
	if (old)
		wh_scan_skip(&rest, "in ");
	wh_apple_symbol(rest, frame, inlined);
	return true;
}

/* ---- images ---- */

static bool is_processor(struct wh_span word)
{
	static const char *const names[] = { "x86_64", "x86_64h", "i386", "arm64", "arm64e", "arm64_32", "armv6", "armv7", "armv7f",
					     "armv7k", "armv7s", "arm", "arm-unknown", "ppc", "ppc64", "powerpc", "x86", "unknown" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is_word(word, names[i]))
			return true;
	return false;
}

/* `Foo arm64 (1.2 - 3)`, `Foo (1.2)`, `com.apple.Foo 1.2 (3)`, `Foo armv7`: the name, which may hold blanks, and the version. */
static void split_name(struct wh_span s, struct wh_image *image)
{
	struct wh_span inside, last;
	for (int i = 0; i < 2; i++) {
		if (!wh_span_size(image->version) && take_parenthesis(&s, &inside))
			image->version = inside;
		const char *blank = wh_scan_last(s, " ");
		last = (struct wh_span){ blank ? blank + 1 : NULL, s.end };
		if (!blank || !(is_processor(last) || is_word(last, "???") || (wh_is_digit(*last.p) && memchr(last.p, '.', wh_span_size(last)))))
			continue;
		if (!is_processor(last) && !is_word(last, "???"))
			image->version = last;
		s.end = blank;
		s = wh_scan_trim(s);
	}
	image->name = s;
	if (is_word(image->version, "*") || wh_scan_has(image->version, "???") || is_processor(image->version))
		image->version = (struct wh_span){ 0 };
}

bool wh_apple_image(struct wh_span line, struct wh_image *image)
{
	struct wh_span s = wh_scan_trim(line);
	*image = (struct wh_image){ 0 };
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_hex(&s, &image->base))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "-"))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_hex(&s, &image->last) && !wh_scan_skip(&s, "???"))
		return false;
	wh_scan_blanks(&s);
	wh_scan_skip(&s, "+");
	const char *open = wh_scan_find(s, " <"), *tab = memchr(s.p, '\t', wh_span_size(s));
	const char *close = open ? memchr(open, '>', (size_t)(s.end - open)) : NULL;
	struct wh_span name = s;
	if (close) {
		image->build_id = (struct wh_span){ open + 2, close };
		image->path = wh_scan_trim((struct wh_span){ close + 1, s.end });
		name.end = open;
	} else {
		const char *slash = wh_scan_find(s, " /");
		const char *end = tab ? tab : slash;
		if (end) {
			image->path = wh_scan_trim((struct wh_span){ end, s.end });
			name.end = end;
		}
	}
	split_name(wh_scan_trim(name), image);
	return wh_span_size(image->name);
}

/* ---- threads ---- */

bool wh_apple_thread(struct wh_span line, struct wh_apple_thread *thread)
{
	static const char queue[] = "Dispatch queue:";
	struct wh_span s = wh_scan_trim(line), after;
	*thread = (struct wh_apple_thread){ 0 };
	if (wh_span_size(line) > 4096 || !wh_scan_skip(&s, "Thread ") || !wh_scan_decimal(&s, &thread->number))
		return false;
	if (wh_scan_skip(&s, " name:")) {
		thread->heading = false;
	} else {
		thread->heading = true;
		thread->crashed = wh_scan_skip(&s, " Crashed") || wh_scan_skip(&s, " Highlighted");
		if (!wh_scan_skip(&s, ":"))
			return false;
		wh_scan_skip(&s, ":");
	}
	s = wh_scan_trim(s);
	if (wh_scan_after(s, queue, &after)) {
		struct wh_span before = wh_scan_trim((struct wh_span){ s.p, after.p - strlen(queue) });
		s = wh_span_size(before) ? before : wh_scan_trim(after);
	}
	thread->name = s;
	return true;
}
