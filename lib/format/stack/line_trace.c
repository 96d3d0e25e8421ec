/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/line_trace.h"

#include "format/stack/log_prefix.h"
#include "format/stack/report.h"

enum {
	ABOVE = 8,         /* lines above a title among which its head may be */
	DETECT_HEADS = 64, /* heads without frames after which a detector looks no further */
};

struct trace {
	const struct wh_line_grammar *grammar;
	struct wh_reader *reader; /* NULL while detecting */
	struct wh_stack_builder b;
	bool open, said;  /* a report; with a head or title */
	bool over;        /* its frames are */
	bool wanting;     /* its message is the next line */
	bool listed;      /* its frames are of a list in one line */
	bool outer_first; /* … stand in that order */
	bool below;       /* the line above was a frame of it */
	size_t frames;
	uint8_t alone;
	unsigned other; /* lines in a row that match nothing */
	const char *at, *end;
	struct wh_frame_text place; /* of the next frame with a caller's place; or all that a head said */
	bool placed, callers;       /* that is known; the last frame was one with a caller's place */
	struct wh_span above[ABOVE]; /* the newest at (n_above - 1) % ABOVE */
	size_t n_above;
	int sure;
	unsigned heads;
};

/* ---- one report ---- */

static void begin(struct trace *t, const char *at)
{
	t->open = true;
	t->said = t->over = t->wanting = t->listed = t->outer_first = t->below = t->placed = t->callers = false;
	t->frames = 0;
	t->alone = 0;
	t->other = 0;
	t->at = t->end = at;
	t->place = (struct wh_frame_text){ 0 };
	if (t->reader)
		wh_stack_builder_init(&t->b, t->reader->arena);
}

static void forget_frames(struct trace *t)
{
	t->frames = t->b.stack.n_frames = 0;
	t->listed = t->outer_first = t->callers = false;
}

static void reverse(struct wh_stack *stack)
{
	for (size_t i = 0, j = stack->n_frames; i + 1 < j; i++) {
		struct wh_frame frame = stack->frames[i];
		stack->frames[i] = stack->frames[--j];
		stack->frames[j] = frame;
	}
}

/* Where the last of the callers stands; or, without any frame, the place or function that the head named. */
static void add_place(struct trace *t)
{
	struct wh_frame_text place = t->place;
	if (!t->frames && !wh_span_size(place.module) && !wh_span_size(place.function))
		place.module = place.file; /* all that is known of the crash is its file: it counts as the module */
	wh_frame_text_add(&place, &t->b);
}

/* The head's place is where the first frame is, of which nothing but an address may be known. */
static void place_first(struct trace *t)
{
	struct wh_frame *frame = t->b.stack.n_frames ? t->b.stack.frames : NULL;
	if (!frame || frame->function || frame->module || frame->file || !wh_span_size(t->place.file))
		return;
	frame->module = frame->file = wh_stack_builder_copy(&t->b, t->place.file.p, wh_span_size(t->place.file));
	frame->line = t->place.line;
}

/* Frames that make a report without a head. */
static size_t least(const struct trace *t)
{
	return t->grammar->least ? t->grammar->least : 2;
}

static int finish(struct trace *t, struct wh_err *err)
{
	bool whole = t->alone || (t->frames && (t->said || (t->grammar->sure_frames && t->frames >= least(t))));
	if (!t->open)
		return WH_OK;
	t->open = false;
	if (!t->reader)
		return WH_OK;
	if (!whole || (t->grammar->last && !t->said)) {
		wh_arena_reset(t->reader->arena);
		return WH_OK;
	}
	if (t->outer_first)
		reverse(&t->b.stack);
	if (t->placed && (t->callers || !t->frames))
		add_place(t);
	else if (t->placed)
		place_first(t);
	return wh_stack_emit(t->reader, &t->b, t->at, t->end, err);
}

/* Under the first of what was said by that name. */
static void set(struct trace *t, const char *name, struct wh_span value)
{
	if (t->reader && !wh_observation_attribute(&t->b.observation, name))
		wh_stack_message(&t->b, name, value);
}

static void trust(struct trace *t, int sure)
{
	if (sure > t->sure)
		t->sure = sure;
}

static void stand_alone(struct trace *t, const struct wh_line_row *row)
{
	if (row->alone > t->alone)
		t->alone = row->alone;
	trust(t, row->alone);
}

static void take_place(struct trace *t, const struct wh_frame_text *frame)
{
	t->placed = wh_span_size(frame->file) || wh_span_size(frame->function);
	t->place = *frame;
}

/* Of an Erlang term, or a message of R's rlang, what says something: `** {{badmatch,7},` is {badmatch,7}. */
static struct wh_span bare(struct wh_span text)
{
	long open = 0;
	wh_scan_skip(&text, "! ");
	wh_scan_skip(&text, "** ");
	while (text.end > text.p && strchr(",[ ", text.end[-1]))
		text.end--;
	for (const char *p = text.p; p < text.end && p - text.p < (long)WH_MESSAGE_LONGEST; p++)
		open += (*p == '{') - (*p == '}');
	for (; open > 0 && wh_scan_skip(&text, "{"); open--)
		;
	return text;
}

