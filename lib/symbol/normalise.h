/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame normalisation: from a stack as printed to the sequence of frames that identifies the crash. An explicit, ordered pipeline;
 * every step is a rule of a data file (lib/symbol/rules, embedded; users add their own with --rules FILE) or one of the built-in
 * ones, and every step can say what it did.
 *
 * By frame, until nothing changes any more; the result is cached by thread:
 *   1 demangle     C++ (Itanium), Rust (legacy, v0), D, plain MSVC
 *   2 rename       strip return types, parameters, template arguments, ABI tags, lambda numbers, compiler suffixes (.isra.0, .constprop.1,
 *                  .part.2, .cold, .llvm.123), versions (@@GLIBC_2.2.5, @plt), generated names (JVM lambdas and proxies, `__se_sys_`)
 *   3 identity     function | module!function | module+offset for what is unknown
 * By stack:
 *   4 unreliable   frames that the unwinder guessed go where others remain; frames of which not even the module is known go
 *   5 any          drop what says nothing anywhere (the paper's immune functions); nothing by default, see rules/glue.rules
 *   6 cut          everything above the last signal handler, abort, panic, failed check, sanitizer's report; then the boundaries
 *   7 top, bottom  drop allocators and string functions at the top, thread starts and entry points at the bottom (these only
 *                  below the first `keep-first` frames)
 *   8 collapse     direct repeats and repeated cycles keep one turn
 *   9 max-frames
 * No drop takes the last frame that names a function (or, where none does, a module). A stack of which nothing is known becomes
 * empty: it is like no other, not even like its equals.
 *
 * Invariant: normalising the result again changes nothing, be it the tokens alone or the frames with their tokens as functions
 * (tested over all data), as long as the user's `rename` rules end and `module` rules find the frame's module.
 */
#ifndef WHORL_SYMBOL_NORMALISE_H
#define WHORL_SYMBOL_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>
#include <whorl/observation.h>
#include <whorl/param.h>

#include "base/arena.h"
#include "observation/stack.h"

/* Rows: identity, rules, builtin-rules, keep-machinery, keep-recursion, drop-glue, keep-first, max-frames: the settings of the
 * signal `stack`. */
extern const struct wh_param wh_normalise_params[];

struct wh_normaliser; /* immutable after _new; any number of threads */
struct wh_normal_cache; /* one per thread: what names became; at most 256 MiB, then it starts anew */

/* Reads the user's rule file: WH_E_IO, or WH_E_FORMAT that says file, line and what is wrong. */
int wh_normaliser_new(struct wh_normaliser **, const struct wh_values *, struct wh_err *) WH_NODISCARD;
void wh_normaliser_free(struct wh_normaliser *);
struct wh_normal_cache *wh_normal_cache_new(void); /* NULL: out of memory */
/* To be freed before the normalisers whose names it holds, or used with none of them again. */
void wh_normal_cache_free(struct wh_normal_cache *);

struct wh_normal_frame {
	const char *token;     /* the identity: what similarities compare; never NULL or empty, valid UTF-8 without control characters */
	const struct wh_frame *frame; /* where it comes from */
	bool unknown;          /* token names only a module (and offset): "?libc.so" */
};

/* What one step did to one frame: rule is "demangle", "rules/libc.rules:12 top abort", …; after is NULL where the frame was dropped. */
typedef void wh_normalise_trace_fn(void *user, size_t frame, const char *rule, const char *before, const char *after);

/* frames: in the arena, crash point first. cache may be NULL. trace may be NULL; with it every name is made anew. */
int wh_normalise(const struct wh_normaliser *, struct wh_normal_cache *, const struct wh_stack *, struct wh_arena *,
		 struct wh_normal_frame **frames, size_t *n, wh_normalise_trace_fn *trace, void *user, struct wh_err *) WH_NODISCARD;

#endif
