/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_json_apple DATA: the readers of Apple's reports, of stackwalkers' output and of JSON events against what nobody prints:
 * their fixtures cut off at every byte and with bytes changed, text without end, and texts made to cost more than they are long.
 * Texts lie in blocks of their very size, so that a sanitizer sees every byte read too far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/input.h"
#include "base/rng.h"
#include "format/format.h"
#include "format/stack/images.h"
#include "format/stack/json_report.h"
#include "format/stack/list.h"
#include "observation/stack.h"

#define ARENA ((size_t)64 << 20)

static const char *data;
static const char *const names[] = { "apple-crash", "ips", "minidump-json", "minidump-stackwalk", "socorro", "sentry", "satyr" };

#define N_NAMES (sizeof names / sizeof *names)

struct counts {
	size_t reports, skips, frames;
	size_t line; /* of the last skip */
	char why[256];
};

static int count_report(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct counts *counts = user;
	const struct wh_stack *stack = o->body;
	(void)err;
	counts->reports++;
	for (size_t i = 0; i < stack->n_frames; i++)
		if (stack->frames[i].function)
			counts->frames += strlen(stack->frames[i].function) > 0;
	for (size_t i = 0; i < o->n_attributes; i++)
		assert_true(*o->attributes[i].value);
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct counts *counts = user;
	(void)err;
	counts->skips++;
	counts->line = line;
	snprintf(counts->why, sizeof counts->why, "%s", why);
	return WH_OK;
}

/* Reads a copy of text with no byte to spare; the arena stays within limit. */
static struct counts read_text(const struct wh_format *format, const char *text, size_t n, size_t limit)
{
	struct counts counts = { 0 };
	struct wh_arena arena;
	struct wh_err err = { 0 };
	char *block = malloc(n ? n : 1);
	assert_non_null(block);
	if (n)
		memcpy(block, text, n);
	wh_arena_init(&arena, limit);
	struct wh_reader reader = { .describe = true, .name = "hostile", .text = block, .size = n, .first_line = 1, .arena = &arena,
				    .take = count_report, .skip = count_skip, .user = &counts, .format = format };
	assert_in_range(n ? format->detect(block, n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE) : 0, 0, 100);
	if (format->read(&reader, &err) != WH_OK)
		fail_msg("%s: %s", format->name, err.message);
	assert_ptr_equal(reader.text, block);
	assert_int_equal(reader.size, n);
	assert_int_equal(reader.first_line, 1);
	assert_true(arena.total <= limit);
	wh_arena_release(&arena);
	free(block);
	return counts;
}

typedef void each_fn(const struct wh_format *, const char *text, size_t n);

struct walk {
	const struct wh_format *format;
	each_fn *each;
	size_t n;
};

static int walk_file(void *user, const char *path, const char *relative, struct wh_err *err)
{
	struct walk *walk = user;
	struct wh_input input;
	size_t length = strlen(relative);
	if (length < 4 || strcmp(relative + length - 4, ".txt") || !strcmp(relative, "PROVENANCE.txt"))
		return WH_OK;
	WH_TRY(wh_input_open(&input, path, err));
	walk->each(walk->format, input.text, input.size);
	walk->n++;
	wh_input_release(&input);
	return WH_OK;
}

static void each_fixture(each_fn *each)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		char folder[4096];
		struct walk walk = { .format = wh_format_find(wh_stack_formats, names[i]), .each = each };
		struct wh_err err;
		assert_non_null(walk.format);
		snprintf(folder, sizeof folder, "%s/%s", data, names[i]);
		assert_int_equal(wh_walk(folder, walk_file, &walk, &err), WH_OK);
		assert_true(walk.n > 0);
	}
}

static void cut_one(const struct wh_format *format, const char *text, size_t n)
{
	size_t step = n > 2048 ? n / 512 : 1;
	for (size_t i = 0; i < n; i += step)
		read_text(format, text, i, ARENA);
}

static void cut_off(void **state)
{
	(void)state;
	each_fixture(cut_one);
}

