/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python's tracebacks (crash point last; turned round here), exception groups, and faulthandler's dumps (crash point first).
 *
 * Of exceptions that caused each other the last one printed killed the program: its frames are the stack, its class is `reason`,
 * the class of the first one printed is `cause`. Of an exception group the first exception that is no group is where it went
 * wrong: its frames come first, then the group's; the group's class is `reason`, the inner class `cause`.
 * A frame's module is the dotted path behind site-packages or the standard library's folder, else the file's stem.
 */
#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/report.h"

#define MOST_LEVELS 16    /* of exception groups within each other */
#define MOST_REPEATS 1000 /* of `[Previous line repeated …]`: the interpreter's own limit of recursion */

/* ---- lines ---- */

/* What stands behind the last folder named so, else NULL. */
static const char *behind_folder(struct wh_span path, const char *folder)
{
	const char *behind = NULL;
	size_t n = strlen(folder);
	for (const char *p = path.p; (size_t)(path.end - p) > n + 2; p++)
		if ((*p == '/' || *p == '\\') && !memcmp(p + 1, folder, n) && (p[n + 1] == '/' || p[n + 1] == '\\'))
			behind = p + n + 2;
	return behind;
}

/* What stands behind `/python3.11/`, else NULL. */
static const char *behind_library(struct wh_span path)
{
	const char *found = wh_scan_find(path, "/python");
	struct wh_span s = { found ? found + strlen("/python") : path.end, path.end };
	uint64_t number;
	if (!found || !wh_scan_decimal(&s, &number) || (wh_scan_skip(&s, ".") && !wh_scan_decimal(&s, &number)))
		return NULL;
	return wh_scan_skip(&s, "/") ? s.p : NULL;
}

static void set_module(struct wh_frame_text *frame)
{
	struct wh_span path = frame->file;
	if (wh_scan_skip(&path, "<frozen ")) {
		frame->module = (struct wh_span){ path.p, path.end > path.p && path.end[-1] == '>' ? path.end - 1 : path.end };
		return;
	}
	const char *name = behind_folder(path, "site-packages");
	if (!name)
		name = behind_folder(path, "dist-packages");
	if (!name)
		name = behind_library(path);
	if (!name) {
		name = path.end;
		while (name > path.p && name[-1] != '/' && name[-1] != '\\')
			name--;
	}
	path.p = name;
	const char *dot = wh_span_size(path) ? memrchr(path.p, '.', wh_span_size(path)) : NULL;
	if (dot && dot > path.p)
		path.end = dot;
	static const char init[] = "/__init__";
	size_t n = sizeof init - 1;
	if (wh_span_size(path) > n && !memcmp(path.end - n + 1, init + 1, n - 1) && strchr("/\\", path.end[-(ptrdiff_t)n]))
		path.end -= n;
	frame->module = path;
	frame->dotted = true;
}

bool wh_frame_line_python(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || !wh_scan_skip(&line, "File \""))
		return false;
	const char *quote = wh_scan_find(line, "\", line ");
	if (!quote)
		return false;
	uint64_t number = 0;
	struct wh_span rest = { quote + strlen("\", line "), line.end };
	if (!wh_scan_decimal(&rest, &number) && !wh_scan_skip(&rest, "???"))
		return false;
	frame->file = (struct wh_span){ line.p, quote };
	frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
	set_module(frame);
	if (wh_scan_skip(&rest, ", in ") || wh_scan_skip(&rest, " in "))
		frame->function = wh_scan_trim(rest);
	else if (wh_span_size(rest))
		return false;
	return true;
}

/* `pkg.Class[: message]`. The strict form wants the ending of an exception's name. */
static bool exception_text(struct wh_span s, bool strict, struct wh_span *class, struct wh_span *message)
{
	static const char *const endings[] = { "Error", "Exception", "Warning", "Interrupt", "Exit", "Iteration", "Group", "Fault" };
	struct wh_span name = { s.p, s.p };
	while (name.end < s.end && name.end - s.p < 512 &&
	       ((*name.end >= 'a' && *name.end <= 'z') || (*name.end >= 'A' && *name.end <= 'Z') ||
		(*name.end >= '0' && *name.end <= '9') || *name.end == '_' || *name.end == '.' || (unsigned char)*name.end >= 0x80 ||
		wh_scan_has((struct wh_span){ name.end, s.end }, "<locals>")))
		name.end += *name.end == '<' ? strlen("<locals>") : 1;
	if (name.end == name.p || (name.end < s.end && *name.end != ':') || (*name.p >= '0' && *name.p <= '9') || *name.p == '.')
		return false;
	bool known = !strict;
	for (size_t i = 0; i < sizeof endings / sizeof *endings && !known; i++) {
		size_t n = strlen(endings[i]);
		known = wh_span_size(name) >= n && !memcmp(name.end - n, endings[i], n);
	}
	*class = name;
	*message = wh_scan_trim((struct wh_span){ name.end < s.end ? name.end + 1 : s.end, s.end });
	return known;
}

