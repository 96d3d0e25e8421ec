/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labelled, normalised stacks as numbers, from what `whorl stack show --format jsonl` prints: one corpus a file. A symbol is a frame
 * as similarities see it: a function, or `?module` where the function is not known.
 */
#ifndef WHORL_BENCH_CORPUS_H
#define WHORL_BENCH_CORPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

#include "base/strtab.h"
#include "base/vec.h"

struct symbol {
	uint32_t family;  /* functions that come and go together: of one library, class or program */
	uint32_t df;      /* distinct stacks that hold it, of all corpora */
	const char *module; /* as first seen; NULL: none */
	bool unknown, common;
};

struct report {
	uint32_t label; /* UINT32_MAX: none */
	uint32_t stack;
};

struct stack {
	uint32_t first, n; /* in corpus->frames */
	uint32_t label;    /* of its first report */
	uint32_t hits;
};

struct corpus {
	struct wh_strtab names, families, labels; /* names: number == symbol */
	struct wh_strtab bodies;                  /* number == stack; its symbols as bytes */
	struct WH_VEC(struct symbol) symbols;
	struct WH_VEC(uint32_t) frames;
	struct WH_VEC(struct stack) stacks; /* distinct, never empty */
	struct WH_VEC(struct report) reports;
	struct WH_VEC(size_t) ends; /* reports.n after each file */
	struct wh_arena arena;
	size_t empty; /* reports without frames, left out */
};

void corpus_init(struct corpus *);
void corpus_release(struct corpus *);
/* Adds a file's reports; `most` 0: all. Labels of different files are different. */
int corpus_read(struct corpus *, const char *path, size_t most, struct wh_err *) WH_NODISCARD;
/* Sets df, and common where at least `share` of all distinct stacks of some file hold the symbol. */
int corpus_count(struct corpus *, double share, struct wh_err *) WH_NODISCARD;

#endif