static void change_one(const struct wh_format *format, const char *text, size_t n)
{
	static const char odd[] = "\0\n\r\t\"'()[]{}:,/|+-<>\\ \x1b\xc2\xff#0x9";
	struct wh_rng rng;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < 60; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < 4; i++) {
			size_t at = wh_rng_below(&rng, n);
			switch (wh_rng_below(&rng, 3)) {
			case 0:
				copy[at] = odd[wh_rng_below(&rng, sizeof odd - 1)];
				break;
			case 1:
				copy[at] = (char)wh_rng_next(&rng);
				break;
			default: { /* a piece moved elsewhere */
				size_t from = wh_rng_below(&rng, n), length = wh_rng_below(&rng, 64);
				length = length < n - at ? length : n - at;
				length = length < n - from ? length : n - from;
				memmove(copy + at, copy + from, length);
			}
			}
		}
		read_text(format, copy, n, ARENA);
	}
	free(copy);
}

static void change_bytes(void **state)
{
	(void)state;
	each_fixture(change_one);
}

static void crlf_one(const struct wh_format *format, const char *text, size_t n)
{
	char *other = malloc(2 * n + 1);
	size_t m = 0;
	assert_non_null(other);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			other[m++] = '\r';
		other[m++] = text[i];
	}
	struct counts want = read_text(format, text, n, ARENA), got = read_text(format, other, m, ARENA);
	assert_int_equal(got.reports, want.reports);
	assert_int_equal(got.frames, want.frames);
	free(other);
}

/* The ends of lines of other systems change nothing (but within envelopes, where they are counted). */
static void crlf(void **state)
{
	(void)state;
	each_fixture(crlf_one);
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* begin, then piece over and over, n bytes in all. */
static char *repeated(const char *begin, const char *piece, size_t n)
{
	size_t first = strlen(begin), length = strlen(piece);
	char *text = malloc(n);
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i < first ? begin[i] : piece[(i - first) % length];
	return text;
}

static const char *const beginnings[] = {
	"", "Process: x [1]\nOS Version: x\nThread 0 Crashed:\n", "Process: x [1]\nCall graph:\n", "Process: x\nBinary Images:\n",
	"Process: x\nApplication Specific Information:\n", "Process: x\nLast Exception Backtrace:\n(",
	"{\"bug_type\":\"109\",\"timestamp\":\"1\",\"incident_id\":\"2\"}\n", "OS|a|b\nCrash|a|b|0\n", "Operating system: a\nThread 0 (crashed)\n",
	"{\"threads\":[{\"frames\":[", "{\"exception\":{\"values\":[", "[", "{\"dsn\":\"x\"}\n{\"type\":\"event\"}\n",
};

static void one_line(void **state)
{
	(void)state;
	const size_t n = (size_t)8 << 20;
	static const char *const pieces[] = { "a", "0   x  0x10 ", "{", "\"", "0x10 - ", "[[", " (", "+ 2 a  (in b) ", "\\", "|" };
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
		for (size_t b = 0; b < sizeof beginnings / sizeof *beginnings; b += 1 + b % 3) {
			char *text = repeated(beginnings[b], pieces[p], n);
			for (size_t i = 0; i < N_NAMES; i++) {
				double start = seconds();
				read_text(wh_format_find(wh_stack_formats, names[i]), text, n, ARENA);
				double spent = seconds() - start;
				if (spent > 20)
					fail_msg("%s: %.1f s for 8 MiB of %s", names[i], spent, pieces[p]);
			}
			free(text);
		}
}

/* What would cost more than linear time where a reader looked back or ahead without bound. */
static void many_lines(void **state)
{
	(void)state;
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
	};
	const size_t n = (size_t)192 << 10;
	for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
		for (size_t b = 0; b < sizeof beginnings / sizeof *beginnings; b++) {
			char *text = repeated(beginnings[b], pieces[p], n);
			for (size_t i = 0; i < N_NAMES; i++) {
				double start = seconds();
				read_text(wh_format_find(wh_stack_formats, names[i]), text, n, ARENA);
				double spent = seconds() - start;
				if (spent > 5)
					fail_msg("%s: %.1f s for 192 KiB of %s behind %s", names[i], spent, pieces[p], beginnings[b]);
			}
			free(text);
		}
}

