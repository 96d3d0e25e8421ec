/* SPDX-License-Identifier: Apache-2.0 */
/* The page as text: what is in it, and that hostile data stay data. The browser has its own test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "sample.h"

static size_t occurrences(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* The data of a page, parsed; the caller puts it. */
static struct json_object *data_of(const struct wh_str *page)
{
	const char *begin = strstr(page->data, "id=\"data\">"), *end;
	struct json_object *data;
	struct wh_err err;
	assert_non_null(begin);
	begin = strchr(begin, '>') + 1;
	end = strstr(begin, "</script>");
	assert_non_null(end);
	assert_null(memchr(begin, '<', (size_t)(end - begin)));
	assert_int_equal(wh_json_parse((struct wh_bytes){ begin, (size_t)(end - begin) }, &data, &err), WH_OK);
	return data;
}

static void data_come_through(void **state)
{
	struct wh_report report;
	struct wh_str page = { 0 };
	struct wh_err err;
	assert_int_equal(sample_small(&report), WH_OK);
	assert_int_equal(wh_report_html(&report, &page, &err), WH_OK);
	struct json_object *data = data_of(&page), *groups = wh_json_array(data, "groups");
	assert_int_equal(json_object_array_length(groups), 3);
	struct json_object *first = json_object_array_get_idx(groups, 0);
	assert_string_equal(wh_json_string(first, "group"), "g000000000001");
	assert_string_equal(wh_json_string(first, "label"), "bug-7");
	assert_int_equal(json_object_array_length(wh_json_array(first, "frames")), 3);
	assert_int_equal(json_object_array_length(wh_json_array(first, "variants")), 1);
	assert_int_equal(json_object_array_length(wh_json_array(wh_json_object(data, "tree"), "merges")), 2);
	json_object_put(data);
	wh_str_release(&page);
	wh_report_release(&report);
}

static void nothing_is_fetched(void **state)
{
	struct wh_report report;
	struct wh_str page = { 0 };
	struct wh_err err;
	assert_int_equal(sample_small(&report), WH_OK);
	assert_int_equal(wh_report_html(&report, &page, &err), WH_OK);
	assert_non_null(strstr(page.data, "default-src 'none'"));
	assert_int_equal(occurrences(page.data, "https:"), 0);
	assert_int_equal(occurrences(page.data, "http:"), 1); /* the name space of SVG */
	assert_int_equal(occurrences(page.data, "innerHTML") + occurrences(page.data, "insertAdjacent") + occurrences(page.data, "document.write"), 0);
	assert_int_equal(occurrences(page.data, "<link") + occurrences(page.data, " src="), 0);
	assert_int_equal(occurrences(page.data, "{{"), 0);
	wh_str_release(&page);
	wh_report_release(&report);
}

static void hostile_data_stay_data(void **state)
{
	static const char *const hostile[] = { sample_hostile, "</script>", "<!--<script>", "\\u003c/script>", "]]>", "\"", "\\", "{{report.js}}", "\xff\xfe", "" };
	struct wh_report report;
	struct wh_err err;
	size_t closing = 0;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct wh_str page = { 0 };
		assert_int_equal(sample_of(&report, hostile[i]), WH_OK);
		assert_int_equal(wh_report_html(&report, &page, &err), WH_OK);
		closing = occurrences(page.data, "</script>");
		assert_int_equal(closing, 5);
		struct json_object *data = data_of(&page);
		struct json_object *group = json_object_array_get_idx(wh_json_array(data, "groups"), 0);
		if (i && i < 8)
			assert_string_equal(wh_json_string(group, "title"), hostile[i]);
		json_object_put(data);
		wh_str_release(&page);
		wh_report_release(&report);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_come_through),
		cmocka_unit_test(nothing_is_fetched),
		cmocka_unit_test(hostile_data_stay_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
