/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ruby's exceptions: as the interpreter prints them when it ends (crash point first; from 2.5 to 2.7, on a terminal, last), as
 * Logger, Rails, RSpec and Sidekiq pass them on, JRuby's; crashes of the interpreter. Each is a report.
 *
 * An exception's cause is printed behind it in the same form, or, where the crash point is last, before it; nothing says that it is
 * one. What follows at once and ends in the same outermost frame is taken for it, as long as it is not the same exception again,
 * which the end of a thread prints twice. The innermost cause is the crash; `wrapper` is what the program ended with.
 */
#include "format/stack/ruby.h"

#include <stdlib.h>

#include "base/vec.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/report.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define MOST_BLOCKS 32
#define MOST_MESSAGE_LINES 32

/* What names an exception. */
struct head {
	struct wh_span class, message;
	const char *at;
};

struct block {
	struct head head;
	size_t first, n; /* its frames among all */
	const char *end;
	bool cause;    /* the text says so */
	bool reversed; /* outermost first; its head comes last, with the last frame: then it is closed */
	bool closed;
};

/* Exceptions that stand next to each other. Their frames are pieces of the text: which of them belong together, and are one report,
 * is known only when all have been seen. */
struct group {
	struct WH_VEC(struct wh_frame_text) frames;
	struct block blocks[MOST_BLOCKS];
	size_t n_blocks;
	size_t since; /* lines since the last frame */
	bool open;
	bool thread; /* the end of a thread, which the program's end may repeat */
	bool caused; /* `Caused by:` was the last line */
	enum wh_ruby_kind style;
};

/* What stands above the next report. */
struct above {
	struct head head;
	size_t since; /* lines since head; 0: none */
	bool reversed, thread;
};

static struct block *last_block(struct group *g)
{
	return &g->blocks[g->n_blocks - 1];
}

static bool same(struct wh_span a, struct wh_span b)
{
	return wh_span_size(a) == wh_span_size(b) && (!wh_span_size(a) || !memcmp(a.p, b.p, wh_span_size(a)));
}

static bool same_frame(const struct wh_frame_text *a, const struct wh_frame_text *b)
{
	return a->line == b->line && same(a->function, b->function) && same(a->file, b->file);
}

/* The frame k of a block, crash point first. */
static const struct wh_frame_text *frame_at(const struct group *g, const struct block *block, size_t k)
{
	return &g->frames.data[block->first + (block->reversed ? block->n - 1 - k : k)];
}

static bool same_error(const struct group *g, const struct block *a, const struct block *b)
{
	if (a->n != b->n || !same(a->head.class, b->head.class) || !same(a->head.message, b->head.message))
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_frame(frame_at(g, a, i), frame_at(g, b, i)))
			return false;
	return true;
}

/* Whether two neighbours are an exception and its cause. */
static bool related(const struct group *g, const struct block *a, const struct block *b)
{
	if (b->cause)
		return true;
	if (!a->n || !b->n || a->reversed != b->reversed || (a->n == 1 && b->n == 1))
		return false;
	return same_frame(frame_at(g, a, a->n - 1), frame_at(g, b, b->n - 1)) && !same_error(g, a, b);
}

/* Blocks first … last, which caused each other: the crash, and what the program ended with. */
static int emit(struct wh_reader *reader, const struct group *g, size_t first, size_t last, struct wh_err *err)
{
	bool reversed = g->blocks[first].reversed;
	size_t root = reversed ? first : last, outer = reversed ? last : first, crash = root;
	while (!g->blocks[crash].n && crash != outer)
		crash = reversed ? crash + 1 : crash - 1;
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	for (size_t i = 0; i < g->blocks[crash].n && !b.failed; i++)
		wh_frame_text_add(frame_at(g, &g->blocks[crash], i), &b);
	const struct head *head = &g->blocks[root].head;
	wh_stack_message(&b, "reason", wh_span_size(head->class) ? head->class : head->message);
	if (wh_span_size(head->class))
		wh_stack_message(&b, "message", head->message);
	if (root != outer)
		wh_stack_message(&b, "wrapper", g->blocks[outer].head.class);
	return wh_stack_emit(reader, &b, g->blocks[first].head.at, g->blocks[last].end, err);
}

static int finish(struct wh_reader *reader, struct group *g, struct wh_err *err)
{
	if (!g->open)
		return WH_OK;
	g->open = false;
	for (size_t first = 0, last; first < g->n_blocks; first = last + 1) {
		for (last = first; last + 1 < g->n_blocks && related(g, &g->blocks[last], &g->blocks[last + 1]);)
			last++;
		WH_TRY(emit(reader, g, first, last, err));
		/* a thread's end, told again at the program's */
		if (g->thread && first == 0 && last + 1 < g->n_blocks && same_error(g, &g->blocks[0], &g->blocks[last + 1]))
			last = g->n_blocks - 1;
	}
	return WH_OK;
}

