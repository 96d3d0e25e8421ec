/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over JSON against json-c, which builds it: the same texts are JSON, and say the same. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/rng.h"

/* What the walk saw, written as json-c would write it: numbers as they stand, strings quoted by our own writer. */
static void write_value(struct wh_json_scan *s, const struct wh_json_value *value, struct wh_str *out)
{
	static const char *const words[] = { [WH_JSON_NULL] = "null", [WH_JSON_FALSE] = "false", [WH_JSON_TRUE] = "true" };
	struct wh_json_value key, part;
	const char *comma = "";
	if (value->kind == WH_JSON_STRING) {
		wh_json_quote(out, value->data, value->size);
	} else if (value->kind == WH_JSON_NUMBER) {
		wh_str_add(out, value->data, value->size);
	} else if (value->kind == WH_JSON_ARRAY) {
		wh_str_putc(out, '[');
		for (; wh_json_scan_element(s) && wh_json_scan_value(s, &part); comma = ",") {
			wh_str_puts(out, comma);
			write_value(s, &part, out);
		}
		wh_str_putc(out, ']');
	} else if (value->kind == WH_JSON_OBJECT) {
		wh_str_putc(out, '{');
		for (; wh_json_scan_member(s, &key) && wh_json_scan_value(s, &part); comma = ",") {
			wh_str_puts(out, comma);
			wh_json_quote(out, key.data, key.size);
			wh_str_putc(out, ':');
			write_value(s, &part, out);
		}
		wh_str_putc(out, '}');
	} else {
		wh_str_puts(out, words[value->kind]);
	}
}

static void write_tree(struct json_object *value, struct wh_str *out)
{
	const char *comma = "";
	if (json_object_is_type(value, json_type_string)) {
		wh_json_quote(out, json_object_get_string(value), (size_t)json_object_get_string_len(value));
	} else if (json_object_is_type(value, json_type_array)) {
		wh_str_putc(out, '[');
		for (size_t i = 0; i < json_object_array_length(value); i++, comma = ",") {
			wh_str_puts(out, comma);
			write_tree(json_object_array_get_idx(value, i), out);
		}
		wh_str_putc(out, ']');
	} else if (json_object_is_type(value, json_type_object)) {
		wh_str_putc(out, '{');
		json_object_object_foreach(value, key, part)
		{
			wh_str_puts(out, comma);
			wh_json_quote(out, key, strlen(key));
			wh_str_putc(out, ':');
			write_tree(part, out);
			comma = ",";
		}
		wh_str_putc(out, '}');
	} else {
		wh_str_puts(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
	}
}

static int scan(struct wh_bytes text, struct wh_str *out, struct wh_err *err)
{
	struct wh_arena arena;
	struct wh_json_scan s;
	struct wh_json_value value;
	wh_arena_init(&arena, SIZE_MAX);
	wh_json_scan_init(&s, text, &arena);
	if (wh_json_scan_value(&s, &value))
		write_value(&s, &value, out);
	int code = wh_json_scan_finish(&s, err);
	wh_arena_release(&arena);
	return code;
}

static struct wh_bytes bytes(const char *text)
{
	return (struct wh_bytes){ text, strlen(text) };
}

static void grammar(void **state)
{
	static const char *const good[][2] = {
		{ " {\"a\" : [1, -0.5e+3,true,false,null, {}] ,\"b\":\"\"} ", "{\"a\":[1,-0.5e+3,true,false,null,{}],\"b\":\"\"}" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\"\\ud800x\\udc00\\ud800\\u0041\"", "\"\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd""A\"" },
		{ "0", "0" }, { "-0", "-0" }, { "18446744073709551616", "18446744073709551616" }, { "[[],[[]]]", "[[],[[]]]" },
		{ "\"0123456789abcdef \xc3\xa4 0123456789abcdef\"", "\"0123456789abcdef \xc3\xa4 0123456789abcdef\"" },
	};
	static const char *const bad[] = {
		"", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1 2]", "01",
		"-", "+1", ".5", "1.", "1e", "1e+", "nul", "nulll", "True", "\"", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"",
		"\"\x1f\"", "\"\xff\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\"", "1 2", "{} {}", "]", "[}", "{]", "[1}",
		"{\"a\" 1}", "{\"a\":}", "{,}", "[,]", "/* */1", "NaN", "Infinity", "\"abcdefgh\x01ijkl\"",
	};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct wh_str out = { 0 };
		struct wh_err err = { 0 };
		assert_int_equal(scan(bytes(good[i][0]), &out, &err), WH_OK);
		wh_str_putc(&out, 0);
		assert_string_equal(out.data, good[i][1]);
		wh_str_release(&out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct wh_str out = { 0 };
		struct wh_err err = { 0 };
		if (scan(bytes(bad[i]), &out, &err) != WH_E_FORMAT)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(err.message, "at byte "));
		wh_str_release(&out);
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	for (size_t depth = WH_JSON_DEPTH - 1; depth <= WH_JSON_DEPTH + 1; depth++) {
		char text[2 * WH_JSON_DEPTH + 3];
		struct wh_str out = { 0 };
		struct wh_err err;
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		assert_int_equal(scan((struct wh_bytes){ text, 2 * depth }, &out, &err), depth <= WH_JSON_DEPTH ? WH_OK : WH_E_FORMAT);
		wh_str_release(&out);
	}
}

