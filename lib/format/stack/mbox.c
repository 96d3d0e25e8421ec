/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail: an mbox, or a single message (RFC 5322, RFC 2045). A message begins with a line `From ` behind an empty one. Each is a
 * document: text parts are prose, HTML parts too, attachments are read as files are; of alternatives that say the same one counts.
 * Records are named by who reads the file (its path, `#2`…): Message-IDs are kept as an attribute, mailing lists change them.
 */
#include <stdlib.h>

#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/mime.h"
#include "format/stack/prose.h"

enum { DEEPEST = 8, MOST_HEADERS = 200 };

/* ---- headers ---- */

/* A header's name and its value, folded lines included. */
struct header {
	struct wh_span name, value;
};

/* Takes the next header off text; false at the empty line that ends them (taken, too), or where no header is. */
static bool take_header(struct wh_span *text, struct header *h)
{
	struct wh_span at = *text, line;
	if (!wh_scan_line(&at, &line) || line.p == line.end) {
		*text = at;
		return false;
	}
	h->name = wh_scan_until(line, ": \t");
	if (!wh_span_size(h->name) || h->name.end == line.end || *h->name.end != ':')
		return false;
	h->value = (struct wh_span){ h->name.end + 1, line.end };
	*text = at;
	while (text->p < text->end && wh_is_blank(*text->p) && wh_scan_line(&at, &line)) {
		if (wh_scan_trim(line).p == wh_scan_trim(line).end)
			break;
		h->value.end = line.end;
		*text = at;
	}
	return true;
}

static bool is_named(const struct header *h, const char *name)
{
	return wh_span_size(h->name) == strlen(name) && !strncasecmp(h->name.p, name, strlen(name));
}

/* What we want to know of a part. */
struct part {
	struct wh_span type, encoding, boundary;
	bool attached;
};

static bool begins(struct wh_span s, const char *prefix)
{
	s = wh_scan_trim(s);
	return wh_span_size(s) >= strlen(prefix) && !strncasecmp(s.p, prefix, strlen(prefix));
}

/* The value of `; name=value` or `; name="value"`. */
static struct wh_span parameter(struct wh_span value, const char *name)
{
	size_t n = strlen(name);
	for (const char *p = value.p; (p = memchr(p, ';', (size_t)(value.end - p)));) {
		struct wh_span at = { p + 1, value.end };
		while (at.p < at.end && (wh_is_blank(*at.p) || *at.p == '\n' || *at.p == '\r'))
			at.p++;
		p = at.p;
		if (wh_span_size(at) <= n || strncasecmp(at.p, name, n) || at.p[n] != '=')
			continue;
		at.p += n + 1;
		if (wh_scan_skip(&at, "\""))
			return wh_scan_until(at, "\"");
		return wh_scan_until(at, "; \t\r\n");
	}
	return (struct wh_span){ 0 };
}

/* Headers of a part of the body; text is left at its content. */
static struct part read_part_headers(struct wh_span *text)
{
	struct part part = { 0 };
	struct header h;
	for (int n = 0; n < MOST_HEADERS && take_header(text, &h); n++) {
		if (is_named(&h, "Content-Type")) {
			part.type = h.value;
			part.boundary = parameter(h.value, "boundary");
		} else if (is_named(&h, "Content-Transfer-Encoding")) {
			part.encoding = h.value;
		} else if (is_named(&h, "Content-Disposition")) {
			part.attached = begins(h.value, "attachment");
		}
	}
	return part;
}

/* ---- bodies ---- */

struct mail {
	struct wh_reader *reader;
	struct wh_prose prose;
	const char *counted; /* lines before this are counted … */
	size_t line;         /* … and this is its number */
	struct wh_err *err;
};

/* at never goes back within a message. */
static size_t line_of(struct mail *m, const char *at)
{
	for (const char *p = m->counted; p < at && (p = memchr(p, '\n', (size_t)(at - p))); p++)
		m->line++;
	m->counted = m->counted < at ? at : m->counted;
	return m->line;
}

static int read_part(struct mail *m, struct wh_span text, int depth);

/* Whether line delimits parts; *last: the end of all. */
static bool is_delimiter(struct wh_span line, struct wh_span boundary, bool *last)
{
	if (!wh_scan_skip(&line, "--") || wh_span_size(line) < wh_span_size(boundary) ||
	    memcmp(line.p, boundary.p, wh_span_size(boundary)) != 0)
		return false;
	line.p += wh_span_size(boundary);
	*last = wh_scan_skip(&line, "--");
	return wh_scan_trim(line).p == wh_scan_trim(line).end;
}

static int read_parts(struct mail *m, struct wh_span text, struct wh_span boundary, int depth)
{
	struct wh_span line, part = { NULL, NULL };
	bool last = false;
	while (!last && wh_scan_line(&text, &line)) {
		if (!is_delimiter(line, boundary, &last))
			continue;
		part.end = line.p;
		if (part.p)
			WH_TRY(read_part(m, part, depth + 1));
		part.p = text.p;
	}
	part.end = text.end; /* what the end is missing of */
	return part.p && !last ? read_part(m, part, depth + 1) : WH_OK;
}

