/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stack traces as java.lang.Throwable prints them, whatever language the class was written in, and as log4j, logback, Android
 * and Jazzer pass them on.
 *
 * The crash point is the root cause. A cause prints only the frames that its wrapper has not (`... 12 more`), so its whole stack
 * is its own frames and the last 12 of its wrapper's whole stack. Suppressed exceptions are not the crash.
 */
#include "format/stack/java.h"

#include <stdlib.h>

#include "format/stack/frame_line.h"
#include "format/stack/list.h"
#include "format/stack/quoted_lines.h"
#include "format/stack/report.h"

#define MOST_BLOCKS 128         /* causes of one exception; further ones are passed over */
#define MOST_MESSAGE_LINES 1000 /* between an exception and its first frame */

/* ---- lines ---- */

static bool ascii_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool name_char(char c)
{
	return ascii_letter(c) || (c >= '0' && c <= '9') || (c && strchr("_$.-", c)) || (unsigned char)c >= 0x80;
}

/* Where a frame's source stands: one word, or what the JVM says instead of one. */
static bool source_text(struct wh_span s)
{
	if (wh_scan_has(s, "Unknown Source") || (wh_span_size(s) > 7 && (!memcmp(s.end - 7, " Method", 7) || !memcmp(s.end - 7, " method", 7))))
		return true; /* `Native Method`, and what other JVMs have in its place */
	for (; s.p < s.end; s.p++)
		if (strchr(" \t,/\\\"'{}", *s.p))
			return false;
	return true;
}

/* `module@version` into the frame. */
static void set_java_module(struct wh_span module, struct wh_frame_text *frame)
{
	const char *version = wh_span_size(module) ? memchr(module.p, '@', wh_span_size(module)) : NULL;
	if (version) {
		frame->version = (struct wh_span){ version + 1, module.end };
		module.end = version;
	}
	frame->module = module;
}

/* `loader/module@version/` in front of the class; a hidden class has a slash, too, but a digit behind it. */
static void take_java_module(struct wh_span *name, struct wh_frame_text *frame)
{
	struct wh_span part = { name->p, name->p };
	for (int slashes = 0; slashes < 2; slashes++) {
		const char *slash = memchr(name->p, '/', wh_span_size(*name));
		if (!slash || (slash + 1 < name->end && slash[1] >= '0' && slash[1] <= '9'))
			break;
		part = (struct wh_span){ name->p, slash };
		name->p = slash + 1;
	}
	/* `app//` is a loader without a module: part is then what stands between the slashes, nothing */
	set_java_module(part, frame);
}

/* `(java.base@17.0.15/Thread.java:840)`: in a thread dump the module stands with the source. */
static void take_dump_module(struct wh_span *source, struct wh_frame_text *frame)
{
	struct wh_span module = { source->p, source->p };
	while (module.end < source->end && (name_char(*module.end) || *module.end == '@' || *module.end == '+'))
		module.end++;
	if (module.end == source->end || *module.end != '/' || !wh_span_size(module))
		return;
	source->p = module.end + 1;
	set_java_module(module, frame);
}

/* ` ~[a.jar:1.2]` behind a frame: log4j's and logback's; `?` and `na` are not known. */
static bool take_jar(struct wh_span s, struct wh_frame_text *frame)
{
	s = wh_scan_trim(s);
	wh_scan_skip(&s, "~");
	if (s.p == s.end || wh_scan_has(s, "```")) /* the end of a report in Markdown */
		return true;
	if (*s.p != '[' || s.end[-1] != ']' || wh_span_size(s) < 2)
		return false;
	s = (struct wh_span){ s.p + 1, s.end - 1 };
	const char *colon = wh_span_size(s) ? memrchr(s.p, ':', wh_span_size(s)) : NULL;
	struct wh_span jar = { s.p, colon ? colon : s.end }, version = { colon ? colon + 1 : s.end, s.end };
	if (wh_span_size(jar) && *jar.p != '?' && !(wh_span_size(jar) == 2 && !memcmp(jar.p, "na", 2))) {
		frame->module = jar;
		frame->version = (struct wh_span){ 0 };
		if (wh_span_size(version) && *version.p != '?' && !(wh_span_size(version) == 2 && !memcmp(version.p, "na", 2)))
			frame->version = version;
	}
	return true;
}

