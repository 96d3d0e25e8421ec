/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, parameters, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whorl/param.h>

#include "base/json.h"
#include "base/rng.h"
#include "base/str.h"

static struct wh_bytes bytes(const char *text)
{
	return (struct wh_bytes){ text, strlen(text) };
}

static int append(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static int refuse(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user, (void)data, (void)n;
	return wh_err_set(err, WH_E_IO, "no room");
}

/* ---- reading ---- */

static void json_takes_one_value(void **state)
{
	(void)state;
	static const char *const good[] = { "1", " 1 ", "-1.5e3\n", "\"x\"", "true", "null", "[]", "{}", "{\"a\":[1,{\"b\":null}]}",
					    "\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\"", "18446744073709551615" };
	static const char *const bad[] = { "", " ", "1 2", "{} x", "[1,]", "{\"a\":1,}", "{a:1}", "\"", "tru", "nul", "[", "]",
					   "\"\xff\"", "\"\xc3\"", "/* */1", "{\"a\"}", "1x" };
	struct json_object *value;
	struct wh_err err = { 0 };
	struct json_tokener *parser = wh_json_parser_new();
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (wh_json_parse(bytes(good[i]), &value, &err) != WH_OK)
			fail_msg("%s: %s", good[i], err.message);
		json_object_put(value);
		for (size_t k = 0; k < sizeof bad / sizeof *bad; k += 5) { /* a parser that has failed works again */
			assert_int_equal(wh_json_parse_with(parser, bytes(bad[k]), &value, &err), WH_E_FORMAT);
			assert_int_equal(wh_json_parse_with(parser, bytes(good[i]), &value, &err), WH_OK);
			json_object_put(value);
		}
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (wh_json_parse(bytes(bad[i]), &value, &err) != WH_E_FORMAT)
			fail_msg("taken: %s", bad[i]);
		assert_null(value);
	}
	assert_int_equal(wh_json_parse((struct wh_bytes){ "1\0002", 3 }, &value, &err), WH_E_FORMAT);
	assert_int_equal(wh_json_parse((struct wh_bytes){ "{}\0", 3 }, &value, &err), WH_E_FORMAT);
	json_tokener_free(parser);
}

static void json_is_not_bottomless(void **state)
{
	(void)state;
	char text[400];
	struct json_object *value;
	struct wh_err err = { 0 };
	size_t most = 0;
	for (size_t depth = 1; depth < 100; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		if (wh_json_parse((struct wh_bytes){ text, 2 * depth }, &value, &err) == WH_OK) {
			json_object_put(value);
			assert_int_equal(most, depth - 1);
			most = depth;
		}
	}
	assert_in_range(most, WH_JSON_DEPTH - 2, WH_JSON_DEPTH);
}

static void json_members(void **state)
{
	(void)state;
	struct json_object *o;
	struct wh_err err = { 0 };
	uint64_t n = 0;
	assert_int_equal(wh_json_parse(bytes("{\"a\":18446744073709551615,\"b\":\"0xffffffff81000000\",\"c\":\"12\",\"d\":-1,\"e\":\"x\",\"f\":1.5,"
					     "\"g\":\"\",\"h\":\"-1\",\"i\":\"0x\",\"j\":\"0x1ffffffffffffffff\",\"k\":\"12 \",\"l\":[],\"m\":{}}"),
				       &o, &err), WH_OK);
	assert_true(wh_json_u64(o, "a", &n) && n == UINT64_MAX);
	assert_true(wh_json_u64(o, "b", &n) && n == UINT64_C(0xffffffff81000000));
	assert_true(wh_json_u64(o, "c", &n) && n == 12);
	for (const char *bad = "defghijklmz"; *bad; bad++) {
		char name[] = { *bad, '\0' };
		if (wh_json_u64(o, name, &n))
			fail_msg("a number: %s", name);
	}
	assert_string_equal(wh_json_string(o, "e"), "x");
	assert_null(wh_json_string(o, "a"));
	assert_non_null(wh_json_array(o, "l"));
	assert_null(wh_json_array(o, "m"));
	assert_non_null(wh_json_object(o, "m"));
	assert_null(wh_json_object(o, "z"));
	assert_null(wh_json_string(NULL, "z"));
	json_object_put(o);
}

