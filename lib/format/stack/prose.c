/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text is cut where its markup or its quotes (`> `) begin and end. Where one reader knows the whole and no other knows a piece, it
 * reads the whole, so that a report whose head stands before the fence is one; else each piece is read by the one who knows it best,
 * so that two tools' reports in one comment are two.
 */
#include "format/stack/prose.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"

enum {
	MOST_FORMATS = 128,
	MOST_PIECES = 1024, /* of one text: each is looked at by every reader */
	LEAST_PIECE = 16,   /* bytes; no frame is shorter than two of them */
};

/* ---- documents ---- */

void wh_prose_open(struct wh_prose *p, struct wh_reader *reader, const char *kind)
{
	*p = (struct wh_prose){ .reader = reader, .kind = kind, .named = "document" };
}

void wh_prose_release(struct wh_prose *p)
{
	struct wh_str *strings[] = { &p->id, &p->label, &p->name, &p->text, &p->piece, &p->whole };
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		wh_str_release(strings[i]);
	for (size_t i = 0; i < WH_PROSE_ATTRIBUTES; i++)
		wh_str_release(&p->attributes[i].value);
	wh_map_release(&p->seen);
}

void wh_prose_begin(struct wh_prose *p)
{
	wh_str_clear(&p->id);
	wh_str_clear(&p->label);
	for (size_t i = 0; i < p->n_attributes; i++)
		wh_str_clear(&p->attributes[i].value);
	p->n_attributes = p->reports = 0;
	p->number++;
	p->has_time = false;
}

static void set(struct wh_str *out, struct wh_span value)
{
	struct wh_span line = wh_scan_trim(value);
	while (line.p < line.end && (*line.p == '\n' || *line.p == '\r' || wh_is_blank(*line.p)))
		line.p++;
	line = wh_scan_trim(wh_scan_until(line, "\r\n"));
	const char *nul = wh_span_size(line) ? memchr(line.p, '\0', wh_span_size(line)) : NULL; /* what is kept ends there */
	if (nul)
		line.end = nul;
	wh_str_clear(out);
	wh_str_add(out, line.p, wh_span_size(line) > 2048 ? 2048 : wh_span_size(line));
}

void wh_prose_id(struct wh_prose *p, struct wh_span id)
{
	set(&p->id, id);
}

void wh_prose_label(struct wh_prose *p, struct wh_span label)
{
	set(&p->label, label);
}

void wh_prose_attribute(struct wh_prose *p, const char *name, struct wh_span value)
{
	size_t i = 0;
	while (i < p->n_attributes && strcmp(p->attributes[i].name, name) != 0)
		i++;
	if (i == WH_PROSE_ATTRIBUTES)
		return;
	p->attributes[i].name = name;
	set(&p->attributes[i].value, value);
	p->n_attributes += i == p->n_attributes;
}

/* `[Thu, ]8 Feb 2024 21:07:27 +0000` (RFC 5322, 3.3) as ISO 8601; empty where it is none. */
static void iso_of_mail(struct wh_span s, char iso[WH_TIME_TEXT])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	uint64_t day, year;
	const char *comma = wh_scan_find(s, ",");
	if (comma)
		s.p = comma + 1;
	s = wh_scan_trim(s);
	*iso = '\0';
	if (!wh_scan_decimal(&s, &day) || day > 31 || !(wh_scan_skip(&s, " ") || wh_scan_skip(&s, "-")) || wh_span_size(s) < 4)
		return;
	char name[4] = { s.p[0], s.p[1], s.p[2], '\0' };
	const char *month = strstr(months, name);
	s.p += 4;
	if (!month || (month - months) % 3 || !wh_scan_decimal(&s, &year) || year > 9999 || !wh_scan_skip(&s, " "))
		return;
	wh_scan_blanks(&s);
	struct wh_span clock = wh_scan_until(s, " \t"), zone = { clock.end, s.end };
	zone = wh_scan_until(wh_scan_trim(zone), " \t(");
	bool numeric = wh_span_size(zone) == 5 && (*zone.p == '+' || *zone.p == '-'); /* else a name: taken for UTC */
	if (wh_span_size(clock) == 8)
		snprintf(iso, WH_TIME_TEXT, "%04u-%02u-%02uT%.8s%.*s", (unsigned)(year < 100 ? year + (year < 50 ? 2000 : 1900) : year),
			 (unsigned)((month - months) / 3 + 1), (unsigned)day, clock.p, numeric ? 5 : 1, numeric ? zone.p : "Z");
}

