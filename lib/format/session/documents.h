/* SPDX-License-Identifier: Apache-2.0 */
/* JSON objects one behind the other in a text, a line each or many. */
#ifndef WHORL_FORMAT_SESSION_DOCUMENTS_H
#define WHORL_FORMAT_SESSION_DOCUMENTS_H

#include <whorl/format.h>

#include "base/arena.h"
#include "base/json_scan.h"

/* Walks the object that the scan has entered, to its end; at is where it begins. */
typedef int wh_document_fn(void *user, struct wh_json_scan *, const char *at, struct wh_err *);

/* Each object of the reader's text. arena: of strings that have escapes, empty again after each. What is no JSON is passed over to the end of its
 * line, or to a line that begins with `{`, and skipped with its line unless quiet. Errors are those of f and of skip, and WH_E_NOMEM. */
int wh_documents_walk(struct wh_reader *, struct wh_arena *, bool quiet, wh_document_fn *f, void *user, struct wh_err *) WH_NODISCARD;

/* The first character that is no blank, or end. */
const char *wh_documents_begin(const char *text, const char *end);

#endif