bool wh_frame_line_java(struct wh_span line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	line = wh_scan_trim(line);
	if (wh_span_size(line) > WH_FRAME_LINE_LONGEST || (!wh_scan_skip(&line, "at ") && !wh_scan_skip(&line, "at\t")))
		return false;
	wh_scan_blanks(&line);
	const char *open = wh_span_size(line) ? memchr(line.p, '(', wh_span_size(line)) : NULL;
	if (!open || open == line.p)
		return false;
	struct wh_span name = { line.p, open };
	bool blanks = false, dot = false;
	for (const char *p = name.p; p < name.end; p++) {
		if (strchr("\"'[{=,", *p) || (*p == ':' && p + 1 < name.end && p[1] == '/'))
			return false;
		blanks |= *p == ' ';
		dot |= *p == '.';
	}
	/* no blank before the bracket: that would be JavaScript's style */
	const char *close = memchr(open, ')', (size_t)(line.end - open));
	if (!dot || open[-1] == ' ' || !close)
		return false;
	if (close + 1 < line.end && close[1] == ')') /* `(C.java:1(Compiled Code))` */
		close++;
	struct wh_span source = { open + 1, close };
	take_dump_module(&source, frame);
	const char *nested = wh_span_size(source) ? memchr(source.p, '(', wh_span_size(source)) : NULL;
	if (nested)
		source.end = nested;
	if (!source_text(source))
		return false;
	wh_location_split(source, &frame->file, &frame->line);
	if (blanks && !frame->line) /* a test's name may be a sentence, and so may a line of prose */
		return false;
	if (wh_span_size(frame->file) && memchr(frame->file.p, ' ', wh_span_size(frame->file)))
		frame->file = (struct wh_span){ 0 };
	if (!wh_span_size(frame->module))
		take_java_module(&name, frame);
	frame->function = name;
	return wh_span_size(name) && take_jar((struct wh_span){ close + 1, line.end }, frame);
}

/* The class of an exception and its message where text is `pkg.Class[: message]`. The strict form wants a name that can be
 * nothing else: with a package and a capital letter, or ending like an exception's. */
static bool exception_text(struct wh_span text, struct wh_span *class, struct wh_span *message)
{
	static const char *const endings[] = { "Exception", "Error", "Throwable", "Failure", "Fault" };
	struct wh_span s = text;
	const char *last = s.p;
	while (s.p < s.end && s.p - text.p < 512 && name_char(*s.p)) {
		if (*s.p == '.')
			last = s.p + 1;
		s.p++;
	}
	*class = (struct wh_span){ text.p, s.p };
	*message = (struct wh_span){ s.end, s.end };
	if (!wh_span_size(*class) || class->end[-1] == '.' || *text.p == '.' || *text.p == '-')
		return false;
	bool ending = false, strict = last > text.p && last < class->end && *last >= 'A' && *last <= 'Z';
	for (size_t i = 0; i < sizeof endings / sizeof *endings && !ending; i++) {
		size_t n = strlen(endings[i]);
		ending = wh_span_size(*class) >= n && !memcmp(class->end - n, endings[i], n);
		strict |= ending && wh_span_size(*class) > n;
	}
	bool bare = ending && !strict;
	/* Hadoop's `RemoteException(a.B): …`, Thrift's `MetaException(message:…)`, Shell's `ExitCodeException exitCode=1: …` */
	if (s.p < s.end && ending && strict && (*s.p == '(' || *s.p == ' ')) {
		*message = wh_scan_trim(s);
		return true;
	}
	if (s.p < s.end) {
		if (*s.p != ':' || (s.p + 1 < s.end && s.p[1] != ' '))
			return false;
		*message = wh_scan_trim((struct wh_span){ s.p + 1, s.end });
	}
	return strict || bare;
}

/* What a line that opens a stack trace says. */
struct head {
	struct wh_span class, message, thread;
	const char *at;
	bool named; /* by the words that only a JVM's handler prints */
};