static size_t indent(struct wh_span line)
{
	struct wh_span s = line;
	wh_scan_blanks(&s);
	return (size_t)(s.p - line.p);
}

/* ---- one report ---- */

enum state { CLOSED, FRAMES, AFTER }; /* in a traceback's frames; behind its exception, where a chain may go on */

struct python {
	struct wh_stack_builder b; /* frames in the order of print, level by level */
	enum state state;
	const char *at;
	size_t level_start[MOST_LEVELS];
	size_t n_levels;
	struct wh_span class[MOST_LEVELS], message; /* message: the outermost's */
	struct wh_span first, thread;               /* first: class of the first exception of the chain */
	bool chained;                               /* the next traceback continues this report */
	bool given;                                 /* the class stood above the traceback (Atheris) */
	bool group, closed;                         /* closed: the group's first exception is complete */
	size_t prefix;                              /* bytes that a logger puts before each line */
	struct wh_span header;
	size_t frame_indent, strays;
};

static void add_frame(struct python *p, const struct wh_frame_text *text, size_t at)
{
	if (p->b.stack.n_frames == p->level_start[p->n_levels - 1])
		p->frame_indent = at;
	wh_frame_text_add(text, &p->b);
	p->strays = 0;
}

/* `[Previous line repeated 996 more times]`. */
static void repeat(struct python *p, struct wh_span s)
{
	uint64_t times;
	struct wh_stack *stack = &p->b.stack;
	s.p += strlen("[Previous line repeated ");
	if (!wh_scan_decimal(&s, &times) || stack->n_frames == p->level_start[p->n_levels - 1])
		return;
	for (uint64_t i = 0; i < times && i < MOST_REPEATS; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(&p->b);
		if (!frame)
			return;
		*frame = stack->frames[stack->n_frames - 2];
	}
}

static void reverse(struct wh_frame *frames, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct wh_frame frame = frames[i];
		frames[i] = frames[n - 1 - i];
		frames[n - 1 - i] = frame;
	}
}

/* end: where its text ends. */
/* Where the parser found a mistake is printed as a frame is, but nobody was called there: an attribute. It stays a frame where nothing else is
 * known. */
static void take_parsed(struct python *p)
{
	struct wh_stack *stack = &p->b.stack;
	const struct wh_frame *last = stack->n_frames > 1 ? &stack->frames[stack->n_frames - 1] : NULL;
	if (!last || last->function || !last->file || !last[-1].function || p->n_levels != 1 || wh_span_size(p->class[0]) < 5 ||
	    memcmp(p->class[0].end - 5, "Error", 5) != 0)
		return;
	const char *place = wh_arena_printf(p->b.arena, "%s:%u", last->file, last->line);
	p->b.failed |= !place;
	if (place)
		wh_stack_builder_attribute(&p->b, "location", place, strlen(place));
	stack->n_frames--;
}

static int finish(struct wh_reader *reader, struct python *p, const char *end, struct wh_err *err)
{
	if (p->state == CLOSED)
		return WH_OK;
	take_parsed(p);
	/* levels lie outermost first, the crash point last within each: turning all round puts both right */
	reverse(p->b.stack.frames, p->b.stack.n_frames);
	struct wh_span inner = p->class[p->n_levels - 1], cause = p->n_levels > 1 ? inner : p->first;
	wh_stack_message(&p->b, "reason", p->class[0]);
	wh_stack_message(&p->b, "message", p->message);
	if (wh_span_size(cause) && (p->n_levels > 1 || p->first.p != p->class[0].p))
		wh_stack_message(&p->b, "cause", cause);
	if (wh_span_size(p->thread))
		p->b.stack.thread = wh_stack_builder_copy(&p->b, p->thread.p, wh_span_size(p->thread));
	p->state = CLOSED;
	return wh_stack_emit(reader, &p->b, p->at, end, err);
}

