/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that are a message and a list of calls, one a line: what most languages print when a program dies. A language is a
 * table of rows, patterns of its lines with what each is (line_pattern.h), and a few numbers; detecting and reading walk
 * the same table. What is shaped otherwise has a reader of its own.
 *
 *   HEAD    begins a report and says what happened: %e is `reason` and %r `message`, or %r alone `reason`; a head with an empty
 *           %r is followed by its message; its %f and %F are kept where no call is told of
 *   TITLE   stands above the frames; begins a report where none is open; %r is its `reason` where nothing else is
 *   FRAME   a call; a list is several, in one line, and gives way to calls with a line each
 *   MORE    says more of the call above it
 *   PASS    may stand between calls: repetitions, what was left out
 *   SAID    something about the report that is open: %r under the row's name, unless that was said before
 *   LAST    ends a report whose message stands below its frames; as HEAD
 *   CAUSE   begins the report of another error, as which this one was raised: %e or %r is `cause`, its calls are left out
 */
#ifndef WHORL_FORMAT_STACK_LINE_TRACE_H
#define WHORL_FORMAT_STACK_LINE_TRACE_H

#include <whorl/format.h>

#include "format/stack/line_pattern.h"

enum wh_line_kind {
	WH_LINE_HEAD,
	WH_LINE_TITLE,
	WH_LINE_LAST,
	WH_LINE_FRAME,
	WH_LINE_MORE,
	WH_LINE_PASS,
	WH_LINE_SAID,
	WH_LINE_CAUSE,
};

struct wh_line_row {
	enum wh_line_kind kind;
	const char *pattern;
	/* Looks at a match closer: false where it is none after all. May take its pieces apart further. */
	bool (*check)(struct wh_line_match *);
	/* FRAME, HEAD: the calls that %r lists, crash point first, are added to the builder (NULL while detecting); false: none. */
	bool (*list)(struct wh_span said, struct wh_stack_builder *);
	const char *name;  /* SAID: of the attribute */
	const char *files; /* endings of file names, separated by blanks; a file with another makes it no match */
	uint8_t alone;     /* how sure (0 to 100) that a report with this line is one even without frames; 0: it is none */
	bool opens;        /* FRAME: a report whose head is missing may begin so. HEAD: its function is the first of the calls */
	bool inlined;      /* FRAME, MORE: the call has no return address of its own */
	bool fresh;        /* TITLE: what follows is another list of the same calls, and a better one */
	bool over;         /* SAID, PASS: further calls are those of others */
	bool chained;      /* HEAD: right below a call it is a CAUSE */
	bool outer_first;  /* FRAME: the list that it is of ends at the crash point */
	/* FRAME: the place is where its caller made the call; the place of the first frame is that of the head, or of a PASS. */
	bool caller;
};

/* A row: WH_LINE(FRAME, "%F:%l: in %f", .check = name). */
#define WH_LINE(is, ...) { .kind = WH_LINE_##is, .pattern = __VA_ARGS__ }

struct wh_line_grammar {
	const char *words[6];           /* one of them is in every report: what a detector looks for first */
	const struct wh_line_row *rows; /* up to one without a pattern; the first that matches counts */
	const char *above[4]; /* where a title begins a report: patterns, one after the other, of its head among the lines above */
	uint8_t sure;         /* a head (or title) and a frame */
	uint8_t sure_frames;  /* `least` frames (none said: 2) without a head; 0: frames need a head */
	uint8_t least;
	uint8_t wait;         /* other lines that may stand between a head and its frames: what is left of the message */
	uint8_t gap;          /* other lines that may stand between two frames, or between the frames and LAST: quoted source */
	bool last;            /* reports end with their LAST; frames without one are none */
};

int wh_line_trace_detect(const struct wh_line_grammar *, const char *text, size_t size, int sure);
int wh_line_trace_read(const struct wh_line_grammar *, struct wh_reader *, struct wh_err *) WH_NODISCARD;

/* The functions of a format and the format, of a file's own `grammar`: WH_LINE_FORMAT(lua, "lua", "Lua's …", "lua/lua: …"). It is
 * looked at late, when no reader that knows its reports by a banner is sure. */
#define WH_LINE_FORMAT(symbol, word, what, where)                                               \
	static int detect(const char *text, size_t size)                                        \
	{                                                                                       \
		(void)text, (void)size;                                                         \
		return 0;                                                                       \
	}                                                                                       \
	static int detect_late(const char *text, size_t size, int sure)                         \
	{                                                                                       \
		return wh_line_trace_detect(&grammar, text, size, sure);                        \
	}                                                                                       \
	static int read_traces(struct wh_reader *reader, struct wh_err *err)                    \
	{                                                                                       \
		return wh_line_trace_read(&grammar, reader, err);                               \
	}                                                                                       \
	const struct wh_format wh_format_##symbol = {                                           \
		.name = (word), .summary = (what), .reference = (where),                        \
		.detect = detect, .detect_late = detect_late, .read = read_traces,              \
	}

/* A check that takes the arguments off a function: from its first parenthesis, other than one that it begins with, on. */
bool wh_line_without_arguments(struct wh_line_match *);

#endif
