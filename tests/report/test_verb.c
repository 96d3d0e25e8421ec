/* SPDX-License-Identifier: Apache-2.0 */
/* The verb on a few reports: what it counts, whom it suspects, that a store's bug reports come once; then every allocation fails once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "failing.h"
#include "pipeline/verbs.h"

static char folder[] = "/tmp/whorl-report-XXXXXX", input[64], sessions[64], store[64], page[64];

/* Six reports of one fault, in two faces; two of one that is half like it; one of its own. */
static void write_input(void)
{
	static const char *const stacks[][4] = {
		{ "crash_here", "parse", "load", "main" }, { "crash_here", "parse", "reload", "main" }, { "crash_here", "parse", "open", "show" },
		{ "elsewhere", "draw", "paint", "loop" },
	};
	static const int stack_of[] = { 0, 0, 0, 0, 1, 1, 2, 2, 3 };
	FILE *file = fopen(input, "w");
	assert_non_null(file);
	for (int i = 0; i < 9; i++) {
		fprintf(file, "{\"id\":\"r%d\",\"time\":\"2026-11-%02dT00:00:00Z\",\"version\":\"1.%d\",\"frames\":[", i, i + 1, i);
		for (int k = 0; k < 4; k++)
			fprintf(file, "%s{\"function\":\"%s\",\"file\":\"a.c\",\"line\":%d}", k ? "," : "", stacks[stack_of[i]][k], k + 1);
		fprintf(file, "]}\n");
	}
	fclose(file);
}

/* Twelve sessions, half of which leak one thing and half another. */
static void write_sessions(void)
{
	FILE *file = fopen(sessions, "w");
	assert_non_null(file);
	fprintf(file, "session,timestep,metric,value\n");
	for (int s = 0; s < 12; s++)
		for (int t = 0; t < 10; t++)
			for (int m = 0; m < 4; m++)
				fprintf(file, "s%d,%d,metric %d,%d\n", s, t, m, 100 + (m == s % 2 ? t * (40 + s) : (s * 7 + t * 3 + m) % 5));
	fclose(file);
}

static int write_text(void *user, const char *text, size_t n, struct wh_err *err)
{
	wh_str_add(user, text, n);
	return wh_str_check(user, err);
}

/* Runs a verb with one operand (or none) and pairs of options, ended by NULL; *text is its JSON. */
static int run_verb(const struct wh_verb *verb, const char *operand, const char *const *pairs, struct wh_str *text, bool *found, struct wh_err *err)
{
	const struct wh_signal *signal = operand == sessions ? wh_signals[1] : wh_signals[0];
	static const struct wh_param none[] = { { 0 } };
	struct wh_host host = { .threads = 1 };
	const struct wh_method *method = operand == sessions ? signal->methods[0] : wh_method_find(signal, "pdm");
	struct wh_call call = { .signal = signal, .method = method, .method_given = true, .store = store, .store_given = true, .format_given = true, .operands = &operand,
				.n_operands = operand != NULL, .host = &host };
	struct wh_json_writer writer;
	wh_json_writer_init(&writer, (struct wh_sink){ write_text, text }, false);
	int code = wh_values_init(&call.options, verb->options ? verb->options : none, err);
	if (code == WH_OK)
		code = wh_values_init(&call.input, wh_input_params, err);
	if (code == WH_OK)
		code = wh_values_init(&call.settings, signal->settings, err);
	if (code == WH_OK)
		code = wh_values_init(&call.reading, signal->reading ? signal->reading : none, err);
	if (code == WH_OK)
		code = wh_values_init(&call.params, method->params, err);
	for (; code == WH_OK && pairs && *pairs; pairs += 2)
		code = wh_values_set(&call.options, pairs[0], pairs[1], err);
	if (code == WH_OK && operand == input)
		code = wh_values_set(&call.params, "d", "0.3", err);
	if (code == WH_OK)
		code = verb->run(&call, &writer.emit, err);
	wh_json_writer_release(&writer);
	wh_values_release(&call.options);
	wh_values_release(&call.input);
	wh_values_release(&call.settings);
	wh_values_release(&call.reading);
	wh_values_release(&call.params);
	*found = call.found;
	return code;
}