/* `Exception in thread "main" x.y.Z: message`, `== Java Exception: …`, or the exception alone, behind a logger's prefix or not. */
static bool head_text(struct wh_span line, struct head *head)
{
	struct wh_span s = wh_scan_trim(line);
	if (wh_span_size(s) > 4096)
		s.end = s.p + 4096;
	*head = (struct head){ .at = line.p };
	const char *said = wh_scan_find(s, "Exception in thread \"");
	if (said) {
		s.p = said + strlen("Exception in thread \"");
		const char *quote = wh_span_size(s) ? wh_scan_find(s, "\" ") : NULL;
		if (!quote)
			return false;
		head->thread = (struct wh_span){ s.p, quote };
		s.p = quote + 2;
		head->named = true;
		if (!exception_text(s, &head->class, &head->message))
			head->class.end = head->class.p == head->class.end ? s.end : head->class.end;
		return true;
	}
	if (wh_scan_skip(&s, "== Java Exception: ") || wh_scan_skip(&s, "Uncaught Kotlin exception: "))
		head->named = true;
	if (exception_text(s, &head->class, &head->message))
		return true;
	/* a logger's prefix: try behind each of its first separators */
	for (int tries = 0; tries < 16 && s.p < s.end; s.p++) {
		if (*s.p != ' ' || s.p == line.p || !strchr(":-]|>)", s.p[-1]))
			continue;
		struct wh_span rest = wh_scan_trim((struct wh_span){ s.p, s.end });
		if (exception_text(rest, &head->class, &head->message))
			return true;
		tries++;
	}
	return false;
}

/* Where the blanks before p begin, those of web pages (U+00A0) among them. */
static const char *before_blanks(const char *first, const char *p)
{
	while (p > first) {
		if (p[-1] == ' ' || p[-1] == '\t')
			p--;
		else if (p - first >= 2 && !memcmp(p - 2, "\xc2\xa0", 2))
			p -= 2;
		else
			break;
	}
	return p;
}

/* Where a line's own text begins behind the prefix that a logger puts before every line of a trace: `E/AndroidRuntime( 123): `,
 * `app_1  | `, `Nov 21 10:00:00 host app[1]: `. word is what the text must begin with. */
static bool behind_prefix(struct wh_span line, const char *word, struct wh_span *text)
{
	const char *end = wh_span_size(line) > 4096 ? line.p + 4096 : line.end;
	struct wh_span s = { line.p, end };
	for (int tries = 0; tries < 4; tries++) {
		const char *found = wh_scan_find(s, word);
		if (!found)
			return false;
		const char *p = before_blanks(line.p, found);
		if (p == line.p || (p < found && strchr(":|]", p[-1])) ||
		    (p < found && p - line.p > 8 && (!memcmp(p - 2, " F", 2) || !memcmp(p - 2, " P", 2)))) {
			*text = (struct wh_span){ found, line.end };
			return true;
		}
		s.p = found + 1;
	}
	return false;
}

static bool frame_text(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_span text;
	return wh_span_size(line) <= WH_FRAME_LINE_LONGEST &&
	       (behind_prefix(line, "at ", &text) || behind_prefix(line, "at\t", &text)) &&
	       (wh_frame_line_java(text, frame) || wh_kotlin_native_line(text, frame));
}

/* `... 12 more`, `... 12 common frames omitted`, Kotlin/Native's `... and 12 more common stack frames skipped`. */
static bool more_text(struct wh_span line, uint64_t *more)
{
	struct wh_span text;
	if (wh_span_size(line) > 4096 || !behind_prefix(line, "... ", &text))
		return false;
	text.p += 4;
	wh_scan_skip(&text, "and ");
	return wh_scan_decimal(&text, more) && (wh_scan_has(text, " more") || wh_scan_has(text, " common frames omitted"));
}

/* ---- one report ---- */

struct block {
	struct head head;
	size_t first, n; /* its frames among all */
	size_t more;
};

struct trace {
	struct wh_stack_builder all; /* the frames of every block, in the order of print */
	struct block blocks[MOST_BLOCKS];
	size_t n_blocks;
	struct wh_span thread, app; /* as Android says them above the exception */
	bool wraps;                 /* root cause first: `Wrapped by:` */
	size_t suppressed; /* indent + 1 of the `Suppressed:` we are in; 0: none */
	size_t waiting;    /* message lines since the last header; 0 once frames follow */
	bool open;
	bool fatal_only; /* the text says which exceptions were fatal: the others were only logged */
};

