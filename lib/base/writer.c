/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <whorl/writer.h>

#include "base/json.h"

struct wh_emit *wh_writer_json_new(struct wh_sink sink, bool lines)
{
	struct wh_json_writer *writer = malloc(sizeof *writer);
	if (!writer)
		return NULL;
	wh_json_writer_init(writer, sink, lines);
	return &writer->emit;
}

void wh_writer_json_abandon(struct wh_emit *emit)
{
	struct wh_json_writer *writer = (struct wh_json_writer *)emit;
	struct wh_str *text = &writer->buffer;
	if (!writer->lines || !writer->records || text->failed || writer->error.code != WH_OK)
		return;
	size_t whole = text->n;
	while (whole && text->data[whole - 1] != '\n')
		whole--;
	if (whole)
		(void)writer->sink.write(writer->sink.user, text->data, whole, &writer->error);
	wh_str_clear(text);
}

void wh_writer_json_free(struct wh_emit *emit)
{
	if (emit)
		wh_json_writer_release((struct wh_json_writer *)emit);
	free(emit);
}
