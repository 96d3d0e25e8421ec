/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

_Static_assert(WH_JSON_DEPTH <= 64, "a bit per depth");

void wh_json_scan_init(struct wh_json_scan *s, struct wh_bytes text, struct wh_arena *arena)
{
	const char *begin = text.data ? text.data : ""; /* of nothing */
	*s = (struct wh_json_scan){ .begin = begin, .p = begin, .end = begin + text.size, .arena = arena };
}

static bool fail(struct wh_json_scan *s, const char *why)
{
	if (!s->why)
		s->why = why;
	return false;
}

static bool fail_here(struct wh_json_scan *s, const char *why)
{
	return fail(s, s->p < s->end ? why : "ends too early");
}

static void skip_blanks(struct wh_json_scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

/* ---- strings ---- */

/* Whether none of eight bytes ends a run of plain ASCII: no quote, no backslash, no control character, no byte over 0x7f. */
static bool is_plain(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
	uint64_t odd = word | (word - ones * 0x20) | (quote - ones) | (backslash - ones);
	return !(odd & tops);
}

static const char *skip_plain(const char *p, const char *end)
{
	for (uint64_t word; end - p >= 8; p += 8) {
		memcpy(&word, p, sizeof word);
		if (!is_plain(word))
			break;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
		p++;
	return p;
}

static size_t write_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)((0xf00u >> n & 0xf0) | c);
	return n;
}

static bool read_hex4(struct wh_json_scan *s, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++) {
		char c = s->p < s->end ? *s->p : 0, lower = (char)(c | 0x20);
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10) : 16;
		if (digit == 16)
			return fail_here(s, "four hexadecimal digits expected");
		*value = *value << 4 | digit;
		s->p++;
	}
	return true;
}

/* After `\u`; half a pair of surrogates becomes U+FFFD, as in json-c. */
static bool read_code_point(struct wh_json_scan *s, uint32_t *c)
{
	uint32_t low;
	if (!read_hex4(s, c))
		return false;
	if (*c >= 0xd800 && *c < 0xdc00 && s->end - s->p >= 2 && s->p[0] == '\\' && s->p[1] == 'u') {
		const char *before = s->p;
		s->p += 2;
		if (!read_hex4(s, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000) {
			*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
			return true;
		}
		s->p = before;
	}
	if (*c >= 0xd800 && *c < 0xe000)
		*c = 0xfffd;
	return true;
}

/* After a backslash: appends what it stands for at to. */
static bool read_escape(struct wh_json_scan *s, char **to)
{
	static const char named[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at = s->p < s->end && *s->p ? strchr(named, *s->p) : NULL;
	uint32_t c;
	if (at) {
		*(*to)++ = meant[at - named];
		s->p++;
		return true;
	}
	if (s->p >= s->end || *s->p != 'u')
		return fail_here(s, "unknown escape");
	s->p++;
	if (!read_code_point(s, &c))
		return false;
	*to += write_utf8(*to, c);
	return true;
}

/* A string with escapes, from the first of them on; what it says is no longer than what is written. */
static bool read_escaped(struct wh_json_scan *s, const char *first, const char *close, struct wh_json_value *value)
{
	char *text = wh_arena_alloc(s->arena, (size_t)(close - first) + 1), *to = text;
	if (!text) {
		s->short_of_memory = true;
		return fail(s, "out of memory");
	}
	for (s->p = first; s->p < close;) {
		const char *escape = memchr(s->p, '\\', (size_t)(close - s->p)), *stop = escape ? escape : close;
		memcpy(to, s->p, (size_t)(stop - s->p));
		to += stop - s->p;
		s->p = stop;
		if (escape) {
			s->p++;
			if (!read_escape(s, &to))
				return false;
		}
	}
	*value = (struct wh_json_value){ WH_JSON_STRING, text, (size_t)(to - text) };
	return true;
}

/* After the opening quote. */
static bool read_string(struct wh_json_scan *s, struct wh_json_value *value)
{
	const char *first = s->p, *p = first;
	bool escapes = false;
	for (;;) {
		p = skip_plain(p, s->end);
		if (p >= s->end)
			break;
		if (*p == '"')
			break;
		if (*p == '\\') {
			escapes = true;
			p += s->end - p >= 2 ? 2 : 1;
			continue;
		}
		size_t length = (unsigned char)*p < 0x80 ? 0 : wh_utf8_length(p, (size_t)(s->end - p));
		if (!length) {
			s->p = p;
			return fail(s, (unsigned char)*p < 0x20 ? "a control character in a string" : "invalid UTF-8");
		}
		p += length;
	}
	if (p >= s->end) {
		s->p = s->end;
		return fail(s, "ends too early");
	}
	if (escapes && !read_escaped(s, first, p, value))
		return false;
	if (!escapes)
		*value = (struct wh_json_value){ WH_JSON_STRING, first, (size_t)(p - first) };
	s->p = p + 1;
	return true;
}

/* ---- other values ---- */

static bool skip_digits(struct wh_json_scan *s)
{
	const char *first = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > first || fail_here(s, "a digit expected");
}

static bool read_number(struct wh_json_scan *s, struct wh_json_value *value)
{
	const char *first = s->p;
	s->p += *s->p == '-';
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!skip_digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!skip_digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		s->p += s->p < s->end && (*s->p == '+' || *s->p == '-');
		if (!skip_digits(s))
			return false;
	}
	*value = (struct wh_json_value){ WH_JSON_NUMBER, first, (size_t)(s->p - first) };
	return true;
}

static bool read_word(struct wh_json_scan *s, struct wh_json_value *value)
{
	static const struct {
		const char *word;
		enum wh_json_kind kind;
	} words[] = { { "null", WH_JSON_NULL }, { "false", WH_JSON_FALSE }, { "true", WH_JSON_TRUE } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].word);
		if ((size_t)(s->end - s->p) >= n && !memcmp(s->p, words[i].word, n)) {
			*value = (struct wh_json_value){ words[i].kind, s->p, 0 };
			s->p += n;
			return true;
		}
	}
	return fail_here(s, "a value expected");
}

