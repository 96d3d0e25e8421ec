/* SPDX-License-Identifier: Apache-2.0 */
/* What every reader of sessions must bear: its fixtures cut anywhere, with bytes changed, repeated behind each other, lines and fields without end, an
 * arena that is too small, no memory; and that none claims what is another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input.h"
#include "base/rng.h"
#include "failing.h"
#include "format/format.h"
#include "format/session/list.h"
#include "format/session/reading.h"
#include "observation/session.h"

enum { ARENA = 64 << 20 };

static const char *data; /* folder of fixtures */

struct counts {
	size_t sessions, skips, steps, changes;
	size_t line; /* of the last skip */
	char why[256];
};

static int count(void *user, struct wh_observation *o, struct wh_err *err)
{
	const struct wh_session *session = o->body;
	struct counts *counts = user;
	(void)err;
	counts->sessions++;
	counts->steps += session->n_steps;
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *metric = &session->metrics[i];
		assert_true(!i || strcmp(session->metrics[i - 1].name, metric->name) < 0);
		for (size_t k = 0; k < metric->n_changes; k++)
			assert_true(metric->changes[k].step < session->n_steps && !isinf(metric->changes[k].value));
		counts->changes += metric->n_changes;
	}
	for (uint32_t i = 0; session->time_s && i < session->n_steps; i++)
		assert_false(isinf(session->time_s[i]));
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct counts *counts = user;
	(void)err;
	assert_true(line > 0 && *why);
	counts->skips++;
	counts->line = line;
	snprintf(counts->why, sizeof counts->why, "%s", why);
	return WH_OK;
}

/* A copy of the text with no byte to spare. */
static int try(const struct wh_format *format, const char *text, size_t n, size_t limit, struct counts *counts, struct wh_err *err)
{
	struct wh_arena arena;
	char *block = malloc(n ? n : 1);
	if (!block)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	memcpy(block, text, n);
	wh_arena_init(&arena, limit);
	*counts = (struct counts){ 0 };
	struct wh_reader reader = { .name = "hostile", .text = block, .size = n, .first_line = 1, .arena = &arena, .take = count, .skip = count_skip,
				    .user = counts, .format = format };
	int code = format->read(&reader, err);
	assert_true(arena.total <= limit);
	wh_arena_release(&arena);
	free(block);
	return code;
}

static struct counts read_all(const struct wh_format *format, const char *text, size_t n)
{
	struct counts counts;
	struct wh_err err = { 0 };
	assert_in_range(format->detect(text, n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE), 0, 100);
	if (try(format, text, n, ARENA, &counts, &err) != WH_OK)
		fail_msg("%s: %s", format->name, err.message);
	return counts;
}

typedef void each_fn(const struct wh_format *, const char *text, size_t n);

static void each(each_fn *f)
{
	for (const struct wh_format *const *format = wh_session_formats; *format; format++) {
		char pattern[1024];
		glob_t found;
		snprintf(pattern, sizeof pattern, "%s/%s/*.%s", data, (*format)->name, (*format)->binary ? "bin" : "txt");
		assert_int_equal(glob(pattern, 0, NULL, &found), 0);
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct wh_input input;
			struct wh_err err;
			assert_int_equal(wh_input_open(&input, found.gl_pathv[i], &err), WH_OK);
			f(*format, input.text, input.size);
			wh_input_release(&input);
		}
		globfree(&found);
	}
}

static void detected(const struct wh_format *format, const char *text, size_t n)
{
	for (const struct wh_format *const *other = wh_session_formats; *other; other++)
		if (*other != format && (*other)->detect(text, n) >= format->detect(text, n))
			fail_msg("a fixture of %s: %s is %d sure", format->name, (*other)->name, (*other)->detect(text, n));
	assert_ptr_equal(wh_format_detect(wh_session_formats, text, n), format);
	assert_true(read_all(format, text, n).sessions > 0);
	for (const struct wh_format *const *other = wh_session_formats; *other; other++)
		read_all(*other, text, n);
}

static void test_detected(void **state)
{
	static const char *const texts[] = { "", "\n", "{", "{}", "[]", "a,b\n1,2\n", "session,label\ns1,x\n", "id,label\n1,2\n", "label,metric\na,b\n", "# Title\n\ntext; and text\n",
					     "name,timestep\n1,2\n", ",a,b\na,0,0\nb,0,0\n", "{\"id\":\"x\",\"frames\":[]}\n", "heap profile: is a word\n", "<html>" };
	(void)state;
	each(detected);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_null(wh_format_detect(wh_session_formats, texts[i], strlen(texts[i])));
}

