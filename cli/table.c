/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "output.h"
#include "terminal.h"
#include "tree.h"

struct table {
	struct cli_tree tree;
	struct cli_grid grid;
	size_t width;
	const char *bold, *plain;
	char *names[CLI_GRID_COLUMNS]; /* of columns that the verb did not name */
	bool blank; /* something was printed: a blank line goes before the next part */
};

static struct table *table_of(struct cli_tree *tree)
{
	return (struct table *)tree;
}

/* ---- values ---- */

/* Nested values compactly: `a=1 b=2`, `x, y, z`; lists of objects as their number. */
static void put_value(FILE *out, const struct cli_tree *tree, size_t node)
{
	const struct cli_node *n = cli_node(tree, node);
	char number[32];
	switch (n->kind) {
	case CLI_STRING:
		cli_text_clean(out, cli_node_text(tree, node), n->n, true);
		break;
	case CLI_INTEGER:
		fprintf(out, "%" PRId64, n->integer);
		break;
	case CLI_REAL:
		cli_grid_round(number, n->real);
		fputs(number, out);
		break;
	case CLI_BOOLEAN:
		fputs(n->boolean ? "yes" : "no", out);
		break;
	case CLI_NULL:
		break;
	case CLI_OBJECT:
	case CLI_ARRAY:
		for (size_t child = n->child; child; child = cli_node(tree, child)->next) {
			if (child != n->child)
				fputs(n->kind == CLI_OBJECT ? " " : ", ", out);
			if (n->kind == CLI_OBJECT)
				fprintf(out, "%s=", cli_node_key(tree, child));
			bool nested = !cli_node_is_scalar(tree, child);
			fputs(nested ? (cli_node(tree, child)->kind == CLI_OBJECT ? "{" : "[") : "", out);
			put_value(out, tree, child);
			fputs(nested ? (cli_node(tree, child)->kind == CLI_OBJECT ? "}" : "]") : "", out);
		}
	}
}

static void add_cell(struct cli_grid *grid, const struct cli_tree *tree, size_t node)
{
	char *text = NULL;
	size_t n;
	if (node && cli_node(tree, node)->kind == CLI_REAL) {
		cli_grid_real(grid, cli_node(tree, node)->real);
		return;
	}
	if (!node || cli_node(tree, node)->kind == CLI_NULL) {
		cli_grid_text(grid, NULL, false);
		return;
	}
	FILE *out = open_memstream(&text, &n);
	if (out)
		put_value(out, tree, node);
	if (!out || fclose(out) != 0)
		grid->failed = true;
	cli_grid_text(grid, text, cli_node(tree, node)->kind == CLI_INTEGER);
}

/* ---- documents ---- */

static void blank_line(struct table *table, FILE *out)
{
	if (table->blank)
		fputc('\n', out);
	table->blank = true;
}

static bool is_column(const struct cli_grid *grid, const char *name)
{
	for (size_t i = 0; i < grid->n_columns; i++)
		if (!strcmp(grid->columns[i], name))
			return true;
	return false;
}

static int put_table(struct table *table, FILE *out, size_t list, size_t indent, struct wh_err *err)
{
	const struct cli_tree *tree = &table->tree;
	struct cli_grid grid = { 0 };
	for (size_t row = cli_node(tree, list)->child; row; row = cli_node(tree, row)->next)
		for (size_t node = cli_node(tree, row)->child; node; node = cli_node(tree, node)->next)
			if (grid.n_columns < CLI_GRID_COLUMNS && !is_column(&grid, cli_node_key(tree, node)))
				grid.columns[grid.n_columns++] = cli_node_key(tree, node);
	for (size_t row = cli_node(tree, list)->child; row && grid.n_columns; row = cli_node(tree, row)->next)
		for (size_t i = 0; i < grid.n_columns; i++)
			add_cell(&grid, tree, cli_node_member(tree, row, grid.columns[i]));
	int code = grid.n_columns ? cli_grid_print(&grid, out, indent, table->width, table->bold, table->plain, err) : WH_OK;
	cli_grid_release(&grid);
	return code;
}

static bool has_list(const struct cli_tree *tree, size_t object)
{
	for (size_t node = cli_node(tree, object)->child; node; node = cli_node(tree, node)->next)
		if (cli_node_is_list(tree, node) || cli_node(tree, node)->kind == CLI_OBJECT)
			return true;
	return false;
}

/* A list whose objects hold lists themselves: object by object, headed by its plain values. */
static int put_blocks(struct table *table, FILE *out, size_t list, size_t indent, struct wh_err *err)
{
	const struct cli_tree *tree = &table->tree;
	for (size_t row = cli_node(tree, list)->child; row; row = cli_node(tree, row)->next) {
		if (row != cli_node(tree, list)->child)
			fputc('\n', out);
		fprintf(out, "%*s", (int)indent, "");
		bool first = true;
		for (size_t node = cli_node(tree, row)->child; node; node = cli_node(tree, node)->next) {
			if (!cli_node_is_scalar(tree, node) || cli_node(tree, node)->kind == CLI_NULL)
				continue;
			fprintf(out, "%s%s%s%s ", first ? "" : "  ", table->bold, cli_node_key(tree, node), table->plain);
			put_value(out, tree, node);
			first = false;
		}
		fputc('\n', out);
		for (size_t node = cli_node(tree, row)->child; node; node = cli_node(tree, node)->next) {
			if (cli_node_is_scalar(tree, node) || !cli_node(tree, node)->child)
				continue;
			if (cli_node_is_list(tree, node)) {
				WH_TRY(put_table(table, out, node, indent + 2, err));
				continue;
			}
			fprintf(out, "%*s%s%s%s ", (int)indent + 2, "", table->bold, cli_node_key(tree, node), table->plain);
			put_value(out, tree, node);
			fputc('\n', out);
		}
	}
	return WH_OK;
}

