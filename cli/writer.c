/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <whorl/writer.h>

#include "output.h"

struct cli_writer {
	struct wh_emit *emit;
};

static int write_out(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return cli_output_write(data, n, err);
}

int cli_writer_new(struct cli_writer **writer, const char *format, struct wh_err *err)
{
	*writer = calloc(1, sizeof **writer);
	if (!*writer)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (!format)
		format = isatty(STDOUT_FILENO) ? "table" : "jsonl";
	struct wh_sink sink = { write_out, NULL };
	(*writer)->emit = wh_writer_json_new(sink, !strcmp(format, "jsonl"));
	return WH_OK;
}

struct wh_emit *cli_writer_emit(struct cli_writer *writer)
{
	return writer->emit;
}

void cli_writer_abandon(struct cli_writer *writer)
{
	wh_writer_json_abandon(writer->emit);
}

void cli_writer_free(struct cli_writer *writer)
{
	wh_writer_json_free(writer->emit);
	free(writer);
}
