/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a session against a plain table of what was said, thinned and not; what comes back from disk; allocations that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "collect/session/cgroup.h"
#include "collect/session/journal.h"
#include "collect/session/jvm.h"
#include "collect/session/process.h"
#include "failing.h"

enum { METRICS = 7, SOURCES = 3, STEPS = 100 };
static const char PATH[] = "journal.session";

static const char *name_of(unsigned metric)
{
	static const char *const names[METRICS] = { "a", "b bytes", "c", "d", "e f g", "h", "i" };
	return names[metric];
}

/* One step by chance: some sources are asked, of these some metrics told, one of them in two parts. now[]: what holds from here on. */
static void take_step(struct wh_journal *j, struct wh_rng *rng, int64_t time_ns, double now[METRICS])
{
	wh_journal_begin(j, time_ns);
	for (unsigned source = 0; source < SOURCES; source++) {
		if (wh_rng_below(rng, 3) == 0)
			continue;
		wh_journal_renew(j, source);
		for (unsigned m = source; m < METRICS; m += SOURCES) {
			now[m] = 0;
			if (wh_rng_below(rng, 4) == 0)
				continue;
			double part = (double)wh_rng_below(rng, 5), rest = m == 0 ? 0.5 : 0;
			wh_journal_add(j, source, name_of(m), strlen(name_of(m)), part);
			wh_journal_add(j, source, name_of(m), strlen(name_of(m)), rest);
			now[m] = part + rest;
		}
	}
	for (unsigned m = 0; m < METRICS; m++)
		assert_true(wh_journal_now(j, name_of(m)) == now[m]);
}

static void assert_session(const struct wh_journal *j, const double (*truth)[METRICS], const int64_t *time_ns, size_t n)
{
	struct wh_arena arena;
	struct wh_session *s;
	wh_arena_init(&arena, 64 << 20);
	assert_int_equal(wh_journal_session(j, &arena, &s, NULL), WH_OK);
	assert_int_equal(s->n_steps, j->steps.n);
	size_t at = 0;
	for (uint32_t i = 0; i < s->n_steps; i++) {
		int64_t when = j->steps.data[i].time_ns;
		while (at < n && time_ns[at] < when)
			at++;
		assert_true(at < n && time_ns[at] == when); /* no step but those that were taken */
		for (unsigned m = 0; m < METRICS; m++) {
			const struct wh_metric *metric = wh_session_metric(s, name_of(m));
			assert_true((metric ? wh_metric_at(metric, i) : 0) == truth[at][m]);
		}
		assert_true(s->time_s[i] == 1e-9 * (double)(when - time_ns[0]));
	}
	if (n) {
		assert_true(j->steps.data[0].time_ns == time_ns[0]);
		assert_true(j->steps.data[s->n_steps - 1].time_ns == time_ns[n - 1]);
	}
	wh_arena_release(&arena);
}

static void test_as_it_was(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct wh_journal j, again;
		struct wh_rng rng;
		double truth[STEPS][METRICS], now[METRICS] = { 0 };
		int64_t time_ns[STEPS];
		wh_rng_init(&rng, seed);
		uint32_t most = 2 + (uint32_t)wh_rng_below(&rng, seed % 3 ? 20 : 200);
		unlink(PATH);
		assert_int_equal(wh_journal_create(&j, PATH, most, NULL), WH_OK);
		assert_int_equal(wh_journal_say(&j, "app", "first", NULL), WH_OK);
		for (size_t i = 0; i < STEPS; i++) {
			time_ns[i] = (int64_t)(i + 1) * 1000;
			take_step(&j, &rng, time_ns[i], now);
			memcpy(truth[i], now, sizeof now);
			assert_int_equal(wh_journal_end(&j, NULL), WH_OK);
			assert_true(j.steps.n <= 2 * (size_t)most);
			for (size_t k = 0; k < most && k <= i; k++) /* the last ones are whole */
				assert_true(j.steps.data[j.steps.n - 1 - k].time_ns == time_ns[i - k]);
		}
		assert_int_equal(wh_journal_say(&j, "app", "second\nline", NULL), WH_OK);
		assert_session(&j, truth, time_ns, STEPS);
		assert_int_equal(wh_journal_load(&again, PATH, NULL), WH_E_CONFLICT); /* its recorder lives */
		wh_journal_release(&j);
		assert_int_equal(wh_journal_load(&again, PATH, NULL), WH_OK);
		assert_session(&again, truth, time_ns, STEPS);
		assert_string_equal(wh_journal_said(&again, "app"), "second?line");
		assert_null(wh_journal_said(&again, "other"));
		wh_journal_release(&again);
		assert_int_equal(wh_journal_create(&j, PATH, most, NULL), WH_E_IO); /* there is one */
		unlink(PATH);
		assert_int_equal(wh_journal_load(&again, PATH, NULL), WH_E_NOTFOUND);
	}
}

