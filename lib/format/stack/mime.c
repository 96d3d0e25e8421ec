/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/mime.h"

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (wh_is_digit(c))
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

void wh_mime_base64(struct wh_span text, struct wh_str *out)
{
	unsigned bits = 0, n = 0;
	for (; text.p < text.end && *text.p != '='; text.p++) {
		int digit = base64_digit(*text.p);
		if (digit < 0)
			continue;
		bits = bits << 6 | (unsigned)digit;
		n += 6;
		if (n >= 8) {
			n -= 8;
			wh_str_putc(out, (char)(bits >> n));
			bits &= (1u << n) - 1;
		}
	}
}

static int hex_digit(char c)
{
	return wh_is_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `=3D` at s, passed over and appended; false: an equals sign that means itself. */
static bool take_escape(struct wh_span *s, struct wh_str *out)
{
	if (wh_span_size(*s) < 3 || hex_digit(s->p[1]) < 0 || hex_digit(s->p[2]) < 0)
		return false;
	wh_str_putc(out, (char)(hex_digit(s->p[1]) << 4 | hex_digit(s->p[2])));
	s->p += 3;
	return true;
}

void wh_mime_quoted_printable(struct wh_span text, struct wh_str *out)
{
	while (text.p < text.end) {
		const char *stop = memchr(text.p, '=', wh_span_size(text));
		if (!stop)
			stop = text.end;
		wh_str_add(out, text.p, (size_t)(stop - text.p));
		text.p = stop;
		if (text.p == text.end)
			break;
		struct wh_span at = { text.p + 1, text.end };
		wh_scan_blanks(&at);
		wh_scan_skip(&at, "\r");
		if (wh_scan_skip(&at, "\n")) /* a soft end of line */
			text.p = at.p;
		else if (!take_escape(&text, out))
			wh_str_putc(out, *text.p++);
	}
}

/* `=?charset?Q?text?=` at s, passed over and decoded. */
static bool take_word(struct wh_span *s, struct wh_str *out)
{
	struct wh_span at = *s;
	if (!wh_scan_skip(&at, "=?"))
		return false;
	struct wh_span charset = wh_scan_until(at, "? \t\n");
	at.p = charset.end;
	char how = wh_span_size(at) > 2 ? (char)(at.p[1] | 32) : 0;
	if ((how != 'q' && how != 'b') || at.p[0] != '?' || at.p[2] != '?')
		return false;
	at.p += 3;
	struct wh_span text = wh_scan_until(at, "? \t\n");
	at.p = text.end;
	if (!wh_scan_skip(&at, "?="))
		return false;
	if (how == 'b')
		wh_mime_base64(text, out);
	while (how == 'q' && text.p < text.end)
		if (*text.p != '=' || !take_escape(&text, out)) {
			wh_str_putc(out, *text.p == '_' ? ' ' : *text.p);
			text.p++;
		}
	s->p = at.p;
	return true;
}

void wh_mime_words(struct wh_span value, struct wh_str *out)
{
	bool was_word = false; /* blanks between two words are no text */
	struct wh_str decoded = { 0 };
	while (value.p < value.end) {
		const char *before = value.p;
		while (value.p < value.end && (wh_is_blank(*value.p) || *value.p == '\n' || *value.p == '\r'))
			value.p++;
		bool blanks = value.p > before && out->n;
		wh_str_clear(&decoded);
		bool is_word = take_word(&value, &decoded);
		if (blanks && value.p < value.end + is_word && !(was_word && is_word))
			wh_str_putc(out, ' ');
		if (is_word) {
			wh_str_add(out, decoded.data ? decoded.data : "", decoded.n);
		} else {
			struct wh_span plain = wh_scan_until(value, " \t\r\n");
			wh_str_add(out, value.p, wh_span_size(plain));
			value.p = plain.end;
		}
		was_word = is_word;
	}
	out->failed |= decoded.failed;
	wh_str_release(&decoded);
}
