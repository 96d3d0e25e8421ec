/* SPDX-License-Identifier: Apache-2.0 */
/* The options of how sessions are read (wh_signal.reading), and what they mean: the context that all readers of a call share. */
#ifndef WHORL_FORMAT_SESSION_READING_H
#define WHORL_FORMAT_SESSION_READING_H

#include <stdatomic.h>
#include <stdbool.h>

#include <whorl/format.h>

#include "base/strtab.h"
#include "base/vec.h"

/* What a table says of one session. */
struct wh_session_told {
	const char *label; /* NULL: nothing */
	int64_t time_ns;
	bool has_time;
	const struct wh_attribute *attributes;
	size_t n_attributes;
};

/* Read by any number of threads once it is open. */
struct wh_session_reading {
	bool change_encoded;
	char *table;          /* path of the table, or NULL */
	struct wh_strtab ids; /* its sessions; `told` has one for each */
	struct WH_VEC(struct wh_session_told) told;
	struct wh_arena arena; /* of what it says */
	atomic_bool missed;    /* a session that it does not know was spoken of */
};

extern const struct wh_param wh_session_reading[];

/* As wh_signal.open_reading: *context is a struct wh_session_reading. WH_E_FORMAT with the line where the table is none; WH_E_CONFLICT where
 * it has a session twice. */
int wh_session_open_reading(const struct wh_values *reading, void **context, struct wh_err *) WH_NODISCARD;
void wh_session_close_reading(void *context); /* NULL: nothing */

/* What the table says of the session with this id (NULL: none of its own) in the input called name: by its id; else by the input's name, its base
 * name, and that without its extensions. NULL: nothing, or there is no table. */
const struct wh_session_told *wh_session_find_told(const struct wh_session_reading *, const char *id, const char *name);

/* Whether the neutral record has a member of that name, in any case, which an attribute would be taken for. */
bool wh_session_is_member(struct wh_bytes name);

#endif
