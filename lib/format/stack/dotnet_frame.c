/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as .NET prints them: System.Diagnostics.StackTrace.ToString (dotnet/runtime), Mono's of the same name, Unity's
 * UnityEngine.StackTraceUtility.ExtractFormattedStackTrace. */
#include "format/stack/dotnet.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })

/* Word_At in the languages of .NET's resources. */
static const char *const at_words[] = { "at ",	"bei ",	 "\xc3\xa0 ", "en ", "in ", "em ", "\xd0\xb2 ", "\xe5\x9c\xa8 ", "\xe6\x96\xbc ",
					"\xe5\xa0\xb4\xe6\x89\x80 ", "\xec\x9c\x84\xec\xb9\x98: ", "w ", "v ", "konum: ", "bij ", "vid ",
					"ved " };

static bool take_at(struct wh_span *line, bool *english)
{
	for (size_t i = 0; i < sizeof at_words / sizeof *at_words; i++)
		if (wh_scan_skip(line, at_words[i])) {
			*english = i == 0;
			wh_scan_blanks(line);
			return true;
		}
	return false;
}

/* Where the parenthesis that opens at p closes, or NULL. */
static const char *closing(const char *p, const char *end)
{
	size_t depth = 0;
	for (; p < end; p++) {
		depth += *p == '(';
		if (*p == ')' && !--depth)
			return p;
	}
	return NULL;
}

/* `Int32 a, String s`: .NET's; `System.Int32, string`: Mono's; nothing. What else is in brackets is another language's place. */
static enum wh_dotnet_sureness parameters(struct wh_span s)
{
	/* Java's and JavaScript's */
	static const char *const places[] = { "native",	    "<anonymous>", "Unknown Source", "SourceFile", "ProGuard",
					      "Proguard", "PG",	       "<generated>",	 "<unknown>",  "<eval>" };
	static const char *const extensions[] = { ".java", ".kt", ".scala", ".groovy", ".clj", ".js" };
	bool named = false;
	if (!wh_span_size(s))
		return WH_DOTNET_PLAIN;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (wh_span_size(s) == strlen(places[i]) && wh_scan_has(s, places[i]))
			return WH_DOTNET_NONE;
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
		size_t n = strlen(extensions[i]);
		if (wh_span_size(s) >= n && !memcmp(s.end - n, extensions[i], n))
			return WH_DOTNET_NONE;
	}
	if (wh_scan_find(s, " Method") || wh_scan_find(s, " method")) /* Java's `Native Method` */
		return WH_DOTNET_LOOSE;
	size_t words = 1, brackets = 0;
	for (const char *p = s.p; p < s.end; p++) {
		if (strchr("\"'@=;\\", *p) || (*p == '/' && !brackets) || (*p == ':' && p + 1 < s.end && wh_is_digit(p[1])))
			return WH_DOTNET_NONE;
		brackets += *p == '[' || *p == '<';
		brackets -= brackets && (*p == ']' || *p == '>');
		if (*p == ',' && !brackets) {
			words = 0;
		} else if (*p == ' ' && !brackets) {
			named |= words == 1;
			if (++words > 3)
				return WH_DOTNET_LOOSE;
		}
	}
	return named ? WH_DOTNET_SURE : WH_DOTNET_PLAIN;
}

/* `in x.cs:line 3`, `in x.cs:3`, `bei x.cs:Zeile 3`: behind the parameters. */
static bool take_source(struct wh_span where, struct wh_frame_text *frame)
{
	where = wh_scan_trim(where);
	while (where.p < where.end && (where.end[-1] == '.' || where.end[-1] == ' '))
		where.end--;
	const char *p = where.end;
	while (p > where.p && wh_is_digit(p[-1]))
		p--;
	struct wh_span digits = { p, where.end }, word = wh_scan_until(where, " ");
	uint64_t number;
	/* nothing but a word of one of these languages stands in front of the file */
	for (const char *q = word.p; q < word.end; q++)
		if (!wh_is_alpha(*q) && (unsigned char)*q < 0x80)
			return false;
	if (!wh_span_size(word) || word.end == where.end || !wh_scan_decimal(&digits, &number))
		return false;
	struct wh_span file = { word.end + 1, p };
	const char *colon = wh_span_size(file) ? memrchr(file.p, ':', wh_span_size(file)) : NULL;
	/* the word for a line: short, without a path's characters */
	if (!colon || p - colon > 24 || memchr(colon, '/', (size_t)(p - colon)) || memchr(colon, '\\', (size_t)(p - colon)))
		return false;
	frame->file = SPAN_IN(file.p, colon);
	frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
	if (wh_scan_has(frame->file, "<")) { /* Mono's module id instead of a file */
		frame->file = SPAN_IN(NULL, NULL);
		frame->line = 0;
	}
	return true;
}

