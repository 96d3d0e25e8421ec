/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JavaScript's errors with their stacks, as engines and what runs them print them: V8 (Node.js, Chrome, Deno, Electron), Bun, Hermes,
 * SpiderMonkey (Firefox), JavaScriptCore (Safari); a log may hold many, each is a report.
 *
 * Of errors that caused each other (`[cause]: `, `Caused by: `) the innermost is the crash, as it is among Java's; of an
 * AggregateError's the first. React's stacks of components say where in a page, not where in a program, and are passed over.
 * `location` is what Node.js prints above its excerpt of the source.
 */
#include "format/stack/javascript.h"

#include <stdlib.h>

#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/quoted_lines.h"
#include "format/stack/report.h"

#define MOST_BLOCKS 64         /* errors that caused each other; further ones are passed over */
#define MOST_MESSAGE_LINES 64  /* between an error and its first frame */
#define MOST_PROPERTY_LINES 2000
#define LONGEST_HEAD ((size_t)4096)

/* ---- lines ---- */

/* What a line that names an error says. */
struct head {
	struct wh_span class, code, message;
	const char *at;
	bool strong; /* its class ends as those of errors do */
};

static bool name_char(char c)
{
	return wh_is_alpha(c) || wh_is_digit(c) || c == '_' || c == '$' || c == '.' || (unsigned char)c >= 0x80;
}

/* What ends the names of errors. */
static const char *const error_tails[] = { "Error", "Exception", "Rejection", "Failure" };

static bool error_name(struct wh_span s)
{
	for (size_t i = 0; i < sizeof error_tails / sizeof *error_tails; i++) {
		size_t n = strlen(error_tails[i]);
		if (wh_span_size(s) >= n && !memcmp(s.end - n, error_tails[i], n))
			return true;
	}
	return false;
}

/* `TypeError: message`, `TypeError [ERR_X]: message`, `Error`; behind name. */
static bool head_tail(struct wh_span name, struct wh_span rest, struct head *head)
{
	struct wh_span at = rest;
	head->class = name;
	head->code = (struct wh_span){ 0 };
	if (wh_scan_skip(&at, " [")) {
		const char *close = memchr(at.p, ']', wh_span_size(at));
		if (!close || close - at.p > 64 || memchr(at.p, ' ', (size_t)(close - at.p)))
			return false;
		head->code = (struct wh_span){ at.p, close };
		at.p = close + 1;
		rest = at;
	}
	/* util.inspect() brackets an error without a stack: `[AggregateError: x] {` */
	if (at.p == at.end || (*at.p == ']' && wh_span_size(at) <= 3)) {
		head->message = (struct wh_span){ at.end, at.end };
		return true;
	}
	if (!wh_scan_skip(&rest, ":") || (rest.p < rest.end && *rest.p != ' '))
		return false;
	head->message = wh_scan_trim(rest);
	return true;
}

/* The first error that line names, behind whatever a log or a console puts in front. */
static bool strong_head(struct wh_span line, struct head *head)
{
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > LONGEST_HEAD)
		s.end = s.p + LONGEST_HEAD;
	if (!wh_scan_any(s, error_tails, sizeof error_tails / sizeof *error_tails))
		return false;
	for (const char *p = s.p; p < s.end;) {
		if (!name_char(*p)) {
			p++;
			continue;
		}
		struct wh_span name = { p, p };
		while (name.end < s.end && name_char(*name.end))
			name.end++;
		p = name.end;
		bool open = name.p == s.p || strchr(" [(\xa0\t", name.p[-1]);
		if (!open || !error_name(name) || !head_tail(name, (struct wh_span){ name.end, s.end }, head))
			continue;
		head->at = line.p;
		head->strong = true;
		/* `Exception: TypeError: …` is jsc's word for any error */
		struct head inner;
		if (wh_span_size(name) == strlen("Exception") && strong_head(head->message, &inner) && inner.class.p == head->message.p) {
			inner.at = line.p;
			*head = inner;
		}
		return true;
	}
	return false;
}