/* ---- writing ---- */

static void random_bytes(struct wh_rng *rng, char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(wh_rng_below(rng, 3) ? 1 + wh_rng_below(rng, 255) : (uint64_t)"\"\\/\n\t\x7f\x80\xc3"[wh_rng_below(rng, 8)]);
}

static void json_round_trips(void **state)
{
	(void)state;
	struct wh_rng rng;
	wh_rng_init(&rng, 6);
	for (int i = 0; i < 20000; i++) {
		char text[24];
		size_t n = wh_rng_below(&rng, sizeof text);
		struct wh_str quoted = { 0 }, twice = { 0 };
		struct json_object *value;
		struct wh_err err = { 0 };
		random_bytes(&rng, text, n);
		wh_json_quote(&quoted, text, n);
		if (wh_json_parse((struct wh_bytes){ quoted.data, quoted.n }, &value, &err) != WH_OK)
			fail_msg("%s: %s", quoted.data, err.message);
		const char *back = json_object_get_string(value);
		size_t size = (size_t)json_object_get_string_len(value);
		wh_json_quote(&twice, back, size); /* valid by now: nothing is replaced any more */
		assert_string_equal(twice.data, quoted.data);
		bool ascii = true;
		for (size_t k = 0; k < n; k++)
			ascii &= (unsigned char)text[k] < 0x80;
		if (ascii)
			assert_true(size == n && !memcmp(back, text, n));
		json_object_put(value);
		wh_str_release(&quoted);
		wh_str_release(&twice);
	}
	for (int i = 0; i < 100000; i++) {
		union { uint64_t u; double d; } number = { wh_rng_next(&rng) };
		struct wh_str out = { 0 };
		wh_json_real(&out, number.d);
		if (isfinite(number.d))
			assert_true(strtod(out.data, NULL) == number.d);
		else
			assert_string_equal(out.data, "null");
		wh_str_release(&out);
	}
}

