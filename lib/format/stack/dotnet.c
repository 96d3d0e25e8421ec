/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions of .NET, Mono and Unity as System.Exception.ToString writes them and logs pass them on; each is a report.
 *
 * An exception says what it wraps before its own frames: `A: x ---> B: y`, the frames of B from where it was thrown to where it was
 * caught, `--- End of inner exception stack trace ---`, the frames of A. So the frames, in the order of print, are the stack at the
 * time of the crash, less the one function that caught B and threw A, which stands there twice. `reason` is B, `wrapper` A. Of an
 * AggregateException's others (`---> (Inner Exception #1)`) nothing is kept.
 */
#include "format/stack/dotnet.h"

#include <stdlib.h>

#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/quoted_lines.h"
#include "format/stack/report.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define MOST_MESSAGE_LINES 200 /* between an exception and its first frame */
#define LONGEST_HEAD ((size_t)4096)

/* ---- lines ---- */

/* What a line that names an exception says. */
struct head {
	struct wh_span class, code, message;
	const char *at;
	bool strong; /* its class ends as those of exceptions do */
	bool named;  /* by the words of the run time that ends the process */
	bool again;  /* Mono says it twice */
};

static bool name_char(char c)
{
	return wh_is_alpha(c) || wh_is_digit(c) || (c && strchr("_.+`<>", c)) || (unsigned char)c >= 0x80;
}

static const char *const class_tails[] = { "Exception", "Error" };

static bool exception_name(struct wh_span s)
{
	/* `Foo`1[T]` */
	const char *tick = wh_span_size(s) ? memchr(s.p, '`', wh_span_size(s)) : NULL;
	if (tick)
		s.end = tick;
	for (size_t i = 0; i < sizeof class_tails / sizeof *class_tails; i++) {
		size_t n = strlen(class_tails[i]);
		if (wh_span_size(s) >= n && !memcmp(s.end - n, class_tails[i], n))
			return true;
	}
	return false;
}

/* `N.C (0x80004005): message`, `N.C: message`, `N.C`; name is what stands first. */
static bool head_tail(struct wh_span name, struct wh_span rest, struct head *head)
{
	struct wh_span at = rest;
	head->class = name;
	head->code = SPAN_IN(NULL, NULL);
	if (wh_scan_skip(&at, " (")) {
		const char *close = memchr(at.p, ')', wh_span_size(at));
		if (!close || close - at.p > 32 || memchr(at.p, ' ', (size_t)(close - at.p)))
			return false;
		head->code = SPAN_IN(at.p, close);
		rest = SPAN_IN(close + 1, rest.end);
	}
	if (rest.p == rest.end) {
		head->message = rest;
		return true;
	}
	if (wh_scan_has(rest, " --->")) {
		head->message = SPAN_IN(rest.p, rest.p);
		return true;
	}
	if (!wh_scan_skip(&rest, ":") || (rest.p < rest.end && *rest.p != ' '))
		return false;
	const char *inner = wh_scan_find(rest, " ---> ");
	head->message = wh_scan_trim(SPAN_IN(rest.p, inner ? inner : rest.end));
	if (wh_span_size(head->message) >= 4 && !memcmp(head->message.end - 4, "<---", 4))
		head->message.end -= 4;
	return true;
}

/* The first exception that s names. */
static bool strong_head(struct wh_span s, struct head *head)
{
	if (wh_span_size(s) > LONGEST_HEAD)
		s.end = s.p + LONGEST_HEAD;
	if (!wh_scan_any(s, class_tails, sizeof class_tails / sizeof *class_tails))
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
		bool open = name.p == s.p || strchr(" [(\t", name.p[-1]);
		if (open && !wh_scan_has(name, ">") && exception_name(name) && head_tail(name, SPAN_IN(name.end, s.end), head)) {
			head->at = s.p;
			head->strong = true;
			return true;
		}
	}
	return false;
}

/* The words with which a run time ends a process; *s is then what they announce. */
static bool last_words(struct wh_span *s, bool *again)
{
	static const char *const words[] = { "[ERROR] FATAL UNHANDLED EXCEPTION: ", "Unhandled exception. ", "Unhandled Exception: ",
					     "Unhandled exception: ", "Fatal error. ", "Process terminated. " };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i]);
		struct wh_span look = *s;
		if (wh_span_size(look) > LONGEST_HEAD)
			look.end = look.p + LONGEST_HEAD;
		const char *found = wh_scan_find(look, words[i]);
		if (!found)
			continue;
		*again = i == 0;
		s->p = found + n;
		return true;
	}
	return false;
}