static void set_exception(struct python *p, struct wh_span class, struct wh_span message)
{
	p->class[p->n_levels - 1] = class;
	if (p->n_levels == 1) {
		p->message = message;
		if (!wh_span_size(p->first))
			p->first = class;
	}
	p->state = AFTER;
}

/* One line of a traceback, prefixes taken off; false where it does not belong to one. */
static bool traceback_line(struct python *p, struct wh_span line)
{
	struct wh_frame_text frame;
	struct wh_span class, message, s = wh_scan_trim(line);
	size_t at = indent(line);
	if (s.p == s.end)
		return true;
	if (wh_scan_has(s, "File \"") && wh_frame_line_python(s, &frame)) {
		add_frame(p, &frame, at);
		return true;
	}
	bool any = p->b.stack.n_frames > p->level_start[p->n_levels - 1];
	if (wh_scan_has(s, "[Previous line repeated ")) {
		repeat(p, s);
		return true;
	}
	if (at > p->frame_indent && any)
		return true; /* source and its markers */
	if (p->given) {
		p->state = AFTER;
		return false;
	}
	/* where blanks were lost, source looks like an exception unless the name says otherwise */
	bool flat = any && !p->frame_indent;
	if (exception_text(s, flat, &class, &message)) {
		set_exception(p, class, message);
		return true;
	}
	if (flat && p->strays++ < 3)
		return true;
	p->state = AFTER;
	return false;
}

/* Whether line has the prefix of the traceback's first line: the same signs, other digits and letters. */
static bool alike(struct wh_span line, struct wh_span header, size_t n)
{
	if (wh_span_size(line) < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char a = header.p[i] == '+' ? '|' : header.p[i], b = line.p[i];
		bool sign = a > 0 && strchr(" \t:|[]()-.,", a);
		if (sign ? a != b : b > 0 && strchr("\t|", b))
			return false;
	}
	return true;
}

static void start(struct wh_reader *reader, struct python *p, struct wh_span line, const char *word)
{
	if (p->state != CLOSED && p->chained) {
		p->b.stack.n_frames = 0;
	} else {
		wh_stack_builder_init(&p->b, reader->arena);
		p->at = line.p;
		p->first = (struct wh_span){ 0 };
	}
	p->state = FRAMES;
	p->n_levels = 1;
	p->level_start[0] = p->frame_indent = p->strays = 0;
	p->class[0] = p->message = (struct wh_span){ 0 };
	p->chained = p->given = p->group = p->closed = false;
	p->header = line;
	p->prefix = (size_t)(word - line.p);
}

static bool links(struct wh_span line)
{
	return wh_scan_find(line, "The above exception was the direct cause of the following exception:") ||
	       wh_scan_find(line, "During handling of the above exception, another exception occurred:");
}

/* ---- exception groups ---- */

/* `+-+------ 1 ------`: the first exception of a group goes one level down; a second one, or the end, closes what we take. */
static void group_marker(struct python *p, struct wh_span s)
{
	uint64_t number = 0;
	while (s.p < s.end && (*s.p == '+' || *s.p == '-' || *s.p == ' '))
		s.p++;
	if (!wh_scan_decimal(&s, &number) || number != 1 || p->n_levels == MOST_LEVELS) {
		p->closed = true;
		return;
	}
	p->level_start[p->n_levels] = p->b.stack.n_frames;
	p->class[p->n_levels++] = (struct wh_span){ 0 };
	p->frame_indent = 0;
	p->state = FRAMES;
}

/* A line of a group behind its `|`; false where the group is over. */
static bool group_line(struct python *p, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	if (s.p == s.end || (*s.p != '|' && *s.p != '+'))
		return false;
	if (*s.p == '+' || p->closed) {
		if (!p->closed)
			group_marker(p, s);
		return true;
	}
	s.p++;
	wh_scan_skip(&s, " ");
	if (links(s)) { /* within the group, too, the last one counts */
		p->b.stack.n_frames = p->level_start[p->n_levels - 1];
		p->state = FRAMES;
	} else if (!wh_scan_find(s, "Traceback (most recent call last):") && p->state == FRAMES) {
		traceback_line(p, s);
	}
	return true;
}