/* What a head or the last line says. */
static void say(struct trace *t, const struct wh_line_row *row, const struct wh_line_match *match)
{
	bool apart = wh_span_size(match->type);
	struct wh_span said = row->list ? bare(match->said) : match->said;
	t->said = true;
	t->wanting = match->said.p && !wh_span_size(match->said);
	set(t, "reason", apart ? match->type : said);
	if (apart)
		set(t, "message", said);
	if (t->reader && wh_span_size(match->thread))
		t->b.stack.thread = wh_stack_builder_copy(&t->b, match->thread.p, wh_span_size(match->thread));
	take_place(t, &match->frame);
}

static void take_message(struct trace *t, struct wh_span text)
{
	if (t->reader)
		set(t, wh_observation_attribute(&t->b.observation, "reason") ? "message" : "reason", bare(text));
	t->wanting = false;
}

/* The reason stands in the line of the calls, in front of them: `{badarith,[{m,f,2,…`. */
static void take_reason(struct trace *t, struct wh_span line)
{
	const char *calls = wh_scan_find(line, "[{");
	if (calls)
		take_message(t, (struct wh_span){ line.p, calls });
}

static void add_frame(struct trace *t, const struct wh_line_row *row, const struct wh_line_match *match)
{
	struct wh_frame_text frame = match->frame;
	if (t->listed && !row->list)
		forget_frames(t);
	if (row->list) {
		if (!row->list(match->said, t->reader ? &t->b : NULL))
			return; /* a head that tells of none */
		if (t->wanting)
			take_reason(t, match->said);
		t->listed = true;
	} else {
		if (row->caller) {
			frame.file = t->place.file;
			frame.line = t->place.line;
			frame.module = t->place.module;
			struct wh_frame_text next = match->frame;
			next.function = (struct wh_span){ 0 };
			take_place(t, &next);
		}
		t->callers = row->caller;
		struct wh_frame *added = t->reader ? wh_frame_text_add(&frame, &t->b) : NULL;
		if (added)
			added->inlined = row->inlined;
	}
	t->outer_first = row->outer_first;
	t->frames++;
	if (!t->grammar->last)
		trust(t, t->said ? t->grammar->sure : t->frames >= least(t) ? t->grammar->sure_frames : 0);
}

/* The call above is told more of: its module, its place. */
static void add_more(struct trace *t, const struct wh_line_row *row, const struct wh_line_match *match)
{
	if (!t->reader || !t->b.stack.n_frames || t->b.failed)
		return;
	struct wh_frame *frame = &t->b.stack.frames[t->b.stack.n_frames - 1];
	const struct wh_frame_text *text = &match->frame;
	if (!frame->module && wh_span_size(text->module))
		frame->module = wh_stack_builder_copy(&t->b, text->module.p, wh_span_size(text->module));
	if (!frame->file && wh_span_size(text->file)) {
		frame->file = wh_stack_builder_copy(&t->b, text->file.p, wh_span_size(text->file));
		frame->line = text->line;
	}
	frame->inlined |= row->inlined;
}

/* A report begins with its frames: what it is about stands above them. */
static void look_above(struct trace *t)
{
	struct wh_line_match match;
	for (size_t p = 0; p < sizeof t->grammar->above / sizeof *t->grammar->above && t->grammar->above[p]; p++)
		for (size_t i = 0; i < ABOVE && i < t->n_above; i++) {
			struct wh_span line = t->above[(t->n_above - 1 - i) % ABOVE];
			if (!wh_line_match(t->grammar->above[p], line, &match))
				continue;
			set(t, "reason", match.said);
			t->at = line.p;
			t->n_above = 0;
			return;
		}
	t->n_above = 0;
}

/* ---- lines ---- */

static bool file_fits(struct wh_span file, const char *endings)
{
	for (const char *p = endings; p && *p;) {
		size_t n = strcspn(p, " ");
		if (wh_span_size(file) > n && !memcmp(file.end - n, p, n))
			return true;
		p += n + strspn(p + n, " ");
	}
	return !endings;
}

static const struct wh_line_row *row_of(const struct wh_line_grammar *grammar, struct wh_span line, struct wh_line_match *match)
{
	for (const struct wh_line_row *row = grammar->rows; row->pattern; row++)
		if (wh_line_match(row->pattern, line, match) && file_fits(match->frame.file, row->files) &&
		    (!row->check || row->check(match)) &&
		    (!row->list || row->kind != WH_LINE_FRAME || row->list(match->said, NULL)))
			return row;
	return NULL;
}

