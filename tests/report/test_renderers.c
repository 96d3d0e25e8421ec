/* SPDX-License-Identifier: Apache-2.0 */
/* Figures, sparklines, Markdown: against numbers worked out by hand, a golden file, and hostile strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sample.h"

static const char *golden;

static void figures(void **state)
{
	struct wh_report report;
	assert_int_equal(sample_small(&report), WH_OK);
	assert_int_equal(report.observations, 10);
	assert_int_equal(report.once_groups, 1);
	assert_int_equal(report.second_groups, 1);
	assert_int_equal(report.second_observations, 3);
	assert_int_equal(report.groups_of_80, 2); /* 6 + 3 of 10 */
	assert_true(report.share_of_last_20 > 0.333 && report.share_of_last_20 < 0.334);
	assert_int_equal(report.n_curve, 3);
	assert_int_equal(report.curve[2][1], 10);
	assert_int_equal(report.scale, 5);
	assert_int_equal(wh_report_slot(&report, report.first_ns), 0);
	assert_int_equal(wh_report_slot(&report, report.last_ns), WH_REPORT_SLOTS - 1);
	assert_int_equal(wh_report_slot(&report, INT64_MIN), 0);
	wh_report_release(&report);
}

static void exactly_80_percent(void **state)
{
	struct wh_report report;
	assert_int_equal(sample_small(&report), WH_OK);
	report.groups[0].observations = 8; /* 8 of 10: one group is enough */
	report.groups[1].observations = 1;
	wh_report_finish(&report);
	assert_int_equal(report.groups_of_80, 1);
	wh_report_release(&report);
}

static void curve_of_many(void **state)
{
	struct wh_report report;
	assert_int_equal(sample_large(&report, 100000), WH_OK);
	assert_true(report.n_curve <= WH_REPORT_CURVE);
	assert_int_equal(report.curve[report.n_curve - 1][0], 100000);
	assert_int_equal(report.curve[report.n_curve - 1][1], report.observations);
	for (size_t i = 1; i < report.n_curve; i++)
		assert_true(report.curve[i][0] > report.curve[i - 1][0] && report.curve[i][1] > report.curve[i - 1][1]);
	wh_report_release(&report);
}

static void nothing(void **state)
{
	struct wh_report report;
	struct wh_str page = { 0 }, sarif = { 0 };
	struct wh_err err;
	wh_report_init(&report);
	report.noun = report.group_noun = report.feature_noun = report.method = "x";
	wh_report_finish(&report);
	assert_int_equal(report.n_curve, 0);
	assert_int_equal(wh_report_html(&report, &page, &err), WH_OK);
	assert_int_equal(wh_report_sarif(&report, &sarif, &err), WH_OK);
	wh_str_release(&page);
	wh_str_release(&sarif);
	wh_report_release(&report);
}

static void sparkline(void **state)
{
	uint32_t trend[WH_REPORT_SLOTS] = { 0, 1, 50, 100 }, largest[WH_REPORT_SLOTS];
	char text[WH_SPARKLINE];
	assert_string_equal(wh_report_sparkline(trend, 100, text), " ▁▄█            ");
	memset(largest, 0xff, sizeof largest);
	assert_int_equal(strlen(wh_report_sparkline(largest, UINT32_MAX, text)), 3 * WH_REPORT_SLOTS);
	assert_string_equal(wh_report_sparkline(largest, 0, text), "                ");
}

static void code_spans(void **state)
{
	static const char *const cases[][2] = {
		{ "plain", "`plain`" },	    { "a`b", "``a`b``" },   { "`", "`` ` ``" },		{ "a``b`c", "```a``b`c```" }, { "two\nlines", "`two lines`" },
		{ "\x1b[31m", "`\xef\xbf\xbd[31m`" }, { "\xff", "`\xef\xbf\xbd`" }, { "\xc2\x85", "`\xef\xbf\xbd`" }, { "\xed\xa0\x80", "`\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd`" },
		{ "ä€𝄞", "`ä€𝄞`" }, { " x", "`  x `" },	    { "", "" },	{ "\xe2\x82", "`\xef\xbf\xbd\xef\xbf\xbd`" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wh_str text = { 0 };
		wh_markdown_code(&text, cases[i][0]);
		assert_string_equal(text.data ? text.data : "", cases[i][1]);
		wh_str_release(&text);
	}
	struct wh_str block = { 0 };
	wh_markdown_block(&block, "a ```` b\n", 9);
	assert_string_equal(block.data, "`````\na ```` b\n`````\n");
	wh_str_release(&block);
}

static void markdown(void **state)
{
	struct wh_report report;
	struct wh_str text = { 0 };
	struct wh_err err;
	char expected[16384];
	assert_int_equal(sample_small(&report), WH_OK);
	assert_int_equal(wh_report_markdown(&report, &report.groups[0], &text, &err), WH_OK);
	FILE *file = fopen(golden, "rb");
	assert_non_null(file);
	size_t n = fread(expected, 1, sizeof expected - 1, file);
	fclose(file);
	expected[n] = '\0';
	assert_string_equal(text.data, expected);
	wh_str_release(&text);
	wh_report_release(&report);
}

/* Outside of code spans and fences, nothing of a hostile report is left. */
static void hostile_markdown(void **state)
{
	struct wh_report report;
	struct wh_str text = { 0 };
	struct wh_err err;
	assert_int_equal(sample_of(&report, sample_hostile), WH_OK);
	assert_int_equal(wh_report_markdown(&report, &report.groups[0], &text, &err), WH_OK);
	for (char *line = text.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		assert_false(wh_starts(line, strlen(line), "# line")); /* a line break made no heading */
	}
	assert_null(strchr(text.data, '\x1b'));
	assert_null(strchr(text.data, '\x01'));
	assert_null(strstr(text.data, "\xff"));
	assert_non_null(strstr(text.data, "````</script>")); /* the fence is longer than the longest run inside */
	wh_str_release(&text);
	wh_report_release(&report);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures),	cmocka_unit_test(exactly_80_percent), cmocka_unit_test(curve_of_many), cmocka_unit_test(nothing),
		cmocka_unit_test(sparkline), cmocka_unit_test(code_spans), cmocka_unit_test(markdown), cmocka_unit_test(hostile_markdown),
	};
	if (argc < 2)
		return 2;
	golden = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
