/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of every renderer fails once: the code must be WH_E_NOMEM, and nothing may leak or be touched twice (the sanitizers
 * see to that). The linker sends the allocations of this program here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strdup(const char *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);

static long left = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *data, size_t size) { return fails() ? NULL : __real_realloc(data, size); }
char *__wrap_strdup(const char *text) { return fails() ? NULL : __real_strdup(text); }

static int page(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	return wh_report_html(report, out, err);
}

static int markdown(const struct wh_report *report, struct wh_str *out, struct wh_err *err)
{
	return wh_report_markdown(report, &report->groups[0], out, err);
}

static void fail_each(int (*render)(const struct wh_report *, struct wh_str *, struct wh_err *), struct wh_report *report)
{
	for (long n = 0;; n++) {
		struct wh_str out = { 0 };
		struct wh_err err = { 0 };
		left = n;
		int code = render(report, &out, &err);
		bool all = left >= 0;
		left = -1;
		wh_str_release(&out);
		if (all) {
			assert_int_equal(code, WH_OK);
			assert_true(n > 2);
			return;
		}
		assert_int_equal(code, WH_E_NOMEM);
		assert_int_equal(err.code, WH_E_NOMEM);
	}
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
