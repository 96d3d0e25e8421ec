/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PHP's errors: uncaught exceptions, fatal errors, what loggers (Monolog: Laravel, Symfony) make of exceptions, Xdebug's stacks, the
 * console's of Symfony; on a page (HTML) or in a log, where line ends may be written as `\n`.
 *
 * PHP says of a function where it was called from, so a frame's place is the call site of the frame above it, and the topmost's
 * where the exception was made. Of exceptions that wrap each other the innermost is the crash: PHP prints it first (`Next` is what
 * wraps it), Monolog last (`[previous exception]`). Warnings are reports only in a text that has nothing worse.
 */
#include "format/stack/php.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/report.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define MOST_BLOCKS 64
#define MOST_MESSAGE_LINES 64
#define LONGEST_LINE ((size_t)64 * 1024)
#define MOST_DECODED ((size_t)8 << 20) /* bytes of decoded lines of one report; further ones are read as they are */

/* ---- the text's lines ---- */

struct lines {
	struct wh_span text;
	struct wh_span escaped; /* what is left of a line that holds `\n` for line ends */
};

static bool next_line(struct lines *lines, struct wh_span *line, bool *escaped)
{
	*escaped = wh_span_size(lines->escaped) > 0;
	if (!*escaped) {
		if (!wh_scan_line(&lines->text, line))
			return false;
		static const char *const signs[] = { "\\nStack trace:", "\\n#0 ", "\\n[stacktrace]" };
		const char *slash = wh_span_size(*line) ? memchr(line->p, '\\', wh_span_size(*line)) : NULL;
		if (!slash || !wh_scan_any(SPAN_IN(slash, line->end), signs, sizeof signs / sizeof *signs))
			return true;
		lines->escaped = *line;
		*escaped = true;
	}
	const char *end = wh_scan_find(lines->escaped, "\\n");
	*line = SPAN_IN(lines->escaped.p, end ? end : lines->escaped.end);
	lines->escaped.p = end ? end + 2 : lines->escaped.end;
	return true;
}

/* What FPM puts around what a child said. */
static struct wh_span without_prefix(struct wh_span line)
{
	struct wh_span s = wh_log_line(line), rest;
	if (wh_scan_after(s, " said into stderr: \"", &rest)) {
		s = rest;
		if (wh_span_size(s) && s.end[-1] == '"')
			s.end--;
	}
	if (wh_scan_after(s, "PHP message: ", &rest))
		s = rest;
	return s;
}

