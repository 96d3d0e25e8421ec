/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/cdb_frame.h"

/* The word at the beginning of s. */
static struct wh_span word_of(struct wh_span s)
{
	return wh_scan_until(s, " \t");
}

/* 8 digits, 16, or 8 and 8 with a ` between. */
static bool address_of(struct wh_span word, uint64_t *address)
{
	size_t n = wh_span_size(word);
	struct wh_span high = word, low;
	uint64_t upper = 0;
	if (n == 17 && word.p[8] == '`') {
		high.end = word.p + 8;
		if (!wh_scan_digits16(&high, &upper) || high.p != high.end)
			return false;
		low = (struct wh_span){ word.p + 9, word.end };
	} else if (n == 8 || n == 16) {
		low = word;
	} else {
		return false;
	}
	if (!wh_scan_digits16(&low, address) || low.p != low.end)
		return false;
	*address |= upper << 32;
	return true;
}

/* `--------`, ``--------`--------``: the addresses of an inlined function */
static bool is_dashes(struct wh_span word)
{
	if (wh_span_size(word) < 8)
		return false;
	for (; word.p < word.end; word.p++)
		if (*word.p != '-' && *word.p != '`')
			return false;
	return true;
}

/* Takes ` [c:\a b.c @ 12]` off the end of s. */
static bool take_location(struct wh_span *s, struct wh_frame_text *frame)
{
	if (s->p == s->end || s->end[-1] != ']')
		return false;
	const char *at = wh_scan_last(*s, " @ "), *open = at ? wh_scan_last((struct wh_span){ s->p, at }, " [") : NULL;
	struct wh_span digits = { at ? at + 3 : NULL, s->end - 1 };
	uint64_t line;
	if (!open || !wh_scan_decimal(&digits, &line))
		return false;
	frame->file = (struct wh_span){ open + 2, at };
	frame->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	*s = wh_scan_trim((struct wh_span){ s->p, open });
	return true;
}

/* Takes ` (FPO: [0,1,2])`, ` (CONV: cdecl)`, ` (Inline Function @ …)`, ` (TransparentColor…)` off the end of s. */
static bool take_remark(struct wh_span *s, struct wh_cdb_frame *frame)
{
	static const char *const words[] = { "(FPO:", "(CONV:", "(Inline" };
	const char *open = wh_last_parenthesis(*s);
	if (!open || open == s->p || open[-1] != ' ')
		return false;
	struct wh_span remark = { open, s->end };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (wh_scan_has(remark, words[i])) {
			frame->inlined |= i == 2;
			*s = wh_scan_trim((struct wh_span){ s->p, open });
			return true;
		}
	return false;
}

/* Takes `+0x12` off the end of s. */
static void take_offset(struct wh_span *s, struct wh_frame_text *frame)
{
	const char *plus = wh_scan_last(*s, "+0x");
	struct wh_span offset = { plus ? plus + 1 : NULL, s->end };
	uint64_t value;
	if (!plus || plus == s->p || !wh_scan_hex(&offset, &value) || offset.p != offset.end)
		return;
	frame->offset = value;
	frame->has_offset = true;
	s->end = plus;
}

/* Where the arguments that kp prints begin, or NULL: `(int argc = 0n1)`, `(void)`. Types alone are part of a managed name. */
static const char *find_arguments(struct wh_span name, bool open)
{
	if (open) {
		const char *first = memchr(name.p, '(', wh_span_size(name));
		while (first && first + 1 < name.end && first[1] == ')') /* operator() */
			first = memchr(first + 2, '(', (size_t)(name.end - first - 2));
		return first;
	}
	const char *first = wh_last_parenthesis(name);
	if (!first || first == name.p)
		return NULL;
	struct wh_span inner = { first + 1, name.end - 1 };
	bool none = !wh_span_size(inner) || (wh_span_size(inner) == 4 && wh_scan_has(inner, "void"));
	struct wh_span before = { name.p, first };
	if (!wh_span_size(inner) && wh_span_size(before) >= 8 && !memcmp(before.end - 8, "operator", 8))
		return NULL;
	return none || wh_scan_find(inner, " = ") ? first : NULL;
}

static bool is_module(struct wh_span s)
{
	if (!wh_span_size(s) || wh_span_size(s) > 256)
		return false;
	for (; s.p < s.end; s.p++)
		if (!wh_is_alpha(*s.p) && !wh_is_digit(*s.p) && (unsigned char)*s.p < 0x80 && !(*s.p && strchr("_.-$+@~", *s.p)))
			return false;
	return true;
}

