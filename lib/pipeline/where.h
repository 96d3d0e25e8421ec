/* SPDX-License-Identifier: Apache-2.0 */
/* --where: which observations a call is about, by what they say of themselves. */
#ifndef WHORL_PIPELINE_WHERE_H
#define WHORL_PIPELINE_WHERE_H

#include <whorl/signal.h>

struct wh_where;

/* The row of wh_input_params. */
#define WH_OPTION_WHERE                                                                                                     \
	{ .name = "where", .type = WH_PARAM_STRING, .metavar = "NAME=VALUE,…",                                                 \
	  .help = "only observations that say so: attributes, label, since=TIME, until=TIME (24h: so long ago); != for not" }

/* text NULL: *where is NULL, and everything matches. now: what `24h` is told from. WH_E_USAGE says what is wrong with it. */
int wh_where_parse(struct wh_where **where, const char *text, int64_t now_ns, struct wh_err *) WH_NODISCARD;
void wh_where_free(struct wh_where *); /* NULL: nothing */

/* A time, or how long before now: 90s, 15m, 24h, 7d, 4w. -1: text is neither. */
int wh_where_time(const char *text, int64_t now_ns, int64_t *time_ns);

/* What is not said equals nothing. where may be NULL. */
bool wh_where_match(const struct wh_where *, const struct wh_signal *, const struct wh_observation *);

#endif