static bool entity(struct wh_span s, char *c, size_t *n)
{
	static const struct {
		const char *text;
		char c;
	} known[] = { { "&gt;", '>' }, { "&lt;", '<' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&#039;", '\'' }, { "&#39;", '\'' },
		      { "&nbsp;", ' ' } };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (wh_scan_has(s, known[i].text)) {
			*c = known[i].c;
			*n = strlen(known[i].text);
			return true;
		}
	return false;
}

/* The line without tags, entities and JSON's backslashes: itself, or a copy in the arena. */
static struct wh_span decoded(struct wh_arena *arena, struct wh_span s, bool html, bool json)
{
	bool tags = html && (memchr(s.p, '<', wh_span_size(s)) || memchr(s.p, '&', wh_span_size(s)));
	json = json && memchr(s.p, '\\', wh_span_size(s));
	if (!wh_span_size(s) || wh_span_size(s) > LONGEST_LINE || (!tags && !json))
		return s;
	char *copy = wh_arena_alloc(arena, wh_span_size(s)), *to = copy, c;
	if (!copy)
		return s;
	for (size_t n; s.p < s.end;) {
		const char *close = tags && *s.p == '<' && s.end - s.p > 1 && (wh_is_alpha(s.p[1]) || s.p[1] == '/')
					    ? memchr(s.p, '>', wh_span_size(s)) : NULL;
		if (close) {
			s.p = close + 1;
		} else if (tags && *s.p == '&' && entity(s, &c, &n)) {
			*to++ = c;
			s.p += n;
		} else {
			if (json && *s.p == '\\' && s.end - s.p > 1 && strchr("\\/\"", s.p[1]))
				s.p++;
			*to++ = *s.p++;
		}
	}
	return SPAN_IN(copy, to);
}

/* ---- one report ---- */

struct block {
	struct wh_php_head head;
	size_t first, n; /* its calls among all */
};

struct error {
	struct wh_stack_builder calls; /* frames: a function, and where it was called from */
	struct block blocks[MOST_BLOCKS];
	size_t n_blocks;
	const char *at, *end;
	bool open;
	bool outermost_first; /* the calls are Xdebug's */
	bool symfony;         /* the calls are Symfony's */
	bool previous;        /* the last block is the innermost */
};

/* What stands above the next report. */
struct above {
	struct wh_php_head head;
	const char *at;
	size_t since; /* lines since head; 0: none */
	struct wh_span line;
	bool decoded; /* line is no piece of the text */
};

struct php {
	struct error *e;
	struct above above;
	struct wh_arena words; /* decoded lines, of which heads and what stands above are pieces */
	uint64_t told; /* the last report's hash */
	bool told_logged;
	bool html, fatal_only;
};

static struct block *last_block(struct error *e)
{
	return &e->blocks[e->n_blocks - 1];
}

static uint64_t hash_span(struct wh_span s, uint64_t seed)
{
	return wh_span_size(s) ? wh_hash(s.p, wh_span_size(s), seed) : seed;
}

static bool same_place(const struct wh_frame *call, struct wh_php_place place)
{
	size_t n = wh_span_size(place.file);
	return call->file && n && call->line == place.line && strlen(call->file) == n && !memcmp(call->file, place.file.p, n);
}

/* The frames of a block: each function with the call site of the one above it. */
static void place_frames(const struct error *e, const struct block *block, struct wh_stack_builder *b)
{
	struct wh_php_place place = block->head.place;
	size_t n = block->n;
	struct wh_frame *frame;
	if (!n) {
		if (wh_span_size(place.file) && (frame = wh_stack_builder_frame(b))) {
			frame->file = wh_stack_builder_copy(b, place.file.p, wh_span_size(place.file));
			frame->line = place.line;
			/* the script is all that is known of where it ended; a warning ended nothing */
			if (block->head.kind != WH_PHP_WARNING)
				frame->module = frame->file;
		}
		return;
	}
	const char *file = wh_span_size(place.file) ? wh_stack_builder_copy(b, place.file.p, wh_span_size(place.file)) : NULL;
	uint32_t line = file ? place.line : 0;
	for (size_t i = 0; i < n; i++) {
		const struct wh_frame *call = &e->calls.stack.frames[block->first + (e->outermost_first ? n - 1 - i : i)];
		if (e->symfony && !call->function) { /* where the exception was made */
			file = call->file;
			line = call->line;
			continue;
		}
		frame = wh_stack_builder_frame(b);
		if (!frame)
			return;
		/* a function that is none of PHP's has no line of its own */
		bool internal = i == 0 && same_place(call, place);
		frame->function = call->function;
		frame->file = internal ? NULL : file;
		frame->line = internal ? 0 : line;
		file = call->file;
		line = call->line;
	}
}

static int finish(struct wh_reader *reader, struct php *php, struct wh_err *err)
{
	struct error *e = php->e;
	if (!e->open)
		return WH_OK;
	e->open = false;
	const struct block *root = e->previous ? last_block(e) : e->blocks, *outer = e->previous ? e->blocks : last_block(e);
	const struct block *crash = root;
	while (e->previous && crash > e->blocks && !crash->n)
		crash--;
	const struct wh_php_head *head = &root->head;
	uint64_t told = hash_span(head->class, hash_span(head->message, hash_span(head->place.file, head->place.line)));
	bool warning = head->kind == WH_PHP_WARNING && php->fatal_only;
	/* the log's copy and the page's of one error */
	bool again = wh_span_size(head->class) && told == php->told && head->logged != php->told_logged;
	php->told = again ? 0 : told;
	php->told_logged = head->logged;
	if (warning || again) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	b.failed = e->calls.failed;
	place_frames(e, crash, &b);
	wh_stack_message(&b, "reason", head->class);
	wh_stack_message(&b, "message", head->message);
	wh_stack_message(&b, "code", head->code);
	if (outer != root)
		wh_stack_message(&b, "wrapper", outer->head.class);
	return wh_stack_emit(reader, &b, e->at, e->end, err);
}

static void add_block(struct error *e, const struct wh_php_head *head)
{
	if (e->n_blocks == MOST_BLOCKS)
		e->n_blocks--;
	e->blocks[e->n_blocks++] = (struct block){ .head = *head, .first = e->calls.stack.n_frames };
}

static void start(struct wh_reader *reader, struct php *php, const struct wh_php_head *head, const char *at, const char *end)
{
	struct error *e = php->e;
	*e = (struct error){ .open = true, .at = at, .end = end };
	wh_stack_builder_init(&e->calls, reader->arena);
	add_block(e, head);
	php->above = (struct above){ 0 };
}

/* What stands above a stack: the head remembered, whose message may have gone on to the line above. */
static void start_above(struct wh_reader *reader, struct php *php, const char *at, const char *end)
{
	struct above *above = &php->above;
	struct wh_php_head head = { 0 };
	if (above->since) {
		head = above->head;
		at = above->at;
		if (!wh_span_size(head.place.file) && above->line.p)
			wh_php_place_take(&(struct wh_span){ above->line.p, above->line.end }, &head.place);
	} else if (above->line.p) { /* one that is named as no exception is, or a message's last line */
		struct wh_span rest = above->line;
		if (!wh_php_class_take(rest, &head) && wh_php_place_take(&rest, &head.place))
			head.message = rest;
	}
	start(reader, php, &head, at, end);
}

static void add_call(struct error *e, const struct wh_php_call *call)
{
	struct wh_frame *frame = wh_stack_builder_frame(&e->calls);
	if (!frame)
		return;
	if (wh_span_size(call->function))
		frame->function = wh_stack_builder_copy(&e->calls, call->function.p, wh_span_size(call->function));
	if (wh_span_size(call->from.file)) {
		frame->file = wh_stack_builder_copy(&e->calls, call->from.file.p, wh_span_size(call->from.file));
		frame->line = call->from.line;
	}
	last_block(e)->n++;
}

/* ---- the reader ---- */

static bool is(struct wh_span s, const char *text)
{
	return wh_scan_has(s, text) && wh_span_size(s) == strlen(text);
}

static bool stack_heading(struct wh_span s)
{
	return is(s, "Stack trace:") || is(s, "[stacktrace]") || is(s, "PHP Stack trace:") || is(s, "Call Stack:") ||
	       is(s, "Exception trace:");
}

/* A frame in any form; false where it is none. */
static bool take_call(struct wh_reader *reader, struct php *php, struct wh_span s, const char *at, const char *end)
{
	struct error *e = php->e;
	struct wh_php_call call;
	if (wh_php_call_line(s, &call)) {
		if (e->open && e->outermost_first)
			return true;
		if (!e->open)
			start_above(reader, php, at, end);
		if (e->symfony || (last_block(e)->n && call.number == 0))
			return true; /* told another way already */
		add_call(e, &call);
	} else if (e->open && wh_php_xdebug_line(s, &call)) {
		if (last_block(e)->n && !e->outermost_first)
			return true;
		e->outermost_first = true;
		add_call(e, &call);
	} else if (e->open && e->symfony && wh_php_symfony_line(s, &call)) {
		add_call(e, &call);
	} else {
		return false;
	}
	e->end = end;
	return true;
}

/* Symfony's console: `  [A\B]` above its message. */
static bool bracketed_class(struct wh_span s, struct wh_span *class)
{
	if (wh_span_size(s) < 3 || *s.p != '[' || s.end[-1] != ']')
		return false;
	*class = SPAN_IN(s.p + 1, s.end - 1);
	const char *paren = wh_scan_find(*class, " (");
	if (paren)
		class->end = paren;
	for (const char *p = class->p; p < class->end; p++)
		if (!wh_is_alpha(*p) && !wh_is_digit(*p) && *p != '_' && *p != '\\')
			return false;
	return wh_scan_find(*class, "Exception") || wh_scan_find(*class, "Error");
}

static int head_line(struct wh_reader *reader, struct php *php, const struct wh_php_head *head, const char *at, const char *end,
		     struct wh_err *err)
{
	struct error *e = php->e;
	if (e->open && ((head->kind == WH_PHP_NEXT && !e->previous) || head->kind == WH_PHP_PREVIOUS)) {
		e->previous = head->kind == WH_PHP_PREVIOUS;
		add_block(e, head);
		e->end = end;
		return WH_OK;
	}
	WH_TRY(finish(reader, php, err));
	/* what has its place is a report, whether a stack follows or not */
	bool whole = wh_span_size(head->place.file) && head->kind != WH_PHP_LOGGED && head->kind != WH_PHP_NEXT;
	if (whole) {
		start(reader, php, head, at, end);
	} else {
		php->above = (struct above){ .head = *head, .at = at, .since = 1 };
	}
	return WH_OK;
}

static int read_line(struct wh_reader *reader, struct php *php, struct lines *lines, struct wh_span whole, bool escaped,
		     struct wh_err *err)
{
	struct error *e = php->e;
	struct above *above = &php->above;
	const char *end = escaped && wh_span_size(lines->escaped) ? lines->escaped.p : lines->text.p;
	bool json = escaped || (e->open && last_block(e)->head.kind >= WH_PHP_OBJECT && last_block(e)->head.kind != WH_PHP_LOGGED) ||
		    wh_scan_find(whole, "[object] (");
	if (!e->open && !above->since) { /* decoded lines that came to nothing */
		wh_arena_reset(&php->words);
		if (above->decoded)
			*above = (struct above){ 0 };
	}
	struct wh_span plain = without_prefix(whole), s = wh_scan_trim(decoded(&php->words, plain, php->html, json)), class;
	struct wh_php_head head;
	if (s.p == s.end)
		return WH_OK;
	if (take_call(reader, php, s, whole.p, end))
		return WH_OK;
	if (stack_heading(s)) {
		if (!e->open && (above->since || above->line.p))
			start_above(reader, php, whole.p, end);
		if (e->open) {
			e->symfony |= is(s, "Exception trace:");
			/* the message of a wrapper, too, may have gone on to the line above */
			struct wh_php_head *last = &last_block(e)->head;
			if (!wh_span_size(last->place.file) && above->line.p)
				wh_php_place_take(&(struct wh_span){ above->line.p, above->line.end }, &last->place);
			e->end = end;
		}
		return WH_OK;
	}
	if (e->open && wh_scan_has(s, "thrown in ")) {
		e->end = end;
		return WH_OK;
	}
	if (wh_php_head_line(s, &head))
		return head_line(reader, php, &head, whole.p, end, err);
	if (bracketed_class(s, &class)) {
		WH_TRY(finish(reader, php, err));
		*above = (struct above){ .head = { .kind = WH_PHP_LOGGED, .class = class }, .at = whole.p, .since = 1 };
		return WH_OK;
	}
	/* the rest of a message that a stack, or its place, ends */
	above->line = s;
	above->decoded = s.p != wh_scan_trim(plain).p;
	if (e->open && !last_block(e)->n && !wh_span_size(last_block(e)->head.place.file))
		return WH_OK;
	WH_TRY(finish(reader, php, err));
	if (above->since && !wh_span_size(above->head.message) && above->since < 3)
		above->head.message = s;
	if (above->since && (above->head.kind == WH_PHP_ERROR || above->head.kind == WH_PHP_WARNING) &&
	    wh_php_place_take(&s, &above->head.place)) {
		head = above->head;
		start(reader, php, &head, above->at, end);
		return WH_OK;
	}
	if (above->since && ++above->since > MOST_MESSAGE_LINES)
		above->since = 0;
	return WH_OK;
}

static int read_php(struct wh_reader *reader, struct wh_err *err)
{
	static const char *const fatal[] = { "Stack trace:", "Uncaught ", "atal error: ", "atal error</b>", "[stacktrace]", "arse error" };
	struct lines lines = { .text = { reader->text, reader->text + reader->size } };
	struct php php = { .e = calloc(1, sizeof *php.e) };
	struct wh_span line;
	bool escaped;
	int code = php.e ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	php.fatal_only = wh_scan_any(lines.text, fatal, sizeof fatal / sizeof *fatal);
	php.html = wh_scan_find(lines.text, "<br") || wh_scan_find(lines.text, "<b>");
	wh_arena_init(&php.words, MOST_DECODED);
	while (code == WH_OK && next_line(&lines, &line, &escaped))
		code = read_line(reader, &php, &lines, line, escaped, err);
	if (code == WH_OK)
		code = finish(reader, &php, err);
	wh_arena_release(&php.words);
	free(php.e);
	return code;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { "PHP ", "#0 ", "[stacktrace]", "[object] (", " on line ", " on line <b>", "Exception trace:" };
	struct lines lines = { .text = { text, text + size } };
	struct wh_span line, class;
	struct wh_php_call call;
	struct wh_php_head head;
	size_t calls = 0, placed = 0, older = 0, fatal = 0, warnings = 0, xdebug = 0, symfony = 0;
	bool heading = false, main = false, escaped, php = false, bracketed = false;
	if (!wh_scan_any(lines.text, parts, sizeof parts / sizeof *parts))
		return 0;
	while (next_line(&lines, &line, &escaped)) {
		struct wh_span s = wh_scan_trim(without_prefix(line));
		if (s.p == s.end)
			continue;
		if (*s.p == '#' && wh_php_call_line(s, &call)) {
			calls++;
			placed += call.from.line > 0;
			older += wh_scan_find(s, " called at [") != NULL;
			main |= is(call.function, "{main}");
			continue;
		}
		heading |= stack_heading(s);
		symfony += heading && wh_php_symfony_line(s, &call);
		bracketed |= bracketed_class(s, &class);
		xdebug += heading && wh_php_xdebug_line(s, &call);
		bool tagged = wh_scan_find(s, "rror</b>") || wh_scan_find(s, "Warning</b>") || wh_scan_find(s, "Notice</b>");
		php |= tagged && wh_scan_find(s, " on line <b>");
		fatal += tagged && wh_scan_find(s, "rror</b>");
		warnings += tagged;
		if (!wh_php_head_line(s, &head) || head.kind == WH_PHP_LOGGED)
			continue;
		bool script = wh_span_size(head.place.file) && wh_scan_find(head.place.file, ".php");
		php |= head.logged || script;
		fatal += head.kind != WH_PHP_WARNING && (head.logged || wh_span_size(head.place.file));
		warnings += head.kind == WH_PHP_WARNING && head.place.line && (head.logged || script);
	}
	if ((placed || main) && (heading || fatal))
		return main || fatal || php ? 92 : 70;
	if (xdebug > 1 || (symfony > 1 && bracketed))
		return 85;
	if (calls > older && placed > 1)
		return main ? 85 : 50;
	if (older)
		return 60;
	if (fatal && php)
		return 60;
	return warnings && php ? 45 : 0;
}

const struct wh_format wh_format_php = {
	.name = "php",
	.summary = "PHP's errors: exceptions, fatal errors, Laravel's and Symfony's logs, Xdebug",
	.reference = "php/php-src: Zend/zend_exceptions.c, main/main.c; Monolog: LineFormatter.php; xdebug: src/develop/stack.c; Symfony: "
		     "Component/Console/Application.php",
	.detect = detect,
	.read = read_php,
};