static void cut(const struct wh_format *format, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i += n > 2000 ? n / 500 : 1)
		read_all(format, text, i);
}

static void test_cut(void **state)
{
	(void)state;
	each(cut);
}

static void change(const struct wh_format *format, const char *text, size_t n)
{
	static const char bytes[] = ",\n\"0[]{}:@-9eE. #;\t<>()";
	struct wh_rng rng;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < 150; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < 6; i++)
			copy[wh_rng_below(&rng, n)] = wh_rng_below(&rng, 4) ? bytes[wh_rng_below(&rng, sizeof bytes - 1)] : (char)wh_rng_next(&rng);
		read_all(format, copy, n);
	}
	free(copy);
}

static void test_change(void **state)
{
	(void)state;
	each(change);
}

/* The ends of lines of other systems change nothing. */
static void crlf(const struct wh_format *format, const char *text, size_t n)
{
	if (format->binary)
		return; /* has no lines */
	char *copy = malloc(2 * n + 1);
	size_t m = 0;
	assert_non_null(copy);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			copy[m++] = '\r';
		copy[m++] = text[i];
	}
	struct counts a = read_all(format, text, n), b = read_all(format, copy, m);
	assert_int_equal(a.sessions, b.sessions);
	assert_int_equal(a.steps, b.steps);
	assert_int_equal(a.changes, b.changes);
	free(copy);
}

static void test_crlf(void **state)
{
	(void)state;
	each(crlf);
}

/* Small arenas: what does not fit is skipped and says so. */
static void small(const struct wh_format *format, const char *text, size_t n)
{
	struct counts whole = read_all(format, text, n), counts;
	struct wh_err err = { 0 };
	int code = try(format, text, n, 64, &counts, &err);
	assert_true(code == WH_OK || code == WH_E_LIMIT);
	assert_true(counts.sessions < whole.sessions);
	assert_true(code == WH_E_LIMIT || counts.skips > whole.skips);
}

static void test_small_arena(void **state)
{
	(void)state;
	each(small);
}

struct again {
	const struct wh_format *format;
	const char *text;
	size_t n;
};

static int again(const void *user, struct wh_err *err)
{
	const struct again *a = user;
	struct counts counts;
	return try(a->format, a->text, a->n, ARENA, &counts, err);
}

static void no_memory(const struct wh_format *format, const char *text, size_t n)
{
	const struct again a = { format, text, n < 3000 ? n : 3000 };
	assert_true(failing_each(again, &a, NULL) > 3);
}

static void test_no_memory(void **state)
{
	(void)state;
	each(no_memory);
}

static int open_table(const void *user, struct wh_err *err)
{
	struct wh_values values;
	void *context = NULL;
	(void)user;
	WH_TRY(wh_values_init(&values, wh_session_reading, err));
	int code = wh_values_set(&values, "sessions", WH_INPUT_INLINE "session,time,label,app\na,2026-01-01,x,\"y \"\"z\"\"\"\nb,,,\n", err);
	if (code == WH_OK)
		code = wh_session_open_reading(&values, &context, err);
	if (code == WH_OK)
		assert_string_equal(wh_session_find_told(context, "a", NULL)->attributes[0].value, "y \"z\"");
	wh_session_close_reading(context);
	wh_values_release(&values);
	return code;
}

static void test_table_no_memory(void **state)
{
	(void)state;
	assert_true(failing_each(open_table, NULL, NULL) > 8);
}

/* piece over and over behind beginning, to n bytes. */
static char *repeated(const char *beginning, const char *piece, size_t n)
{
	char *text = malloc(n);
	size_t at = strlen(beginning), length = strlen(piece);
	assert_non_null(text);
	memcpy(text, beginning, at);
	for (; at < n; at += length)
		memcpy(text + at, piece, n - at < length ? n - at : length);
	return text;
}

