/* SPDX-License-Identifier: Apache-2.0 */
/* HTML and Jira's wiki markup as plain text, lines kept; only tags that HTML knows are taken for tags: `vector<int>` is none. */
#include <ctype.h>
#include <stdio.h>

#include "format/stack/prose.h"

#define FENCE "\n```\n"

enum { LONGEST_TAG = 1 << 16 };

/* Tags by what they do to text; sorted within their line for nobody but the reader. */
static const char inline_tags[] =
	" a abbr acronym b bdi bdo big button cite code col colgroup del details dfn em figure font i iframe img input ins kbd label link "
	"mark meta nobr noscript option path q s samp select small span strike strong sub summary sup svg template time tt u var wbr ";
static const char line_tags[] =
	" address article aside blockquote body br center dd dir div dl dt fieldset figcaption footer form h1 h2 h3 h4 h5 h6 head header hr html "
	"legend li main menu nav ol p section table tbody td tfoot th thead title tr ul ";
static const char fence_tags[] = " pre textarea listing xmp plaintext ";
static const char dropped_tags[] = " script style ";

static bool is_one_of(const char *tags, const char *name)
{
	char word[24];
	int n = snprintf(word, sizeof word, " %s ", name);
	return n < (int)sizeof word && strstr(tags, word);
}

static void put_utf8(struct wh_str *out, uint64_t c)
{
	if (c == 0xa0) {
		wh_str_putc(out, ' ');
	} else if (c && c < 0x80) {
		wh_str_putc(out, (char)c);
	} else if (c && c < 0x800) {
		wh_str_putc(out, (char)(0xc0 | c >> 6));
		wh_str_putc(out, (char)(0x80 | (c & 63)));
	} else if (c && c < 0x10000 && (c < 0xd800 || c > 0xdfff)) {
		wh_str_putc(out, (char)(0xe0 | c >> 12));
		wh_str_putc(out, (char)(0x80 | (c >> 6 & 63)));
		wh_str_putc(out, (char)(0x80 | (c & 63)));
	} else if (c >= 0x10000 && c < 0x110000) {
		wh_str_putc(out, (char)(0xf0 | c >> 18));
		wh_str_putc(out, (char)(0x80 | (c >> 12 & 63)));
		wh_str_putc(out, (char)(0x80 | (c >> 6 & 63)));
		wh_str_putc(out, (char)(0x80 | (c & 63)));
	}
}

/* A character reference at s, which begins with `&`, is passed over and its character appended; false: it is none. */
static bool take_reference(struct wh_span *s, struct wh_str *out)
{
	static const struct {
		const char *name;
		uint64_t c;
	} names[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' }, { "&nbsp;", ' ' },
		      { "&ndash;", 0x2013 }, { "&mdash;", 0x2014 }, { "&hellip;", 0x2026 } };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (wh_scan_skip(s, names[i].name)) {
			put_utf8(out, names[i].c);
			return true;
		}
	struct wh_span at = *s;
	uint64_t c;
	bool number = wh_scan_skip(&at, "&#x") || wh_scan_skip(&at, "&#X") ? wh_scan_digits16(&at, &c)
									     : wh_scan_skip(&at, "&#") && wh_scan_decimal(&at, &c);
	if (!number || !wh_scan_skip(&at, ";"))
		return false;
	put_utf8(out, c);
	*s = at;
	return true;
}

void wh_prose_unescape(struct wh_span text, struct wh_str *out)
{
	while (text.p < text.end) {
		const char *stop = memchr(text.p, '&', wh_span_size(text));
		if (!stop)
			stop = text.end;
		wh_str_add(out, text.p, (size_t)(stop - text.p));
		text.p = stop;
		if (text.p < text.end && !take_reference(&text, out))
			wh_str_putc(out, *text.p++);
	}
}

/* The tag that s begins with, its name in lower case (at most 15 bytes), passed over; false: `<` is only a character. No tag ends
 * before *endless, as far as was looked. */
