/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <whorl/writer.h>

#include "delimited.h"
#include "output.h"
#include "table.h"
#include "terminal.h"
#include "tree.h"

struct cli_writer {
	struct wh_emit *emit;
	void (*free)(struct wh_emit *);
	bool json;
};

static int write_out(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return cli_output_write(data, n, err);
}

int cli_writer_new(struct cli_writer **writer, const char *format, struct wh_err *err)
{
	struct wh_sink sink = { write_out, NULL };
	struct cli_writer *w = *writer = calloc(1, sizeof *w);
	if (!w)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (!format)
		format = isatty(STDOUT_FILENO) ? "table" : "jsonl";
	if (!strcmp(format, "table")) {
		w->emit = cli_table_new(cli_terminal_width(STDOUT_FILENO), cli_terminal_colour(STDOUT_FILENO));
		w->free = cli_table_free;
	} else if (!strcmp(format, "tsv") || !strcmp(format, "csv")) {
		w->emit = cli_delimited_new(!strcmp(format, "csv"));
		w->free = cli_delimited_free;
	} else {
		w->emit = wh_writer_json_new(sink, !strcmp(format, "jsonl"));
		w->free = wh_writer_json_free;
		w->json = true;
	}
	if (!w->emit) {
		free(w);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

struct wh_emit *cli_writer_emit(struct cli_writer *writer)
{
	return writer->emit;
}

void cli_writer_abandon(struct cli_writer *writer)
{
	if (writer->json)
		wh_writer_json_abandon(writer->emit);
	else
		cli_tree_abandon((struct cli_tree *)writer->emit);
}

void cli_writer_free(struct cli_writer *writer)
{
	writer->free(writer->emit);
	free(writer);
}
