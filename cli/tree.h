/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wh_emit writer that keeps what it is told as a tree, and hands over every record, or the document, when it is whole.
 * Tables, TSV and CSV print from there. Invariants: node 0 is no node (its number ends lists); texts are NUL-terminated and valid
 * until the tree is cleared, which happens after every record; the first error sticks.
 */
#ifndef WHORL_CLI_TREE_H
#define WHORL_CLI_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <whorl/emit.h>

enum cli_kind { CLI_OBJECT, CLI_ARRAY, CLI_STRING, CLI_INTEGER, CLI_REAL, CLI_BOOLEAN, CLI_NULL };

struct cli_node {
	enum cli_kind kind;
	size_t next, child; /* node numbers */
	size_t key, text;   /* where in the texts; key SIZE_MAX: none */
	size_t n;           /* bytes of text */
	union {
		int64_t integer;
		double real;
		bool boolean;
	};
};

struct cli_tree {
	struct wh_emit emit;
	/* set by the owner */
	int (*begin)(struct cli_tree *, struct wh_err *);               /* records follow; columns are known */
	int (*take)(struct cli_tree *, size_t root, struct wh_err *);   /* a whole record or document */
	int (*finish)(struct cli_tree *, struct wh_err *);
	int (*flush)(struct cli_tree *, struct wh_err *); /* NULL: rows are out as soon as they are whole */
	bool records, finished;
	char **columns; /* NULL-terminated copies: the verb's may be gone before the last row is printed; NULL: none were named */
	struct cli_node *nodes;
	size_t n, cap;
	char *text;
	size_t n_text, cap_text;
	size_t open[64], last[64]; /* the nodes being filled, and the newest child of each */
	unsigned depth;
	struct wh_err error;
};

void cli_tree_init(struct cli_tree *);
void cli_tree_release(struct cli_tree *);
/* Forgets what is not whole, and closes. */
void cli_tree_abandon(struct cli_tree *);

static inline const struct cli_node *cli_node(const struct cli_tree *tree, size_t node) { return &tree->nodes[node]; }
/* Texts; key of a node in an array: "". */
const char *cli_node_key(const struct cli_tree *, size_t node);
const char *cli_node_text(const struct cli_tree *, size_t node);
/* The member called key, 0: none. */
size_t cli_node_member(const struct cli_tree *, size_t object, const char *key);
bool cli_node_is_scalar(const struct cli_tree *, size_t node);
/* An array with an object in it. */
bool cli_node_is_list(const struct cli_tree *, size_t node);

/* Writes the node as compact JSON. */
void cli_node_json(FILE *, const struct cli_tree *, size_t node);
/* Shortest text that reads back to v. */
void cli_real(FILE *, double v);

#endif