/* Any line above a frame: `Name: message`, or nothing but a message. */
static void weak_head(struct wh_span line, struct head *head)
{
	struct wh_span s = wh_scan_trim(line), name = { s.p, s.p };
	*head = (struct head){ .at = line.p };
	wh_scan_skip(&s, "Uncaught ");
	for (name.p = name.end = s.p; name.end < s.end && name_char(*name.end);)
		name.end++;
	if (wh_span_size(name) && head_tail(name, (struct wh_span){ name.end, s.end }, head))
		return;
	head->class = head->code = (struct wh_span){ 0 };
	head->message = s;
}

/* expected: other frames or an error stand right above. */
static enum wh_js_sureness frame_line(struct wh_span line, bool expected, struct wh_frame_text *frame)
{
	enum wh_js_sureness sure = wh_js_v8_line(line, frame);
	if (sure != WH_JS_NONE)
		return sure;
	sure = wh_js_at_line(line, frame);
	return sure != WH_JS_LOOSE ? sure : expected ? WH_JS_PLAIN : WH_JS_NONE;
}

/* `The above error occurred in the <App> component:`, `This error is located at:`: a stack of components follows. */
static bool component_head(struct wh_span s)
{
	static const char *const words[] = { "The above error occurred in ", "This error is located at:", "Component Stack:",
					     "Component stack:" };
	if (wh_span_size(s) > LONGEST_HEAD)
		s.end = s.p + LONGEST_HEAD;
	return wh_scan_any(s, words, sizeof words / sizeof *words);
}

static size_t indent(struct wh_span line)
{
	struct wh_span s = line;
	wh_scan_blanks(&s);
	return (size_t)(s.p - line.p);
}

/* ---- one report ---- */

struct block {
	struct head head;
	size_t first, n; /* its frames among all */
};

struct error {
	struct wh_stack_builder all;
	struct block blocks[MOST_BLOCKS];
	size_t n_blocks;
	struct wh_span location, runtime;
	const char *end;   /* of the last line that belongs to it */
	size_t depth;      /* braces of properties that are open */
	size_t properties; /* lines of them so far */
	size_t list;       /* indent + 1 of `[errors]: [`; 0: none */
	bool listed;       /* its first error was taken */
	bool passing;      /* frames are of no block that counts */
	bool open;
};

/* What stands above the next report. */
struct above {
	struct head head;
	size_t since;            /* lines since head; 0: none */
	struct wh_span line;     /* the newest that is not empty */
	struct wh_span location; /* of Node's banner */
	size_t banner;           /* lines since location; 0: none */
	bool caret;              /* its source was shown */
	struct head thrown;      /* the line behind the caret */
	bool components;
};

static struct block *last_block(struct error *e)
{
	return &e->blocks[e->n_blocks - 1];
}

static void add_block(struct error *e, const struct head *head)
{
	if (e->n_blocks == MOST_BLOCKS)
		e->n_blocks--; /* the innermost is what counts */
	e->blocks[e->n_blocks++] = (struct block){ .head = *head, .first = e->all.stack.n_frames };
}

static int emit(struct wh_reader *reader, struct wh_stack_builder *b, const struct head *root, const struct head *outer,
		struct wh_span location, struct wh_span runtime, const char *end, struct wh_err *err)
{
	wh_stack_message(b, "reason", wh_span_size(root->class) ? root->class : root->message);
	if (wh_span_size(root->class))
		wh_stack_message(b, "message", root->message);
	wh_stack_message(b, "code", root->code);
	if (outer != root)
		wh_stack_message(b, "wrapper", outer->class);
	wh_stack_message(b, "location", location);
	wh_stack_message(b, "runtime", runtime);
	return wh_stack_emit(reader, b, outer->at, end, err);
}

static int finish(struct wh_reader *reader, struct error *e, struct wh_err *err)
{
	if (!e->open)
		return WH_OK;
	e->open = false;
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	b.failed = e->all.failed;
	size_t root = e->n_blocks - 1, crash = root;
	while (crash > 0 && !e->blocks[crash].n)
		crash--;
	for (size_t i = 0; i < e->blocks[crash].n; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(&b);
		if (frame)
			*frame = e->all.stack.frames[e->blocks[crash].first + i];
	}
	return emit(reader, &b, &e->blocks[root].head, &e->blocks[0].head, e->location, e->runtime, e->end, err);
}