static size_t indent(struct wh_span line, const char *text)
{
	return (size_t)(text - before_blanks(line.p, text));
}

static struct block *last_block(struct trace *t)
{
	return &t->blocks[t->n_blocks - 1];
}

static void add_block(struct trace *t, const struct head *head)
{
	if (t->n_blocks == MOST_BLOCKS)
		t->n_blocks--; /* the deepest is what counts */
	t->blocks[t->n_blocks++] = (struct block){ .head = *head, .first = t->all.stack.n_frames };
	t->suppressed = 0;
	t->waiting = 1;
}

/* The whole stack of block k, whose wrapper is block k + step: its own frames, then what it has in common with the wrapper. */
static void whole_stack(const struct trace *t, size_t k, int step, struct wh_stack_builder *b)
{
	const struct wh_frame *frames = t->all.stack.frames;
	const struct block *block = &t->blocks[k];
	for (size_t i = 0; i < block->n; i++) {
		struct wh_frame *frame = wh_stack_builder_frame(b);
		if (frame)
			*frame = frames[block->first + i];
	}
	size_t need = block->more;
	while (need && !(step < 0 ? k == 0 : k + 1 == t->n_blocks)) {
		k = step < 0 ? k - 1 : k + 1;
		block = &t->blocks[k];
		size_t own = need > block->more ? need - block->more : 0;
		if (own > block->n)
			own = block->n;
		for (size_t i = block->n - own; i < block->n; i++) {
			struct wh_frame *frame = wh_stack_builder_frame(b);
			if (frame)
				*frame = frames[block->first + i];
		}
		need = need < block->more ? need : block->more;
	}
}

/* end: where its text ends. */
static int finish(struct wh_reader *reader, struct trace *t, const char *end, struct wh_err *err)
{
	if (!t->open)
		return WH_OK;
	t->open = false;
	if (t->fatal_only && !t->blocks[0].head.named && !wh_span_size(t->thread)) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	struct wh_stack_builder b;
	wh_stack_builder_init(&b, reader->arena);
	b.failed = t->all.failed;
	size_t root = t->wraps ? 0 : t->n_blocks - 1, crash = root;
	/* an exception without a stack of its own (thrown again and again, the JVM leaves it out) crashed where its wrapper did */
	if (!t->wraps)
		while (crash > 0 && !t->blocks[crash].n && !t->blocks[crash].more)
			crash--;
	whole_stack(t, crash, t->wraps ? 1 : -1, &b);
	const struct head *cause = &t->blocks[root].head, *outer = &t->blocks[t->wraps ? t->n_blocks - 1 : 0].head;
	wh_stack_message(&b, "reason", cause->class);
	wh_stack_message(&b, "message", cause->message);
	if (root != (t->wraps ? t->n_blocks - 1 : 0))
		wh_stack_message(&b, "wrapper", outer->class);
	wh_stack_message(&b, "app", t->app);
	struct wh_span thread = wh_span_size(outer->thread) ? outer->thread : t->thread;
	if (wh_span_size(thread))
		b.stack.thread = wh_stack_builder_copy(&b, thread.p, wh_span_size(thread));
	return wh_stack_emit(reader, &b, t->blocks[0].head.at, end, err);
}

static void start(struct wh_reader *reader, struct trace *t, const struct head *head)
{
	wh_stack_builder_init(&t->all, reader->arena);
	t->n_blocks = 0;
	t->wraps = false;
	t->thread = t->app = (struct wh_span){ 0 };
	t->open = true;
	add_block(t, head);
}