static void add_block(struct group *g, const struct head *head, const char *end)
{
	if (g->n_blocks == MOST_BLOCKS)
		g->n_blocks--; /* the last is what counts */
	g->blocks[g->n_blocks++] = (struct block){ .head = *head, .first = g->frames.n, .end = end };
}

static int start(struct wh_reader *reader, struct group *g, struct above *above, const struct head *head, enum wh_ruby_kind style,
		 const char *end, struct wh_err *err)
{
	WH_TRY(finish(reader, g, err));
	g->frames.n = g->n_blocks = g->since = 0;
	g->caused = false;
	g->open = true;
	g->thread = above->thread;
	g->style = style;
	add_block(g, head, end);
	last_block(g)->reversed = style == WH_RUBY_NUMBERED;
	*above = (struct above){ 0 };
	return WH_OK;
}

static int add_frame(struct group *g, const struct wh_frame_text *frame, const char *end, struct wh_err *err)
{
	g->since = 0;
	last_block(g)->end = end;
	if (g->frames.n >= WH_STACK_MOST_FRAMES)
		return WH_OK;
	if (wh_vec_push(&g->frames, *frame))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	last_block(g)->n++;
	return WH_OK;
}

/* ---- the reader ---- */

/* `x.rb:3:in 'f': message (A)`: the first frame of a report or of its cause, or, in the old order, the last. */
static int error_line(struct wh_reader *reader, struct group *g, struct above *above, const struct wh_ruby_line *said, const char *at,
		      const char *end, struct wh_err *err)
{
	struct head head = { said->class, said->message, at };
	if (g->open && last_block(g)->reversed && !last_block(g)->closed) {
		struct block *block = last_block(g);
		head.at = block->head.at ? block->head.at : at;
		block->head = head;
		block->closed = true;
		return add_frame(g, &said->frame, end, err);
	}
	if (above->reversed) { /* nothing stood above it */
		WH_TRY(start(reader, g, above, &head, WH_RUBY_NUMBERED, end, err));
		last_block(g)->closed = true;
		return add_frame(g, &said->frame, end, err);
	}
	bool joins = g->open && g->style == WH_RUBY_FROM && (last_block(g)->n > 1 || g->thread) && !g->since && !last_block(g)->cause;
	if (joins)
		add_block(g, &head, end);
	else
		WH_TRY(start(reader, g, above, &head, WH_RUBY_FROM, end, err));
	return add_frame(g, &said->frame, end, err);
}

static int frame_line(struct wh_reader *reader, struct group *g, struct above *above, const struct wh_ruby_line *said, const char *at,
		      const char *end, struct wh_err *err)
{
	if (said->kind == WH_RUBY_ERROR)
		return error_line(reader, g, above, said, at, end, err);
	bool fits = g->open && g->style == said->kind && !last_block(g)->closed;
	if (g->open && said->kind == WH_RUBY_NUMBERED && g->style == said->kind && last_block(g)->closed) {
		add_block(g, &(struct head){ .at = at }, end); /* what wraps the one above */
		last_block(g)->reversed = true;
		fits = true;
	}
	if (!fits) {
		struct head head = above->since && said->kind != WH_RUBY_NUMBERED ? above->head : (struct head){ .at = at };
		WH_TRY(start(reader, g, above, &head, said->kind, end, err));
	}
	return add_frame(g, &said->frame, end, err);
}

static bool levels_line(struct wh_span s) /* ` ... 10068 levels...` */
{
	return wh_scan_has(s, "... ") && wh_scan_find(s, " levels...");
}

