/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Android's log, in any form that adb logcat and Android Studio give it, or in parts under the tags of their messages
 * (`--------- tag (pid):`). Messages of many processes are mixed: those of a crash are gathered by tag and process, and what was
 * gathered is read as what it is: a Java exception that nobody caught (AndroidRuntime), a tombstone (DEBUG, and libc's
 * `Fatal signal`), a hang (ActivityManager's `ANR in`).
 */
#include <string.h>

#include "base/str.h"
#include "format/stack/list.h"
#include "format/stack/log_prefix.h"
#include "format/stack/nested.h"
#include "format/stack/report.h"

/* Messages of one crash, without what the log puts before them. */
struct gathered {
	struct wh_str text;
	const char *begin, *end; /* its first message and behind its last in the log; begin is NULL where there is none */
	struct wh_span tag;
	uint64_t process;
};

struct log {
	struct wh_reader *reader;
	struct gathered java, native;
	struct wh_logcat entry; /* the message that further lines belong to */
	enum { NO_ENTRY, ENTRY_LONG, ENTRY_STUDIO, ENTRY_PART } further;
	const char *told; /* up to here the log belongs to what was handed over */
};

static const char stars[] = "*** *** *** *** *** *** *** ***";

static bool tag_is(const struct wh_logcat *entry, const char *tag)
{
	return wh_span_size(entry->tag) == strlen(tag) && wh_scan_has(entry->tag, tag);
}

static bool same_source(const struct gathered *g, const struct wh_logcat *entry)
{
	return g->begin && g->process == entry->process && wh_span_size(g->tag) == wh_span_size(entry->tag) &&
	       !memcmp(g->tag.p, entry->tag.p, wh_span_size(g->tag));
}

static void add(struct gathered *g, struct wh_span line, struct wh_span text, const struct wh_logcat *entry)
{
	if (!g->begin) {
		g->begin = line.p;
		g->tag = entry->tag;
		g->process = entry->process;
	}
	g->end = line.end;
	wh_str_add(&g->text, text.p, wh_span_size(text));
	wh_str_putc(&g->text, '\n');
}

static struct wh_span text_of(const struct gathered *g)
{
	return g->text.n ? (struct wh_span){ g->text.data, g->text.data + g->text.n } : (struct wh_span){ 0 };
}

static void nothing(void *user, struct wh_stack_builder *b)
{
	(void)user, (void)b;
}

/* Reads what was gathered as `inner`, and gathers anew. What a native crash is called may stand in messages of other tags. */
static int flush(struct log *log, struct gathered *g, const struct wh_format *inner, struct wh_err *err)
{
	if (!g->begin)
		return WH_OK;
	enum { BEFORE = 64 * 1024, BEHIND = 1 << 20 };
	struct wh_span text = text_of(g), about = { log->told < g->begin ? log->told : g->begin, g->end };
	const char *at = g->begin;
	if (g->begin - about.p > BEFORE)
		about.p = g->begin;
	if (about.end - g->begin > BEHIND)
		about.end = g->begin + BEHIND;
	log->told = g->end > log->told ? g->end : log->told;
	if (inner == &wh_format_java)
		about.p = about.end = NULL;
	int code = wh_str_check(&g->text, err);
	if (code == WH_OK)
		code = wh_stack_read_nested(log->reader, inner, text, at, about, nothing, NULL, NULL, err);
	struct wh_str kept = g->text;
	wh_str_clear(&kept);
	*g = (struct gathered){ .text = kept };
	return code;
}

/* `ANR in com.example (com.example/.Main)`, `PID: 12`, `Reason: Input dispatching timed out`: no stack, those are elsewhere. */
static int hang(struct log *log, struct wh_span line, struct wh_span text, struct wh_span ahead, struct wh_err *err)
{
	struct wh_stack_builder b;
	struct wh_logcat entry;
	struct wh_span next, value;
	wh_stack_builder_init(&b, log->reader->arena);
	wh_stack_builder_attribute(&b, "reason", "ANR", strlen("ANR"));
	wh_stack_message(&b, "app", wh_scan_until(text, " "));
	for (int i = 0; i < 8 && wh_scan_line(&ahead, &next); i++) {
		if (!wh_logcat_line(next, &entry))
			entry.text = wh_scan_trim(next);
		else if (!tag_is(&entry, "ActivityManager"))
			continue;
		value = entry.text;
		if (wh_scan_skip(&value, "Reason: ")) {
			wh_stack_message(&b, "message", value);
			break;
		}
	}
	return wh_stack_emit(log->reader, &b, line.p, NULL, err);
}

static int message(struct log *log, struct wh_span line, const struct wh_logcat *entry, struct wh_span ahead, struct wh_err *err)
{
	struct wh_span text = entry->text, rest;
	if (wh_scan_has(wh_scan_trim(text), stars) && !tag_is(entry, "AndroidRuntime")) {
		/* libc's words about the same crash come before */
		if (wh_scan_find(text_of(&log->native), stars))
			WH_TRY(flush(log, &log->native, &wh_format_tombstone, err));
		add(&log->native, line, text, entry);
		log->native.tag = entry->tag;
		log->native.process = entry->process;
	} else if (wh_scan_has(text, "Fatal signal ") && wh_scan_find(text, " (SIG")) {
		if (log->native.begin && !same_source(&log->native, entry))
			WH_TRY(flush(log, &log->native, &wh_format_tombstone, err));
		add(&log->native, line, text, entry);
	} else if (wh_scan_find(text, "FATAL EXCEPTION")) {
		WH_TRY(flush(log, &log->java, &wh_format_java, err));
		add(&log->java, line, text, entry);
	} else if (tag_is(entry, "ActivityManager") && wh_scan_after(text, "ANR in ", &rest)) {
		WH_TRY(hang(log, line, rest, ahead, err));
	} else if (same_source(&log->java, entry)) {
		add(&log->java, line, text, entry);
	} else if (same_source(&log->native, entry)) {
		add(&log->native, line, text, entry);
	}
	return WH_OK;
}

/* `--------- DEBUG (1239):`; `--------- beginning of crash` is nothing. */
static bool part_line(struct wh_span line, struct wh_logcat *entry)
{
	struct wh_span s = line;
	if (!wh_scan_skip(&s, "--------- ") || wh_span_size(s) < 4 || wh_span_size(s) > 200 || memcmp(s.end - 2, "):", 2) != 0)
		return false;
	const char *open = memrchr(s.p, '(', wh_span_size(s));
	struct wh_span number = { open ? open + 1 : NULL, s.end - 2 };
	*entry = (struct wh_logcat){ .tag = wh_scan_trim((struct wh_span){ s.p, open ? open : s.p }), .has_process = true };
	return open && open > s.p && wh_scan_decimal(&number, &entry->process) && number.p == number.end;
}

static int read_line(struct log *log, struct wh_span line, struct wh_span ahead, struct wh_err *err)
{
	struct wh_logcat entry;
	if (part_line(line, &entry)) {
		log->entry = entry;
		log->further = ENTRY_PART;
		return WH_OK;
	}
	if (wh_logcat_heading(line, &entry)) {
		log->entry = entry;
		log->further = ENTRY_LONG;
		return WH_OK;
	}
	if (log->further == ENTRY_LONG || log->further == ENTRY_PART) {
		/* a blank line ends a message; its own blank lines cannot be told from it */
		if (line.p == line.end)
			return WH_OK;
		log->entry.text = line;
		return message(log, line, &log->entry, ahead, err);
	}
	if (wh_logcat_line(line, &entry)) {
		log->entry = entry;
		log->further = entry.studio ? ENTRY_STUDIO : NO_ENTRY;
		return message(log, line, &entry, ahead, err);
	}
	if (log->further == ENTRY_STUDIO && line.p < line.end && *line.p == ' ') {
		while (line.p < line.end && *line.p == ' ')
			line.p++;
		log->entry.text = line;
		return message(log, line, &log->entry, ahead, err);
	}
	log->further = NO_ENTRY;
	return WH_OK;
}

static int read_text(struct wh_reader *reader, struct wh_err *err)
{
	struct log log = { .reader = reader, .told = reader->text };
	struct wh_span text = { reader->text, reader->text + reader->size }, line;
	int code = WH_OK;
	while (code == WH_OK && wh_scan_line(&text, &line))
		code = read_line(&log, line, text, err);
	bool native_first = log.native.begin < log.java.begin;
	if (code == WH_OK && native_first)
		code = flush(&log, &log.native, &wh_format_tombstone, err);
	if (code == WH_OK)
		code = flush(&log, &log.java, &wh_format_java, err);
	if (code == WH_OK)
		code = flush(&log, &log.native, &wh_format_tombstone, err);
	wh_str_release(&log.java.text);
	wh_str_release(&log.native.text);
	return code;
}

/* ---- detection ---- */

static int detect(const char *text, size_t size)
{
	static const char *const parts[] = { "FATAL EXCEPTION", "*** *** ***", "Fatal signal ", "ANR in ", "pid: " };
	struct wh_span all = { text, text + size }, line;
	size_t entries = 0, divided = 0;
	bool crash = false;
	if (!wh_scan_any(all, parts, sizeof parts / sizeof *parts))
		return 0;
	while (wh_scan_line(&all, &line) && (entries < 3 || !crash)) {
		struct wh_logcat entry;
		struct wh_span s = wh_scan_trim(line);
		bool part = part_line(line, &entry), head = !part && wh_logcat_heading(line, &entry);
		bool is = !part && !head && wh_logcat_line(line, &entry);
		divided += part;
		entries += is || head;
		if (is || divided || entries) {
			s = is ? entry.text : s;
			crash |= wh_scan_has(s, stars) || (wh_scan_has(s, "Fatal signal ") && wh_scan_find(s, " (SIG")) ||
				 wh_scan_has(s, "FATAL EXCEPTION") || wh_scan_has(s, "*** FATAL EXCEPTION") ||
				 (is && tag_is(&entry, "ActivityManager") && wh_scan_has(s, "ANR in "));
		}
	}
	/* another tool's report of the same crash, in the same log, says more */
	return crash && (entries >= 3 || divided) ? 93 : crash && entries ? 60 : 0;
}

const struct wh_format wh_format_logcat = {
	.name = "logcat",
	.summary = "Android's log (logcat, Android Studio): Java exceptions, native crashes, hangs",
	.reference = "AOSP: system/logging/liblog/logprint.cpp, frameworks/base core/java/com/android/internal/os/RuntimeInit.java",
	.detect = detect,
	.read = read_text,
};
