/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one printed name became: the frame-wise half of normalisation, and the cache that makes it cost one look-up.
 * Invariant: an entry is a pure function of its key, settings and rules; entries stay valid until wh_names_reserve.
 */
#ifndef WHORL_SYMBOL_NAMES_H
#define WHORL_SYMBOL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "observation/stack.h"
#include "symbol/rename.h"
#include "symbol/rules.h"

enum wh_identity { WH_IDENTITY_FUNCTION, WH_IDENTITY_MODULE_FUNCTION, WH_IDENTITY_MODULE_OFFSET };

struct wh_name_settings {
	enum wh_identity identity;
	const struct wh_rules *rules;
};

struct wh_name {
	const char *token; /* size bytes; "?" where neither function nor module is known */
	size_t size;
	uint64_t hash;     /* of the token */
	bool unknown;      /* says at most a module */
	bool nameless;     /* and not even that */
	const struct wh_rule *drops[WH_RULE_DROPS]; /* what the rules say about it, or NULL */
	/* the key */
	uint64_t key;
	const char *function, *module, *file;
	uint32_t function_size, module_size, file_size; /* of what was looked at */
};

struct wh_normal_cache {
	struct wh_arena arena;
	const struct wh_name **slots; /* n_slots, a power of two; NULL: empty */
	size_t n, n_slots;
	const struct wh_name_settings *settings; /* whose names these are */
	struct wh_str text, next, module;        /* room to work in */
};

typedef void wh_name_trace_fn(void *user, const char *rule, const char *before, const char *after);

/* Forgets everything where the cache is large, or holds another normaliser's names. To be called between stacks. */
void wh_names_reserve(struct wh_normal_cache *, const struct wh_name_settings *);
/* The frame's name; NULL: out of memory, or over the cache's limit. With trace it is made anew. */
const struct wh_name *wh_names_get(struct wh_normal_cache *, const struct wh_name_settings *, const struct wh_frame *,
				   wh_name_trace_fn *trace, void *user);

#endif
