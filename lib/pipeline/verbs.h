/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs. To add one: a file verb_<name>.c beside this one, a line here, a line in verbs.c; docs/guide/add-a-command.md. */
#ifndef WHORL_PIPELINE_VERBS_H
#define WHORL_PIPELINE_VERBS_H

#include <whorl/verb.h>

#define WH_VERSION_NUMBER "0.1.0" /* first line of wh_version */

extern const struct wh_verb wh_verb_import;
extern const struct wh_verb wh_verb_export;
extern const struct wh_verb wh_verb_list;
extern const struct wh_verb wh_verb_show;
extern const struct wh_verb wh_verb_cluster;
extern const struct wh_verb wh_verb_assign;
extern const struct wh_verb wh_verb_train;
extern const struct wh_verb wh_verb_calibrate;
extern const struct wh_verb wh_verb_evaluate;
extern const struct wh_verb wh_verb_search;
extern const struct wh_verb wh_verb_explain;
extern const struct wh_verb wh_verb_report;
extern const struct wh_verb wh_verb_diff;
extern const struct wh_verb wh_verb_compare;
extern const struct wh_verb wh_verb_label;
extern const struct wh_verb wh_verb_note;
extern const struct wh_verb wh_verb_merge;
extern const struct wh_verb wh_verb_split;
extern const struct wh_verb wh_verb_history;
extern const struct wh_verb wh_verb_undo;
extern const struct wh_verb wh_verb_resymbolise;
extern const struct wh_verb wh_verb_record;
extern const struct wh_verb wh_verb_watch;
extern const struct wh_verb wh_verb_drift;
extern const struct wh_verb wh_verb_leak;
extern const struct wh_verb wh_verb_changed;

/* `whorl.<noun>.<result>/1`, the schema of a verb's result, into buffer. */
#define WH_SCHEMA 64
const char *wh_verb_schema(const struct wh_call *, const char *result, char buffer[static WH_SCHEMA]);

#endif