static void start(struct wh_reader *reader, struct error *e, struct above *above)
{
	struct head head = above->head;
	if (!above->since || (!head.strong && above->line.p)) {
		head = (struct head){ .at = above->line.p ? above->line.p : reader->text };
		if (above->line.p)
			weak_head(above->line, &head);
	}
	*e = (struct error){ .open = true };
	wh_stack_builder_init(&e->all, reader->arena);
	if (above->banner && above->caret)
		e->location = above->location;
	add_block(e, &head);
	*above = (struct above){ 0 };
}

static void add_frame(struct error *e, const struct wh_frame_text *frame, struct wh_span line)
{
	if (!e->passing && wh_frame_text_add(frame, &e->all))
		last_block(e)->n++;
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > 2 && !memcmp(s.end - 2, " {", 2))
		e->depth++;
}

/* `-> /src/a.ts:3:4` below a frame: where its source was before it was compiled. */
static void take_source(struct error *e, struct wh_span place)
{
	struct wh_frame_text said = { 0 };
	wh_location_split(wh_scan_trim(place), &said.file, &said.line);
	if (wh_scan_has(said.file, "file://"))
		said.file.p += strlen("file://");
	if (!e->all.stack.n_frames || e->passing || !wh_span_size(said.file) || !said.line)
		return;
	struct wh_frame *frame = &e->all.stack.frames[e->all.stack.n_frames - 1];
	const char *file = wh_stack_builder_copy(&e->all, said.file.p, wh_span_size(said.file));
	if (file) {
		frame->file = file;
		frame->line = said.line;
	}
}

/* Another error inside the one that is open: its cause, or one of a list. */
static bool inner_line(struct error *e, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	struct head head;
	if (wh_scan_has(s, "Emitted '") && wh_scan_find(s, " at:")) { /* how it came to be reported, not how it came to be */
		e->passing = true;
		return true;
	}
	if (wh_scan_has(s, "[errors]: [")) {
		if (!e->list)
			e->list = indent(line) + 1;
		e->depth++;
		return true;
	}
	if (wh_scan_skip(&s, "[cause]: ") || wh_scan_skip(&s, "Caused by: ") || wh_scan_skip(&s, "caused by: ")) {
		if (!strong_head(s, &head))
			weak_head(s, &head);
		head.at = line.p;
		if (!e->passing)
			add_block(e, &head);
		if (wh_span_size(s) > 2 && !memcmp(s.end - 2, " {", 2))
			e->depth++;
		return true;
	}
	if (e->list && indent(line) >= e->list && strong_head(line, &head) && head.class.p == s.p) {
		if (!e->listed)
			add_block(e, &head);
		e->passing = e->listed;
		e->listed = true;
		return true;
	}
	return false;
}

/* A line of the properties that util.inspect() prints behind a stack. */
static void property_line(struct error *e, struct wh_span s)
{
	if (s.p == s.end)
		return;
	if (strchr("}]", *s.p))
		e->depth -= e->depth > 0;
	else if (strchr("{[", s.end[-1]) && wh_span_size(s) > 1)
		e->depth++;
	if (++e->properties > MOST_PROPERTY_LINES)
		e->depth = 0;
	if (!e->depth)
		e->passing = false;
}

/* Lines between frames: elided ones, ruled ones of long stack traces. */
static bool between_line(struct wh_span s)
{
	static const char *const words[] = { "From previous event:", "-----", "==== async ====", "(<anonymous>)" };
	if (wh_scan_has(s, "... ") || wh_scan_has(s, "[... "))
		return wh_scan_find(s, " stack trace ...") != NULL;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (wh_scan_has(s, words[i]))
			return true;
	return false;
}

/* `Node.js v20.20.2`, `Bun v1.1.0 (Linux x64)`: printed last. */
static bool runtime_line(struct wh_span s)
{
	return (wh_scan_has(s, "Node.js v") || wh_scan_has(s, "Bun v")) && wh_span_size(s) < 80;
}

/* ---- what stands above ---- */