void wh_prose_time(struct wh_prose *p, struct wh_span text)
{
	char iso[WH_TIME_TEXT * 2];
	size_t n = 0;
	text = wh_scan_trim(text);
	if (wh_span_size(text) >= sizeof iso)
		return;
	for (const char *c = text.p; c < text.end; c++) /* no blank before a zone: `2016-10-04 12:35:05 +0000` */
		if (!(*c == ' ' && c + 1 < text.end && (c[1] == '+' || c[1] == '-')))
			iso[n++] = *c;
	bool known = n > 8 && !wh_time_parse(iso, n, &p->time_ns);
	if (!known) {
		iso_of_mail(text, iso);
		known = *iso && !wh_time_parse(iso, strlen(iso), &p->time_ns);
	}
	p->has_time |= known;
}

/* ---- what a reader found ---- */

static uint64_t mix(uint64_t hash, const char *text)
{
	return wh_hash(text ? text : "", text ? strlen(text) : 0, hash);
}

static uint64_t hash_of(const struct wh_stack *stack)
{
	uint64_t hash = stack->n_frames;
	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct wh_frame *frame = &stack->frames[i];
		hash = mix(mix(mix(hash, frame->function), frame->module), frame->file) + frame->line + frame->address;
	}
	return hash;
}

/* Gives the observation what the document says and it does not. */
static int add_words(struct wh_prose *p, struct wh_observation *o, struct wh_err *err)
{
	struct wh_arena *arena = p->reader->arena;
	struct wh_attribute *all = wh_arena_zalloc(arena, o->n_attributes + p->n_attributes + 1, sizeof *all);
	size_t n = o->n_attributes;
	if (!all)
		return wh_arena_error(arena, err);
	if (n)
		memcpy(all, o->attributes, n * sizeof *all);
	for (size_t i = 0; i < p->n_attributes; i++)
		if (p->attributes[i].value.n && !wh_observation_attribute(o, p->attributes[i].name))
			all[n++] = (struct wh_attribute){ p->attributes[i].name, p->attributes[i].value.data };
	all[n++] = (struct wh_attribute){ "found_in", p->kind };
	o->attributes = all;
	o->n_attributes = n;
	if (!o->id && p->id.n) {
		o->id = p->reports > 1 ? wh_arena_printf(arena, "%s#%zu", p->id.data, p->reports) : p->id.data;
		if (!o->id)
			return wh_arena_error(arena, err);
	}
	if (!o->label && p->label.n)
		o->label = p->label.data;
	if (!o->has_time && p->has_time) {
		o->time_ns = p->time_ns;
		o->has_time = true;
	}
	return WH_OK;
}

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct wh_prose *p = user;
	const struct wh_stack *stack = o->body;
	if (!stack->n_frames) /* a line that names an error is no report here: people quote those in passing */
		return WH_OK;
	uint64_t *document = wh_map_put(&p->seen, hash_of(stack), 0);
	if (!document)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (*document == p->number || (p->is_quoted && *document))
		return WH_OK;
	*document = p->number;
	p->reports++;
	WH_TRY(add_words(p, o, err));
	return p->reader->take(p->reader->user, o, err);
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct wh_prose *p = user;
	return p->reader->skip(p->reader->user, line, why, err);
}

static void say(void *user, const char *text)
{
	struct wh_prose *p = user;
	if (p->reader->say)
		p->reader->say(p->reader->user, text);
}

/* ---- which reader ---- */

