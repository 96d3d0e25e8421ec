/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of the JVM that are no stack trace of an exception: jstack's thread dumps, and the data that clojure.main prints. */
#include "format/stack/java.h"

#include "format/stack/frame_line.h"
#include "format/stack/report.h"

/* ---- thread dumps ---- */

bool wh_java_thread_line(struct wh_span line, struct wh_span *name)
{
	if (wh_span_size(line) > 4096 || !wh_scan_skip(&line, "\""))
		return false;
	const char *quote = wh_span_size(line) ? wh_scan_find(line, "\" ") : NULL;
	struct wh_span rest = { quote, line.end };
	if (!quote || !wh_scan_find(rest, "prio=") || !wh_scan_find(rest, " tid="))
		return false;
	*name = (struct wh_span){ line.p, quote };
	return true;
}

enum { NOTHING, FRAMES, MAIN, RUNNABLE, DEADLOCK }; /* how much a thread looks like the one to report */

struct thread {
	struct wh_span name, state, frames; /* frames: the lines of its stack */
	bool daemon;
	int rank;
};

static void judge(struct thread *t, bool deadlock)
{
	struct wh_frame_text frame;
	struct wh_span text = t->frames, line;
	bool any = false;
	while (!any && wh_scan_line(&text, &line))
		any = wh_frame_line_java(line, &frame);
	bool is_main = wh_span_size(t->name) == 4 && !memcmp(t->name.p, "main", 4);
	t->rank = !any                                                    ? NOTHING
		  : deadlock                                              ? DEADLOCK
		  : !t->daemon && wh_scan_has(t->state, "RUNNABLE")       ? RUNNABLE
		  : is_main                                               ? MAIN
									  : FRAMES;
}

/* Android's runtime says the state at the end of the thread's line: `"main" prio=5 tid=1 Sleeping`. */
static void art_state(struct wh_span line, struct thread *t)
{
	const char *tid = wh_scan_find(line, " tid=");
	struct wh_span s = { tid ? tid + strlen(" tid=") : line.end, line.end };
	uint64_t number;
	if (wh_scan_decimal(&s, &number) && wh_scan_skip(&s, " "))
		t->state = wh_scan_trim(s);
}

/* The lines up to a blank one or to one that is not indented. */
static void take_thread(struct thread *t, struct wh_span *text, bool deadlock)
{
	struct wh_span line, next = *text;
	t->frames.p = t->frames.end = text->p;
	while (wh_scan_line(&next, &line)) {
		struct wh_span s = wh_scan_trim(line);
		if (s.p == s.end || s.p == line.p)
			break;
		if (wh_scan_skip(&s, "java.lang.Thread.State: "))
			t->state = s;
		t->frames.end = line.end;
		*text = next;
	}
	judge(t, deadlock);
}

static int emit_thread(struct wh_reader *reader, const struct thread *t, const char *end, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_frame_text frame;
	struct wh_span text = t->frames, line;
	wh_stack_builder_init(&b, reader->arena);
	while (wh_scan_line(&text, &line))
		if (wh_frame_line_java(line, &frame))
			wh_frame_text_add(&frame, &b);
	if (t->rank == DEADLOCK)
		wh_stack_builder_attribute(&b, "reason", "deadlock", strlen("deadlock"));
	wh_stack_message(&b, "state", t->state);
	b.stack.thread = wh_stack_builder_copy(&b, t->name.p, wh_span_size(t->name));
	return wh_stack_emit(reader, &b, t->name.p, end, err);
}

int wh_java_read_dump(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct thread best = { .rank = NOTHING }, t;
	const char *last = text->p; /* the last line that was not blank */
	bool deadlock = false;
	do {
		t = (struct thread){ 0 };
		struct wh_span s = line;
		if (wh_java_thread_line(line, &t.name)) {
			t.daemon = wh_scan_find(line, " daemon prio=");
			art_state(line, &t);
			take_thread(&t, text, false);
			last = text->p;
		} else if (deadlock && wh_scan_skip(&s, "\"") && wh_span_size(s) > 2 && !memcmp(s.end - 2, "\":", 2)) {
			t.name = (struct wh_span){ s.p, s.end - 2 };
			take_thread(&t, text, true);
			last = text->p;
		} else if (wh_scan_has(line, "Java stack information for the threads listed above")) {
			deadlock = true;
		} else if (wh_scan_has(line, "Full thread dump ")) {
			*text = (struct wh_span){ line.p, text->end }; /* the next dump: another report */
			break;
		}
		if (t.rank > best.rank)
			best = t;
		/* what follows a dump (JNI references, the deadlock, the heap) is read as long as it looks like part of it */
		struct wh_span next = *text;
		if (!wh_scan_line(&next, &line))
			break;
		struct wh_frame_text frame;
		if (wh_frame_line_java(line, &frame) || wh_scan_find(line, "Exception in thread \"")) {
			text->p = last; /* another report, and its first line */
			break;
		}
		if (line.p < line.end)
			last = line.p;
		*text = next;
	} while (true);
	return best.rank == NOTHING ? WH_OK : emit_thread(reader, &best, text->p, err);
}

