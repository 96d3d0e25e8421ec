/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile_documents DATA: mail, bug trackers' documents and pages; what their texts are made plain by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hostile.h"

#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/mime.h"
#include "format/stack/prose.h"

static const char *const formats[] = { "mbox", "bugzilla", "jira", "prose", NULL };

static const char *const beginnings[] = {
	"From: a\nTo: b\nSubject: c\n\n", "From: a\nTo: b\nContent-Type: multipart/x; boundary=b\n\n",
	"<html>", "<bugzilla urlbase=\"\"><bug><thetext>", "{\"issues\": [{\"fields\": {\"description\": \"", "",
	NULL,
};

static const char *const pieces[] = {
	"> a\nb\n", "```\n", "<a ", "<pre>", "&#x41;", "<!--", "--b\n", "--b\n\n--b--\n", "\n\nFrom a 1:00\n",
	"=?u?q?", "=3", "{code:", "<script>", "</script", "{", "\"", "<b>", "a: b\n", "> > > > ", "#0 f () at a.c:1\n```\n",
	NULL,
};

static struct hostile hostile = {
	.formats = formats,
	.cuts = 400,
	.rounds = 40,
	.changes = 8,
	.frames = true,
	.repeat = { beginnings, pieces, (size_t)1 << 20 },
};

HOSTILE_TEST(cut)
HOSTILE_TEST(change)
HOSTILE_TEST(repeat)

/* The reader that is surest of a fixture is the one it was made for. */
static void detect_one(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	const struct wh_format *got = wh_format_detect(wh_stack_formats, text, n);
	(void)h;
	if (got != format && strcmp(format->name, "prose") != 0)
		fail_msg("%s: taken by %s", format->name, got ? got->name : "nobody");
}

static void test_detect(void **state)
{
	(void)state;
	assert_true(hostile_each(&hostile, detect_one) > 2);
	static const char *const none[] = { "From: here to eternity\n\nis a film.\n", "Subject: x\nDate: y\n\nz\n", "<html><p>nothing</p></html>",
					    "```\nmake && make install\n```\n", "> a quote\n", "{\"bugs\": []}", "<rss><item></item></rss>" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (wh_format_detect(wh_stack_formats, none[i], strlen(none[i])))
			fail_msg("taken: %s", none[i]);
}

static void little_one(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	struct hostile_counts counts;
	(void)h;
	for (size_t limit = 0; limit < 20000; limit += 1777) {
		int code = hostile_try(format, text, n, limit, &counts);
		assert_true(code == WH_OK || code == WH_E_LIMIT);
	}
}

/* Less memory than the document itself takes. */
static void test_little_memory(void **state)
{
	(void)state;
	hostile_each(&hostile, little_one);
}

static void expect_words(const char *value, const char *want)
{
	struct wh_str out = { 0 };
	wh_mime_words((struct wh_span){ value, value + strlen(value) }, &out);
	assert_string_equal(out.n ? out.data : "", want);
	wh_str_release(&out);
}

static void test_words(void **state)
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

static void test_markup(void **state)
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
static void test_times(void **state)
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detect), cmocka_unit_test(test_cut), cmocka_unit_test(test_change),
		cmocka_unit_test(test_repeat), cmocka_unit_test(test_little_memory), cmocka_unit_test(test_words),
		cmocka_unit_test(test_markup), cmocka_unit_test(test_times),
	};
	hostile.data = argc > 1 ? argv[1] : "tests/data/stack";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