static bool is_document(const struct wh_format *format)
{
	static const struct wh_format *const documents[] = { &wh_format_mbox, &wh_format_bugzilla, &wh_format_jira, &wh_format_prose };
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
		if (format == documents[i])
			return true;
	return false;
}

static const struct wh_format *choose(const char *text, size_t size)
{
	const struct wh_format *reports[MOST_FORMATS + 1] = { 0 };
	size_t n = 0;
	for (const struct wh_format *const *format = wh_stack_formats; *format && n < MOST_FORMATS; format++)
		if (!is_document(*format))
			reports[n++] = *format;
	return wh_format_detect(reports, text, size);
}

static int read_with(struct wh_prose *p, const struct wh_format *format, const struct wh_str *text, size_t line, struct wh_err *err)
{
	struct wh_reader inner = *p->reader;
	inner.text = text->data;
	inner.size = text->n;
	inner.first_line = line;
	inner.take = take;
	inner.skip = skip;
	inner.say = say;
	inner.user = p;
	inner.format = format;
	inner.told = NULL;
	wh_arena_reset(inner.arena);
	return format->read(&inner, err);
}

/* ---- pieces ---- */

/* Takes `> ` and `>> ` off; how many there were. A `>` before something else (Visual Studio's `>f.dll!main`) is none. */
static size_t strip_quotes(struct wh_span *line)
{
	size_t depth = 0;
	struct wh_span at = *line;
	for (;;) {
		struct wh_span next = at;
		while (next.p < next.end && *next.p == ' ' && next.p - at.p < 3)
			next.p++;
		if (next.p == next.end || *next.p != '>')
			break;
		next.p++;
		if (next.p < next.end && *next.p != ' ' && *next.p != '>')
			break;
		depth++;
		wh_scan_skip(&next, " ");
		*line = at = next;
	}
	return depth;
}

static bool is_fence(struct wh_span line)
{
	wh_scan_blanks(&line);
	return wh_scan_has(line, "```") || wh_scan_has(line, "~~~");
}

struct cutting {
	struct wh_prose *p;
	bool reads; /* else only looks */
	bool quotes, differ;
	const struct wh_format *format; /* of the first piece that somebody knows; differ: others know further ones */
	size_t pieces;
	int code;
	struct wh_err *err;
};

static void finish_piece(struct cutting *c, bool is_quoted, size_t line)
{
	struct wh_prose *p = c->p;
	bool looked = p->piece.n >= LEAST_PIECE && c->code == WH_OK;
	const struct wh_format *format = looked ? choose(p->piece.data, p->piece.n) : NULL;
	c->pieces += looked;
	p->is_quoted = is_quoted;
	if (format) {
		c->differ |= c->format && format != c->format;
		c->format = format;
		if (c->reads)
			c->code = read_with(p, format, &p->piece, line, c->err);
	}
	wh_str_clear(&p->piece);
}

/* Cuts text and looks at its pieces, or reads them; p->whole becomes the text without quotes and fences. */
static void cut(struct cutting *c, struct wh_span text, size_t first_line)
{
	struct wh_prose *p = c->p;
	struct wh_span line;
	bool was_quoted = false;
	size_t number = first_line, begin = first_line;
	wh_str_clear(&p->piece);
	wh_str_clear(&p->whole);
	for (; c->code == WH_OK && wh_scan_line(&text, &line); number++) {
		bool is_quoted = strip_quotes(&line) > 0, fence = is_fence(line);
		if ((fence || is_quoted != was_quoted) && c->pieces < MOST_PIECES) {
			finish_piece(c, was_quoted, begin);
			begin = number + fence;
			was_quoted = is_quoted;
		}
		c->quotes |= is_quoted;
		if (fence)
			continue;
		if (wh_span_size(line) > 2 && !memcmp(line.end - 2, "^M", 2)) /* pasted from an editor */
			line.end -= 2;
		wh_str_add(&p->piece, line.p, wh_span_size(line));
		wh_str_putc(&p->piece, '\n');
		wh_str_add(&p->whole, line.p, wh_span_size(line));
		wh_str_putc(&p->whole, '\n');
	}
	finish_piece(c, was_quoted, begin);
}