static bool take_tag(struct wh_span *s, char name[16], bool *closes, const char **endless)
{
	struct wh_span at = { s->p + 1, s->end };
	size_t n = 0;
	*closes = wh_scan_skip(&at, "/");
	while (at.p < at.end && n < 15 && isalnum((unsigned char)*at.p))
		name[n++] = (char)tolower((unsigned char)*at.p++);
	name[n] = '\0';
	if (!n || at.p == at.end || !(isspace((unsigned char)*at.p) || *at.p == '>' || *at.p == '/'))
		return false;
	if (!is_one_of(inline_tags, name) && !is_one_of(line_tags, name) && !is_one_of(fence_tags, name) && !is_one_of(dropped_tags, name))
		return false;
	if (at.p < *endless)
		return false;
	char quote = 0;
	for (const char *last = wh_span_size(at) > LONGEST_TAG ? at.p + LONGEST_TAG : at.end; at.p < last; at.p++) {
		if (quote ? *at.p == quote : *at.p == '"' || *at.p == '\'')
			quote = quote ? 0 : *at.p;
		else if (!quote && *at.p == '>') {
			s->p = at.p + 1;
			return true;
		}
	}
	*endless = at.p;
	return false;
}

/* Passes over what stands between <script> and its end. */
static void drop_content(struct wh_span *s, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = s->p; (p = memmem(p, (size_t)(s->end - p), "</", 2)); p += 2)
		if ((size_t)(s->end - p) > n + 2 && !strncasecmp(p + 2, name, n)) {
			s->p = p;
			return;
		}
	s->p = s->end;
}

static void put_tag(struct wh_span *s, const char *name, bool closes, struct wh_str *out)
{
	if (is_one_of(fence_tags, name))
		wh_str_puts(out, FENCE);
	else if (is_one_of(line_tags, name) && out->n && out->data[out->n - 1] != '\n')
		wh_str_putc(out, '\n');
	else if (!closes && is_one_of(dropped_tags, name))
		drop_content(s, name);
}

void wh_prose_plain_html(struct wh_span html, struct wh_str *out)
{
	char name[16];
	bool closes;
	const char *endless = html.p;
	while (html.p < html.end && !out->failed) {
		const char *p = html.p;
		while (p < html.end && *p != '<' && *p != '&')
			p++;
		wh_str_add(out, html.p, (size_t)(p - html.p));
		html.p = p;
		if (p == html.end)
			break;
		if (*p == '&') {
			if (!take_reference(&html, out))
				wh_str_putc(out, *html.p++);
		} else if (wh_scan_has(html, "<!--")) {
			const char *end = wh_scan_find(html, "-->");
			html.p = end ? end + 3 : html.end;
		} else if (take_tag(&html, name, &closes, &endless)) {
			put_tag(&html, name, closes, out);
		} else {
			wh_str_putc(out, *html.p++);
		}
	}
}

/* `{code:java|title=x}` and its like, passed over. */
static bool take_macro(struct wh_span *s)
{
	static const char *const names[] = { "{code", "{noformat", "{quote", "{panel" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct wh_span at = *s;
		if (!wh_scan_skip(&at, names[i]))
			continue;
		struct wh_span rest = wh_scan_until(at, "}\n{");
		if ((rest.p == rest.end || *rest.p == ':') && rest.end < at.end && *rest.end == '}' && wh_span_size(rest) < 200) {
			s->p = rest.end + 1;
			return true;
		}
	}
	return false;
}

void wh_prose_plain_wiki(struct wh_span wiki, struct wh_str *out)
{
	while (wiki.p < wiki.end) {
		const char *brace = memchr(wiki.p, '{', wh_span_size(wiki));
		if (!brace)
			brace = wiki.end;
		wh_str_add(out, wiki.p, (size_t)(brace - wiki.p));
		wiki.p = brace;
		if (wiki.p == wiki.end)
			break;
		if (take_macro(&wiki))
			wh_str_puts(out, FENCE);
		else
			wh_str_putc(out, *wiki.p++);
	}
}