/* `/x/a.js:12` alone on its line. */
static bool banner_line(struct wh_span s)
{
	struct wh_span file;
	uint32_t number;
	if (wh_span_size(s) > LONGEST_HEAD || s.p == s.end || !wh_is_digit(s.end[-1]))
		return false;
	wh_location_split(s, &file, &number);
	return number && (wh_js_file(file) || (*s.p == '/' && !memchr(s.p, ' ', wh_span_size(s))) || *s.p == '<');
}

/* `  > 12 | throw x;`, `    | ^`: what Jest and Bun show of a source. */
static bool excerpt_line(struct wh_span s)
{
	uint64_t number;
	wh_scan_skip(&s, "> ");
	wh_scan_blanks(&s);
	wh_scan_decimal(&s, &number);
	wh_scan_blanks(&s);
	return wh_scan_has(s, "| ") || (wh_scan_has(s, "|") && wh_span_size(s) == 1);
}

static bool caret_line(struct wh_span s)
{
	for (const char *p = s.p; p < s.end; p++)
		if (*p != '^' && *p != '~')
			return false;
	return s.p < s.end;
}

static void remember(struct above *above, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	struct head head;
	if (above->since && ++above->since > MOST_MESSAGE_LINES)
		above->since = 0;
	if (above->banner && ++above->banner > MOST_MESSAGE_LINES)
		above->banner = 0;
	if (s.p == s.end || between_line(s) || wh_scan_has(s, "Thrown at:") || excerpt_line(s))
		return;
	if (banner_line(s)) {
		above->location = s;
		above->banner = 1;
		above->caret = false;
		above->thrown = (struct head){ 0 };
		return;
	}
	if (above->banner && !above->caret && above->banner < 8 && caret_line(s)) {
		above->caret = true;
		return;
	}
	if (above->banner && above->caret && !above->thrown.at) {
		if (!strong_head(line, &above->thrown))
			weak_head(line, &above->thrown);
	}
	if (component_head(s)) {
		above->components = true;
		above->since = 0;
		return;
	}
	if (strong_head(line, &head)) {
		above->head = head;
		above->since = 1;
		above->components = false;
	} else if (above->components && !wh_scan_has(s, "in ") && !wh_scan_has(s, "at ")) {
		above->components = false;
	}
	above->line = line;
}

/* Node.js has said that it ended, and of what, but no stack: something was thrown that has none. */
static int finish_banner(struct wh_reader *reader, struct above *above, struct wh_span runtime, const char *end, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_frame_text frame = { 0 };
	wh_stack_builder_init(&b, reader->arena);
	wh_location_split(above->location, &frame.file, &frame.line);
	if (wh_scan_has(frame.file, "file://"))
		frame.file.p += strlen("file://");
	wh_frame_text_add(&frame, &b);
	struct head head = above->thrown;
	head.at = above->location.p;
	*above = (struct above){ 0 };
	return emit(reader, &b, &head, &head, (struct wh_span){ 0 }, runtime, end, err);
}

/* ---- the reader ---- */

static int read_line(struct wh_reader *reader, struct error *e, struct above *above, struct wh_span whole, struct wh_span *text,
		     struct wh_err *err)
{
	struct wh_span line = wh_log_line(whole), s = wh_scan_trim(line);
	struct wh_frame_text frame;
	enum wh_js_sureness sure = frame_line(line, e->open || above->since == 1, &frame);
	if (sure >= WH_JS_PLAIN && e->open) {
		add_frame(e, &frame, line);
		e->end = text->p;
		return WH_OK;
	}
	if (sure == WH_JS_SURE || (sure == WH_JS_PLAIN && above->since)) {
		if (above->components)
			return WH_OK;
		start(reader, e, above);
		add_frame(e, &frame, line);
		e->end = text->p;
		return WH_OK;
	}
	if (e->open) {
		if (s.p == s.end)
			return WH_OK;
		if (inner_line(e, line) || between_line(s)) {
			e->end = text->p;
			return WH_OK;
		}
		if (wh_scan_has(s, "-> ")) {
			take_source(e, (struct wh_span){ s.p + 3, s.end });
			return WH_OK;
		}
		if (e->depth) {
			property_line(e, s);
			e->end = text->p;
			return WH_OK;
		}
		if (runtime_line(s)) {
			e->runtime = s;
			e->end = text->p;
			return finish(reader, e, err);
		}
		WH_TRY(finish(reader, e, err));
	}
	if (above->since && wh_scan_has(s, "[errors]: [")) { /* of an error that has no stack of its own */
		start(reader, e, above);
		e->depth = 1;
		e->end = text->p;
		inner_line(e, line);
		return WH_OK;
	}
	if (wh_js_fatal_line(line)) {
		*above = (struct above){ 0 };
		return wh_js_read_fatal(reader, line, text, err);
	}
	if (above->banner && above->caret && runtime_line(s))
		return finish_banner(reader, above, s, text->p, err);
	remember(above, line);
	return WH_OK;
}