/* A text without markup but Markdown's. */
static int read_plain(struct wh_prose *p, struct wh_span text, size_t line, struct wh_err *err)
{
	struct cutting look = { .p = p, .err = err }, read = { .p = p, .err = err, .reads = true };
	cut(&look, text, line);
	const struct wh_format *whole = p->whole.n ? choose(p->whole.data, p->whole.n) : NULL;
	p->is_quoted = false;
	if (whole && !look.differ && (!look.format || (look.format == whole && !look.quotes)))
		return read_with(p, whole, &p->whole, line, err);
	if (look.format)
		cut(&read, text, line);
	return read.code;
}

static void make_plain(struct wh_span text, enum wh_prose_markup markup, struct wh_str *out)
{
	wh_str_clear(out);
	if (markup == WH_PROSE_HTML)
		wh_prose_plain_html(text, out);
	else if (markup == WH_PROSE_WIKI)
		wh_prose_plain_wiki(text, out);
	else
		wh_str_add(out, text.p, wh_span_size(text));
}

int wh_prose_read(struct wh_prose *p, struct wh_span text, enum wh_prose_markup markup, size_t line, struct wh_err *err)
{
	if (wh_span_size(text) > WH_PROSE_LARGEST)
		text.end = text.p + WH_PROSE_LARGEST;
	make_plain(text, markup, &p->text);
	WH_TRY(wh_str_check(&p->text, err));
	if (!p->text.n)
		return WH_OK;
	const struct wh_format *format = markup == WH_PROSE_FILE ? choose(p->text.data, p->text.n) : NULL;
	p->is_quoted = false;
	int code = format ? read_with(p, format, &p->text, line, err)
			  : read_plain(p, (struct wh_span){ p->text.data, p->text.data + p->text.n }, line, err);
	if (code == WH_OK && (p->piece.failed || p->whole.failed))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return code;
}

int wh_prose_end(struct wh_prose *p, size_t line, struct wh_err *err)
{
	char why[160];
	if (p->reports)
		return WH_OK;
	wh_arena_reset(p->reader->arena);
	snprintf(why, sizeof why, "no stack in this %s%s%.80s", p->named, p->id.n ? ": " : "", p->id.n ? p->id.data : "");
	return p->reader->skip(p->reader->user, line ? line : 1, why, err);
}

/* ---- detection ---- */

bool wh_prose_is_mixed(struct wh_span text, enum wh_prose_markup markup)
{
	struct wh_prose p = { 0 };
	struct wh_err why;
	struct cutting look = { .p = &p, .err = &why };
	make_plain(text, markup, &p.text);
	if (p.text.n && !p.text.failed)
		cut(&look, (struct wh_span){ p.text.data, p.text.data + p.text.n }, 1);
	wh_prose_release(&p);
	return look.differ;
}

int wh_prose_detect(struct wh_span text, enum wh_prose_markup markup)
{
	struct wh_str plain = { 0 }, clean = { 0 };
	struct wh_span line, rest;
	if (wh_span_size(text) > WH_DETECT_SIZE)
		text.end = text.p + WH_DETECT_SIZE;
	make_plain(text, markup, &plain);
	rest = (struct wh_span){ plain.data, plain.data + plain.n };
	while (plain.n && wh_scan_line(&rest, &line)) {
		strip_quotes(&line);
		if (is_fence(line))
			continue;
		wh_str_add(&clean, line.p, wh_span_size(line));
		wh_str_putc(&clean, '\n');
	}
	const struct wh_format *format = clean.n && !plain.failed && !clean.failed ? choose(clean.data, clean.n) : NULL;
	int sure = format ? format->detect(clean.data, clean.n) : 0;
	if (format && sure < WH_DETECT_LEAST)
		sure = WH_DETECT_LEAST;
	wh_str_release(&plain);
	wh_str_release(&clean);
	return sure;
}