/* ` in App.dll:token 0x6000003+0x1a`: the module and how far into its method. */
static bool take_token(struct wh_span where, struct wh_frame_text *frame)
{
	const char *token = wh_scan_find(where, ":token 0x");
	if (!token)
		return false;
	struct wh_span module = wh_scan_trim(SPAN_IN(where.p, token)), s = { token + strlen(":token "), where.end };
	uint64_t number;
	wh_scan_skip(&module, "in ");
	frame->module = module;
	frame->has_offset = wh_scan_hex(&s, &number) && wh_scan_skip(&s, "+") && wh_scan_hex(&s, &frame->offset);
	return true;
}

/* Mono's `<0x41860b40 + 0x00034>` and `<0x00034>`. */
static bool take_mono_offset(struct wh_span where, struct wh_frame_text *frame)
{
	const char *base = wh_scan_last(where, "<0x"), *plus = base ? wh_scan_find(SPAN_IN(base, where.end), " + 0x") : NULL;
	if (!base)
		return false;
	struct wh_span start = { base + 1, where.end }, within = { plus ? plus + 3 : NULL, where.end };
	uint64_t method;
	if (!wh_scan_hex(&start, &method))
		return false;
	if (plus && wh_scan_hex(&within, &frame->offset)) {
		frame->address = method + frame->offset;
		frame->has_address = frame->has_offset = true;
	} else if (method != 0xffffffff && start.p < where.end && *start.p == '>') {
		frame->offset = method;
		frame->has_offset = true;
	}
	return true;
}

/* A name: dotted (or Mono's with a colon), without what prose and other languages have. */
static bool method_name(struct wh_span s)
{
	bool joined = false;
	size_t brackets = 0;
	for (const char *p = s.p; p < s.end; p++) {
		if (strchr("\"'\\={};#?!%", *p) || (*p == '/' && !brackets) || (*p == ' ' && !brackets) ||
		    (*p == '-' && (p + 1 == s.end || p[1] == '>')))
			return false;
		brackets += *p == '[' || *p == '<';
		brackets -= brackets && (*p == ']' || *p == '>');
		joined |= *p == '.' || *p == ':';
	}
	return joined && wh_span_size(s) > 2;
}

/* The method's name up to where its parameters open (NULL where it has none), behind `at `. */
static const char *take_name(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_span at = line;
	if (wh_scan_has(at, "(wrapper ")) {
		const char *close = memchr(at.p, ')', wh_span_size(at));
		if (close)
			at.p = close + 1;
	}
	const char *open = wh_span_size(at) ? memchr(at.p, '(', wh_span_size(at)) : NULL;
	frame->function = wh_scan_trim(SPAN_IN(line.p, open ? open : line.end));
	return open;
}

