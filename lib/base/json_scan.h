/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passing over JSON without building it: one walk, no allocation but for strings that have escapes. For records that come by the
 * million (json.h, which builds a tree, takes four times as long); json-c is the tests' oracle of what is JSON and what it says.
 *
 * RFC 8259 to the letter: UTF-8 is checked, control characters in strings, leading zeros, bare words and trailing commas are errors,
 * at most WH_JSON_DEPTH deep.
 *
 *	struct wh_json_scan s;
 *	struct wh_json_value key, value;
 *	wh_json_scan_init(&s, text, arena);
 *	if (wh_json_scan_value(&s, &value) && value.kind == WH_JSON_OBJECT)
 *		while (wh_json_scan_member(&s, &key) && wh_json_scan_value(&s, &value))
 *			…                       an object or an array is walked here, or passed over by wh_json_scan_skip
 *	int code = wh_json_scan_finish(&s, err);        what went wrong, if anything did
 */
#ifndef WHORL_BASE_JSON_SCAN_H
#define WHORL_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>

struct wh_arena;

enum wh_json_kind { WH_JSON_NULL, WH_JSON_FALSE, WH_JSON_TRUE, WH_JSON_NUMBER, WH_JSON_STRING, WH_JSON_OBJECT, WH_JSON_ARRAY };

/* A number as it is written, a string without quotes and escapes; else empty. In the text or in the arena, not NUL-terminated. */
struct wh_json_value {
	enum wh_json_kind kind;
	const char *data;
	size_t size;
};

struct wh_json_scan {
	const char *begin, *p, *end;
	struct wh_arena *arena;
	const char *why;  /* the first error; sticks, and whoever is called after it returns false */
	bool short_of_memory;
	unsigned depth;
	uint64_t array;   /* bit per depth: whether it is an array */
	uint64_t started; /* … and whether it has had its first part */
};

void wh_json_scan_init(struct wh_json_scan *, struct wh_bytes text, struct wh_arena *);

/* The value that stands here. Of an object or array only the bracket is taken. */
bool wh_json_scan_value(struct wh_json_scan *, struct wh_json_value *);
/* In an object: the next member's name and colon; false (and the bracket is taken) at its end, or where something is wrong. */
bool wh_json_scan_member(struct wh_json_scan *, struct wh_json_value *name);
/* In an array: whether there is a next element, likewise. */
bool wh_json_scan_element(struct wh_json_scan *);
/* Passes over the rest of a value that wh_json_scan_value gave. */
bool wh_json_scan_skip(struct wh_json_scan *, const struct wh_json_value *);

/* After the value: WH_E_FORMAT, with the byte, where the text is not one JSON value; WH_E_NOMEM, WH_E_LIMIT of the arena. */
int wh_json_scan_finish(struct wh_json_scan *, struct wh_err *) WH_NODISCARD;

/* A non-negative integer, or a string that is one: decimal or 0x…. */
bool wh_json_scan_u64(const struct wh_json_value *, uint64_t *);

/* Whether value is this text. */
bool wh_json_scan_is(const struct wh_json_value *, const char *text);

#endif