/* Work stays in proportion to the text: each of these takes seconds where it does not, which the test's time limit ends. */
static void test_endless(void **state)
{
	static const struct {
		const char *beginning, *piece;
	} loads[] = {
		{ "session,timestep,metric,value\n", "\"" },
		{ "session,timestep,metric,value\n", "a,1,\"" },
		{ "session,timestep,metric,value\n", "\"\"\"\n" },
		{ "session,timestep,metric,value\n", "," },
		{ "session,timestep,metric,value\na,0,", "m" },
		{ "session,timestep,metric,value\n", "a,0,m,1\nb,0,m,1\n" },
		{ "timestep,", "x," },
		{ "timestep,x\n", "0,1\n" },
		{ "time,x\n", "9,1\n3,1\n" },
		{ "{\"steps\":1,\"metrics\":{", "\"a\":[0,1]," },
		{ "{\"steps\":1,\"metrics\":{\"a\":[0,1", ",1,2" },
		{ "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[", "{\"metric\":{\"a\":\"b\"},\"values\":[[1,\"2\"]]}," },
		{ "{\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[", "[1,\"2\"],[2,\"2\"]," },
		{ "", "{\"data\":{\"resultType\":\"matrix\",\"result\":[]}}" },
		{ "", "{\"data\":{\"result\":[" },
		{ "", " num     #instances         #bytes  class name\n   1: 2 3 x\n" },
		{ " num     #instances         #bytes  class name\n", "   1: 2 3 x\n" },
		{ "", "heap profile: 1: 2 [ 3: 4] @ heapprofile\n 1: 2 [ 3: 4] @ 0x1 0x2\n" },
		{ "heap_v2/524288\n", "@ 0x1 0x2 0x3\n t*: 1: 2 [0: 0]\n" },
		{ "heap_v2/524288\nMAPPED_LIBRARIES:\n", "1-2 r-xp 0 0:0 1 /x\n" },
		{ "heap profile: 1: 2 [ 3: 4] @ heap/2\n1: 2 [ 3: 4] @ 0x1\n", "#\t0x1\tf+0x1\t/x\n" },
		{ "heap profile: 1: 2 [ 3: 4] @ heap/2\n1: 2 [ 3: 4] @ ", "0x1 " },
		{ "desc: x\n", "snapshot=1\nmem_heap_B=1\nheap_tree=detailed\nn1: 1 x\n n0: 1 0x1: f (a)\n" },
		{ "desc: x\nsnapshot=0\nheap_tree=detailed\n", "n1: 1 x\n n1: 1 y\n" },
		{ "", "[0.1s][info][gc] GC(0) Pause Full 1M->2M(3M) 1ms\n" },
		{ "", "[0.1s]" },
		{ "", "[0.1s][info][gc] Using x\n[0.1s][gc,heap] GC(0) T: 1K(1K)->1K(1K)\n" },
		{ "", "VmRSS: 1 kB\n" },
		{ "", "Name: \t" },
	};
	enum { SIZE = 1 << 19 };
	(void)state;
	for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
		char *text = repeated(loads[i].beginning, loads[i].piece, SIZE);
		for (const struct wh_format *const *format = wh_session_formats; *format; format++)
			read_all(*format, text, SIZE);
		free(text);
	}
}

/* A million metrics in one step, and a session with too many steps among others. */
static void test_many(void **state)
{
	struct wh_str text = { 0 };
	(void)state;
	wh_str_puts(&text, "session,timestep,metric,value\n");
	for (int i = 0; i < 300000; i++)
		wh_str_printf(&text, "a,0,metric %d,%d\n", i, i);
	wh_str_puts(&text, "b,0,m,1\nb,20000000,m,1\nc,0,m,1\n");
	struct counts counts = read_all(&wh_format_session_csv, text.data, text.n);
	assert_int_equal(counts.sessions, 2);
	assert_int_equal(counts.skips, 1);
	assert_int_equal(counts.line, 300002);
	assert_non_null(strstr(counts.why, "session b: steps from 0 to 20000000: more than 16777216"));
	assert_int_equal(counts.changes, 300000); /* all but the 0 of the first, and c's */
	wh_str_clear(&text);
	wh_str_puts(&text, "timestep");
	for (int i = 0; i < 200000; i++)
		wh_str_printf(&text, ",m%d", i);
	wh_str_puts(&text, "\n1");
	for (int i = 0; i < 200000; i++)
		wh_str_puts(&text, ",2");
	counts = read_all(&wh_format_session_wide, text.data, text.n);
	assert_int_equal(counts.changes, 200000);
	assert_int_equal(wh_format_session_wide.detect(text.data, WH_DETECT_SIZE), 50); /* the header alone fills what is looked at */
	wh_str_release(&text);
}

