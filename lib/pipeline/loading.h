/* SPDX-License-Identifier: Apache-2.0 */
/* Private to load.c and load_*.c: what is at work while inputs are read, and what of an observation is kept. */
#ifndef WHORL_PIPELINE_LOADING_H
#define WHORL_PIPELINE_LOADING_H

#include "base/input.h"
#include "base/str.h"
#include "pipeline/load.h"
#include "pipeline/where.h"

struct source {
	char *path; /* to open; of an archive's entry: to show */
	char *id;   /* for observations without an id of their own; of an archive: what its entries' ids begin with */
	char **parts;   /* n_parts: paths of a folder's files, read as one text; NULL: path is read */
	size_t n_parts;
	bool archive; /* an operand that is one */
	size_t records; /* read so far, for `#2` */
};

/* One task: a whole file, a piece of one, an entry of an archive, or rows of the store; and what came of it. */
struct task {
	struct source *source;
	struct wh_bytes text;           /* of a piece; data NULL: open source->path */
	const char *start;              /* of the file that the piece is of */
	struct wh_input entry;          /* of an archive: released once it is read; text NULL: none */
	size_t first_line;
	const struct wh_format *format; /* of a piece */
	struct wh_batch batch;
	size_t skipped;
	size_t unknown; /* files that no reader knows */
	bool file;
	bool archive; /* an archive after all: to be read in its place */
	int code; /* opening failed: counted, reported, fatal only if nothing could be read or --strict */
	struct wh_err error;
};

struct worker {
	struct wh_arena arena; /* of the record being read */
	void *scratch;         /* of the signal's fingerprint */
	struct wh_str body;
};

struct loading {
	struct wh_load *load;
	const struct wh_host *host;
	const char *input_format;
	bool strict;
	struct WH_VEC(struct source *) sources;
	struct tasks {
		struct task *data;
		size_t n, cap;
	} tasks;
	size_t held; /* bytes of entries among the tasks */
	struct worker *workers;
	unsigned n_workers;
	const char *prefix; /* of the ids of the folder being walked */
	bool archive;       /* it is an archive */
	bool stitch;        /* files of folders are parts */
	void *context;      /* of the signal's readers */
	struct wh_where *where;
};

struct reading {
	struct loading *l;
	struct task *task;
	struct worker *worker;
	const char *name;
};

/* The format that the call asks for, or that is surest of the text; NULL: none. */
const struct wh_format *wh_load_choose(const struct loading *, struct wh_bytes text);

/* ---- files that are parts of one text ---- */

/* Whether the signal has a reading option `stitch`, and it is set. */
bool wh_stitch_asked(const struct wh_call *);
/* Of the sources from `first` on, which are a folder's, makes one per folder: its id is the folder's path, or name where it is the operand. Parts are
 * in the order of their names, runs of digits compared as numbers. */
int wh_stitch_sources(struct loading *, size_t first, struct wh_err *) WH_NODISCARD;
/* The text of all parts that are of one format, that of the first which has one; others are counted in the task, and passed over. *format NULL: none
 * has, and there is no input. */
int wh_stitch_open(struct loading *, struct task *, struct wh_input *, const struct wh_format **format, struct wh_err *) WH_NODISCARD;

/* What many records have in common: shared, or in the batch's arena. NULL: out of memory. */
const char *wh_keep_shared(struct loading *, struct wh_arena *, const char *data, size_t n);
/* NULL stays NULL. */
int wh_keep_string(struct wh_arena *, const char *text, const char **copy, struct wh_err *) WH_NODISCARD;
int wh_keep_attributes(struct reading *, const struct wh_observation *, struct wh_record *, struct wh_err *) WH_NODISCARD;
int wh_keep_fingerprint(struct reading *, const struct wh_observation *, struct wh_record *, struct wh_err *) WH_NODISCARD;
int wh_keep_body(struct reading *, const struct wh_observation *, struct wh_record *, struct wh_err *) WH_NODISCARD;

/* Everything stored, in batches. */
int wh_load_store(struct loading *, struct wh_err *) WH_NODISCARD;

#endif
