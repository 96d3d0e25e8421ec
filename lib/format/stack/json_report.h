/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What readers of JSON reports have in common: the documents of a file, one after the other, a cheap look at the names in it,
 * and members as attributes and strings of a report.
 *
 * A file may hold one document, several, arrays of them, one a line, and something else before the first (the head of a mail,
 * of a test's snapshot). Only one document is in memory at a time. A string need not be UTF-8.
 */
#ifndef WHORL_FORMAT_STACK_JSON_REPORT_H
#define WHORL_FORMAT_STACK_JSON_REPORT_H

#include <whorl/format.h>

#include "base/json.h"
#include "format/scan.h"
#include "observation/stack.h"

#define WH_JSON_LARGEST ((size_t)64 << 20)    /* of one document, in bytes … */
#define WH_JSON_MOST_VALUES ((size_t)4 << 20) /* … and in values, an object as 8, an array as 3: json-c needs up to 150 bytes for each */

/* Reads one document, an object, that begins at `at`. */
typedef int wh_json_report_fn(struct wh_reader *, struct json_object *, const char *at, struct wh_err *);

/* Calls read for every object of the reader's text, also for those in arrays. What is no JSON or too large is skipped and
 * counted, with a reason. While it runs the reader's text begins with the document at hand. */
int wh_json_reports(struct wh_reader *, wh_json_report_fn *read, struct wh_err *) WH_NODISCARD;

/* The object that text begins with is taken off it; false: it has no end. values: how many there are in it, as WH_JSON_MOST_VALUES
 * counts them. */
bool wh_json_take_object(struct wh_span *text, struct wh_span *object, size_t *values);
/* Passes over what stands before the next object: blanks, commas, brackets, and lines that begin with something else. */
bool wh_json_find_object(struct wh_span *text);
/* Parses a document of so many values. WH_E_NOMEM ends everything; any other code is a document to be skipped, why says it.
 * The caller puts *object with json_object_put. */
int wh_json_document(struct json_tokener *, struct wh_span text, size_t values, struct json_object **object, struct wh_err *why)
	WH_NODISCARD;
/* A parser for wh_json_document, which takes bytes that are no UTF-8; NULL: out of memory. */
struct json_tokener *wh_json_document_parser(void);

/* Lets the reader's text begin at `at`, which is in it: counting the lines of many documents from the first one each time would
 * cost the square of their number. Who calls it puts text, size and first_line back at the end. */
void wh_json_advance(struct wh_reader *, const char *at);

/* Which of paths (at most 32) are in the documents of text, as bits. A path names members from the outermost object inwards,
 * `threads.frames.module`; arrays do not count. text may be cut off anywhere. One pass. */
uint32_t wh_json_paths(const char *text, size_t size, const char *const *paths, size_t n);

/* A member's string; empty where there is none. */
struct wh_span wh_json_span(const struct json_object *, const char *name);
/* The same, copied into the builder's arena; NULL: none, or empty. */
const char *wh_json_copy(struct wh_stack_builder *, const struct json_object *, const char *name);
/* A member that is a string or a number, as an attribute: its first line, cut to WH_MESSAGE_LONGEST. */
void wh_json_attribute(struct wh_stack_builder *, const char *attribute, const struct json_object *, const char *name);
/* A member that is a date (`2026-11-20 10:00:00.1234 +0100`, ISO 8601) or a number of seconds as the report's time. */
void wh_json_time(struct wh_stack_builder *, const struct json_object *, const char *name);
/* The member of an object, of any type, else NULL. */
struct json_object *wh_json_member(const struct json_object *, const char *name);
/* Whether the member is `true`. */
bool wh_json_true(const struct json_object *, const char *name);
/* Element i of an array, or NULL. */
struct json_object *wh_json_element(const struct json_object *array, size_t i);
/* How many an array has; 0 for NULL. */
size_t wh_json_count(const struct json_object *array);

#endif