/* ---- cutting ---- */

static int describe(void *user, struct wh_observation *o, struct wh_err *err)
{
	wh_str_printf(user, "%s:", o->id);
	wh_session_pack(o->body, user);
	return wh_str_check(user, err);
}

static int describe_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line;
	wh_str_printf(user, "!%s\n", why);
	return wh_str_check(user, err);
}

/* What is read of text in pieces of at least so many bytes, in a few words; returns how many pieces there were. */
static size_t read_pieces(const char *text, size_t n, size_t piece, struct wh_str *out)
{
	const char *p = text, *end = text + n;
	struct wh_arena arena;
	struct wh_err err;
	size_t pieces = 0;
	wh_str_clear(out);
	wh_arena_init(&arena, ARENA);
	for (; p < end; pieces++) {
		const char *stop = (size_t)(end - p) > piece ? wh_format_session_csv.cut(text, p + piece, end) : end;
		assert_true(stop > p && stop <= end);
		struct wh_reader reader = { .name = "x", .text = p, .size = (size_t)(stop - p), .start = text, .first_line = 1, .arena = &arena,
					    .take = describe, .skip = describe_skip, .user = out, .format = &wh_format_session_csv };
		assert_int_equal(wh_format_session_csv.read(&reader, &err), WH_OK);
		p = stop;
	}
	wh_arena_release(&arena);
	return pieces;
}

/* Wherever long CSV is cut, the same is read. Quotes keep it whole for 64 KiB. */
static void test_pieces(void **state)
{
	static const char *const odd[] = { "b,1\n", "c,x,m,1\n", "session,timestep,metric,value\n", "\n", ",1,m,1\n", "d,1,m,y\n" };
	struct wh_rng rng;
	struct wh_str text = { 0 }, whole = { 0 }, cut_up = { 0 };
	size_t most = 0;
	(void)state;
	wh_rng_init(&rng, 4);
	for (int round = 0; round < 60; round++) {
		bool header = round % 3, shuffled = header && round % 2;
		char separator = ",;\t"[round % 3];
		wh_str_clear(&text);
		wh_str_puts(&text, !header ? "" : shuffled ? "value,metric,session,timestep\n" : "session,timestep,metric,value\n");
		for (int session = 0; session < 8; session++)
			for (uint64_t row = 0, n = 1 + wh_rng_below(&rng, 30); row < n; row++) {
				unsigned step = (unsigned)wh_rng_below(&rng, 9), value = (unsigned)wh_rng_below(&rng, 5);
				const char *metric = round % 5 == 4 && (row == 3 || (!session && !row)) ? "\"a,b\nc\"" : "m";
				if (shuffled)
					wh_str_printf(&text, "%u,%s,s%d,%u\n", value, metric, session, step);
				else
					wh_str_printf(&text, "s%d,%u,%s,%u\n", session, step, metric, value);
				if (!wh_rng_below(&rng, 12))
					wh_str_puts(&text, odd[wh_rng_below(&rng, sizeof odd / sizeof *odd)]);
			}
		for (size_t i = 0; i < text.n; i++)
			text.data[i] = text.data[i] == ',' && separator != ',' ? separator : text.data[i];
		assert_int_equal(read_pieces(text.data, text.n, SIZE_MAX, &whole), 1);
		for (size_t piece = 1; piece < 300; piece += 13) {
			size_t pieces = read_pieces(text.data, text.n, piece, &cut_up);
			most = pieces > most ? pieces : most;
			assert_int_equal(whole.n, cut_up.n);
			assert_memory_equal(whole.data, cut_up.data, whole.n);
			assert_true(round % 5 != 4 || pieces <= 2); /* the first session has a quote */
		}
	}
	assert_true(most >= 8); /* a session each, at least */
	wh_str_release(&text);
	wh_str_release(&whole);
	wh_str_release(&cut_up);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detected),    cmocka_unit_test(test_cut),	      cmocka_unit_test(test_change), cmocka_unit_test(test_crlf),
		cmocka_unit_test(test_small_arena), cmocka_unit_test(test_no_memory), cmocka_unit_test(test_endless), cmocka_unit_test(test_many),
		cmocka_unit_test(test_table_no_memory), cmocka_unit_test(test_pieces),
	};
	data = argc > 1 ? argv[1] : "tests/data/session";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