static int read_line(struct wh_reader *reader, struct group *g, struct above *above, struct wh_span whole, struct wh_span *text,
		     struct wh_err *err)
{
	struct wh_span line = wh_log_line(whole), s = wh_ruby_text(line);
	struct wh_ruby_line said;
	struct head head = { .at = whole.p };
	if (wh_ruby_frame_line(line, &said))
		return frame_line(reader, g, above, &said, whole.p, text->p, err);
	if ((g->open ? g->style == WH_RUBY_JRUBY && !g->since : above->since == 1) && wh_ruby_jruby_line(line, &said))
		return frame_line(reader, g, above, &said, whole.p, text->p, err);
	if (wh_ruby_bug_line(line)) {
		WH_TRY(finish(reader, g, err));
		*above = (struct above){ 0 };
		return wh_ruby_read_bug(reader, line, text, err);
	}
	if (s.p == s.end || levels_line(s))
		return WH_OK;
	if (wh_scan_has(s, "Traceback (most recent call last)")) {
		WH_TRY(finish(reader, g, err));
		*above = (struct above){ .reversed = true, .thread = above->thread };
		return WH_OK;
	}
	if (wh_scan_find(s, "terminated with exception (report_on_exception is true)")) {
		WH_TRY(finish(reader, g, err));
		*above = (struct above){ .thread = true };
		return WH_OK;
	}
	if (g->open && g->style == WH_RUBY_BARE && wh_scan_find(s, "Caused by:") && wh_span_size(s) < 128 &&
	    !wh_ruby_head_line(line, &head.class, &head.message)) {
		g->caused = true;
		return WH_OK;
	}
	if (g->open && wh_scan_has(s, "---"))
		return WH_OK;
	if (g->open)
		g->since++;
	if (above->since && ++above->since > MOST_MESSAGE_LINES)
		above->since = 0;
	if (wh_ruby_head_line(line, &head.class, &head.message)) {
		bool cause = wh_scan_find(s, "Caused by") && g->open && g->style == WH_RUBY_BARE;
		if (cause || g->caused) {
			g->caused = false;
			add_block(g, &head, text->p);
			last_block(g)->cause = true;
			g->since = 0;
			return WH_OK;
		}
		above->head = head;
		above->since = 1;
	} else if (above->since == 2 && !wh_span_size(above->head.message)) {
		above->head.message = s; /* RSpec: `RuntimeError:`, the message on the next line */
	}
	/* the rest of a message may stand between its first line and the first `from`; frames have none between them */
	bool message = g->open && last_block(g)->n == 1 && g->style == WH_RUBY_FROM && g->since < MOST_MESSAGE_LINES;
	bool waits = g->open && last_block(g)->cause && !last_block(g)->n;
	if (g->open && !message && !last_block(g)->closed && !waits)
		return finish(reader, g, err);
	if (g->open && g->since >= MOST_MESSAGE_LINES)
		return finish(reader, g, err);
	return WH_OK;
}

static int read_ruby(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct above above = { 0 };
	struct group *g = calloc(1, sizeof *g);
	int code = g ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	while (code == WH_OK && wh_scan_line(&all, &line))
		code = read_line(reader, g, &above, line, &all, err);
	if (code == WH_OK)
		code = finish(reader, g, err);
	if (g)
		wh_vec_release(&g->frames);
	free(g);
	return code;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { ":in `", ":in '", "[BUG] ", ".rb:" };
	struct wh_span all = { text, text + size }, whole, class, message;
	struct wh_ruby_line said;
	size_t errors = 0, classes = 0, from = 0, bare = 0, jruby = 0, headed = 0, since = 0;
	bool bug = false, sections = false, scripts = false, rspec = wh_scan_find(all, "Failure/Error:") != NULL;
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &whole)) {
		struct wh_span line = wh_log_line(whole), s = wh_scan_trim(line);
		if (wh_ruby_frame_line(line, &said)) {
			if (said.comment && !rspec)
				continue;
			errors += said.kind == WH_RUBY_ERROR;
			classes += said.kind == WH_RUBY_ERROR && wh_span_size(said.class);
			from += (said.kind == WH_RUBY_FROM || said.kind == WH_RUBY_NUMBERED) && wh_span_size(said.frame.function);
			bare += said.kind == WH_RUBY_BARE;
			headed += said.kind == WH_RUBY_BARE && since;
			scripts |= wh_scan_find(said.frame.file, ".rb") != NULL;
			since = 0;
			continue;
		}
		bool direct = since == 1 || jruby;
		if (direct && wh_ruby_jruby_line(line, &said)) {
			jruby++;
			continue;
		}
		bug |= wh_ruby_bug_line(line);
		sections |= wh_scan_has(s, "-- Control frame information") || wh_scan_has(s, "-- Ruby level backtrace") ||
			    wh_scan_has(s, "-- C level backtrace");
		if (since && ++since > MOST_MESSAGE_LINES)
			since = 0;
		if (wh_ruby_head_line(line, &class, &message))
			since = 1;
	}
	if (bug && sections)
		return 96;
	if ((classes || errors) && from)
		return 93;
	if (classes && scripts)
		return 75;
	if (from > 1 || (headed && bare > 1))
		return 80;
	if (bare > 1 || headed || from)
		return scripts ? 60 : 30;
	return jruby > 1 ? 70 : errors && scripts ? 50 : 0;
}

const struct wh_format wh_format_ruby = {
	.name = "ruby",
	.summary = "Ruby's exceptions, Rails' and RSpec's logs, JRuby; crashes of the interpreter",
	.reference = "ruby/ruby: eval_error.c, error.c, vm_backtrace.c, vm_dump.c; jruby: org/jruby/runtime/backtrace/TraceType.java",
	.detect = detect,
	.read = read_ruby,
};
