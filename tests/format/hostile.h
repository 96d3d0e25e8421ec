/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every reader of text must bear: its fixtures cut off at every byte and with bytes changed, noise, lines without end, texts made
 * to cost more than they are long, an arena that is too small. A test names its formats and what is hostile to them; texts lie in blocks
 * of their very size, so that a sanitizer sees every byte read too far.
 */
#ifndef WHORL_TESTS_FORMAT_HOSTILE_H
#define WHORL_TESTS_FORMAT_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/format.h>

/* As much as a reader may take of memory. */
#define HOSTILE_ARENA ((size_t)64 << 20)

/* Every piece over and over behind every beginning, to size bytes in all: so many that a reader whose work grows with their square does not come
 * back before the test is ended. */
struct hostile_load {
	const char *const *beginnings; /* NULL-terminated, or NULL: nothing */
	const char *const *pieces;     /* NULL-terminated */
	size_t size;
};

struct hostile {
	const char *data;            /* the folder of fixtures, one folder a format in it */
	const char *const *formats;  /* NULL-terminated, as texts */
	size_t cuts;                 /* so many of a fixture of twice as many bytes or more, of a smaller one at every byte */
	int rounds, changes;         /* so often each fixture with so many places changed */
	bool frames;                 /* no report is without one */
	struct hostile_load repeat;  /* lines that open much and close nothing */
	struct hostile_load endless; /* no line's end */
	const char *const *texts;    /* no reports: nobody is to claim them */
};

/* Each fails the cmocka test that it is called from. */
void hostile_cut(const struct hostile *);
void hostile_change(const struct hostile *);
void hostile_crlf(const struct hostile *); /* the ends of lines of other systems change nothing */
void hostile_noise(const struct hostile *);
void hostile_repeat(const struct hostile *);
void hostile_endless(const struct hostile *);
void hostile_small_arena(const struct hostile *); /* what does not fit is skipped and counted */
void hostile_no_reports(const struct hostile *);

/* A test of the same name, of the file's `hostile`. */
#define HOSTILE_TEST(name)                    \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		hostile_##name(&hostile);     \
	}

/* ---- what a test's own cases are made of ---- */

struct hostile_counts {
	size_t reports, skips;
	size_t frameless; /* reports without a frame */
	size_t functions; /* frames that have one */
	size_t bytes;     /* of all texts handed over */
	size_t line;      /* of the last skip */
	char why[256];
};

/* Detects and reads a copy of text with no byte to spare; returns what the reader does. */
int hostile_try(const struct wh_format *, const char *text, size_t n, size_t limit, struct hostile_counts *);
/* The same, where nothing may fail and the arena stays within its limit. */
struct hostile_counts hostile_read(const struct wh_format *, const char *text, size_t n, size_t limit);
/* The surer of the format's two looks, 0 to 100. */
int hostile_sure(const struct wh_format *, const char *text, size_t n);
/* By its name; there is one. */
const struct wh_format *hostile_format(const char *name);
/* Every format's fixtures, in turn. Returns how many there are of the format that has fewest, which is never 0. */
typedef void hostile_each_fn(const struct hostile *, const struct wh_format *, const char *text, size_t n);
size_t hostile_each(const struct hostile *, hostile_each_fn *);
/* The beginning, then the piece over and over, to n bytes; the caller frees it. */
char *hostile_repeated(const char *beginning, const char *piece, size_t n);
/* Every format reads the load. */
void hostile_bear(const struct hostile *, const struct hostile_load *);

#endif