/* The same, parsed; the caller puts it. */
static struct json_object *ask(const char *operand, const char *const *pairs, bool *found)
{
	struct wh_str text = { 0 };
	struct wh_err err = { 0 };
	struct json_object *result;
	int code = run_verb(&wh_verb_report, operand, pairs, &text, found, &err);
	if (code != WH_OK)
		print_error("%s\n", err.message);
	assert_int_equal(code, WH_OK);
	assert_int_equal(wh_json_parse((struct wh_bytes){ text.data, text.n }, &result, &err), WH_OK);
	wh_str_release(&text);
	return result;
}

static int64_t integer(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;
	return json_object_object_get_ex(object, name, &value) ? json_object_get_int64(value) : -1;
}

static void groups(void **state)
{
	bool found;
	struct json_object *result = ask(input, NULL, &found), *records = wh_json_array(result, "records");
	assert_string_equal(wh_json_string(result, "schema"), "whorl.stack.report/1");
	int64_t sum = 0, last = INT64_MAX;
	for (size_t i = 0; i < json_object_array_length(records); i++) {
		struct json_object *group = json_object_array_get_idx(records, i), *trend = wh_json_array(group, "trend");
		int64_t slots = 0;
		assert_true(integer(group, "observations") <= last);
		last = integer(group, "observations");
		sum += last;
		assert_int_equal(json_object_array_length(trend), 16);
		for (size_t s = 0; s < 16; s++)
			slots += json_object_get_int64(json_object_array_get_idx(trend, s));
		assert_int_equal(slots, last);
	}
	assert_int_equal(sum, 9);
	assert_false(found);
	struct json_object *smallest = json_object_array_get_idx(records, json_object_array_length(records) - 1);
	assert_string_equal(wh_json_string(smallest, "suspect"), "one-hit wonder");
	assert_string_equal(wh_json_string(smallest, "versions"), "1.8");
	struct json_object *second = json_object_array_get_idx(records, 1);
	assert_non_null(wh_json_string(second, "second_of"));
	assert_string_equal(wh_json_string(second, "second_of"), wh_json_string(json_object_array_get_idx(records, 0), "group"));
	json_object_put(result);
}

static void since(void **state)
{
	static const char *const recent[] = { "since", "2026-11-09", NULL }, *const never[] = { "since", "2027-01-01", NULL };
	bool found;
	struct json_object *result = ask(input, recent, &found), *records = wh_json_array(result, "records");
	assert_true(found);
	assert_int_equal(json_object_array_length(records), 1);
	json_object_put(result);
	result = ask(input, never, &found);
	assert_false(found);
	assert_int_equal(json_object_array_length(wh_json_array(result, "records")), 0);
	json_object_put(result);
}

static void bug(void **state)
{
	static const char *const of[] = { "bug", "r0", NULL }, *const nobody[] = { "bug", "nobody", NULL };
	struct wh_str text = { 0 };
	struct wh_err err;
	bool found;
	struct json_object *result = ask(input, of, &found), *frames = wh_json_array(result, "frames");
	assert_int_equal(json_object_array_length(frames), 4);
	struct json_object *first = json_object_array_get_idx(frames, 0);
	assert_string_equal(wh_json_string(first, "name"), "crash_here");
	assert_string_equal(wh_json_string(first, "file"), "a.c");
	assert_int_equal(integer(first, "line"), 1);
	assert_true(json_object_array_length(wh_json_array(result, "apart")) > 0);
	assert_int_equal(json_object_array_length(wh_json_array(result, "ids")), integer(result, "observations"));
	json_object_put(result);
	assert_int_equal(run_verb(&wh_verb_report, input, nobody, &text, &found, &err), WH_E_NOTFOUND);
	wh_str_release(&text);
}