static void invalid_utf8_is_replaced(void **state)
{
	(void)state;
	static const struct { const char *in, *out; } cases[] = {
		{ "a\xff" "b", "\"a\xef\xbf\xbd" "b\"" }, { "\xc3", "\"\xef\xbf\xbd\"" }, { "\xc3\xa9", "\"\xc3\xa9\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, { "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, { "\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" }, { "\"\\\n\t", "\"\\\"\\\\\\n\\t\"" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wh_str out = { 0 };
		wh_json_quote(&out, cases[i].in, strlen(cases[i].in));
		assert_string_equal(out.data, cases[i].out);
		wh_str_release(&out);
	}
}

static void write_things(struct wh_emit *e)
{
	wh_emit_integer(e, "i", INT64_MIN);
	wh_emit_real(e, "r", 0.1);
	wh_emit_real(e, "nan", NAN);
	wh_emit_boolean(e, "b", true);
	wh_emit_string(e, "absent", NULL);
	wh_emit_array(e, "a");
	wh_emit_string(e, NULL, NULL);
	wh_emit_format(e, NULL, "%d", 5);
	wh_emit_end(e);
	wh_emit_object(e, "o");
	wh_emit_end(e);
	wh_emit_time(e, "t", 0);
}

static void writers(void **state)
{
	(void)state;
	static const char things[] = "{\"i\":-9223372036854775808,\"r\":0.1,\"nan\":null,\"b\":true,\"a\":[null,\"5\"],\"o\":{},"
				     "\"t\":\"1970-01-01T00:00:00Z\"}\n";
	static const char *const columns[] = { "i", NULL };
	struct wh_json_writer w;
	struct wh_str out = { 0 };
	struct wh_err err = { 0 };
	struct json_object *value;
	wh_json_writer_init(&w, (struct wh_sink){ append, &out }, true);
	wh_emit_records(&w.emit, "s", columns);
	for (int i = 0; i < 2; i++) {
		wh_emit_object(&w.emit, NULL);
		write_things(&w.emit);
		wh_emit_end(&w.emit);
	}
	assert_int_equal(wh_emit_close(&w.emit, &err), WH_OK);
	assert_int_equal(out.n, 2 * strlen(things));
	assert_memory_equal(out.data, things, strlen(things));
	assert_string_equal(out.data + strlen(things), things);
	wh_json_writer_release(&w);
	wh_str_clear(&out);
	wh_json_writer_init(&w, (struct wh_sink){ append, &out }, false);
	wh_emit_document(&w.emit, "whorl.x/1");
	write_things(&w.emit);
	assert_int_equal(wh_emit_close(&w.emit, &err), WH_OK);
	assert_int_equal(wh_json_parse((struct wh_bytes){ out.data, out.n }, &value, &err), WH_OK);
	assert_string_equal(wh_json_string(value, "schema"), "whorl.x/1");
	json_object_put(value);
	wh_json_writer_release(&w);
	wh_str_release(&out);
	wh_json_writer_init(&w, (struct wh_sink){ refuse, NULL }, true); /* errors stick and come out at the end */
	wh_emit_records(&w.emit, "s", columns);
	for (int i = 0; i < 3000; i++) {
		wh_emit_object(&w.emit, NULL);
		write_things(&w.emit);
		wh_emit_end(&w.emit);
	}
	assert_int_equal(wh_emit_close(&w.emit, &err), WH_E_IO);
	assert_string_equal(err.message, "no room");
	wh_json_writer_release(&w);
	wh_json_writer_init(&w, (struct wh_sink){ append, &out }, false);
	wh_emit_document(&w.emit, "deep");
	for (int i = 0; i < 100; i++)
		wh_emit_array(&w.emit, "a");
	assert_int_equal(wh_emit_close(&w.emit, &err), WH_E_LIMIT);
	wh_json_writer_release(&w);
	wh_str_release(&out);
}

/* ---- parameters ---- */

static const struct wh_param table[] = {
	{ .name = "flag", .type = WH_PARAM_FLAG },
	{ .name = "int", .type = WH_PARAM_INT, .initial = "5", .lo = -10, .hi = 10 },
	{ .name = "any", .type = WH_PARAM_INT },
	{ .name = "real", .type = WH_PARAM_REAL, .initial = "0.1", .lo = 0, .hi = 1 },
	{ .name = "text", .type = WH_PARAM_STRING },
	{ .name = "choice", .type = WH_PARAM_CHOICE, .initial = "one", .choices = "one|two|three" },
	{ .name = "path", .type = WH_PARAM_PATH, .initial = "x" },
	{ 0 },
};

static void parameters(void **state)
{
	(void)state;
	static const char *const bad[][2] = {
		{ "int", "11" }, { "int", "-11" }, { "int", "x" }, { "int", "" }, { "int", "1.5" }, { "int", "5x" },
		{ "any", "99999999999999999999" }, { "real", "nan" }, { "real", "inf" }, { "real", "1.01" }, { "real", "-1" }, { "real", "" },
		{ "flag", "yes" }, { "choice", "" }, { "choice", "on" }, { "choice", "one|two" }, { "choice", "four" }, { "choice", "|" },
		{ "none", "1" },
	};
	struct wh_values values, copy;
	struct wh_err err = { 0 };
	char buffer[32];
	assert_int_equal(wh_params_count(table), 7);
	assert_int_equal(wh_values_init(&values, table, &err), WH_OK);
	assert_false(wh_values_flag(&values, "flag"));
	assert_int_equal(wh_values_int(&values, "int"), 5);
	assert_true(wh_values_real(&values, "real") == 0.1);
	assert_null(wh_values_string(&values, "text"));
	assert_string_equal(wh_values_string(&values, "choice"), "one");
	assert_false(wh_values_given(&values, "int"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (wh_values_set(&values, bad[i][0], bad[i][1], &err) != WH_E_USAGE)
			fail_msg("%s taken: %s", bad[i][0], bad[i][1]);
		assert_non_null(strstr(err.message, bad[i][0]));
		assert_false(wh_values_given(&values, bad[i][0]));
	}
	assert_int_equal(wh_values_set(&values, "int", "-10", &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "any", "-9223372036854775808", &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "text", "a b", &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "text", "c", &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "choice", "three", &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "flag", "true", &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "real", "0.30000000000000004", &err), WH_OK);
	assert_int_equal(wh_values_copy(&copy, &values, &err), WH_OK);
	for (size_t i = 0; i < values.n; i++) { /* text reads back to the same */
		char before[64], after[32];
		const char *text = wh_values_text(&values, i, buffer, sizeof buffer);
		snprintf(before, sizeof before, "%s", text ? text : "");
		if (text && *text)
			assert_int_equal(wh_values_set(&copy, table[i].name, before, &err), WH_OK);
		assert_string_equal(before, text ? wh_values_text(&copy, i, after, sizeof after) : "");
		assert_true(wh_values_given(&values, table[i].name) == (i != 6));
	}
	wh_values_release(&values);
	assert_string_equal(wh_values_string(&copy, "text"), "c");
	assert_true(wh_values_real(&copy, "real") == 0.30000000000000004);
	wh_values_release(&copy);
	assert_int_equal(wh_values_init(&values, NULL, &err), WH_OK);
	wh_values_release(&values);
}

/* ---- errors ---- */

static void errors_wrap(void **state)
{
	(void)state;
	struct wh_err err = { 0 };
	char expected[3000] = "";
	assert_int_equal(wh_err_set(NULL, WH_E_IO, "x"), WH_E_IO);
	assert_int_equal(wh_err_wrap(NULL, WH_E_IO, "x"), WH_E_IO);
	assert_int_equal(wh_err_set(&err, WH_E_FORMAT, "line %d", 3), WH_E_FORMAT);
	assert_int_equal(wh_err_wrap(&err, WH_E_IO, "%s", "a.txt"), WH_E_FORMAT);
	assert_string_equal(err.message, "a.txt: line 3");
	for (int i = 0; i < 200; i++) /* the outermost stays when it gets long */
		(void)wh_err_wrap(&err, WH_E_IO, "folder%d", i);
	for (int i = 199; i > 0 && strlen(expected) < 1100; i--)
		snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "folder%d: ", i);
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
	assert_memory_equal(err.message, expected, sizeof err.message - 1);
	for (int code = WH_OK; code <= WH_E_INTERNAL; code++)
		assert_string_not_equal(wh_code_name(code), "unknown");
	assert_string_equal(wh_code_name(-1), "unknown");
	assert_string_equal(wh_code_name(99), "unknown");
}

static void find_is_memmem(void **state)
{
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 3);
	for (int round = 0; round < 200000; round++) {
		char text[80], needle[24];
		size_t n = wh_rng_below(&rng, sizeof text + 1), m = 1 + wh_rng_below(&rng, sizeof needle);
		for (size_t i = 0; i < n; i++)
			text[i] = (char)('a' + wh_rng_below(&rng, 3));
		for (size_t i = 0; i < m; i++)
			needle[i] = (char)('a' + wh_rng_below(&rng, 3));
		if (m <= n && wh_rng_below(&rng, 2))
			memcpy(needle, text + wh_rng_below(&rng, n - m + 1), m);
		assert_ptr_equal(wh_find(text, n, needle, m), memmem(text, n, needle, m));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_is_memmem),
		cmocka_unit_test(json_takes_one_value), cmocka_unit_test(json_is_not_bottomless), cmocka_unit_test(json_members),
		cmocka_unit_test(json_round_trips),	cmocka_unit_test(invalid_utf8_is_replaced), cmocka_unit_test(writers),
		cmocka_unit_test(parameters),		cmocka_unit_test(errors_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