/* ---- clojure.main ---- */

bool wh_java_clojure_line(struct wh_span line)
{
	return wh_scan_has(line, "{:clojure.main/") || wh_scan_has(line, "{:via") || wh_scan_has(line, "#error {");
}

/* The next word of EDN: a bracket, a string (its quotes taken off) or what stands between blanks. */
static bool edn_word(struct wh_span *text, struct wh_span *word)
{
	while (text->p < text->end && (strchr(" \t\r\n,", *text->p) || !*text->p))
		text->p++;
	if (text->p == text->end)
		return false;
	word->p = text->p++;
	if (*word->p == '"') {
		word->p = text->p;
		while (text->p < text->end && *text->p != '"')
			text->p += *text->p == '\\' && text->p + 1 < text->end ? 2 : 1;
		word->end = text->p;
		text->p += text->p < text->end;
		return true;
	}
	if (!strchr("[]{}", *word->p))
		while (text->p < text->end && *text->p && !strchr(" \t\r\n,[]{}\"", *text->p))
			text->p++;
	word->end = text->p;
	return true;
}

static bool is_word(struct wh_span word, const char *text)
{
	return wh_span_size(word) == strlen(text) && !memcmp(word.p, text, strlen(text));
}

/* `[class method "file" line]`, behind its bracket. */
static void edn_frame(struct wh_span *text, struct wh_stack_builder *b)
{
	struct wh_span words[4] = { 0 }, word;
	size_t n = 0;
	while (edn_word(text, &word) && !is_word(word, "]"))
		if (n < 4)
			words[n++] = word;
	uint64_t line;
	struct wh_frame *frame = n == 4 ? wh_stack_builder_frame(b) : NULL;
	if (!frame || wh_span_size(words[0]) + wh_span_size(words[1]) > WH_FRAME_LINE_LONGEST)
		return;
	frame->function = wh_arena_printf(b->arena, "%.*s.%.*s", (int)wh_span_size(words[0]), words[0].p,
					  (int)wh_span_size(words[1]), words[1].p);
	b->failed |= !frame->function;
	if (!is_word(words[2], "NO_SOURCE_FILE"))
		frame->file = wh_stack_builder_copy(b, words[2].p, wh_span_size(words[2]));
	if (wh_scan_decimal(&words[3], &line) && line <= UINT32_MAX)
		frame->line = (uint32_t)line;
}

int wh_java_read_clojure(struct wh_reader *reader, struct wh_span line, struct wh_span *text, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_span s = { line.p, text->end }, word, class = { 0 }, cause = { 0 };
	size_t depth = 0;
	bool trace = false;
	wh_stack_builder_init(&b, reader->arena);
	while (edn_word(&s, &word)) {
		if (is_word(word, "{") || is_word(word, "[")) {
			depth++;
			if (trace && is_word(word, "[")) {
				/* `:trace [[class method "file" line] …]` */
				while (edn_word(&s, &word) && is_word(word, "["))
					edn_frame(&s, &b);
				trace = false;
				depth--;
			}
		} else if (is_word(word, "}") || is_word(word, "]")) {
			if (!depth || !--depth)
				break;
		} else if (is_word(word, ":trace")) {
			trace = true;
		} else if (is_word(word, ":type")) {
			edn_word(&s, &class); /* the last in :via is the root cause */
		} else if (is_word(word, ":cause") || is_word(word, ":clojure.error/cause")) {
			edn_word(&s, &cause);
		}
	}
	const char *nl = s.p < s.end ? memchr(s.p, '\n', wh_span_size(s)) : NULL;
	text->p = nl ? nl + 1 : text->end;
	wh_stack_message(&b, "reason", class);
	wh_stack_message(&b, "message", cause);
	return b.stack.n_frames || b.failed ? wh_stack_emit(reader, &b, line.p, text->p, err) : WH_OK;
}