/* `Caused by: `, `Wrapped by: `, `Suppressed: ` and what they say; false for other lines. */
static bool chain_line(struct wh_reader *reader, struct trace *t, struct wh_span line)
{
	struct wh_span text;
	struct head head = { .at = line.p };
	bool wrapped = false;
	if (behind_prefix(line, "Suppressed: ", &text)) {
		if (t->open && !t->suppressed)
			t->suppressed = indent(line, text.p) + 1;
		return t->open;
	}
	if (!behind_prefix(line, "Caused by: ", &text)) {
		if (!behind_prefix(line, "Wrapped by: ", &text))
			return false;
		wrapped = true;
	}
	if (t->open && t->suppressed && indent(line, text.p) + 1 >= t->suppressed)
		return true; /* the suppressed one's cause */
	text.p += wrapped ? strlen("Wrapped by: ") : strlen("Caused by: ");
	if (wh_scan_has(text, "[CIRCULAR"))
		return t->open;
	if (!exception_text(text, &head.class, &head.message) && head.class.p == head.class.end)
		head.class = wh_scan_trim(text);
	if (t->open)
		add_block(t, &head);
	else
		start(reader, t, &head);
	t->wraps |= wrapped;
	return true;
}

static void add_frame(struct trace *t, const struct wh_frame_text *frame)
{
	if (t->suppressed)
		return;
	if (wh_frame_text_add(frame, &t->all))
		last_block(t)->n++;
	t->waiting = 0;
}

/* What opened no report so far: the newest line that may, and the newest line at all. */
struct before {
	struct head head;
	struct wh_span line;
	size_t since; /* lines since head; 0: none */
	struct wh_span thread, app;
};

/* Android's `FATAL EXCEPTION: main` and `Process: com.x, PID: 12`, the lines above the exception. */
static void remember_android(struct before *before, struct wh_span line)
{
	struct wh_span text;
	if (behind_prefix(line, "FATAL EXCEPTION: ", &text)) {
		text.p += strlen("FATAL EXCEPTION: ");
		before->thread = wh_scan_trim(text);
		before->app = (struct wh_span){ 0 };
	} else if (wh_span_size(before->thread) && behind_prefix(line, "Process: ", &text)) {
		const char *comma = wh_scan_find(text, ", PID: ");
		if (comma)
			before->app = (struct wh_span){ text.p + strlen("Process: "), comma };
	}
}

static void remember(struct before *before, struct wh_span line)
{
	struct head head;
	if (before->since && ++before->since > MOST_MESSAGE_LINES)
		before->since = 0;
	struct wh_span trimmed = wh_scan_trim(line);
	if (trimmed.p == trimmed.end)
		return;
	before->line = line;
	remember_android(before, line);
	if (!head_text(line, &head))
		return;
	/* a message may hold lines that look like exceptions; one in the words of the JVM's handler stays */
	if (before->since && before->since < 20 && before->head.named && !head.named)
		return;
	before->head = head;
	before->since = 1;
}

static void start_at_frame(struct wh_reader *reader, struct trace *t, struct before *before)
{
	struct head head = before->head;
	if (!before->since) {
		/* the line above is all there is: a class without a package, or a trace whose top was cut off */
		head = (struct head){ .at = before->line.p ? before->line.p : reader->text };
		if (before->line.p)
			exception_text(wh_scan_trim(before->line), &head.class, &head.message);
		if (head.class.end < before->line.end && *head.class.end != ':')
			head.class = head.message = (struct wh_span){ 0 };
	}
	start(reader, t, &head);
	t->thread = before->thread;
	t->app = before->app;
	*before = (struct before){ 0 };
}

static int read_line(struct wh_reader *reader, struct trace *t, struct before *before, struct wh_span line, struct wh_span *text,
		     struct wh_err *err)
{
	struct wh_frame_text frame;
	struct wh_span name;
	uint64_t more;
	if (frame_text(line, &frame)) {
		if (!t->open)
			start_at_frame(reader, t, before);
		add_frame(t, &frame);
		return WH_OK;
	}
	if (t->open && more_text(line, &more)) {
		if (!t->suppressed)
			last_block(t)->more = more > WH_STACK_MOST_FRAMES ? WH_STACK_MOST_FRAMES : more;
		t->waiting = 0;
		return WH_OK;
	}
	/* a cause belongs to the trace above it, or, its top cut off, opens one */
	if (chain_line(reader, t, line) || (t->open && wh_scan_find(line, "[CIRCULAR REFERENCE")))
		return WH_OK;
	if (t->open && t->waiting && t->waiting < MOST_MESSAGE_LINES && !wh_scan_find(line, "Exception in thread \"") &&
	    !wh_java_thread_line(line, &name)) {
		struct head *head = &last_block(t)->head;
		if (t->waiting++ == 1 && !wh_span_size(head->class)) /* `Caused by: ` alone on its line */
			exception_text(wh_scan_trim(line), &head->class, &head->message);
		return WH_OK;
	}
	/* between frames: a dumped thread's monitors, `(Coroutine boundary)`, blank lines that a mail or a web page put there, frames left
	 * out */
	struct wh_span trimmed = wh_scan_trim(line);
	if (t->open && (trimmed.p == trimmed.end || wh_scan_has(trimmed, "at ") || wh_scan_has(trimmed, "(Coroutine ") ||
			(wh_scan_has(trimmed, "- ") && indent(line, trimmed.p))))
		return WH_OK;
	WH_TRY(finish(reader, t, line.p, err));
	if (wh_java_thread_line(line, &name)) {
		before->since = 0;
		return wh_java_read_dump(reader, line, text, err);
	}
	if (wh_java_clojure_line(line))
		return wh_java_read_clojure(reader, line, text, err);
	remember(before, line);
	return WH_OK;
}

