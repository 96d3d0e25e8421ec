/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "collect/scrub.h"

#define DROPPED "(dropped)"

static struct wh_scrub *rules(const char *text, bool builtin)
{
	struct wh_scrub *scrub;
	struct wh_err err = { 0 };
	char inlined[4096];
	snprintf(inlined, sizeof inlined, "data:,%s", text);
	if (wh_scrub_new(&scrub, text ? inlined : NULL, builtin, "buildhost", &err) != WH_OK)
		fail_msg("%s", err.message);
	return scrub;
}

static void check(const struct wh_scrub *scrub, const char *name, const char *text, const char *expected)
{
	struct wh_str out = { 0 };
	bool keep = wh_scrub_text(scrub, name, text, strlen(text), &out);
	const char *got = !keep ? DROPPED : out.data ? out.data : "";
	if (strcmp(got, expected) != 0)
		fail_msg("%s: %s -> %s, not %s", name, text, got, expected);
	wh_str_release(&out);
}

static void test_builtin(void **state)
{
	(void)state;
	static const struct { const char *name, *text, *expected; } cases[] = {
		{ "command", "/usr/bin/we\\ ird --password x", "/usr/bin/we\\ ird" },
		{ "command", "one", "one" },
		{ "command", "/home/ann/bin/x y", "~/bin/x" },
		{ "arguments", "x", DROPPED },
		{ "environment", "PATH=/bin", DROPPED },
		{ "hostname", "x", DROPPED },
		{ "username", "x", DROPPED },
		{ "module", "/home/ann/lib/x.so", "~/lib/x.so" },
		{ "module", "/usr/lib/libfoo.so.1.2.3.4", "/usr/lib/libfoo.so.1.2.3.4" },
		{ "module", "C:\\Users\\Ann B\\x.dll", "~\\x.dll" },
		{ "exe", "/home/ann", "~" },
		{ "file", "/root/src/a.c", "~/src/a.c" },
		{ "file", "/sysroot/root2/a.c", "/sysroot/root2/a.c" },
		{ "file", "", "" },
		{ "function", "std::map</home/ann>", "std::map</home/ann>" },
		{ "build_id", "0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567" },
		{ "message", "from ann.b@example.co.uk at BUILDHOST, 10.0.0.1", "from <e-mail> at <host>, <address>" },
		{ "message", "buildhosts", "buildhosts" },
		{ "message", "token=abcdef123, \"api_key\": \"q\"", "token=<secret>, \"api_key\": <secret>\"" },
		{ "message", "Authorization: Bearer abcdefgh.ijk", "Authorization: <secret> <secret>" },
		{ "message", "https://ann:pw@example.org/x", "https://example.org/x" },
		{ "message", "ghp_0123456789abcdefghij eyJhbGciOiJI.eyJzdWIiOiIx.abc", "<secret> <secret>" },
		{ "message", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "<key>" },
		{ "reason", "SIGSEGV / SEGV_MAPERR", "SIGSEGV / SEGV_MAPERR" },
	};
	struct wh_scrub *scrub = rules(NULL, true);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check(scrub, cases[i].name, cases[i].text, cases[i].expected);
	wh_scrub_free(scrub);
}

