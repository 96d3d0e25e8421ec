/* SPDX-License-Identifier: Apache-2.0 */
#include "delimited.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "terminal.h"
#include "tree.h"

struct delimited {
	struct cli_tree tree;
	bool csv, begun;
};

static struct delimited *delimited_of(struct cli_tree *tree)
{
	return (struct delimited *)tree;
}

/* ---- fields ---- */

static void tsv_text(FILE *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned code;
		size_t length = cli_character(text + i, n - i, &code);
		const char *escape = code == '\t' ? "\\t" : code == '\n' ? "\\n" : code == '\r' ? "\\r" : code == '\\' ? "\\\\" : NULL;
		if (escape)
			fputs(escape, out);
		else if (code == 0xfffd)
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text + i, 1, length, out);
		i += length;
	}
}

static void csv_text(FILE *out, const char *text, size_t n)
{
	bool quoted = false;
	for (size_t i = 0; i < n && !quoted; i++)
		quoted = strchr(",\"\r\n", text[i]) != NULL;
	if (quoted)
		fputc('"', out);
	for (size_t i = 0; i < n;) {
		unsigned code;
		size_t length = cli_character(text + i, n - i, &code);
		if (code == '"')
			fputc('"', out);
		if (code == 0xfffd)
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text + i, 1, length, out);
		i += length;
	}
	if (quoted)
		fputc('"', out);
}

static int put_text(FILE *out, const struct delimited *d, const char *text, size_t n)
{
	d->csv ? csv_text(out, text, n) : tsv_text(out, text, n);
	return WH_OK;
}

static int put_node(FILE *out, const struct delimited *d, size_t node, struct wh_err *err)
{
	const struct cli_node *n = cli_node(&d->tree, node);
	switch (n->kind) {
	case CLI_STRING:
		return put_text(out, d, cli_node_text(&d->tree, node), n->n);
	case CLI_INTEGER:
		fprintf(out, "%" PRId64, n->integer);
		return WH_OK;
	case CLI_REAL:
		cli_real(out, n->real);
		return WH_OK;
	case CLI_BOOLEAN:
		fputs(n->boolean ? "true" : "false", out);
		return WH_OK;
	case CLI_NULL:
		return WH_OK;
	default:
		break;
	}
	char *text = NULL;
	size_t size;
	FILE *json = open_memstream(&text, &size);
	if (json)
		cli_node_json(json, &d->tree, node);
	if (!json || fclose(json) != 0) {
		free(text);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	put_text(out, d, text, size);
	free(text);
	return WH_OK;
}

/* ---- lines ---- */

static int header(struct delimited *d, const char *const *columns, struct wh_err *err)
{
	d->begun = true;
	for (size_t i = 0; columns[i]; i++) {
		if (i)
			WH_TRY(cli_output_write(d->csv ? "," : "\t", 1, err));
		WH_TRY(cli_output_write(columns[i], strlen(columns[i]), err));
	}
	return cli_output_write("\n", 1, err);
}

static int put_record(FILE *out, struct delimited *d, size_t root, struct wh_err *err)
{
	for (size_t i = 0; d->tree.columns[i]; i++) {
		if (i)
			fputc(d->csv ? ',' : '\t', out);
		size_t node = cli_node_member(&d->tree, root, d->tree.columns[i]);
		if (node)
			WH_TRY(put_node(out, d, node, err));
	}
	fputc('\n', out);
	return WH_OK;
}

/* path: of the parent, with its dot. */
static int put_members(FILE *out, struct delimited *d, size_t parent, const char *path, struct wh_err *err)
{
	size_t number = 0;
	for (size_t node = cli_node(&d->tree, parent)->child; node; node = cli_node(&d->tree, node)->next, number++) {
		char name[512];
		if (cli_node(&d->tree, parent)->kind == CLI_ARRAY)
			snprintf(name, sizeof name, "%s%zu", path, number);
		else
			snprintf(name, sizeof name, "%s%s", path, cli_node_key(&d->tree, node));
		if (cli_node_is_scalar(&d->tree, node)) {
			put_text(out, d, name, strlen(name));
			fputc(d->csv ? ',' : '\t', out);
			WH_TRY(put_node(out, d, node, err));
			fputc('\n', out);
			continue;
		}
		size_t n = strlen(name);
		snprintf(name + n, sizeof name - n, ".");
		WH_TRY(put_members(out, d, node, name, err));
	}
	return WH_OK;
}

static int begin(struct cli_tree *tree, struct wh_err *err)
{
	return tree->columns ? header(delimited_of(tree), (const char *const *)tree->columns, err) : WH_OK;
}

static int take(struct cli_tree *tree, size_t root, struct wh_err *err)
{
	static const char *const pair[] = { "key", "value", NULL };
	struct delimited *d = delimited_of(tree);
	char *text = NULL;
	size_t n;
	if (!tree->columns && !d->begun)
		WH_TRY(header(d, pair, err));
	FILE *out = open_memstream(&text, &n);
	int code = !out	       ? WH_E_NOMEM :
		   tree->columns ? put_record(out, d, root, err) :
				   put_members(out, d, root, "", err);
	if (!out || (fclose(out) != 0 && code == WH_OK))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = cli_output_write(text, n, err);
	free(text);
	return code;
}

static int finish(struct cli_tree *tree, struct wh_err *err)
{
	(void)tree;
	(void)err;
	return WH_OK;
}

struct wh_emit *cli_delimited_new(bool csv)
{
	struct delimited *d = malloc(sizeof *d);
	if (!d)
		return NULL;
	*d = (struct delimited){ .csv = csv };
	cli_tree_init(&d->tree);
	d->tree.begin = begin;
	d->tree.take = take;
	d->tree.finish = finish;
	return &d->tree.emit;
}

void cli_delimited_free(struct wh_emit *emit)
{
	if (emit)
		cli_tree_release((struct cli_tree *)emit);
	free(emit);
}