/* Whether parentheses of s are open at its end; names of operators have some that are none. */
static bool is_open(struct wh_span s)
{
	size_t depth = 0;
	for (; s.p < s.end; s.p++) {
		depth += *s.p == '(';
		depth -= *s.p == ')' && depth;
	}
	return depth > 0;
}

static void set_module(struct wh_span module, struct wh_frame_text *frame)
{
	if (wh_scan_skip(&module, "<Unloaded_") && module.p < module.end && module.end[-1] == '>')
		module.end--;
	frame->module = module;
}

static bool read_site(struct wh_span s, struct wh_cdb_frame *frame)
{
	struct wh_frame_text *text = &frame->text;
	s = wh_scan_trim(s);
	for (int i = 0; i < 4 && (take_location(&s, text) || take_remark(&s, frame)); i++)
		;
	struct wh_span hex = s;
	if (wh_scan_hex(&hex, &text->address) && hex.p + 9 <= hex.end && *hex.p == '`') {
		uint64_t low;
		hex.p++;
		wh_scan_digits16(&hex, &low);
		text->address = text->address << 32 | low;
	}
	if (hex.p > s.p && hex.p == hex.end) {
		text->has_address = true;
		return true;
	}
	text->address = 0;
	const char *mark = wh_span_size(s) ? memchr(s.p, '!', wh_span_size(s)) : NULL;
	if (mark && is_module((struct wh_span){ s.p, mark })) {
		struct wh_span name = { mark + 1, s.end };
		frame->open = is_open(name);
		if (!frame->open)
			take_offset(&name, text);
		const char *arguments = find_arguments(name, frame->open);
		if (arguments)
			name.end = arguments;
		set_module((struct wh_span){ s.p, mark }, text);
		text->function = wh_scan_trim(name);
		return wh_span_size(text->function);
	}
	take_offset(&s, text);
	set_module(s, text);
	return text->has_offset && wh_span_size(text->module) && (is_module(text->module) || *s.p == '<');
}

/* `00 `, `0a `: takes it off. */
static void skip_number(struct wh_span *s)
{
	struct wh_span at = *s;
	uint64_t number;
	if (wh_scan_digits16(&at, &number) && at.p - s->p <= 4 && at.p < at.end && wh_is_blank(*at.p)) {
		wh_scan_blanks(&at);
		*s = at;
	}
}

bool wh_cdb_frame_begins(struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	uint64_t value;
	skip_number(&s);
	skip_number(&s);
	return wh_scan_has(s, "(Inline") || address_of(word_of(s), &value);
}

bool wh_cdb_site_read(struct wh_span site, struct wh_cdb_frame *frame)
{
	*frame = (struct wh_cdb_frame){ 0 };
	site = wh_scan_trim(site);
	if (wh_span_size(site) > WH_FRAME_LINE_LONGEST)
		return false;
	skip_number(&site);
	return read_site(site, frame);
}

bool wh_cdb_frame_read(struct wh_span line, struct wh_cdb_frame *frame)
{
	*frame = (struct wh_cdb_frame){ 0 };
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST)
		return false;
	skip_number(&s);
	skip_number(&s); /* kf: how much of the stack the frame takes */
	size_t columns = 0, colons = 0;
	for (int i = 0; i < 12 && s.p < s.end; i++) { /* number, two addresses, four arguments, two colons */
		struct wh_span word = word_of(s);
		uint64_t value;
		if (wh_span_size(word) == 1 && *word.p == ':') {
			if (!columns && !frame->inlined)
				return false;
			if (!colons++ && columns == 1) /* kb of x64 leaves the first column out */
				frame->has_returns = !frame->inlined;
		} else if (address_of(word, &value)) {
			if (columns < 2 && !colons)
				frame->returns = value;
			columns++;
			frame->has_returns |= columns == 2 && !colons;
			/* two blanks behind the first: memory that dps and the like show */
			if (columns == 1 && word.end + 2 < s.end && wh_is_blank(word.end[1]) &&
			    address_of(word_of(wh_scan_trim((struct wh_span){ word.end, s.end })), &value))
				return false;
		} else if (is_dashes(word)) {
			columns++;
		} else if (wh_scan_skip(&word, "(Inline")) {
			const char *close = memchr(s.p, ')', wh_span_size(s));
			if (!close || close - s.p > 20)
				return false;
			frame->inlined = true;
			word.end = close + 1;
		} else {
			break;
		}
		s.p = word.end;
		wh_scan_blanks(&s);
	}
	if (frame->inlined)
		frame->has_returns = false;
	if (s.p == s.end || !(columns >= 2 || (columns && (colons || frame->inlined)) || (frame->inlined && colons)))
		return false;
	return read_site(s, frame);
}
