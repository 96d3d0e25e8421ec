/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record --drain short of memory: every allocation fails once in turn. Each call ends in WH_E_NOMEM or well, and whatever it ended in, the
 * next one finds everything and stores it once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <whorl/verb.h>
#include <whorl/writer.h>

#include "failing.h"
#include "store/store.h"

enum { WAITING = 3, MOST_RUNS = 150 };

/* ---- a call ---- */

static int discard(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user, (void)data, (void)n, (void)err;
	return WH_OK;
}

static int prepare(struct wh_call *call, const struct wh_verb *verb, struct wh_err *err)
{
	static const struct wh_param none[] = { { 0 } };
	WH_TRY(wh_values_init(&call->options, verb->options, err));
	WH_TRY(wh_values_init(&call->recording, call->signal->recorder->options, err));
	WH_TRY(wh_values_init(&call->reading, call->signal->reading ? call->signal->reading : none, err));
	WH_TRY(wh_values_init(&call->settings, call->signal->settings, err));
	WH_TRY(wh_values_init(&call->params, call->method->params, err));
	WH_TRY(wh_values_set(&call->options, "drain", "true", err));
	WH_TRY(wh_values_set(&call->recording, "spool", "spool", err));
	return wh_values_set(&call->recording, "keep-cores", "1", err);
}

static int drain(struct wh_err *err)
{
	static const struct wh_host host = { .threads = 1, .seed = 1 };
	const struct wh_signal *signal = wh_signals[0];
	const struct wh_verb *verb = wh_verb_find(signal, "record");
	struct wh_call call = { .signal = signal, .method = signal->methods[0], .store = "whorl.db", .host = &host };
	assert_non_null(verb);
	int code = prepare(&call, verb, err);
	struct wh_emit *out = code == WH_OK ? wh_writer_json_new((struct wh_sink){ discard, NULL }, true) : NULL;
	if (code == WH_OK)
		code = out ? verb->run(&call, out, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_writer_json_free(out);
	struct wh_values *const values[] = { &call.options, &call.recording, &call.reading, &call.settings, &call.params };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		wh_values_release(values[i]);
	return code;
}

/* ---- a spool ---- */

static void reset(void)
{
	static const char *const folders[] = { "spool", "spool/new", "spool/tmp", "spool/records", "spool/cores" };
	assert_int_equal(system("rm -rf spool whorl.db*"), 0);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		assert_int_equal(mkdir(folders[i], 0700), 0);
	for (int i = 0; i < WAITING; i++) {
		char path[128];
		snprintf(path, sizeof path, "spool/new/core-20260101T000000.00000000%dZ-1.core.zst", i);
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		if (i) /* the first is no report */
			fprintf(file, "{\"id\":\"x\",\"command\":\"a b\",\"file\":\"/home/ann/x\",\"frames\":[{\"function\":\"f%d\",\"module\":\"/home/ann/m\"}]}\n", i);
		assert_int_equal(fclose(file), 0);
	}
}

static void check(void)
{
	struct wh_store *store;
	uint64_t observations, groups;
	assert_int_equal(wh_store_open(&store, "whorl.db", WH_STORE_READ, NULL), WH_OK);
	assert_int_equal(wh_store_count(store, "stack", &observations, &groups, NULL), WH_OK);
	wh_store_close(store);
	assert_int_equal(observations, WAITING);
	assert_int_equal(system("test -z \"$(ls spool/new spool/records spool/tmp | grep core)\""), 0);
}

static void test_memory(void **state)
{
	(void)state;
	struct wh_err err = { 0 };
	reset();
	failing_at(-1);
	if (drain(&err) != WH_OK)
		fail_msg("%s", err.message);
	long all = failing_end(), stride = all / MOST_RUNS + 1, failed = 0;
	check();
	for (long k = 0; k < all; k += stride) {
		reset();
		err = (struct wh_err){ 0 };
		failing_at(k);
		int code = drain(&err);
		failing_end();
		if (code != WH_OK && (code != WH_E_NOMEM || err.code != WH_E_NOMEM))
			fail_msg("allocation %ld of %ld: %s: %s", k, all, wh_code_name(code), err.message);
		failed += code != WH_OK;
		err = (struct wh_err){ 0 };
		if (drain(&err) != WH_OK)
			fail_msg("again after allocation %ld of %ld: %s", k, all, err.message);
		check();
	}
	print_message("%ld allocations, %ld failures\n", all, failed);
	assert_true(failed > 0);
}

int main(void)
{
	char folder[] = "record-memory-XXXXXX";
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };
	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return chdir("..") || system("rm -rf record-memory-??????") || failed;
}