static void numbers(void **state)
{
	static const struct {
		struct wh_json_value value;
		bool good;
		uint64_t number;
	} cases[] = {
		{ { WH_JSON_NUMBER, "0", 1 }, true, 0 },
		{ { WH_JSON_NUMBER, "18446744073709551615", 20 }, true, UINT64_MAX },
		{ { WH_JSON_NUMBER, "18446744073709551616", 20 }, false, 0 },
		{ { WH_JSON_NUMBER, "-1", 2 }, false, 0 },
		{ { WH_JSON_NUMBER, "1.5", 3 }, false, 0 },
		{ { WH_JSON_NUMBER, "1e3", 3 }, false, 0 },
		{ { WH_JSON_STRING, "0xFFffffff81000000", 18 }, true, UINT64_C(0xffffffff81000000) },
		{ { WH_JSON_STRING, "0x10000000000000000", 19 }, false, 0 },
		{ { WH_JSON_STRING, "0x", 2 }, false, 0 },
		{ { WH_JSON_STRING, "12", 2 }, true, 12 },
		{ { WH_JSON_STRING, "12 ", 3 }, false, 0 },
		{ { WH_JSON_STRING, "f", 1 }, false, 0 },
		{ { WH_JSON_STRING, "", 0 }, false, 0 },
		{ { WH_JSON_TRUE, "true", 0 }, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t number = 0;
		assert_int_equal(wh_json_scan_u64(&cases[i].value, &number), cases[i].good);
		assert_true(number == cases[i].number);
	}
}

/* Documents cut, spliced and with bytes changed. json-c takes some texts that RFC 8259 does not; what both take must be the same. */
static void agrees_with_json_c(void **state)
{
	static const char *const seeds[] = {
		"{\"id\":\"r1\",\"time\":\"2026-11-20T10:00:00Z\",\"frames\":[{\"function\":\"f\",\"line\":12,\"address\":\"0x7f00\"},{\"offset\":3}]}",
		"[1,-2.5e-3,true,null,\"\\u00e4\\n\\ud83d\\ude00\",{\"a\":{\"b\":[[[]]]}}]",
		"{\"a\":\"\xc3\xa4\xe2\x82\xac\",\"b\":[],\"c\":{},\"d\":0,\"e\":\"\\\\\\\"\"}",
	};
	static const char alphabet[] = "{}[],:\"\\u0019aeE+-. \n\xc3\xa4\xff\x01tn";
	struct wh_rng rng;
	size_t both = 0;
	(void)state;
	wh_rng_init(&rng, 7);
	for (int round = 0; round < 100000; round++) {
		char text[256];
		const char *seed = seeds[wh_rng_below(&rng, 3)];
		size_t n = strlen(seed);
		memcpy(text, seed, n);
		for (uint64_t edits = wh_rng_below(&rng, 4); edits && n; edits--) {
			size_t at = wh_rng_below(&rng, n);
			switch (wh_rng_below(&rng, 3)) {
			case 0: text[at] = alphabet[wh_rng_below(&rng, sizeof alphabet - 1)]; break;
			case 1: memmove(text + at, text + at + 1, --n - at); break;
			default: n = at; break;
			}
		}
		struct wh_str ours = { 0 }, theirs = { 0 };
		struct wh_err err;
		struct json_object *tree;
		int us = scan((struct wh_bytes){ text, n }, &ours, &err), them = wh_json_parse((struct wh_bytes){ text, n }, &tree, &err);
		if (us == WH_OK && them != WH_OK)
			fail_msg("json-c refuses what we take: %.*s", (int)n, text);
		if (us == WH_OK) {
			write_tree(tree, &theirs);
			bool same = ours.n == theirs.n && !memcmp(ours.data, theirs.data, ours.n);
			/* json-c drops the first of two members of one name, and writes -0 and huge integers its own way */
			if (!same && json_object_is_type(tree, json_type_object) && memchr(ours.data, '"', ours.n) && ours.n == theirs.n)
				fail_msg("%.*s is not %.*s", (int)ours.n, ours.data, (int)theirs.n, theirs.data);
			both += same;
		}
		if (them == WH_OK)
			json_object_put(tree);
		wh_str_release(&ours);
		wh_str_release(&theirs);
	}
	assert_true(both > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(numbers),
		cmocka_unit_test(agrees_with_json_c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