/* A trace as a JSON string: logstash's encoder, ECS. */
static const char sign[] = "\\n\\tat ";

static int read_java(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_quoted_lines lines = { .text = { reader->text, reader->text + reader->size }, .sign = sign };
	struct wh_span all = lines.text, line;
	struct before before = { 0 };
	struct trace *t = calloc(1, sizeof *t);
	int code = t ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (t)
		t->fatal_only = wh_scan_find(all, "FATAL EXCEPTION") || wh_scan_find(all, "== Java Exception: ");
	while (code == WH_OK && wh_quoted_line(&lines, &line))
		code = read_line(reader, t, &before, line, &lines.text, err);
	if (code == WH_OK)
		code = finish(reader, t, all.end, err);
	free(t);
	return code;
}

/* ---- detection ---- */

/* Whether one of the lines of text opens a stack trace. */
static bool any_head(struct wh_span text)
{
	struct wh_span line;
	struct head head;
	while (wh_scan_line(&text, &line))
		if (head_text(line, &head))
			return true;
	return false;
}

static int detect(const char *text, size_t size)
{
	struct wh_quoted_lines lines = { .text = { text, text + size }, .sign = sign };
	struct wh_span line, name;
	struct wh_frame_text frame;
	size_t frames = 0, headed = 0, threads = 0, states = 0;
	/* where the lines begin that may open the trace: looked at only when a frame follows */
	const char *above = text;
	while (wh_quoted_line(&lines, &line)) {
		const char *open = memchr(line.p, '(', wh_span_size(line));
		if (open && wh_scan_find((struct wh_span){ line.p, open }, "at") && frame_text(line, &frame)) {
			/* in a file nobody has named yet, brackets must hold what only a JVM prints */
			bool sure = frame.line || wh_scan_find(line, "(Native Method)") || wh_scan_find(line, "(Unknown Source)") ||
				    wh_span_size(frame.module);
			frames += sure;
			headed += sure && above < line.p && any_head((struct wh_span){ above, line.p });
			above = lines.text.p;
			continue;
		}
		if (wh_java_clojure_line(line))
			return 85;
		struct wh_span s = wh_scan_trim(line);
		threads += wh_java_thread_line(line, &name);
		states += wh_scan_has(s, "java.lang.Thread.State: ") || wh_scan_has(s, "| group=\"");
		if (frames)
			above = line.p; /* only the line above */
		else if (line.p == line.end)
			above = lines.text.p;
	}
	bool jazzer = headed && wh_scan_find((struct wh_span){ text, text + size }, "== Java Exception: ");
	if (jazzer && headed)
		return 97; /* the sanitizer's report behind it is the consequence */
	if (headed)
		return 80;
	if (threads && states)
		return 82;
	return frames > 1 ? 45 : frames ? 25 : 0;
}

const struct wh_format wh_format_java = {
	.name = "java",
	.summary = "Java, Kotlin, Scala, Clojure: stack traces and thread dumps of the JVM, Android and Jazzer",
	.reference = "java.lang.Throwable.printStackTrace, java.lang.StackTraceElement.toString",
	.detect = detect,
	.read = read_java,
};
