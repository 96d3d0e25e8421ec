/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of every renderer fails once: the code must be WH_E_NOMEM, and nothing may leak or be touched twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "failing.h"
#include "sample.h"

static int page(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	return wh_report_html(report, out, err);
}

static int markdown(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	return wh_report_markdown(report, &report->groups[0], out, err);
}

struct rendering {
	int (*render)(const struct wh_report *, struct wh_str *, struct wh_err *);
	const struct wh_report *report;
};

static int once(const void *user, struct wh_err *err)
{
	const struct rendering *r = user;
	struct wh_str out = { 0 };
	int code = r->render(r->report, &out, err);
	wh_str_release(&out);
	return code;
}

static void fail_each(int (*render)(const struct wh_report *, struct wh_str *, struct wh_err *), const struct wh_report *report)
{
	assert_true(failing_each(once, &(struct rendering){ render, report }, NULL) > 2);
}

static void renderers(void **state)
{
	struct wh_report report;
	assert_int_equal(sample_small(&report), WH_OK);
	fail_each(page, &report);
	fail_each(markdown, &report);
	fail_each(wh_report_sarif, &report);
	wh_report_release(&report);
	assert_int_equal(sample_large(&report, 3000), WH_OK);
	fail_each(page, &report);
	wh_report_release(&report);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(renderers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
