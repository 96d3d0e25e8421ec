/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_json_apple DATA: the readers of Apple's reports, of stackwalkers' output and of JSON events; what they are made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

#include "format/stack/images.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"

static const char *const formats[] = { "apple-crash", "ips", "minidump-json", "minidump-stackwalk", "socorro", "sentry", "satyr", NULL };

/* So many of the beginnings are for short texts only: those without end take long. */
enum { SHORT_ONLY = 4 };
static const char *const beginnings[] = {
	"Process: x [1]\nCall graph:\n", "Process: x\nLast Exception Backtrace:\n(", "Operating system: a\nThread 0 (crashed)\n", "[",
	"", "Process: x [1]\nOS Version: x\nThread 0 Crashed:\n", "Process: x\nBinary Images:\n",
	"Process: x\nApplication Specific Information:\n", "{\"bug_type\":\"109\",\"timestamp\":\"1\",\"incident_id\":\"2\"}\n",
	"OS|a|b\nCrash|a|b|0\n", "{\"threads\":[{\"frames\":[", "{\"exception\":{\"values\":[",
	"{\"dsn\":\"x\"}\n{\"type\":\"event\"}\n", NULL,
};

static const char *const pieces[] = {
	"\n", "{\n", "{}\n", "{\"a\":1}\n", "x\n", "[\n", "{\"bug_type\":\"309\",\"timestamp\":\"1\",\"incident_id\":\"2\"}\n",
	"{\"bug_type\":\"309\",\"timestamp\":\"1\",\"incident_id\":\"2\"}\nx\n", "Process: x [1]\n", "Thread 0 Crashed:\n",
	"Thread 0 Crashed:\n0   a  0x1 b + 1\n", "Thread 0 name:  x\n", "0   a   0x10 b + 1 (c.c:2)\n", "0x1 - 0x2 a (1) <ab> /c\n",
	"Process: x [1]\nThread 0 Crashed:\n0   a  0x1 b + 1\n", "Call graph:\n", " 1 a  (in b) + 1  [0x1]\n",
	"Heaviest stack for the main thread of the target process:\n  1  a + 1 (b + 2) [0x3]\n", "Date/Time: 2020-01-01 00:00:00 +0000\n",
	"OS|a|b\n", "Crash|a|b|0\n", "Module|a|b|c|d|0x1|0x2|1\n", "0|0|a|b|c|1|0x1\n", "Operating system: a\n", "Thread 0 (crashed)\n",
	" 0  a!b [c : 1 + 0x1]\n    Found by: x\n", "0x1 - 0x2  a  b  (main)\n", "{\"type\":\"event\"}\n", "{\"type\":\"event\",\"length\":0}\n",
	"{\"dsn\":\"x\"}\n{\"type\":\"event\"}\n{}\n", "{\"stacktrace\":[{}]}\n", "{\"exception\":[{\"stacktrace\":{\"frames\":[{}]}}]}\n",
	"{\"json_dump\":{}}\n", "{\"java_stack_trace\":\"a.B\\n\\tat a.B.c(D.java:1)\\n\"}\n", "{\"frames\":[{}],\"threads\":[{\"frames\":[{}]}]}\n",
	"*** Terminating app due to uncaught exception 'a', reason: 'b'\n", "Application Specific Information:\n",
	NULL,
};

static const char *const endless[] = {
	"a", "0   x  0x10 ", "{", "\"", "0x10 - ", "[[", " (", "+ 2 a  (in b) ", "\\", "|",
	NULL,
};

/* None of these is a crash report. */
static const char *const texts[] = {
	"{\"name\": \"shop\", \"version\": \"1.0.0\", \"dependencies\": {\"@sentry/node\": \"8\"}, \"exception\": \"none\"}\n",
	"{\"type\":\"object\",\"properties\":{\"crash_info\":{\"type\":\"object\"},\"threads\":{\"items\":{\"properties\":{\"frames\":{}}}}}}\n",
	"{\"frames\": [{\"filename\": \"a.png\", \"duration\": 4}], \"platform\": \"web\", \"threads\": 4}\n",
	"{\"event_id\": 7, \"title\": \"meeting\", \"message\": \"at noon\"}\n",
	"{\"uuid\": \"x\", \"product\": \"soap\", \"version\": \"1\"}\n", "{\"stacktrace\": \"java.lang.X: y\", \"level\": \"ERROR\"}\n",
	"{\"signal\": 11, \"executable\": \"/bin/x\", \"threads\": [1, 2]}\n", "[1, 2, 3]\n", "[]\n", "{}\n", "{\n",
	"name: crash\non: push\njobs:\n  build:\n    runs-on: macos-13\n",
	"Process: make\nPath: /usr/bin\nVersion: 4.3\nIdentifier: x\nHost: till\nRole: builder\nEvent: start\nParent: init\nPID: 3\nThread: 1\n",
	"From: a@example.org\nDate/Time: now\nSubject: Exception Type\n\nExamine the fields OS Version: and Report Version: first.\n",
	"#include <stdio.h>\n\nstatic const char *keys[] = { \"Exception Type:\", \"Thread 0 Crashed:\" };\n",
	"Thread 0 Crashed: this is what the heading looks like.\n", "OS|name\nCPU|x\n", "Operating system: Linux\nCPU: x86\nMemory: 4 GiB\n",
	"Crash reason: tired\nOperating system: Windows\n", "a|b|c\n0|0|a|b|c|1|0x1\n",
	NULL,
};