static void test_histogram(void **state)
{
	static const char text[] = "0\n num     #instances         #bytes  class name (module)\n"
				   "-------------------------------------------------------\n"
				   "   1:         18324        1023456  [B (java.base@17.0.15)\n"
				   "   2:            12            288  com.example.Order\n"
				   "   3:            12            288  \n   4: x 3 y\n  5: 99999999999999999999999 1 big\n"
				   "Total         18348        1024032\n"
				   "   6:             7            168  cut.of";
	struct wh_journal j;
	(void)state;
	unlink(PATH);
	assert_int_equal(wh_journal_create(&j, PATH, 10, NULL), WH_OK);
	wh_journal_begin(&j, 1);
	assert_int_equal(wh_jvm_take_histogram(text, sizeof text - 1, &j), 3);
	assert_true(wh_journal_now(&j, "jvm_objects [B") == 18324);
	assert_true(wh_journal_now(&j, "jvm_bytes com.example.Order") == 288);
	assert_int_equal(wh_jvm_take_histogram("", 0, &j), 0);
	wh_journal_release(&j);
	unlink(PATH);
}

/* ---- out of memory ---- */

static int record_a_little(const void *user, struct wh_err *err)
{
	(void)user;
	struct wh_journal j, again;
	struct wh_arena arena;
	struct wh_session *session;
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	unlink(PATH);
	WH_TRY(wh_journal_create(&j, PATH, 3, err));
	int code = wh_journal_say(&j, "app", "x", err);
	for (int64_t i = 0; code == WH_OK && i < 8; i++) {
		wh_journal_begin(&j, i);
		for (unsigned m = 0; m < METRICS; m++)
			wh_journal_add(&j, 0, name_of(m), strlen(name_of(m)), (double)wh_rng_below(&rng, 5));
		code = wh_journal_end(&j, err);
	}
	wh_journal_release(&j);
	if (code == WH_OK)
		code = wh_journal_load(&again, PATH, err);
	if (code != WH_OK)
		return code;
	wh_arena_init(&arena, 64 << 20);
	code = wh_journal_session(&again, &arena, &session, err);
	wh_arena_release(&arena);
	wh_journal_release(&again);
	return code;
}

static void test_memory(void **state)
{
	(void)state;
	assert_true(failing_each(record_a_little, NULL, NULL) > 20);
	unlink(PATH);
}

/* What is asked of a process when there is no memory to hold the answer is not known, and nothing worse. */
static int look_at_oneself(const void *user, struct wh_err *err)
{
	(void)user;
	struct wh_journal j;
	struct wh_str text = { 0 };
	struct wh_cgroup group;
	unlink(PATH);
	WH_TRY(wh_journal_create(&j, PATH, 3, err));
	wh_cgroup_of_process(&group, getpid());
	wh_journal_begin(&j, 1);
	bool memory = wh_process_memory(&j, getpid()), maps = wh_process_maps(&j, getpid(), &text), fds = wh_process_fds(&j, getpid());
	wh_cgroup_sample(&group, &j);
	(void)wh_cgroup_oom_kills(&group);
	(void)wh_cgroup_limit(&group);
	int code = wh_journal_end(&j, err);
	if (code == WH_OK && memory && maps && fds)
		code = wh_journal_now(&j, "threads") == 1 && wh_journal_now(&j, "map_bytes [stack]") > 0 ? WH_OK : WH_E_INTERNAL;
	wh_cgroup_release(&group);
	wh_str_release(&text);
	wh_journal_release(&j);
	return code;
}

static void test_memory_of_samples(void **state)
{
	long spared;
	(void)state;
	assert_true(failing_each(look_at_oneself, NULL, &spared) > 10);
	unlink(PATH);
}

static void test_oneself(void **state)
{
	struct wh_journal j;
	struct wh_str text = { 0 };
	(void)state;
	unlink(PATH);
	assert_int_equal(wh_journal_create(&j, PATH, 3, NULL), WH_OK);
	wh_journal_begin(&j, 1);
	assert_true(wh_process_memory(&j, getpid()) && wh_process_maps(&j, getpid(), &text) && wh_process_fds(&j, getpid()));
	assert_true(wh_process_lives(getpid()) && !wh_process_lives(4194304));
	assert_true(wh_journal_now(&j, "threads") >= 1 && wh_journal_now(&j, "maps [stack]") == 1);
	assert_true(wh_journal_now(&j, "memory_bytes resident") > 100000 && wh_journal_now(&j, "map_bytes [stack]") >= 4096);
	double files = wh_journal_now(&j, "fds pipe");
	int pipes[2];
	assert_int_equal(pipe(pipes), 0);
	wh_journal_begin(&j, 2);
	assert_true(wh_process_fds(&j, getpid()));
	assert_true(wh_journal_now(&j, "fds pipe") == files + 2);
	close(pipes[0]);
	close(pipes[1]);
	assert_false(wh_process_memory(&j, 4194304) || wh_process_maps(&j, 4194304, &text) || wh_process_fds(&j, 4194304));
	assert_false(wh_jvm_is_one(getpid()));
	wh_journal_release(&j);
	wh_str_release(&text);
	unlink(PATH);
}

int main(void)
{
	char folder[] = "/tmp/whorl-journal-XXXXXX";
	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_it_was), cmocka_unit_test(test_histogram), cmocka_unit_test(test_oneself),
		cmocka_unit_test(test_memory),	  cmocka_unit_test(test_memory_of_samples),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)!chdir("/");
	rmdir(folder);
	return failed;
}
