/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_documents DATA: mail, bug trackers' documents and pages, cut off at every byte and with bytes changed; texts made to cost
 * more than they are long; memory that runs out. */
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
#include "format/stack/list.h"
#include "format/stack/mime.h"
#include "format/stack/prose.h"
#include "observation/stack.h"

#define ARENA ((size_t)61 << 20)

static const char *data;
static const char *const names[] = { "mbox", "bugzilla", "jira", "prose" };

struct counts {
	size_t reports, skips;
};

static int count_report(void *user, struct wh_observation *o, struct wh_err *err)
{
	(void)err;
	assert_true(((const struct wh_stack *)o->body)->n_frames > 0);
	((struct counts *)user)->reports++;
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)err;
	assert_true(line > 0 && *why);
	((struct counts *)user)->skips++;
	return WH_OK;
}

static int read_with(const struct wh_format *format, const char *text, size_t n, size_t limit, struct counts *counts)
{
	struct wh_arena arena;
	struct wh_err err = { 0 };
	char *block = malloc(n ? n : 1); /* not a byte to spare */
	assert_non_null(block);
	if (n)
		memcpy(block, text, n);
	*counts = (struct counts){ 0 };
	wh_arena_init(&arena, limit);
	struct wh_reader reader = { .name = "hostile", .text = block, .size = n, .first_line = 1, .arena = &arena,
				    .take = count_report, .skip = count_skip, .user = counts, .format = format };
	assert_in_range(n ? format->detect(block, n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE) : 0, 0, 100);
	int code = format->read(&reader, &err);
	wh_arena_release(&arena);
	free(block);
	return code;
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
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char folder[4096];
		struct walk walk = { .format = wh_format_find(wh_stack_formats, names[i]), .each = each };
		struct wh_err err;
		assert_non_null(walk.format);
		snprintf(folder, sizeof folder, "%s/%s", data, names[i]);
		assert_int_equal(wh_walk(folder, walk_file, &walk, &err), WH_OK);
		assert_true(walk.n > 2);
	}
}

/* The reader that is surest of a fixture is the one it was made for. */
static void detect_one(const struct wh_format *format, const char *text, size_t n)
{
	const struct wh_format *got = wh_format_detect(wh_stack_formats, text, n);
	if (got != format && strcmp(format->name, "prose") != 0)
		fail_msg("%s: taken by %s", format->name, got ? got->name : "nobody");
}

static void detected(void **state)
{
	(void)state;
	each_fixture(detect_one);
	static const char *const none[] = { "From: here to eternity\n\nis a film.\n", "Subject: x\nDate: y\n\nz\n", "<html><p>nothing</p></html>",
					    "```\nmake && make install\n```\n", "> a quote\n", "{\"bugs\": []}", "<rss><item></item></rss>" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (wh_format_detect(wh_stack_formats, none[i], strlen(none[i])))
			fail_msg("taken: %s", none[i]);
}

static void cut_one(const struct wh_format *format, const char *text, size_t n)
{
	struct counts counts;
	for (size_t i = 0; i < n; i += n > 2048 ? 29 : 5)
		assert_int_equal(read_with(format, text, i, ARENA, &counts), WH_OK);
}

static void cut_off(void **state)
{
	(void)state;
	each_fixture(cut_one);
}

static void change_one(const struct wh_format *format, const char *text, size_t n)
{
	static const char odd[] = "\0\n\r\t\"'()[]{}:/|+-<> =?&;,`~\x1b\xc2\xff#0x9";
	struct wh_rng rng;
	struct counts counts;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < 40; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < 8; i++)
			copy[wh_rng_below(&rng, n)] = odd[wh_rng_below(&rng, sizeof odd - 1)];
		assert_int_equal(read_with(format, copy, n, ARENA, &counts), WH_OK);
	}
	free(copy);
}

static void changed(void **state)
{
	(void)state;
	each_fixture(change_one);
}

static void no_memory_one(const struct wh_format *format, const char *text, size_t n)
{
	struct counts counts;
	for (size_t limit = 0; limit < 20000; limit += 1777) {
		int code = read_with(format, text, n, limit, &counts);
		assert_true(code == WH_OK || code == WH_E_LIMIT);
	}
}

static void little_memory(void **state)
{
	(void)state;
	each_fixture(no_memory_one);
}