enum wh_dotnet_sureness wh_dotnet_line(struct wh_span line, struct wh_frame_text *frame)
{
	bool english;
	*frame = (struct wh_frame_text){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !take_at(&line, &english) || line.p == line.end)
		return WH_DOTNET_NONE;
	const char *open = take_name(line, frame), *close = open ? closing(open, line.end) : NULL;
	if (!open || open == line.p) {
		/* Mono's `at C:M <0x00091>`, .NET's native `at app!<BaseAddress>+0x12` */
		const char *angle = wh_scan_find(line, " <0x"), *base = wh_scan_find(line, "!<BaseAddress>+0x");
		struct wh_span offset = { base ? base + strlen("!<BaseAddress>+") : NULL, line.end };
		if (angle && take_mono_offset(SPAN_IN(angle, line.end), frame)) {
			frame->function = wh_scan_trim(SPAN_IN(line.p, angle));
			if (wh_scan_has(frame->function, "<unknown>"))
				frame->function = SPAN_IN(NULL, NULL);
			return WH_DOTNET_PLAIN;
		}
		if (!base || !wh_scan_hex(&offset, &frame->offset))
			return WH_DOTNET_NONE;
		frame->module = SPAN_IN(line.p, base);
		frame->function = SPAN_IN(NULL, NULL);
		frame->has_offset = true;
		return WH_DOTNET_PLAIN;
	}
	if (!close)
		return WH_DOTNET_LOOSE;
	struct wh_span where = { close + 1, line.end }, name = frame->function;
	const char *wrapper = wh_scan_has(name, "(wrapper ") ? memchr(name.p, ')', wh_span_size(name)) : NULL;
	if (wrapper)
		name = wh_scan_trim(SPAN_IN(wrapper + 1, name.end));
	enum wh_dotnet_sureness sure = parameters(SPAN_IN(open + 1, close));
	/* `+MoveNext()`: an iterator's own method */
	struct wh_span moved = where;
	if (wh_scan_skip(&moved, "+") && memchr(moved.p, ')', wh_span_size(moved)))
		where.p = (const char *)memchr(moved.p, ')', wh_span_size(moved)) + 1;
	where = wh_scan_trim(where);
	const char *offset = wh_scan_has(where, "[0x") ? memchr(where.p, ']', wh_span_size(where)) : NULL;
	bool placed = offset != NULL, native = false;
	placed |= take_mono_offset(where, frame);
	if (offset)
		where = wh_scan_trim(SPAN_IN(offset + 1, where.end));
	const char *in = placed ? wh_scan_find(where, "in ") : NULL;
	struct wh_span native_offset = where;
	if (wh_scan_skip(&native_offset, "+ 0x") || wh_scan_skip(&native_offset, "+0x")) {
		native = frame->has_offset = wh_scan_digits16(&native_offset, &frame->offset);
	} else if (take_token(where, frame) || take_source(in ? SPAN_IN(in, where.end) : where, frame)) {
		placed = true;
	}
	if (sure == WH_DOTNET_NONE || !method_name(name))
		return placed && sure != WH_DOTNET_NONE && english ? WH_DOTNET_LOOSE : sure == WH_DOTNET_NONE ? WH_DOTNET_NONE : WH_DOTNET_LOOSE;
	if (placed)
		return sure == WH_DOTNET_LOOSE ? WH_DOTNET_PLAIN : WH_DOTNET_SURE;
	if (native || where.p == where.end)
		return english ? sure : sure == WH_DOTNET_SURE ? WH_DOTNET_PLAIN : WH_DOTNET_LOOSE;
	return WH_DOTNET_LOOSE;
}

bool wh_frame_line_dotnet(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_span s = wh_scan_trim(line);
	return wh_scan_has(s, "at ") && wh_dotnet_line(line, frame) != WH_DOTNET_NONE;
}

enum wh_dotnet_sureness wh_unity_line(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || line.p == line.end || line.end[-1] != ')')
		return WH_DOTNET_NONE;
	const char *open = memchr(line.p, '(', wh_span_size(line)), *close = open ? closing(open, line.end) : NULL;
	if (!close || open == line.p)
		return WH_DOTNET_NONE;
	frame->function = wh_scan_trim(SPAN_IN(line.p, open));
	if (!method_name(frame->function) || parameters(SPAN_IN(open + 1, close)) == WH_DOTNET_NONE)
		return WH_DOTNET_NONE;
	struct wh_span where = wh_scan_trim(SPAN_IN(close + 1, line.end));
	if (wh_scan_skip(&where, "(at ")) {
		wh_location_split(SPAN_IN(where.p, where.end - 1), &frame->file, &frame->line);
		if (wh_scan_has(frame->file, "<"))
			frame->file = SPAN_IN(NULL, NULL);
		return WH_DOTNET_SURE;
	}
	bool colon = memchr(frame->function.p, ':', wh_span_size(frame->function)) != NULL;
	return where.p == where.end && colon ? WH_DOTNET_PLAIN : WH_DOTNET_NONE;
}
