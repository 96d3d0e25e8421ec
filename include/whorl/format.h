/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A format: how one kind of file says observations. One file each under lib/format/<kind>/, one line in its list.
 *
 * A reader sees the whole text of one file (mapped or decompressed; not NUL-terminated), and hands over one observation after
 * the other. It never fails because of one bad record: it skips it with a line number and a reason, and goes on.
 */
#ifndef WHORL_FORMAT_H
#define WHORL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>
#include <whorl/observation.h>
#include <whorl/param.h>

struct wh_arena;
struct wh_str;

struct wh_reader {
	const char *name; /* of the input, for messages */
	const char *text; /* size bytes */
	size_t size;
	const char *start; /* of the file where text is a later piece of it, which ends where text begins; NULL: at text */
	size_t first_line;      /* number of the line that text begins with, 1-based */
	struct wh_arena *arena; /* for the record being read; reset by wh_reader_emit and wh_reader_skip */
	/* set by the caller of the reader */
	bool describe; /* wants what is derived from the text (crash_type, crash_state), too: costs more than reading; else it is
			* left out */
	int (*take)(void *user, struct wh_observation *, struct wh_err *);
	int (*skip)(void *user, size_t line, const char *why, struct wh_err *);
	/* Something about what was read that a person would want to know (which symbols are missing): no reason to skip it. NULL: nobody
	 * listens. */
	void (*say)(void *user, const char *text);
	void *user;
	const struct wh_format *format;
	const struct wh_values *options; /* of wh_signal.reading; NULL: the defaults */
	void *context;                   /* what wh_signal.open_reading made of them, shared by all threads; NULL: nobody did */
	/* the readers' own; NULL at first */
	const char *counted;  /* of the lines of text, so that many questions cost one walk: up to here … */
	size_t counted_lines; /* … there are so many */
	const char *told; /* up to here text belongs to records that were handed over */
};

struct wh_format {
	const char *name;      /* "gdb" */
	const char *summary;   /* for `whorl help formats` */
	const char *reference; /* the grammar, or the source of what prints it */
	bool lines;            /* records end with their line: the text may be cut at any newline and the pieces read apart */
	bool binary;           /* no text: looked for in files whose bytes are none, where the others are not */
	/* How sure, 0 to 100, that text (the first bytes of a file, at most WH_DETECT_SIZE) is of this format. The highest wins,
	 * ties go to the earlier in the list; below WH_DETECT_LEAST nobody reads the file. */
	int (*detect)(const char *text, size_t size);
	/* NULL, or a second, dearer look, when every format has had its first: sure is the most that any has said so far (0:
	 * nothing). What is not above it does not count, so a look that cannot get there need not be taken. */
	int (*detect_late)(const char *text, size_t size, int sure);
	/* Errors are those of take and skip, passed on, and WH_E_NOMEM/WH_E_LIMIT of the arena; a text without any record is
	 * no error. */
	int (*read)(struct wh_reader *, struct wh_err *);
	/* NULL, or the first place from `at` on where text (which ends at end, and begins a file) may be cut in two that are read apart, the
	 * second with reader->start; end where there is none. For files too large to be read as a whole; `lines` has no need of it. */
	const char *(*cut)(const char *text, const char *at, const char *end);
	/* NULL, or appends the observation, which has an id, as a record of this format that read reads back. What the format has no
	 * place for is left out. WH_E_NOMEM. */
	int (*write)(const struct wh_observation *, struct wh_str *, struct wh_err *);
};

#define WH_DETECT_SIZE ((size_t)256 * 1024)
#define WH_DETECT_LEAST 20

/* Hands one observation over. Its strings may point into text or into the arena; `format` is filled in. The reader's own
 * names stay with it: the arena is empty afterwards. */
int wh_reader_emit(struct wh_reader *, struct wh_observation *, struct wh_err *) WH_NODISCARD;

/* Tells who called the reader, if they listen. */
void wh_reader_say(struct wh_reader *, const char *format, ...) WH_PRINTF(2, 3);

/* Counts a record that cannot be read; `at` points into text, where it went wrong. Not an error, unless the caller is strict. */
int wh_reader_skip(struct wh_reader *, const char *at, struct wh_err *, const char *why, ...) WH_NODISCARD WH_PRINTF(4, 5);

#endif