/* Time for 1 MiB of piece, repeated; what grows faster than the text would take minutes. */
static void many(void **state)
{
	(void)state;
	static const char *const heads[] = { "From: a\nTo: b\nSubject: c\n\n", "From: a\nTo: b\nContent-Type: multipart/x; boundary=b\n\n",
					     "<html>", "<bugzilla urlbase=\"\"><bug><thetext>", "{\"issues\": [{\"fields\": {\"description\": \"", "" };
	static const char *const pieces[] = { "> a\nb\n", "```\n", "<a ", "<pre>", "&#x41;", "<!--", "--b\n", "--b\n\n--b--\n", "\n\nFrom a 1:00\n",
					      "=?u?q?", "=3", "{code:", "<script>", "</script", "{", "\"", "<b>", "a: b\n", "> > > > ", "#0 f () at a.c:1\n```\n" };
	char *text = malloc((1 << 20) + 200);
	assert_non_null(text);
	for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
		for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
			struct counts counts;
			size_t n = strlen(heads[h]), length = strlen(pieces[p]);
			memcpy(text, heads[h], n);
			while (n < 1 << 20) {
				memcpy(text + n, pieces[p], length);
				n += length;
			}
			for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
				clock_t begin = clock();
				assert_int_equal(read_with(wh_format_find(wh_stack_formats, names[i]), text, n, ARENA, &counts), WH_OK);
				double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
				if (seconds > 10)
					fail_msg("%s: %s%s…: %.1f s", names[i], heads[h], pieces[p], seconds);
			}
		}
	free(text);
}

static void expect_words(const char *value, const char *want)
{
	struct wh_str out = { 0 };
	wh_mime_words((struct wh_span){ value, value + strlen(value) }, &out);
	assert_string_equal(out.n ? out.data : "", want);
	wh_str_release(&out);
}

static void words(void **state)
{
	(void)state;
	expect_words("plain  text", "plain text");
	expect_words(" =?utf-8?Q?Gr=C3=BC=C3=9Fe?= an =?utf-8?b?YWxsZQ==?=\n =?us-ascii?q?_hier?= end", "Gr\xc3\xbc\xc3\x9f" "e an alle hier end");
	expect_words("=?utf-8?q?broken", "=?utf-8?q?broken");
	expect_words("a =?x?z?no?= b", "a =?x?z?no?= b");
	expect_words("", "");
}

static void expect_html(const char *html, const char *want)
{
	struct wh_str out = { 0 };
	wh_prose_plain_html((struct wh_span){ html, html + strlen(html) }, &out);
	assert_string_equal(out.n ? out.data : "", want);
	wh_str_release(&out);
}

static void markup(void **state)
{
	(void)state;
	expect_html("a&lt;b&gt; &#65;&#x42; &amp;lt; &unknown; &#0;&#xd800;&#x110000;", "a<b> AB &lt; &unknown; ");
	expect_html("<p>x<br/>y</P><b title='>'>z</b><!-- <p> -->!", "x\ny\nz!");
	expect_html("std::vector<int> <a b", "std::vector<int> <a b");
	expect_html("<script>if (a</b) x;</SCRIPT>y<style>z", "y");
	expect_html("a<pre>b\n c</pre>d", "a\n```\nb\n c\n```\nd");
	struct wh_str out = { 0 };
	static const char wiki[] = "{code:java|title=a b}x{code}{noformat}y{noformat} {not} {code{code";
	wh_prose_plain_wiki((struct wh_span){ wiki, wiki + strlen(wiki) }, &out);
	assert_string_equal(out.data, "\n```\nx\n```\n\n```\ny\n```\n {not} {code{code");
	wh_str_release(&out);
}

/* When texts say that they were written; "" where that is no time. */
static void times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds; /* -1: none */
	} table[] = { { "Thu, 8 Feb 2024 21:07:27 +0100", 1707422847 }, { "8 Feb 2024 21:07:27 GMT", 1707426447 },
		      { "08 Feb 24 21:07:27 -0000", 1707426447 }, { "2024-02-08 21:07:27 +0100", 1707422847 }, { "2024-02-08T21:07:27.000+0000", 1707426447 },
		      { "Thu, 8 Fob 2024 21:07:27 +0100", -1 }, { "40 Feb 2024 21:07:27 +0100", -1 }, { "8 Feb 2024", -1 }, { "", -1 }, { "7", -1 },
		      { "8 anF 2024 21:07:27 +0000", -1 } };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct wh_prose p = { 0 };
		wh_prose_time(&p, (struct wh_span){ table[i].text, table[i].text + strlen(table[i].text) });
		if (p.has_time != (table[i].seconds >= 0) || (p.has_time && p.time_ns != table[i].seconds * 1000000000))
			fail_msg("%s: %s%lld", table[i].text, p.has_time ? "" : "none, ", (long long)(p.time_ns / 1000000000));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(detected), cmocka_unit_test(cut_off), cmocka_unit_test(changed),
					    cmocka_unit_test(little_memory), cmocka_unit_test(many), cmocka_unit_test(words),
					    cmocka_unit_test(markup), cmocka_unit_test(times) };
	if (argc < 2)
		return 2;
	data = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