static int put_list(struct table *table, FILE *out, size_t list, size_t indent, struct wh_err *err)
{
	bool nested = false;
	for (size_t row = cli_node(&table->tree, list)->child; row && !nested; row = cli_node(&table->tree, row)->next)
		nested = has_list(&table->tree, row);
	return nested ? put_blocks(table, out, list, indent, err) : put_table(table, out, list, indent, err);
}

static int put_fields(struct table *table, FILE *out, size_t object, size_t indent, const char *skip, struct wh_err *err)
{
	const struct cli_tree *tree = &table->tree;
	size_t column = 0;
	for (size_t node = cli_node(tree, object)->child; node; node = cli_node(tree, node)->next) {
		bool inline_value = cli_node_is_scalar(tree, node) || cli_node(tree, node)->kind == CLI_ARRAY;
		size_t width = strlen(cli_node_key(tree, node));
		if (inline_value && !cli_node_is_list(tree, node) && width > column && strcmp(cli_node_key(tree, node), skip) != 0)
			column = width;
	}
	for (size_t node = cli_node(tree, object)->child; node; node = cli_node(tree, node)->next) {
		const char *key = cli_node_key(tree, node);
		enum cli_kind kind = cli_node(tree, node)->kind;
		if (!strcmp(key, skip) || cli_node_is_list(tree, node) || kind == CLI_OBJECT || kind == CLI_NULL ||
		    (kind == CLI_ARRAY && !cli_node(tree, node)->child))
			continue;
		fprintf(out, "%*s%s%-*s%s  ", (int)indent, "", table->bold, (int)column, key, table->plain);
		put_value(out, tree, node);
		fputc('\n', out);
		table->blank = true;
	}
	for (size_t node = cli_node(tree, object)->child; node; node = cli_node(tree, node)->next) {
		bool list = cli_node_is_list(tree, node);
		if (!list && (cli_node(tree, node)->kind != CLI_OBJECT || !cli_node(tree, node)->child))
			continue;
		blank_line(table, out);
		fprintf(out, "%*s%s%s%s\n", (int)indent, "", table->bold, cli_node_key(tree, node), table->plain);
		table->blank = false;
		WH_TRY(list ? put_list(table, out, node, indent + 2, err) : put_fields(table, out, node, indent + 2, "", err));
		table->blank = true;
	}
	return WH_OK;
}

/* ---- the writer ---- */

static int print(struct table *table, int body(struct table *, FILE *, struct wh_err *), struct wh_err *err)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	int code = out ? body(table, out, err) : WH_E_NOMEM;
	if (!out || (fclose(out) != 0 && code == WH_OK))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = cli_output_write(text, n, err);
	free(text);
	return code;
}

static int print_rows(struct table *table, FILE *out, struct wh_err *err)
{
	return cli_grid_print(&table->grid, out, 0, table->width, table->bold, table->plain, err);
}

static int print_document(struct table *table, FILE *out, struct wh_err *err)
{
	return put_fields(table, out, 1, 0, "schema", err);
}

static int begin(struct cli_tree *tree, struct wh_err *err)
{
	struct cli_grid *grid = &table_of(tree)->grid;
	(void)err;
	for (; tree->columns && tree->columns[grid->n_columns] && grid->n_columns < CLI_GRID_COLUMNS; grid->n_columns++)
		grid->columns[grid->n_columns] = tree->columns[grid->n_columns];
	return WH_OK;
}

/* Without columns the fields of the first record are. */
static void name_columns(struct table *table, size_t record)
{
	struct cli_grid *grid = &table->grid;
	size_t node = cli_node(&table->tree, record)->child;
	for (; node && grid->n_columns < CLI_GRID_COLUMNS; node = cli_node(&table->tree, node)->next) {
		char *name = strdup(cli_node_key(&table->tree, node));
		if (!name) {
			grid->failed = true;
			return;
		}
		table->names[grid->n_columns] = name;
		grid->columns[grid->n_columns++] = name;
	}
}

static int take(struct cli_tree *tree, size_t root, struct wh_err *err)
{
	struct table *table = table_of(tree);
	if (!tree->records)
		return print(table, print_document, err);
	if (!table->grid.n_columns)
		name_columns(table, root);
	for (size_t i = 0; i < table->grid.n_columns; i++)
		add_cell(&table->grid, tree, cli_node_member(tree, root, table->grid.columns[i]));
	if (table->grid.failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return table->grid.n >= table->grid.n_columns * WH_TABLE_ROWS ? print(table, print_rows, err) : WH_OK;
}

static int finish(struct cli_tree *tree, struct wh_err *err)
{
	struct table *table = table_of(tree);
	return table->grid.n ? print(table, print_rows, err) : WH_OK;
}

struct wh_emit *cli_table_new(size_t width, bool colour)
{
	struct table *table = malloc(sizeof *table);
	if (!table)
		return NULL;
	*table = (struct table){ .width = width, .bold = colour ? "\033[1m" : "", .plain = colour ? "\033[0m" : "" };
	cli_tree_init(&table->tree);
	table->tree.begin = begin;
	table->tree.take = take;
	table->tree.finish = table->tree.flush = finish;
	return &table->tree.emit;
}

void cli_table_free(struct wh_emit *emit)
{
	struct table *table = (struct table *)emit;
	if (table) {
		cli_tree_release(&table->tree);
		cli_grid_release(&table->grid);
		for (size_t i = 0; i < CLI_GRID_COLUMNS; i++)
			free(table->names[i]);
	}
	free(table);
}
