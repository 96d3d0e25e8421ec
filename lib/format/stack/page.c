/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page that somebody saved, an issue in Markdown, a chat: text with a report in it that no reader knows for its markup. HTML is
 * always looked through, since a report in it may be recognised but reads `vector&lt;int&gt;`; fenced text if several readers know a
 * piece of it each; anything else only when nobody else knows it, and only where there is something to take off: quotes or fences.
 */
#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/prose.h"

enum { HEAD = 4096 };

static bool is_html(const char *text, size_t size)
{
	struct wh_span s = { text, text + (size < HEAD ? size : HEAD) };
	while (s.p < s.end && (wh_is_blank(*s.p) || *s.p == '\n' || *s.p == '\r'))
		s.p++;
	wh_scan_skip(&s, "\xef\xbb\xbf");
	if (s.p == s.end || *s.p != '<')
		return false;
	for (const char *p = s.p; (p = memchr(p, '<', (size_t)(s.end - p))); p++)
		if (s.end - p > 14 && (!strncasecmp(p, "<html", 5) || !strncasecmp(p, "<!doctype html", 14)))
			return true;
	return false;
}

static bool is_wiki(struct wh_span s)
{
	static const char *const macros[] = { "{code", "{noformat" };
	return wh_scan_any(s, macros, 2);
}

static enum wh_prose_markup markup_of(const char *text, size_t size)
{
	return is_html(text, size)				      ? WH_PROSE_HTML
	       : is_wiki((struct wh_span){ text, text + (size < WH_DETECT_SIZE ? size : WH_DETECT_SIZE) }) ? WH_PROSE_WIKI
												     : WH_PROSE_PLAIN;
}

static int read_page(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_prose prose;
	struct wh_span text = { reader->text, reader->text + reader->size }, title;
	enum wh_prose_markup markup = markup_of(reader->text, reader->size);
	wh_prose_open(&prose, reader, "prose");
	prose.named = "page";
	wh_prose_begin(&prose);
	if (markup == WH_PROSE_HTML && wh_scan_after(text, "<title>", &title)) {
		struct wh_str plain = { 0 };
		wh_prose_unescape(wh_scan_until(title, "<"), &plain);
		wh_prose_attribute(&prose, "title", (struct wh_span){ plain.data, plain.data + plain.n });
		wh_str_release(&plain);
	}
	int code = wh_prose_read(&prose, text, markup, reader->first_line, err);
	if (code == WH_OK)
		code = wh_prose_end(&prose, reader->first_line, err);
	wh_prose_release(&prose);
	return code;
}

static bool has_fences(struct wh_span s)
{
	static const char *const marks[] = { "\n```", "\n~~~", "{code", "{noformat" };
	return wh_scan_any(s, marks, sizeof marks / sizeof *marks) || wh_scan_has(s, "```");
}

static int detect(const char *text, size_t size)
{
	struct wh_span s = { text, text + size };
	if (is_html(text, size))
		return wh_prose_detect(s, WH_PROSE_HTML) >= 40 ? 97 : 0;
	return has_fences(s) && wh_prose_is_mixed(s, markup_of(text, size)) ? 97 : 0;
}

static int detect_late(const char *text, size_t size, int sure)
{
	struct wh_span s = { text, text + size };
	if (sure || !(has_fences(s) || wh_scan_find(s, "\n> ") || wh_scan_has(s, "> ")))
		return 0;
	int inside = wh_prose_detect(s, markup_of(text, size));
	return inside >= 40 ? 30 : 0;
}

const struct wh_format wh_format_prose = {
	.name = "prose",
	.summary = "text with reports in it: a saved page, an issue in Markdown or wiki markup, quoted mail",
	.reference = "HTML (WHATWG), CommonMark's fences, Jira's text formatting notation",
	.detect = detect,
	.detect_late = detect_late,
	.read = read_page,
};
