/* SPDX-License-Identifier: Apache-2.0 */
/* Sampling from inside a program: names, numbers, a handler that comes at any time, no memory. What is read back: samples.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <whorl/sample.h>

#include "base/input.h"
#include "failing.h"
#include "format/format.h"
#include "format/session/list.h"
#include "observation/session.h"

static char path[] = "/tmp/whorl-sample-XXXXXX";

struct seen {
	size_t sessions, steps, metrics, skips;
	double last[3]; /* of a, b and c */
};

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	static const char *const names[] = { "a", "b", "c" };
	const struct wh_session *session = o->body;
	struct seen *seen = user;
	(void)err;
	seen->sessions++;
	seen->steps = session->n_steps;
	seen->metrics = session->n_metrics;
	for (size_t i = 0; i < 3; i++) {
		const struct wh_metric *metric = wh_session_metric(session, names[i]);
		seen->last[i] = metric ? wh_metric_at(metric, session->n_steps - 1) : -1;
	}
	return WH_OK;
}

static int passed_over(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line;
	(void)why;
	(void)err;
	((struct seen *)user)->skips++;
	return WH_OK;
}

static struct seen read_back(void)
{
	struct seen seen = { 0 };
	struct wh_input input;
	struct wh_arena arena;
	struct wh_err err;
	assert_int_equal(wh_input_open(&input, path, &err), WH_OK);
	wh_arena_init(&arena, (size_t)64 << 20);
	struct wh_reader reader = { .name = path, .text = input.text, .size = input.size, .first_line = 1, .arena = &arena, .take = take, .skip = passed_over,
				    .user = &seen, .format = &wh_format_session_csv };
	assert_int_equal(wh_format_session_csv.read(&reader, &err), WH_OK);
	wh_arena_release(&arena);
	wh_input_release(&input);
	return seen;
}

static void test_values(void **state)
{
	static const double values[] = { 0, -0.0, 1, -17, 0.1, 1.0 / 3, 1e15, 123456789012345.0, 1e300, -4.9e-324, 9007199254740993.0 };
	struct wh_sample *s;
	struct wh_err err;
	size_t a, b, again;
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(wh_sample_open(&s, path, "s", &err), WH_OK);
		assert_int_equal(wh_sample_metric(s, "a", &a, &err), WH_OK);
		assert_int_equal(wh_sample_metric(s, "b", &b, &err), WH_OK);
		assert_int_equal(wh_sample_metric(s, "a", &again, &err), WH_OK);
		assert_int_equal(a, again);
		wh_sample_set(s, a, values[i]);
		wh_sample_set(s, b, i % 2 ? INFINITY : NAN);
		wh_sample_set(s, 99, 5); /* nobody's */
		assert_int_equal(wh_sample_step(s, &err), WH_OK);
		wh_sample_close(s);
		struct seen seen = read_back();
		assert_int_equal(seen.skips, 0);
		assert_true(seen.last[0] == values[i] && isnan(seen.last[1]));
	}
	assert_int_equal(wh_sample_open(&s, path, "", &err), WH_E_USAGE);
	assert_null(s);
	wh_sample_close(s);
	assert_int_equal(wh_sample_open(&s, path, NULL, &err), WH_OK);
	assert_int_equal(wh_sample_metric(s, "", &a, &err), WH_E_USAGE);
	assert_int_equal(wh_sample_metric(s, "@time_s", &a, &err), WH_E_USAGE);
	wh_sample_close(s);
}

static struct wh_sample *interrupted;
static volatile sig_atomic_t refused, taken;

static void handler(int number)
{
	(void)number;
	if (wh_sample_step(interrupted, NULL) == WH_OK)
		taken++;
	else
		refused++;
}

/* A timer takes steps while the program registers metrics and sets them: no row is broken, and every step that was taken is there. */
static void test_interrupted(void **state)
{
	struct itimerval timer = { { 0, 200 }, { 0, 200 } }, none = { 0 };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct wh_err err;
	size_t metric, steps = 0;
	char name[16];
	(void)state;
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(wh_sample_open(&interrupted, path, NULL, &err), WH_OK);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; i < 200 || taken < 20; i++) {
		snprintf(name, sizeof name, "m%d", i % 200);
		assert_int_equal(wh_sample_metric(interrupted, name, &metric, &err), WH_OK);
		wh_sample_set(interrupted, metric, i / 7.0);
		if (i % 10 == 0) {
			int code = wh_sample_step(interrupted, &err);
			assert_true(code == WH_OK);
			steps++;
		}
	}
	setitimer(ITIMER_REAL, &none, NULL);
	wh_sample_close(interrupted);
	struct seen seen = read_back();
	assert_int_equal(seen.sessions, 1);
	assert_int_equal(seen.skips, 0);
	assert_int_equal(seen.metrics, 200);
	assert_int_equal(seen.steps, steps + (size_t)taken);
}

static int sample(const void *user, struct wh_err *err)
{
	struct wh_sample *s;
	size_t metric;
	char name[16];
	(void)user;
	WH_TRY(wh_sample_open(&s, path, "s", err));
	int code = WH_OK;
	for (int i = 0; code == WH_OK && i < 40; i++) {
		snprintf(name, sizeof name, "\"%d\"", i);
		code = wh_sample_metric(s, name, &metric, err);
	}
	if (code == WH_OK)
		code = wh_sample_step(s, err);
	wh_sample_close(s);
	return code;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(failing_each(sample, NULL, NULL) > 40);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);
	(void)state;
	return fd < 0 || close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