/* ---- faulthandler ---- */

struct fault {
	struct wh_span reason, message; /* of `Fatal Python error: …`, `Timeout (…)!` */
	struct wh_span thread, frames;  /* of the last thread that is not said to be the current one */
	const char *at;
};

/* p: a traceback that is still open ends here, for its frames lie in the arena that every record empties. */
static int emit_fault(struct wh_reader *reader, struct python *p, struct fault *f, const char *end, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_frame_text frame;
	struct wh_span text = f->frames, line;
	if (!f->at)
		return WH_OK;
	if (p->state != CLOSED)
		WH_TRY(finish(reader, p, f->at > p->at ? f->at : end, err));
	wh_stack_builder_init(&b, reader->arena);
	while (wh_scan_line(&text, &line))
		if (wh_frame_line_python(line, &frame))
			wh_frame_text_add(&frame, &b);
	wh_stack_message(&b, "reason", f->reason);
	wh_stack_message(&b, "message", f->message);
	if (wh_span_size(f->thread))
		b.stack.thread = wh_stack_builder_copy(&b, f->thread.p, wh_span_size(f->thread));
	const char *at = f->at;
	*f = (struct fault){ 0 };
	return wh_stack_emit(reader, &b, at, end, err);
}

/* `Current thread 0x… (most recent call first):` and what follows it. */
static int fault_line(struct wh_reader *reader, struct python *p, struct fault *f, struct wh_span line, struct wh_span *text,
		      struct wh_err *err)
{
	static const char fatal[] = "Fatal Python error: ";
	const char *said = wh_scan_find(line, fatal);
	if (said || (wh_scan_has(line, "Timeout (") && line.end > line.p && line.end[-1] == '!')) {
		WH_TRY(emit_fault(reader, p, f, line.p, err));
		f->at = line.p;
		f->reason = said ? (struct wh_span){ said + sizeof fatal - 1, line.end } : (struct wh_span){ line.p, line.p + 7 };
		/* `Fatal Python error: where: what` */
		const char *colon = said ? wh_scan_find(f->reason, ": ") : NULL;
		if (colon) {
			f->message = (struct wh_span){ colon + 2, line.end };
			f->reason.end = colon;
		}
		return WH_OK;
	}
	if (!wh_scan_find(line, "(most recent call first):") || wh_scan_find(line, "C stack trace"))
		return WH_OK;
	struct wh_span s = wh_scan_trim(line), next = *text, frame;
	bool current = wh_scan_skip(&s, "Current thread ") || wh_scan_has(s, "Stack (");
	if (!current && !wh_scan_skip(&s, "Thread "))
		return WH_OK;
	const char *blank = memchr(s.p, ' ', wh_span_size(s));
	f->thread = (struct wh_span){ s.p, blank && !wh_scan_has(s, "Stack (") ? blank : s.p };
	f->frames = (struct wh_span){ text->p, text->p };
	while (wh_scan_line(&next, &frame) && indent(frame)) {
		f->frames.end = frame.end;
		*text = next;
	}
	/* a thread that is not the current one counts where no other follows: dump_traceback_later prints the main one last */
	if (!current && !f->at)
		return WH_OK;
	if (!f->at)
		f->at = line.p;
	return current ? emit_fault(reader, p, f, text->p, err) : WH_OK;
}

/* ---- the reader ---- */

/* Atheris: ` === Uncaught Python exception: ===`, the exception, and only then the traceback. */
static void take_given(struct python *p, struct wh_span above, struct wh_span before)
{
	struct wh_span class, message;
	if (!wh_scan_find(before, "=== Uncaught Python exception: ===") || !exception_text(above, false, &class, &message))
		return;
	set_exception(p, class, message);
	p->given = true;
	p->state = FRAMES;
}

struct seen {
	struct wh_span above, before; /* the last two lines */
	struct wh_span thread;
};

static int traceback_start(struct wh_reader *reader, struct python *p, const struct seen *seen, struct wh_span line,
			   const char *word, struct wh_err *err)
{
	static const char group[] = "Exception Group ";
	if (!p->chained)
		WH_TRY(finish(reader, p, line.p, err));
	bool is_group = word - line.p >= (ptrdiff_t)sizeof group - 1 && !memcmp(word - (sizeof group - 1), group, sizeof group - 1);
	start(reader, p, line, is_group ? word - (sizeof group - 1) : word);
	p->group = is_group;
	if (p->at == line.p)
		p->thread = seen->thread;
	take_given(p, seen->above, seen->before);
	return WH_OK;
}