/* A stack as a JSON string: pino, bunyan, winston. */
static const char sign[] = "\\n    at ";

static int read_javascript(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_quoted_lines lines = { .text = { reader->text, reader->text + reader->size }, .sign = sign };
	struct wh_span line;
	struct above above = { 0 };
	struct error *e = calloc(1, sizeof *e);
	int code = e ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	while (code == WH_OK && wh_quoted_line(&lines, &line))
		code = read_line(reader, e, &above, line, &lines.text, err);
	if (code == WH_OK)
		code = finish(reader, e, err);
	free(e);
	return code;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { "at ", "@", "FATAL ERROR: ", "Native stack trace", "Node.js v" };
	struct wh_quoted_lines lines = { .text = { text, text + size }, .sign = sign };
	struct wh_span whole;
	struct wh_frame_text frame;
	size_t since = 0, sure = 0, headed = 0, at_frames = 0, native = 0;
	bool node = false, fatal = false, jazzer = false;
	if (!wh_scan_any(lines.text, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_quoted_line(&lines, &whole)) {
		struct wh_span line = wh_log_line(whole), s = wh_scan_trim(line);
		struct head head;
		enum wh_js_sureness v8 = wh_js_v8_line(line, &frame), at = v8 ? WH_JS_NONE : wh_js_at_line(line, &frame);
		if (v8 == WH_JS_SURE || at == WH_JS_SURE) {
			sure += v8 == WH_JS_SURE;
			at_frames += at == WH_JS_SURE;
			headed += since > 0;
			since = since ? 1 : 0;
			node |= wh_scan_has(frame.file, "node:");
			continue;
		}
		if (v8 == WH_JS_PLAIN && since) { /* an error, and a frame of a script whose name says nothing */
			sure++;
			continue;
		}
		if (since && ++since > MOST_MESSAGE_LINES)
			since = 0;
		if (s.p == s.end)
			continue;
		if (strong_head(line, &head)) {
			since = 1;
			jazzer |= wh_scan_find(s, "Uncaught Exception: Jazzer.js") != NULL;
		} else if (wh_scan_has(s, "==") && wh_scan_find(s, "Uncaught Exception: Jazzer.js")) {
			jazzer = true;
		}
		node |= runtime_line(s);
		fatal |= wh_js_fatal_line(line);
		native += fatal && wh_js_native_line(s, &frame);
	}
	if (jazzer && headed)
		return 97; /* libFuzzer's words around it are the consequence */
	if (fatal && native)
		return 92;
	if (headed)
		return node ? 92 : sure ? 86 : 75;
	if (sure)
		return sure > 1 ? 60 : 30;
	if (at_frames > 1)
		return 55;
	return node && wh_scan_find((struct wh_span){ text, text + size }, "\n\nNode.js v") ? 50 : 0;
}

const struct wh_format wh_format_javascript = {
	.name = "javascript",
	.summary = "JavaScript's errors: Node.js, Deno, Bun, browsers, Hermes; fatal errors of Node.js",
	.reference = "v8/src/objects/call-site-info.cc; Node.js: src/node_errors.cc, lib/internal/util/inspect.js; SpiderMonkey: "
		     "js/src/vm/SavedStacks.cpp; JavaScriptCore: runtime/StackFrame.cpp",
	.detect = detect,
	.read = read_javascript,
};