/* `Name: message`, or nothing but a message. */
static void weak_head(struct wh_span s, struct head *head)
{
	struct wh_span name = { s.p, s.p };
	*head = (struct head){ .at = s.p };
	while (name.end < s.end && name_char(*name.end))
		name.end++;
	if (wh_span_size(name) && head_tail(name, SPAN_IN(name.end, s.end), head) && name.end < s.end)
		return;
	head->class = head->code = SPAN_IN(NULL, NULL);
	head->message = wh_scan_trim(s);
}

/* Any of these, at the line's beginning or behind a logger's. */
static bool head_line(struct wh_span line, struct head *head)
{
	struct wh_span s = wh_scan_trim(line), rest = s;
	bool again = false, named = last_words(&rest, &again);
	if (named && !strong_head(rest, head))
		weak_head(rest, head);
	if (!named && !strong_head(s, head)) {
		if (!wh_scan_has(s, "Stack overflow") || wh_span_size(s) > 40)
			return false;
		weak_head(s, head);
		named = true;
	}
	head->at = line.p;
	head->named = named;
	head->again = again;
	return true;
}

/* `--- End of inner exception stack trace ---` and its like in other languages. */
static bool rule_line(struct wh_span s, bool *inner)
{
	/* those that join the stack of where it was thrown to that of who waited for it */
	static const char *const previous[] = { "previous", "vorher", "vorig", "pr\xc3\xa9\x63\xc3\xa9\x64\x65nt", "anterior", "precedente",
						"\xd0\xbf\xd1\x80\xd0\xb5\xd0\xb4\xd1\x8b\xd0\xb4\xd1\x83\xd1\x89", "\xe4\xbb\xa5\xe5\x89\x8d",
						"\xe4\xb8\x8a\xe4\xb8\x80", "poprzedni", "\xec\x9d\xb4\xec\xa0\x84", "\xc3\xb6nceki" };
	if (!wh_scan_has(s, "--- ") || wh_span_size(s) < 12 || wh_span_size(s) > 400 || memcmp(s.end - 3, "---", 3) != 0)
		return false;
	*inner = !wh_scan_any(s, previous, sizeof previous / sizeof *previous);
	return true;
}

/* ---- one report ---- */

struct error {
	struct wh_stack_builder b;
	struct head outer, root;
	const char *end;
	bool open, passing;
	bool boundary; /* the next frame may stand there twice */
	bool unity;
	bool again; /* Mono's second telling */
};

/* What stands above the next report. */
struct above {
	struct head outer, root;
	size_t since; /* lines since root; 0: none */
	struct wh_span line;
};

/* What was handed over last. */
struct told {
	struct wh_span class, message;
};

static bool same(struct wh_span a, struct wh_span b)
{
	return wh_span_size(a) == wh_span_size(b) && (!wh_span_size(a) || !memcmp(a.p, b.p, wh_span_size(a)));
}

static int finish(struct wh_reader *reader, struct error *e, struct told *told, struct wh_err *err)
{
	if (!e->open)
		return WH_OK;
	e->open = false;
	if (e->again && same(told->class, e->root.class) && same(told->message, e->root.message)) {
		wh_arena_reset(reader->arena);
		return WH_OK;
	}
	const struct head *root = &e->root;
	*told = (struct told){ root->class, root->message };
	wh_stack_message(&e->b, "reason", wh_span_size(root->class) ? root->class : root->message);
	if (wh_span_size(root->class))
		wh_stack_message(&e->b, "message", root->message);
	wh_stack_message(&e->b, "code", root->code);
	if (root->class.p != e->outer.class.p)
		wh_stack_message(&e->b, "wrapper", e->outer.class);
	return wh_stack_emit(reader, &e->b, e->outer.at, e->end, err);
}