static int python_line(struct wh_reader *reader, struct python *p, struct fault *f, struct seen *seen, struct wh_span line,
		       struct wh_span *text, struct wh_err *err)
{
	if (p->state != CLOSED && p->group && group_line(p, line))
		return WH_OK;
	const char *word = wh_scan_find(line, "Traceback (most recent call last):");
	if (!word)
		word = wh_scan_find(line, "Traceback (innermost last):");
	if (word) {
		if (!wh_span_size(f->frames))
			f->at = NULL; /* what was fatal is what the traceback says */
		WH_TRY(emit_fault(reader, p, f, line.p, err));
		return traceback_start(reader, p, seen, line, word, err);
	}
	if (p->state == FRAMES && !p->group) {
		struct wh_span s = line;
		if (p->prefix && alike(line, p->header, p->prefix))
			s.p += p->prefix;
		else if (wh_scan_trim(line).p < wh_scan_trim(line).end)
			p->prefix = 0;
		if (traceback_line(p, s))
			return WH_OK;
	}
	if (p->state != CLOSED && links(line)) {
		p->chained = true;
		return WH_OK;
	}
	struct wh_span s = line;
	seen->thread = (struct wh_span){ 0 };
	if (wh_scan_skip(&s, "Exception in thread ") && wh_span_size(s)) {
		/* `Thread-1 (work):` or a name of its own */
		const char *end = wh_scan_find(s, " (");
		seen->thread = (struct wh_span){ s.p, end ? end : s.end[-1] == ':' ? s.end - 1 : s.end };
	}
	return fault_line(reader, p, f, line, text, err);
}

static int read_python(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct python p = { .state = CLOSED };
	struct fault f = { 0 };
	struct seen seen = { 0 };
	while (wh_scan_line(&all, &line)) {
		WH_TRY(python_line(reader, &p, &f, &seen, line, &all, err));
		seen.before = seen.above;
		seen.above = line;
	}
	WH_TRY(finish(reader, &p, all.end, err));
	return emit_fault(reader, &p, &f, all.end, err);
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line;
	struct wh_frame_text frame;
	bool header = false, fatal = false, atheris = false, framed = false;
	static const char *const parts[] = { "Traceback (most recent call last):", "Fatal Python error: ", "(most recent call first):" };
	/* compiled Python keeps the examples of its documentation */
	if (memchr(text, '\0', size < 64 ? size : 64) || !wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line)) {
		struct wh_span s = wh_scan_trim(line);
		const char *word = wh_scan_find(line, "Traceback (most recent call last):");
		if (word) {
			/* in Python source the words stand within quotes, and no frame follows */
			header |= word[-1 + (word == line.p)] != '"' && word + strlen("Traceback (most recent call last):") == s.end;
		} else if (wh_scan_find(line, "Fatal Python error: ") || wh_scan_find(line, "(most recent call first):")) {
			fatal = true;
		} else if (wh_scan_find(line, "=== Uncaught Python exception: ===")) {
			atheris = true;
		} else if ((header || fatal) && !framed) {
			while (s.p < s.end && (*s.p == '|' || *s.p == '+' || *s.p == ' '))
				s.p++;
			const char *file = wh_scan_find(s, "File \"");
			if (file && file - s.p < 256)
				s.p = file;
			/* examples in documentation were typed in */
			framed = wh_frame_line_python(s, &frame) && !wh_scan_has(frame.file, "<stdin>") &&
				 !wh_scan_has(frame.file, "<doctest ");
		}
		if (framed && atheris)
			return 97; /* the fuzzer's or sanitizer's report behind it is the consequence */
	}
	if (framed)
		return header ? 80 : 82;
	return fatal && wh_scan_find((struct wh_span){ text, text + size }, "Fatal Python error: ") ? 60 : 0;
}

const struct wh_format wh_format_python = {
	.name = "python",
	.summary = "Python tracebacks, exception groups, faulthandler and Atheris",
	.reference = "CPython: Lib/traceback.py, Python/traceback.c, Modules/faulthandler.c",
	.detect = detect,
	.read = read_python,
};