static void small_one(const struct wh_format *format, const char *text, size_t n)
{
	for (size_t limit = 64; limit < (size_t)1 << 20; limit *= 4) {
		struct counts counts = read_text(format, text, n, limit);
		if (!counts.reports && !counts.skips)
			fail_msg("%s: lost with %zu bytes: %.60s", format->name, limit, text);
	}
}

/* A report too large for its arena is skipped and counted, and what it began with is not handed over. */
static void small_arena(void **state)
{
	(void)state;
	each_fixture(small_one);
}

static void expect_skip(const char *format, const char *text, size_t n, size_t reports, size_t line, const char *why)
{
	struct counts counts = read_text(wh_format_find(wh_stack_formats, format), text, n, ARENA);
	assert_int_equal(counts.reports, reports);
	assert_int_equal(counts.skips, 1);
	assert_int_equal(counts.line, line);
	if (!strstr(counts.why, why))
		fail_msg("%s: %s, expected %s", format, counts.why, why);
}

/* Where it went wrong, and why, is said. */
static void says_why(void **state)
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
static void large_documents(void **state)
{
	(void)state;
	static const char event[] = "]}\n{\"platform\":\"go\",\"exception\":[{\"type\":\"x\"}]}\n";
	const size_t sizes[] = { WH_JSON_LARGEST + 100, 2 * WH_JSON_MOST_VALUES + 100 };
	static const char *const pieces[] = { "          ", "0," };
	static const char *const whys[] = { "MiB", "values" };
	for (size_t i = 0; i < 2; i++) {
		char *text = repeated("{\"exception\":[", pieces[i], sizes[i] + strlen(event));
		memcpy(text + sizes[i], event, strlen(event));
		expect_skip("sentry", text, sizes[i] + strlen(event), 1, 1, whys[i]);
		free(text);
	}
}

/* Bytes that are no UTF-8, members twice, numbers as strings and of every size. */
static void odd_values(void **state)
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
		struct counts counts = read_text(&wh_format_sentry, events[i], strlen(events[i]), ARENA);
		assert_int_equal(counts.reports, 1);
		assert_true(counts.frames >= 1);
	}
	static const char dump[] = "{\"crash_info\":{\"crashing_thread\":18446744073709551615},\"crashing_thread\":7,\"threads\":[1],\"modules\":{}}";
	assert_int_equal(read_text(&wh_format_minidump_json, dump, strlen(dump), ARENA).reports, 1);
	static const char ips[] = "{\"faultingThread\":18446744073709551615,\"usedImages\":[1],\"threads\":[{\"triggered\":true,\"frames\":["
				  "{\"imageIndex\":0,\"imageOffset\":1},{\"imageIndex\":99,\"symbol\":\"f\"},2]}]}";
	assert_int_equal(read_text(&wh_format_ips, ips, strlen(ips), ARENA).reports, 1);
}

static void paths(void **state)
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

static void images(void **state)
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

/* None of these is a crash report. */
static void not_reports(void **state)
{
	(void)state;
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
	};
	for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
		for (size_t i = 0; i < N_NAMES; i++) {
			int sure = wh_format_find(wh_stack_formats, names[i])->detect(texts[t], strlen(texts[t]));
			if (sure >= WH_DETECT_LEAST)
				fail_msg("%s is %d sure of %.60s", names[i], sure, texts[t]);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_off),    cmocka_unit_test(change_bytes), cmocka_unit_test(crlf),	  cmocka_unit_test(one_line),
		cmocka_unit_test(many_lines), cmocka_unit_test(small_arena),  cmocka_unit_test(says_why), cmocka_unit_test(large_documents),
		cmocka_unit_test(odd_values), cmocka_unit_test(paths),	      cmocka_unit_test(images),	  cmocka_unit_test(not_reports),
	};
	data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