static void test_own(void **state)
{
	(void)state;
	struct wh_scrub *scrub = rules("# mine\nkeep command # as it is\ndrop fun*\nfirst-word note\n"
				       "replace note \"(a+)(b)?\" \"<\\2\\1>\"\nreplace x \"\" \"-\"\nreplace quote \"\\\"\" \"'\"\n", true);
	check(scrub, "command", "a --password=x", "a --password=x");
	check(scrub, "function", "f", DROPPED);
	check(scrub, "note", "aab-ac rest", "<baa>-<a>c");
	check(scrub, "x", "ab", "-a-b-");
	check(scrub, "quote", "a\"b", "a'b");
	check(scrub, "exe", "/home/ann/x", "~/x"); /* the built-in ones come after */
	wh_scrub_free(scrub);
	scrub = rules("replace a b c", false);
	check(scrub, "exe", "/home/ann/x", "/home/ann/x");
	check(scrub, "a", "abc", "acc");
	wh_scrub_free(scrub);
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct { const char *text, *says; } cases[] = {
		{ "keep", "line 1" },		      { "\nforget x", "line 2" },	 { "keep a b", "takes a member" },
		{ "replace a b", "replace takes" },   { "replace a \"(\" b", "line 1" }, { "replace a b \"\\1\"", "no such group" },
		{ "replace a b \"\\", "not closed" }, { "replace a b \\x", "number" },	 { "replace a b c d", "too many words" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wh_scrub *scrub;
		struct wh_err err = { 0 };
		char inlined[256];
		snprintf(inlined, sizeof inlined, "data:,%s", cases[i].text);
		assert_int_equal(wh_scrub_new(&scrub, inlined, false, "h", &err), WH_E_FORMAT);
		assert_null(scrub);
		if (!strstr(err.message, cases[i].says))
			fail_msg("%s: %s", cases[i].text, err.message);
	}
	struct wh_scrub *scrub;
	assert_int_equal(wh_scrub_new(&scrub, "nowhere/rules", false, "h", NULL), WH_E_NOTFOUND);
}

/* What a process may say of itself: long, without end, not UTF-8. */
static void test_hostile(void **state)
{
	(void)state;
	static const char *const parts[] = { "a", "/home/", "a@a.", "password=", "eyJa", "AKIA", "1.1.", "\xff\xfe", "\\", "://", "\n" };
	struct wh_scrub *scrub = rules(NULL, true);
	struct wh_str out = { 0 };
	size_t n = 1 << 20;
	char *text = malloc(n);
	for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
		for (size_t i = 0; i < n; i++)
			text[i] = parts[k][i % strlen(parts[k])];
		(void)wh_scrub_text(scrub, "message", text, n, &out);
		assert_true(out.n <= 16 << 10);
		(void)wh_scrub_text(scrub, "command", text, n, &out);
		assert_true(wh_scrub_text(scrub, "function", text, n, &out));
		assert_int_equal(out.n, n);
	}
	assert_true(wh_scrub_text(scrub, "message", "a\0secret", 8, &out));
	assert_string_equal(out.data, "a");
	wh_str_release(&out);
	free(text);
	wh_scrub_free(scrub);
}

static int to_str(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static void test_writer(void **state)
{
	(void)state;
	struct wh_scrub *scrub = rules("drop gone\nreplace list b X\n", false);
	struct wh_str out = { 0 };
	struct wh_json_writer writer;
	struct wh_scrub_emit s;
	wh_json_writer_init(&writer, (struct wh_sink){ to_str, &out }, true);
	wh_scrub_emit_init(&s, scrub, &writer.emit);
	struct wh_emit *e = &s.emit;
	wh_emit_object(e, NULL);
	wh_emit_integer(e, "gone", 1);
	wh_emit_array(e, "list");
	for (int i = 0; i < 3; i++)
		wh_emit_string(e, NULL, "abc");
	wh_emit_object(e, NULL);
	wh_emit_string(e, "inner", "abc");
	wh_emit_boolean(e, "gone", true);
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_object(e, "gone");
	wh_emit_array(e, "list");
	wh_emit_string(e, NULL, "abc");
	wh_emit_end(e);
	wh_emit_end(e);
	wh_emit_real(e, "r", 0.5);
	wh_emit_null(e, "n");
	wh_emit_end(e);
	assert_int_equal(wh_emit_close(e, NULL), WH_OK);
	assert_string_equal(out.data, "{\"list\":[\"aXc\",\"aXc\",\"aXc\",{\"inner\":\"abc\"}],\"r\":0.5,\"n\":null}\n");
	wh_scrub_emit_release(&s);
	wh_json_writer_release(&writer);
	wh_str_release(&out);
	wh_scrub_free(scrub);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin), cmocka_unit_test(test_own),    cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