/* A line that matches no row, or none that means anything here. */
static int other_line(struct trace *t, struct wh_span line, struct wh_err *err)
{
	line = wh_scan_trim(line);
	t->below = false;
	if (!wh_span_size(line))
		return t->frames && !t->grammar->gap ? finish(t, err) : WH_OK;
	if (!t->open) {
		t->above[t->n_above++ % ABOVE] = line;
		return WH_OK;
	}
	if (t->wanting) {
		take_message(t, line);
		return WH_OK;
	}
	if (++t->other <= (t->frames ? t->grammar->gap : t->grammar->wait))
		return WH_OK;
	WH_TRY(finish(t, err));
	t->above[t->n_above++ % ABOVE] = line;
	return WH_OK;
}

static bool means_nothing(const struct trace *t, const struct wh_line_row *row)
{
	switch (row->kind) {
	case WH_LINE_FRAME:
		return !t->open && !row->opens;
	case WH_LINE_MORE:
		return !t->open || !t->frames;
	case WH_LINE_PASS:
	case WH_LINE_SAID:
	case WH_LINE_CAUSE:
		return !t->open;
	default:
		return false;
	}
}

static void title(struct trace *t, const struct wh_line_row *row, const struct wh_line_match *match)
{
	if (t->over)
		return;
	if (row->fresh)
		forget_frames(t);
	set(t, "reason", match->said);
	if (!t->said)
		look_above(t);
	if (wh_span_size(match->thread) && t->reader)
		t->b.stack.thread = wh_stack_builder_copy(&t->b, match->thread.p, wh_span_size(match->thread));
	t->said |= !t->grammar->last;
	t->wanting = false;
}

static int trace_line(struct trace *t, struct wh_span line, const char *end, struct wh_err *err)
{
	struct wh_line_match match;
	const struct wh_line_row *row = row_of(t->grammar, line, &match);
	if (!row || means_nothing(t, row))
		return other_line(t, line, err);
	enum wh_line_kind kind = row->kind;
	if (kind == WH_LINE_HEAD && row->chained && t->below)
		kind = WH_LINE_CAUSE;
	if (kind == WH_LINE_HEAD || (kind == WH_LINE_TITLE && t->frames && !row->fresh && !t->over))
		WH_TRY(finish(t, err));
	if (!t->open) {
		begin(t, line.p);
		if (kind == WH_LINE_FRAME)
			look_above(t);
	}
	t->other = 0;
	t->end = end;
	t->below = kind == WH_LINE_FRAME || (t->below && kind == WH_LINE_MORE);
	switch (kind) {
	case WH_LINE_HEAD:
		if (row->list && wh_scan_find(match.said, "[{"))
			take_reason(t, match.said);
		say(t, row, &match);
		t->heads++;
		stand_alone(t, row);
		if (row->list || (row->opens && wh_span_size(match.frame.function)))
			add_frame(t, row, &match);
		break;
	case WH_LINE_TITLE:
		title(t, row, &match);
		break;
	case WH_LINE_LAST:
		say(t, row, &match);
		stand_alone(t, row);
		trust(t, t->frames ? t->grammar->sure : 0);
		return finish(t, err);
	case WH_LINE_FRAME:
		if (!t->over)
			add_frame(t, row, &match);
		break;
	case WH_LINE_MORE:
		if (!t->over)
			add_more(t, row, &match);
		break;
	case WH_LINE_PASS:
	case WH_LINE_SAID:
		if (kind == WH_LINE_SAID)
			set(t, row->name, match.said);
		if (wh_span_size(match.frame.file) && (!t->frames || t->listed))
			take_place(t, &match.frame);
		stand_alone(t, row);
		t->over |= row->over;
		break;
	case WH_LINE_CAUSE:
		set(t, "cause", wh_span_size(match.type) ? match.type : match.said);
		t->over = true;
		break;
	}
	return WH_OK;
}

int wh_line_trace_read(const struct wh_line_grammar *grammar, struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct trace t = { .grammar = grammar, .reader = reader };
	while (wh_scan_line(&all, &line))
		WH_TRY(trace_line(&t, wh_log_line(line), all.p, err));
	return finish(&t, err);
}

int wh_line_trace_detect(const struct wh_line_grammar *grammar, const char *text, size_t size, int sure)
{
	struct wh_span all = { text, text + size }, line;
	struct trace t = { .grammar = grammar };
	struct wh_err err;
	size_t n = 0;
	while (n < sizeof grammar->words / sizeof *grammar->words && grammar->words[n])
		n++;
	if (sure >= grammar->sure || !wh_scan_any(all, grammar->words, n))
		return 0;
	while (t.sure < grammar->sure && t.heads < DETECT_HEADS && wh_scan_line(&all, &line))
		if (trace_line(&t, wh_log_line(line), all.p, &err) != WH_OK)
			break;
	return t.sure;
}

bool wh_line_without_arguments(struct wh_line_match *match)
{
	struct wh_span *function = &match->frame.function;
	for (const char *p = function->p + 1; p < function->end; p++)
		if (*p == '(') {
			function->end = p;
			break;
		}
	return true;
}
