/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out. Reading is json-c (it keeps uint64 kernel addresses); writing is a streaming wh_emit writer.
 */
#ifndef WHORL_BASE_JSON_H
#define WHORL_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include <whorl/emit.h>
#include <whorl/observation.h>
#include <whorl/writer.h>

#include "base/str.h"

#define WH_JSON_DEPTH 64

/* Parses exactly one value (blanks around it allowed), UTF-8 checked, at most WH_JSON_DEPTH deep. The caller puts *value with
 * json_object_put. WH_E_FORMAT says where and why. */
int wh_json_parse(struct wh_bytes text, struct json_object **value, struct wh_err *) WH_NODISCARD;

/* A parser to be used again and again by one thread: saves an allocation a record. */
struct json_tokener *wh_json_parser_new(void);
int wh_json_parse_with(struct json_tokener *, struct wh_bytes text, struct json_object **value, struct wh_err *) WH_NODISCARD;

/* Members by name; NULL / false where absent or of another type. Strings live as long as the value. */
const char *wh_json_string(const struct json_object *, const char *name);
struct json_object *wh_json_object(const struct json_object *, const char *name);
struct json_object *wh_json_array(const struct json_object *, const char *name);
/* A number, or a string that is one: decimal or 0x…. */
bool wh_json_u64(const struct json_object *, const char *name, uint64_t *);
/* The same of a value at hand. */
bool wh_json_value_u64(const struct json_object *value, uint64_t *);

/* A writer: `lines` gives one compact object a line without a wrapping array (JSON lines), else one pretty document.
 * It owns nothing; wh_json_writer_release frees its buffers. */
struct wh_json_writer {
	struct wh_emit emit;
	struct wh_sink sink;
	struct wh_str buffer;
	struct wh_err error;
	bool lines, records;
	unsigned depth;
	bool comma[WH_JSON_DEPTH]; /* something was written at this depth */
	bool array[WH_JSON_DEPTH];
};

void wh_json_writer_init(struct wh_json_writer *, struct wh_sink, bool lines);
void wh_json_writer_release(struct wh_json_writer *);

/* Appends a string as JSON with its quotes; invalid UTF-8 becomes U+FFFD. */
void wh_json_quote(struct wh_str *, const char *text, size_t n);
/* Appends the shortest text that reads back to v; `null` where v is not finite. */
void wh_json_real(struct wh_str *, double v);

#endif
