/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files: which frames say nothing about a crash, and what names mean the same. docs/format/rules.md is for their authors.
 * Invariant: rules are immutable once the last file has been added; any number of threads may match.
 */
#ifndef WHORL_SYMBOL_RULES_H
#define WHORL_SYMBOL_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>

#include "base/str.h"

enum wh_rule_kind {
	WH_RULE_TOP,       /* dropped while it is the topmost frame */
	WH_RULE_BOTTOM,    /* dropped while it is the lowest frame */
	WH_RULE_ANY,       /* dropped wherever it is */
	WH_RULE_CUT_ABOVE, /* dropped with everything above it */
	WH_RULE_KEEP,      /* never dropped */
	WH_RULE_DROPS,     /* number of the kinds that match frames; those below change names */
	WH_RULE_RENAME = WH_RULE_DROPS,
	WH_RULE_STRIP_PREFIX,
	WH_RULE_STRIP_SUFFIX,
	WH_RULE_KINDS,
};

struct wh_rule {
	enum wh_rule_kind kind;
	const char *module; /* glob, or NULL: any */
	const char *pattern;
	const char *replacement; /* RENAME only */
	const char *where;       /* "rules/glibc.rules:12 top abort": for the trace and for people */
};

/* A file that is built into the library. */
struct wh_rules_text {
	const char *name;
	const char *text;
	size_t size;
};
extern const struct wh_rules_text wh_rules_builtin[]; /* ended by a row without a name; made from rules/ by scripts/embed */

struct wh_rules;

int wh_rules_new(struct wh_rules **, struct wh_err *) WH_NODISCARD;
void wh_rules_free(struct wh_rules *);
/* Adds the rules of one file; earlier ones win. WH_E_FORMAT says file, line and what is wrong. After an error the rules may only be
 * freed. */
int wh_rules_add(struct wh_rules *, const char *name, const char *text, size_t size, struct wh_err *) WH_NODISCARD;

/* The first rule of a kind that matches frames and fits, or NULL. module: base name as printed, "" where not known. */
const struct wh_rule *wh_rules_match(const struct wh_rules *, enum wh_rule_kind, const char *module, const char *name, size_t n);
/* Applies the first rule that changes the name: the new one is appended to `to`. NULL: none does. */
const struct wh_rule *wh_rules_rename(const struct wh_rules *, const char *module, const char *name, size_t n, struct wh_str *to);

#endif