static int read_content(struct mail *m, const struct part *part, struct wh_span text)
{
	struct wh_str decoded = { 0 };
	size_t line = line_of(m, text.p);
	bool is_text = !wh_span_size(part->type) || begins(part->type, "text/"), html = begins(part->type, "text/html");
	if (begins(part->type, "image/") || begins(part->type, "audio/") || begins(part->type, "video/"))
		return WH_OK;
	if (begins(part->encoding, "base64"))
		wh_mime_base64(text, &decoded);
	else if (begins(part->encoding, "quoted-printable"))
		wh_mime_quoted_printable(text, &decoded);
	if (decoded.n)
		text = (struct wh_span){ decoded.data, decoded.data + decoded.n };
	int code = decoded.failed ? wh_err_set(m->err, WH_E_NOMEM, "out of memory")
				  : wh_prose_read(&m->prose, text, html ? WH_PROSE_HTML : part->attached || !is_text ? WH_PROSE_FILE : WH_PROSE_PLAIN,
						  line, m->err);
	wh_str_release(&decoded);
	return code;
}

static int read_body(struct mail *m, const struct part *part, struct wh_span text, int depth)
{
	if (depth > DEEPEST)
		return WH_OK;
	if (begins(part->type, "multipart/") && wh_span_size(part->boundary))
		return read_parts(m, text, part->boundary, depth);
	if (begins(part->type, "message/rfc822"))
		return read_part(m, text, depth + 1);
	return read_content(m, part, text);
}

static int read_part(struct mail *m, struct wh_span text, int depth)
{
	struct part part = read_part_headers(&text);
	return read_body(m, &part, text, depth);
}

/* ---- messages ---- */

static void set(struct wh_prose *prose, const char *name, struct wh_span value)
{
	struct wh_str text = { 0 };
	wh_mime_words(value, &text);
	if (text.n)
		wh_prose_attribute(prose, name, (struct wh_span){ text.data, text.data + text.n });
	wh_str_release(&text);
}

static int read_message(struct mail *m, struct wh_span text)
{
	size_t line = line_of(m, text.p);
	struct wh_span at = text, first;
	struct header h;
	wh_prose_begin(&m->prose);
	if (wh_scan_has(at, "From "))
		wh_scan_line(&at, &first);
	struct wh_span headers = at;
	for (int n = 0; n < MOST_HEADERS && take_header(&at, &h); n++) {
		if (is_named(&h, "Subject"))
			set(&m->prose, "title", h.value);
		else if (is_named(&h, "Date"))
			wh_prose_time(&m->prose, wh_scan_until(wh_scan_trim(h.value), "\r\n"));
		else if (is_named(&h, "Message-ID"))
			set(&m->prose, "message_id", h.value);
	}
	WH_TRY(read_part(m, headers, 0));
	return wh_prose_end(&m->prose, line, m->err);
}

/* Whether a message of an mbox begins at p: `From somebody Thu Feb  8 21:07:27 2024`, whatever stands for somebody. */
static bool is_from_line(const char *p, const char *end)
{
	struct wh_span line, text = { p, end };
	if (!wh_scan_has(text, "From ") || !wh_scan_line(&text, &line) || wh_span_size(line) < 20)
		return false;
	const char *colon = memchr(line.p, ':', wh_span_size(line));
	return colon && colon - line.p > 7 && line.end - colon > 5 && wh_is_digit(colon[-1]) && wh_is_digit(colon[1]) && wh_is_digit(colon[2]);
}

static const char *next_message(const char *p, const char *end)
{
	while ((p = memmem(p, (size_t)(end - p), "\nFrom ", 6))) {
		bool empty_before = p[-1] == '\n' || (p[-1] == '\r' && p[-2] == '\n');
		p++;
		if (empty_before && is_from_line(p, end))
			return p;
	}
	return end;
}

static int read_mbox(struct wh_reader *reader, struct wh_err *err)
{
	struct mail m = { .reader = reader, .counted = reader->text, .line = reader->first_line, .err = err };
	const char *p = reader->text, *end = p + reader->size;
	int code = WH_OK;
	wh_prose_open(&m.prose, reader, "mbox");
	m.prose.named = "message";
	while (code == WH_OK && p < end) {
		const char *stop = end - p > 8 ? next_message(p + 2, end) : end;
		code = read_message(&m, (struct wh_span){ p, stop });
		p = stop;
	}
	wh_prose_release(&m.prose);
	return code;
}

/* Headers from the first line on, three of those that every mail has, among them From. */
static int detect(const char *text, size_t size)
{
	static const char *const usual[] = { "From",	 "Date",	 "Subject",	"Message-ID",  "To",
					     "Received", "MIME-Version", "Return-Path", "Delivered-To" };
	struct wh_span s = { text, text + size }, line;
	struct header h;
	bool envelope = is_from_line(text, text + size), from = false;
	unsigned seen = 0;
	if (envelope)
		wh_scan_line(&s, &line);
	for (int n = 0; n < MOST_HEADERS && take_header(&s, &h); n++) {
		from |= is_named(&h, "From");
		for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++)
			if (is_named(&h, usual[i]))
				seen |= 1u << i;
	}
	int n = __builtin_popcount(seen);
	return !from || n < 2 ? 0 : envelope || n > 2 ? 98 : 0;
}

const struct wh_format wh_format_mbox = {
	.name = "mbox",
	.summary = "mail: an mbox or one message, with the reports that people sent in them",
	.reference = "RFC 4155, RFC 5322, RFC 2045 to 2049",
	.detect = detect,
	.read = read_mbox,
};