static void bugs_come_once(void **state)
{
	static const char *const some[] = { "hits", "2", NULL }, *const all[] = { "hits", "1", NULL };
	struct wh_str text = { 0 };
	struct wh_err err;
	bool found;
	assert_int_equal(run_verb(&wh_verb_import, input, NULL, &text, &found, &err), WH_OK);
	assert_int_equal(run_verb(&wh_verb_report, NULL, NULL, &text, &found, &err), WH_E_NOTFOUND); /* nothing is grouped yet */
	assert_int_equal(run_verb(&wh_verb_cluster, NULL, NULL, &text, &found, &err), WH_OK);
	wh_str_release(&text);
	struct json_object *groups_ = ask(NULL, NULL, &found), *first = ask(NULL, some, &found), *second = ask(NULL, some, &found), *third = ask(NULL, all, &found);
	size_t n = json_object_array_length(wh_json_array(groups_, "records"));
	assert_true(json_object_array_length(wh_json_array(first, "records")) > 0);
	assert_int_equal(json_object_array_length(wh_json_array(second, "records")), 0);
	assert_int_equal(json_object_array_length(wh_json_array(first, "records")) + json_object_array_length(wh_json_array(third, "records")), n);
	json_object_put(groups_);
	json_object_put(first);
	json_object_put(second);
	json_object_put(third);
}

static int report_bug(const void *user, struct wh_err *err)
{
	const char *const pairs[] = { "html", page, "bug", "r0", NULL };
	struct wh_str text = { 0 };
	bool found;
	int code = run_verb(&wh_verb_report, input, pairs, &text, &found, err);
	wh_str_release(&text);
	return code;
}

static void memory(void **state)
{
	long spared;
	assert_true(failing_each(report_bug, NULL, &spared) > 400);
	assert_true(spared < 10); /* what a reader can do without (a crash state) is no error */
}

static int report_sessions(struct wh_err *err)
{
	const char *const pairs[] = { "html", page, NULL };
	struct wh_str text = { 0 };
	bool found;
	int code = run_verb(&wh_verb_report, sessions, pairs, &text, &found, err);
	wh_str_release(&text);
	return code;
}

/* A page with drawings takes too many allocations to fail them all: every so many-th, the last ones, which draw, more often. */
static void memory_of_drawings(void **state)
{
	enum { TIMES = 60, LATE = 400 };
	struct wh_err err = { 0 };
	failing_at(-1);
	assert_int_equal(report_sessions(&err), WH_OK);
	const long n = failing_end();
	assert_true(n > TIMES + LATE);
	for (long k = 0; k < n; k += k < n - LATE ? n / TIMES : 5) {
		err = (struct wh_err){ 0 };
		failing_at(k);
		int code = report_sessions(&err);
		if (failing_end() > k && code != WH_OK)
			assert_true(code == WH_E_NOMEM && err.code == WH_E_NOMEM);
		else
			assert_int_equal(code, WH_OK);
	}
}

static int begin(void **state)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(input, sizeof input, "%s/input.jsonl", folder);
	snprintf(store, sizeof store, "%s/whorl.db", folder);
	snprintf(page, sizeof page, "%s/page.html", folder);
	snprintf(sessions, sizeof sessions, "%s/sessions.csv", folder);
	write_input();
	write_sessions();
	return 0;
}

static int end(void **state)
{
	static const char *const beside[] = { "", "-wal", "-shm" };
	char path[96];
	unlink(input);
	unlink(sessions);
	unlink(page);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s%s", store, beside[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups), cmocka_unit_test(since), cmocka_unit_test(bug), cmocka_unit_test(bugs_come_once), cmocka_unit_test(memory),
		cmocka_unit_test(memory_of_drawings),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
