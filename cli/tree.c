/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

#define DEEPEST (sizeof((struct cli_tree *)0)->open / sizeof(size_t))

static struct cli_tree *tree_of(struct wh_emit *emit)
{
	return (struct cli_tree *)emit;
}

static void fail(struct cli_tree *tree, int code, const char *why)
{
	if (tree->error.code == WH_OK)
		wh_err_set(&tree->error, code, "%s", why);
}

static void *grow(struct cli_tree *tree, void *data, size_t *cap, size_t need, size_t size)
{
	size_t fresh = *cap ? *cap : 256;
	while (fresh < need && fresh < SIZE_MAX / 2 / size)
		fresh *= 2;
	void *moved = fresh < need ? NULL : realloc(data, fresh * size);
	if (moved)
		*cap = fresh;
	else
		fail(tree, WH_E_NOMEM, "out of memory");
	return moved;
}

static size_t keep(struct cli_tree *tree, const char *text, size_t n)
{
	if (tree->n_text + n + 1 > tree->cap_text) {
		char *moved = grow(tree, tree->text, &tree->cap_text, tree->n_text + n + 1, 1);
		if (!moved)
			return SIZE_MAX;
		tree->text = moved;
	}
	size_t at = tree->n_text;
	memcpy(tree->text + at, text, n);
	tree->text[at + n] = 0;
	tree->n_text += n + 1;
	return at;
}

/* Adds a node below the one being filled; 0 after an error. */
static size_t add(struct cli_tree *tree, enum cli_kind kind, const char *key)
{
	if (tree->error.code != WH_OK)
		return 0;
	if (tree->n + 1 > tree->cap) {
		struct cli_node *moved = grow(tree, tree->nodes, &tree->cap, tree->n + 1, sizeof *tree->nodes);
		if (!moved)
			return 0;
		tree->nodes = moved;
	}
	if (!tree->n)
		tree->nodes[tree->n++] = (struct cli_node){ .kind = CLI_NULL, .key = SIZE_MAX, .text = SIZE_MAX };
	size_t node = tree->n++;
	tree->nodes[node] = (struct cli_node){ .kind = kind, .key = key ? keep(tree, key, strlen(key)) : SIZE_MAX, .text = SIZE_MAX };
	if (tree->depth) {
		size_t *last = &tree->last[tree->depth - 1];
		*(*last ? &tree->nodes[*last].next : &tree->nodes[tree->open[tree->depth - 1]].child) = node;
		*last = node;
	}
	return tree->error.code == WH_OK ? node : 0;
}

static void push(struct cli_tree *tree, enum cli_kind kind, const char *key)
{
	size_t node = add(tree, kind, key);
	if (tree->depth == DEEPEST)
		fail(tree, WH_E_LIMIT, "the result is nested too deeply");
	if (tree->error.code != WH_OK)
		return;
	tree->open[tree->depth] = node;
	tree->last[tree->depth++] = 0;
}

static void hand_over(struct cli_tree *tree)
{
	if (tree->error.code == WH_OK && tree->n > 1)
		(void)tree->take(tree, 1, &tree->error);
	tree->n = tree->n_text = tree->depth = 0;
}

static void on_string(struct wh_emit *emit, const char *key, const char *text, size_t n)
{
	struct cli_tree *tree = tree_of(emit);
	size_t node = add(tree, CLI_STRING, key);
	if (!node)
		return;
	size_t at = keep(tree, text, n);
	tree->nodes[node].text = at;
	tree->nodes[node].n = n;
}

static void on_document(struct wh_emit *emit, const char *schema)
{
	push(tree_of(emit), CLI_OBJECT, NULL);
	on_string(emit, "schema", schema, strlen(schema));
}

static void keep_columns(struct cli_tree *tree, const char *const *columns)
{
	size_t n = 0;
	while (columns[n])
		n++;
	tree->columns = calloc(n + 1, sizeof *tree->columns);
	bool failed = !tree->columns;
	for (size_t i = 0; i < n && !failed; i++)
		failed = !(tree->columns[i] = strdup(columns[i]));
	if (failed)
		fail(tree, WH_E_NOMEM, "out of memory");
}

static void on_records(struct wh_emit *emit, const char *schema, const char *const *columns)
{
	struct cli_tree *tree = tree_of(emit);
	(void)schema;
	tree->records = true;
	if (columns && tree->error.code == WH_OK)
		keep_columns(tree, columns);
	if (tree->error.code == WH_OK && tree->begin)
		(void)tree->begin(tree, &tree->error);
}

static void on_object(struct wh_emit *emit, const char *key)
{
	push(tree_of(emit), CLI_OBJECT, key);
}

static void on_array(struct wh_emit *emit, const char *key)
{
	push(tree_of(emit), CLI_ARRAY, key);
}

static void on_end(struct wh_emit *emit)
{
	struct cli_tree *tree = tree_of(emit);
	if (tree->error.code == WH_OK && tree->depth && !--tree->depth)
		hand_over(tree);
}

static void on_integer(struct wh_emit *emit, const char *key, int64_t v)
{
	size_t node = add(tree_of(emit), CLI_INTEGER, key);
	if (node)
		tree_of(emit)->nodes[node].integer = v;
}