bool wh_json_scan_value(struct wh_json_scan *s, struct wh_json_value *value)
{
	if (s->why)
		return false;
	skip_blanks(s);
	if (s->p >= s->end)
		return fail(s, "ends too early");
	char c = *s->p;
	if (c == '"') {
		s->p++;
		return read_string(s, value);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(s, value);
	if (c != '{' && c != '[')
		return read_word(s, value);
	if (s->depth == WH_JSON_DEPTH)
		return fail(s, "nesting too deep");
	*value = (struct wh_json_value){ c == '{' ? WH_JSON_OBJECT : WH_JSON_ARRAY, s->p, 0 };
	uint64_t bit = UINT64_C(1) << s->depth++;
	s->array = c == '[' ? s->array | bit : s->array & ~bit;
	s->started &= ~bit;
	s->p++;
	return true;
}

/* Whether a further part stands before `close`; takes the comma, or the bracket. */
static bool next_part(struct wh_json_scan *s, char close)
{
	if (s->why || !s->depth)
		return false;
	uint64_t bit = UINT64_C(1) << (s->depth - 1);
	skip_blanks(s);
	if (s->p < s->end && *s->p == close) {
		s->p++;
		s->depth--;
		return false;
	}
	if (!(s->started & bit)) {
		s->started |= bit;
		return true;
	}
	if (s->p >= s->end || *s->p != ',')
		return fail_here(s, close == '}' ? "a comma or } expected" : "a comma or ] expected");
	s->p++;
	return true;
}

bool wh_json_scan_member(struct wh_json_scan *s, struct wh_json_value *name)
{
	if (!next_part(s, '}'))
		return false;
	skip_blanks(s);
	if (s->p >= s->end || *s->p != '"')
		return fail_here(s, "a member's name expected");
	s->p++;
	if (!read_string(s, name))
		return false;
	skip_blanks(s);
	if (s->p >= s->end || *s->p != ':')
		return fail_here(s, "a colon expected");
	s->p++;
	return true;
}

bool wh_json_scan_element(struct wh_json_scan *s)
{
	return next_part(s, ']');
}

bool wh_json_scan_skip(struct wh_json_scan *s, const struct wh_json_value *value)
{
	struct wh_json_value part;
	if (value->kind != WH_JSON_OBJECT && value->kind != WH_JSON_ARRAY)
		return !s->why;
	for (unsigned outer = s->depth - 1; s->depth > outer && !s->why;) {
		bool array = s->array >> (s->depth - 1) & 1;
		if (array ? wh_json_scan_element(s) : wh_json_scan_member(s, &part))
			(void)wh_json_scan_value(s, &part); /* brackets make it one deeper, or are closed by the next round */
	}
	return !s->why;
}

int wh_json_scan_finish(struct wh_json_scan *s, struct wh_err *err)
{
	if (s->short_of_memory)
		return wh_arena_error(s->arena, err);
	if (!s->why) {
		skip_blanks(s);
		if (s->p < s->end)
			fail(s, "something follows the value");
	}
	if (s->why)
		return wh_err_set(err, WH_E_FORMAT, "JSON: %s at byte %zu", s->why, (size_t)(s->p - s->begin));
	return WH_OK;
}

/* ---- reading what was found ---- */

bool wh_json_scan_u64(const struct wh_json_value *value, uint64_t *number)
{
	const char *p = value->data, *end = p + value->size;
	bool text = value->kind == WH_JSON_STRING;
	unsigned base = 10;
	if (!text && value->kind != WH_JSON_NUMBER)
		return false;
	if (text && end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	}
	uint64_t sum = 0;
	if (p == end)
		return false;
	for (; p < end; p++) {
		char lower = (char)(*p | 0x20);
		unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0') : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a' + 10) : 16;
		if (digit >= base || __builtin_mul_overflow(sum, (uint64_t)base, &sum) || __builtin_add_overflow(sum, (uint64_t)digit, &sum))
			return false;
	}
	*number = sum;
	return true;
}

bool wh_json_scan_is(const struct wh_json_value *value, const char *text)
{
	return value->size == strlen(text) && !memcmp(value->data, text, value->size);
}