static struct hostile hostile = {
	.formats = formats,
	.cuts = 1024,
	.rounds = 60,
	.changes = 4,
	.repeat = { beginnings, pieces, (size_t)192 << 10 },
	.endless = { beginnings + SHORT_ONLY, endless, (size_t)8 << 20 },
	.texts = texts,
};

HOSTILE_TEST(cut)
HOSTILE_TEST(change)
HOSTILE_TEST(crlf)
HOSTILE_TEST(repeat)
HOSTILE_TEST(endless)
HOSTILE_TEST(small_arena)
HOSTILE_TEST(no_reports)

static void expect_skip(const char *format, const char *text, size_t n, size_t reports, size_t line, const char *why)
{
	struct hostile_counts counts = hostile_read(hostile_format(format), text, n, HOSTILE_ARENA);
	assert_int_equal(counts.reports, reports);
	assert_int_equal(counts.skips, 1);
	assert_int_equal(counts.line, line);
	if (!strstr(counts.why, why))
		fail_msg("%s: %s, expected %s", format, counts.why, why);
}

/* Where it went wrong, and why, is said. */
static void test_says_why(void **state)
{
	(void)state;
	static const char event[] = "{\"platform\":\"go\",\"exception\":[{\"type\":\"x\"}]}";
	char text[4096];
	snprintf(text, sizeof text, "%s\n%s\n{\"a\":}\n%s\n", event, event, event);
	expect_skip("sentry", text, strlen(text), 3, 3, "byte 5");
	snprintf(text, sizeof text, "[%s,\n\n%s,\n{\"exception\": [", event, event);
	expect_skip("sentry", text, strlen(text), 2, 4, "ends too early");
	snprintf(text, sizeof text, "{\"dsn\":\"x\"}\n{\"type\":\"event\"}\n%s\n{\"type\":\"event\"\n", event);
	expect_skip("sentry", text, strlen(text), 1, 4, "nothing behind it");
	snprintf(text, sizeof text, "{\"status\": \"ERROR_X\"}\n");
	expect_skip("minidump-json", text, strlen(text), 0, 1, "ERROR_X");
	size_t deep = 0;
	deep += (size_t)snprintf(text, sizeof text, "{\"exception\":");
	for (int i = 0; i < 200; i++)
		text[deep++] = '[';
	for (int i = 0; i < 200; i++)
		text[deep++] = ']';
	text[deep++] = '}';
	expect_skip("sentry", text, deep, 0, 1, "nesting too deep");
}

/* More than is read of one document, in bytes and in values; what follows is read all the same. */
static void test_large_documents(void **state)
{
	(void)state;
	static const char event[] = "]}\n{\"platform\":\"go\",\"exception\":[{\"type\":\"x\"}]}\n";
	const size_t sizes[] = { WH_JSON_LARGEST + 100, 2 * WH_JSON_MOST_VALUES + 100 };
	static const char *const fillers[] = { "          ", "0," };
	static const char *const whys[] = { "MiB", "values" };
	for (size_t i = 0; i < 2; i++) {
		char *text = hostile_repeated("{\"exception\":[", fillers[i], sizes[i] + strlen(event));
		memcpy(text + sizes[i], event, strlen(event));
		expect_skip("sentry", text, sizes[i] + strlen(event), 1, 1, whys[i]);
		free(text);
	}
}

