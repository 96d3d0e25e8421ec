/* SPDX-License-Identifier: Apache-2.0 */
/* Writers that the library brings along, and where their text goes. A client that wants another writer fills a wh_emit_ops. */
#ifndef WHORL_WRITER_H
#define WHORL_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/emit.h>
#include <whorl/error.h>

/* Where text goes: takes all n bytes or fails. */
struct wh_sink {
	int (*write)(void *user, const char *data, size_t n, struct wh_err *);
	void *user;
};

/* A JSON writer: `lines` gives one compact object a line without a wrapping array (JSON lines), else one pretty document.
 * The caller owns it. NULL: out of memory. */
struct wh_emit *wh_writer_json_new(struct wh_sink, bool lines);
/* In place of wh_emit_close when what was to be written has failed: JSON lines keep their complete records, a document that
 * nobody should take for the whole loses what is not yet written. */
void wh_writer_json_abandon(struct wh_emit *);
void wh_writer_json_free(struct wh_emit *);

#endif