static void start(struct wh_reader *reader, struct error *e, struct above *above)
{
	*e = (struct error){ .open = true, .outer = above->outer, .root = above->root };
	wh_stack_builder_init(&e->b, reader->arena);
	if (!above->since) {
		struct wh_span line = wh_scan_trim(above->line);
		if (wh_span_size(line))
			weak_head(line, &e->root);
		else
			e->root = (struct head){ .at = reader->text };
		e->outer = e->root;
	}
	e->again = e->outer.again;
	*above = (struct above){ 0 };
}

static void add_frame(struct error *e, const struct wh_frame_text *frame)
{
	bool boundary = e->boundary;
	e->boundary = false;
	if (e->passing)
		return;
	const struct wh_stack *stack = &e->b.stack;
	const char *last = stack->n_frames ? stack->frames[stack->n_frames - 1].function : NULL;
	if (!wh_span_size(frame->function) && !wh_span_size(frame->module))
		return; /* `<unknown>` */
	if (boundary && last && strlen(last) == wh_span_size(frame->function) && !memcmp(last, frame->function.p, strlen(last)))
		return;
	wh_frame_text_add(frame, &e->b);
}

/* ` ---> B: y`, of which one line may say many; *last is the innermost. */
static bool inner_heads(struct wh_span line, struct head *last)
{
	static const char arrow[] = "---> ";
	bool any = false;
	if (wh_span_size(line) > LONGEST_HEAD)
		line.end = line.p + LONGEST_HEAD;
	for (struct wh_span rest; wh_scan_after(line, arrow, &rest); line = rest) {
		struct head head;
		const char *next = wh_scan_find(rest, " ---> ");
		struct wh_span s = { rest.p, next ? next : rest.end };
		if (wh_scan_has(s, "(Inner Exception #")) {
			const char *close = memchr(s.p, ')', wh_span_size(s));
			s.p = close ? close + 1 : s.end;
			wh_scan_blanks(&s);
		}
		if (!strong_head(s, &head))
			weak_head(s, &head);
		*last = head;
		any = true;
	}
	return any;
}

static void remember(struct above *above, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	struct head head;
	if (above->since && ++above->since > MOST_MESSAGE_LINES)
		above->since = 0;
	if (s.p == s.end)
		return;
	if (wh_scan_has(s, "Unhandled Exception:") && wh_span_size(s) == strlen("Unhandled Exception:"))
		return; /* what it is follows on a line of its own */
	above->line = line;
	if (above->since && wh_scan_find(s, "---> ") && inner_heads(s, &head)) {
		head.at = above->outer.at;
		above->root = head;
		return;
	}
	if (!head_line(line, &head))
		return;
	/* a message may hold lines that look like exceptions; one in the words of the run time stays */
	if (above->since && above->since < 20 && above->outer.named && !head.named)
		return;
	above->outer = above->root = head;
	above->since = 1;
	if (inner_heads(s, &head)) {
		head.at = above->outer.at;
		above->root = head;
	}
}

/* ---- the reader ---- */

static enum wh_dotnet_sureness frame_line(struct wh_span line, bool unity, struct wh_frame_text *frame)
{
	enum wh_dotnet_sureness sure = wh_dotnet_line(line, frame);
	if (sure >= WH_DOTNET_PLAIN || !unity)
		return sure;
	enum wh_dotnet_sureness other = wh_unity_line(line, frame);
	return other == WH_DOTNET_NONE ? sure : other;
}

static int read_line(struct wh_reader *reader, struct error *e, struct above *above, struct told *told, struct wh_span whole,
		     struct wh_span *text, struct wh_err *err)
{
	struct wh_span line = wh_log_line(whole), s = wh_scan_trim(line);
	struct wh_frame_text frame;
	bool inner, direct = above->since && above->since <= 2;
	enum wh_dotnet_sureness sure = frame_line(line, e->open || direct, &frame);
	if (e->open && sure >= WH_DOTNET_PLAIN) {
		add_frame(e, &frame);
		e->end = text->p;
		return WH_OK;
	}
	if (sure == WH_DOTNET_SURE || (sure == WH_DOTNET_PLAIN && above->since)) {
		start(reader, e, above);
		add_frame(e, &frame);
		e->end = text->p;
		return WH_OK;
	}
	if (e->open) {
		if (rule_line(s, &inner)) {
			e->boundary = inner;
			e->end = text->p;
			return WH_OK;
		}
		if (wh_scan_has(s, "---> (Inner Exception #")) {
			e->passing = true;
			e->end = text->p;
			return WH_OK;
		}
		/* the end of one of those, a stack overflow's `Repeat 24063 times:` between its rules */
		if (s.p == s.end || e->passing || wh_scan_has(s, "<---") || wh_scan_has(s, "Repeat") || wh_scan_has(s, "-----")) {
			struct head head;
			if (!e->passing || s.p == s.end || !head_line(line, &head) || !head.named)
				return WH_OK;
		}
		WH_TRY(finish(reader, e, told, err));
	}
	if (wh_dotnet_native_line(line)) {
		*above = (struct above){ 0 };
		return wh_dotnet_read_native(reader, line, text, err);
	}
	/* `Stack overflow.`: what repeats is between rules, and may come first */
	if (above->since && (wh_scan_has(s, "Repeat") || wh_scan_has(s, "-----")))
		return WH_OK;
	remember(above, line);
	return WH_OK;
}