/* Bytes that are no UTF-8, members twice, numbers as strings and of every size. */
static void test_odd_values(void **state)
{
	(void)state;
	static const char *const events[] = {
		"{\"platform\":\"go\",\"exception\":[{\"type\":\"\xff\xfe\",\"stacktrace\":{\"frames\":[{\"function\":\"caf\xe9\"}]}}]}",
		"{\"exception\":1,\"exception\":[{\"stacktrace\":{\"frames\":[{\"function\":1,\"function\":\"f\"}]}}],\"platform\":\"go\"}",
		("{\"exception\":{\"stacktrace\":{\"frames\":[{\"function\":\"f\",\"lineno\":\"7\",\"instruction_addr\":\"0xffffffffffffffffff\"},"
		 "{\"function\":\"g\",\"lineno\":99999999999999999999,\"instruction_addr\":-1}]}}}"),
		"{\"exception\":{\"stacktrace\":{\"frames\":[null,1,[],\"x\",{\"function\":\"f\"}]}},\"threads\":[null],\"debug_meta\":{\"images\":[1]}}",
		"{\"threads\":[{\"id\":1,\"crashed\":true,\"stacktrace\":{\"frames\":[{\"function\":\"f\"}]}}],\"exception\":null,\"timestamp\":1e300}",
	};
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		struct hostile_counts counts = hostile_read(&wh_format_sentry, events[i], strlen(events[i]), HOSTILE_ARENA);
		assert_int_equal(counts.reports, 1);
		assert_true(counts.functions >= 1);
	}
	static const char dump[] = "{\"crash_info\":{\"crashing_thread\":18446744073709551615},\"crashing_thread\":7,\"threads\":[1],\"modules\":{}}";
	assert_int_equal(hostile_read(&wh_format_minidump_json, dump, strlen(dump), HOSTILE_ARENA).reports, 1);
	static const char ips[] = "{\"faultingThread\":18446744073709551615,\"usedImages\":[1],\"threads\":[{\"triggered\":true,\"frames\":["
				  "{\"imageIndex\":0,\"imageOffset\":1},{\"imageIndex\":99,\"symbol\":\"f\"},2]}]}";
	assert_int_equal(hostile_read(&wh_format_ips, ips, strlen(ips), HOSTILE_ARENA).reports, 1);
}

static void test_paths(void **state)
{
	(void)state;
	static const char *const wanted[] = { "a", "a.b", "a.b.c", "d", "a.d", "x y" };
	static const struct {
		const char *text;
		uint32_t found;
	} table[] = {
		{ "{\"a\":1}", 1 }, { "{\"a\":{\"b\":[{\"c\":1}]}}", 7 }, { "[{\"d\":{\"a\":{\"b\":1}}}]", 8 },
		{ "head\n---\n\n{\"a\":1}\n{\"d\":2}", 9 }, { "{\"x\":\"\\\"a\\\":\",\"d\":\"{\\\"a\\\":1}\"}", 8 }, { "{\"a\":[1,{\"d\"", 1 },
		{ "{\"a\" :[[{ \"d\"\n: 1}]], \"x y\":0}", 1 | 16 | 32 }, { "\"a\":1", 0 }, { "text {\"a\":1}", 0 }, { "{\"a\"", 0 }, { "", 0 },
		{ "{\"a\":{\"b\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"a\":1}}}}}}}}},\"d\":1}", 11 },
		{ "{\"aa\":1,\"\":{\"a\":1},\"a.b\":1}", 2 }, { "}}]{\"a\":1}", 0 },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		uint32_t found = wh_json_paths(table[i].text, strlen(table[i].text), wanted, sizeof wanted / sizeof *wanted);
		if (found != table[i].found)
			fail_msg("%s: %x, expected %x", table[i].text, found, table[i].found);
	}
}

static void test_images(void **state)
{
	(void)state;
	struct wh_images table = { 0 };
	static const char letters[] = "abcdefgh";
	assert_null(wh_images_at(&table, 1));
	for (size_t i = 8; i-- > 0;)
		wh_images_add(&table, (struct wh_image){ .base = 100 * i, .last = 100 * i + 49, .name = { letters + i, letters + i + 1 } });
	wh_images_add(&table, (struct wh_image){ .base = 710, .last = 0, .name = { letters, letters + 2 } });
	assert_ptr_equal(wh_images_at(&table, 0)->name.p, letters);
	assert_ptr_equal(wh_images_at(&table, 349)->name.p, letters + 3);
	assert_null(wh_images_at(&table, 350));
	assert_int_equal(wh_span_size(wh_images_at(&table, UINT64_MAX)->name), 2); /* nobody says where it ends */
	assert_int_equal(wh_images_named(&table, (struct wh_span){ letters + 5, letters + 6 })->base, 500);
	assert_int_equal(wh_images_named(&table, (struct wh_span){ letters, letters + 2 })->base, 710);
	assert_null(wh_images_named(&table, (struct wh_span){ letters, letters + 3 }));
	assert_false(table.failed);
	wh_images_release(&table);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut), cmocka_unit_test(test_change), cmocka_unit_test(test_crlf),
		cmocka_unit_test(test_repeat), cmocka_unit_test(test_endless), cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_no_reports), cmocka_unit_test(test_says_why), cmocka_unit_test(test_large_documents),
		cmocka_unit_test(test_odd_values), cmocka_unit_test(test_paths), cmocka_unit_test(test_images),
	};
	hostile.data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