static void on_real(struct wh_emit *emit, const char *key, double v)
{
	size_t node = add(tree_of(emit), isfinite(v) ? CLI_REAL : CLI_NULL, key);
	if (node)
		tree_of(emit)->nodes[node].real = v;
}

static void on_boolean(struct wh_emit *emit, const char *key, bool v)
{
	size_t node = add(tree_of(emit), CLI_BOOLEAN, key);
	if (node)
		tree_of(emit)->nodes[node].boolean = v;
}

static void on_null(struct wh_emit *emit, const char *key)
{
	add(tree_of(emit), CLI_NULL, key);
}

static void on_flush(struct wh_emit *emit)
{
	struct cli_tree *tree = tree_of(emit);
	if (tree->error.code == WH_OK && !tree->depth && tree->flush)
		(void)tree->flush(tree, &tree->error);
}

/* May be called twice: by the verb and by who called the verb. */
static int on_close(struct wh_emit *emit, struct wh_err *err)
{
	struct cli_tree *tree = tree_of(emit);
	if (tree->depth)
		hand_over(tree);
	if (!tree->finished && tree->error.code == WH_OK)
		(void)tree->finish(tree, &tree->error);
	tree->finished = true;
	return tree->error.code != WH_OK ? wh_err_set(err, tree->error.code, "%s", tree->error.message) : WH_OK;
}

void cli_tree_init(struct cli_tree *tree)
{
	static const struct wh_emit_ops ops = {
		.document = on_document, .records = on_records, .object = on_object, .array = on_array, .end = on_end,
		.string = on_string, .integer = on_integer, .real = on_real, .boolean = on_boolean, .null = on_null,
		.close = on_close, .flush = on_flush,
	};
	*tree = (struct cli_tree){ .emit = { &ops } };
}

void cli_tree_abandon(struct cli_tree *tree)
{
	tree->depth = 0;
	(void)on_close(&tree->emit, NULL);
}

void cli_tree_release(struct cli_tree *tree)
{
	for (size_t i = 0; tree->columns && tree->columns[i]; i++)
		free(tree->columns[i]);
	free(tree->columns);
	free(tree->nodes);
	free(tree->text);
}

/* ---- looking at nodes ---- */

const char *cli_node_key(const struct cli_tree *tree, size_t node)
{
	return tree->nodes[node].key == SIZE_MAX ? "" : tree->text + tree->nodes[node].key;
}

const char *cli_node_text(const struct cli_tree *tree, size_t node)
{
	return tree->nodes[node].text == SIZE_MAX ? "" : tree->text + tree->nodes[node].text;
}

size_t cli_node_member(const struct cli_tree *tree, size_t object, const char *key)
{
	for (size_t node = tree->nodes[object].child; node; node = tree->nodes[node].next)
		if (!strcmp(cli_node_key(tree, node), key))
			return node;
	return 0;
}

bool cli_node_is_scalar(const struct cli_tree *tree, size_t node)
{
	return tree->nodes[node].kind != CLI_OBJECT && tree->nodes[node].kind != CLI_ARRAY;
}

bool cli_node_is_list(const struct cli_tree *tree, size_t node)
{
	size_t child = tree->nodes[node].child;
	return tree->nodes[node].kind == CLI_ARRAY && child && tree->nodes[child].kind == CLI_OBJECT;
}

void cli_real(FILE *out, double v)
{
	char text[32];
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	fputs(text, out);
}

static void json_text(FILE *out, const char *text, size_t n)
{
	fputc('"', out);
	for (size_t i = 0; i < n;) {
		unsigned code;
		size_t length = cli_character(text + i, n - i, &code);
		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (char)code);
		else if (code < 0x20)
			fprintf(out, "\\u%04x", code);
		else if (code == 0xfffd)
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text + i, 1, length, out);
		i += length;
	}
	fputc('"', out);
}

void cli_node_json(FILE *out, const struct cli_tree *tree, size_t node)
{
	const struct cli_node *n = cli_node(tree, node);
	switch (n->kind) {
	case CLI_OBJECT:
	case CLI_ARRAY:
		fputc(n->kind == CLI_OBJECT ? '{' : '[', out);
		for (size_t child = n->child; child; child = cli_node(tree, child)->next) {
			if (child != n->child)
				fputc(',', out);
			if (n->kind == CLI_OBJECT) {
				json_text(out, cli_node_key(tree, child), strlen(cli_node_key(tree, child)));
				fputc(':', out);
			}
			cli_node_json(out, tree, child); /* no deeper than the tree, which is bounded */
		}
		fputc(n->kind == CLI_OBJECT ? '}' : ']', out);
		break;
	case CLI_STRING:
		json_text(out, cli_node_text(tree, node), n->n);
		break;
	case CLI_INTEGER:
		fprintf(out, "%" PRId64, n->integer);
		break;
	case CLI_REAL:
		cli_real(out, n->real);
		break;
	case CLI_BOOLEAN:
		fputs(n->boolean ? "true" : "false", out);
		break;
	case CLI_NULL:
		fputs("null", out);
	}
}