/* A stack as a JSON string: Serilog and its like. */
static const char sign[] = "\\n   at ";

static int read_dotnet(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_quoted_lines lines = { .text = { reader->text, reader->text + reader->size }, .sign = sign };
	struct wh_span line;
	struct above above = { 0 };
	struct told told = { 0 };
	struct error *e = calloc(1, sizeof *e);
	int code = e ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	while (code == WH_OK && wh_quoted_line(&lines, &line))
		code = read_line(reader, e, &above, &told, line, &lines.text, err);
	if (code == WH_OK)
		code = finish(reader, e, &told, err);
	free(e);
	return code;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { "xception", "Fatal error. ", "Process terminated. ", "Stack overflow", "Native Crash Reporting",
					     "OS Thread Id: ", "Stacktrace:", ":line " };
	struct wh_quoted_lines lines = { .text = { text, text + size }, .sign = sign };
	struct wh_span whole;
	struct wh_frame_text frame;
	size_t since = 0, sure = 0, headed = 0, plain = 0, native = 0, managed = 0;
	bool named = false, said = false, marker = false;
	if (!wh_scan_any(lines.text, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_quoted_line(&lines, &whole)) {
		struct wh_span line = wh_log_line(whole), s = wh_scan_trim(line);
		struct head head;
		enum wh_dotnet_sureness is = frame_line(line, since == 1, &frame);
		if (is == WH_DOTNET_SURE || (is == WH_DOTNET_PLAIN && since)) {
			sure += is == WH_DOTNET_SURE;
			plain += is == WH_DOTNET_PLAIN;
			headed += since > 0;
			named |= since && said;
			since = since ? 1 : 0;
			managed += native > 0;
			continue;
		}
		if (since && ++since > MOST_MESSAGE_LINES)
			since = 0;
		if (s.p == s.end)
			continue;
		native += wh_dotnet_native_line(line);
		marker |= wh_scan_has(s, "Managed Stacktrace:");
		managed += marker && is >= WH_DOTNET_LOOSE;
		if (native && ((wh_scan_find(s, " [") && wh_scan_find(s, " @ ") && wh_is_digit(*s.p)) ||
			       wh_scan_has(s, "StackTrace (generated):")))
			managed++; /* SOS */
		if (head_line(line, &head)) {
			since = 1;
			said = head.named;
		}
	}
	/* a debugger's dump of Mono itself stands within its report */
	if (native && wh_scan_find(SPAN_IN(text, text + size), "Native Crash Reporting") &&
	    wh_scan_find(SPAN_IN(text, text + size), "Native stacktrace:"))
		return 97;
	if (native && managed)
		return 80;
	if (headed)
		return named ? 93 : sure ? 86 : plain > 1 ? 65 : 45;
	if (sure)
		return sure > 1 ? 60 : 40;
	return 0;
}

const struct wh_format wh_format_dotnet = {
	.name = "dotnet",
	.summary = ".NET's exceptions: C#, F#, Visual Basic; Mono, Unity, SOS",
	.reference = "dotnet/runtime: src/libraries/System.Private.CoreLib/src/System/Diagnostics/StackTrace.cs, Exception.cs; Mono: "
		     "mini-exceptions.c; dotnet/diagnostics: src/SOS/Strike/strike.cpp",
	.detect = detect,
	.read = read_dotnet,
};
