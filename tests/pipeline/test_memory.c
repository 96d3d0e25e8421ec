/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs short of memory: every allocation of a call fails once in turn (where there are very many, every so many-th). Each ends in
 * WH_E_NOMEM or, where the allocation was one that can be done without, well; nothing leaks (AddressSanitizer looks), and the store is
 * as usable as before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <whorl/verb.h>
#include <whorl/writer.h>

#include "failing.h"

enum { MOST_RUNS = 80 };

/* ---- a call ---- */

static const struct wh_param none[] = { { 0 } };

static int discard(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)data, (void)err;
	*(size_t *)user += n;
	return WH_OK;
}

static int set(struct wh_call *call, const char *name, const char *value, struct wh_err *err)
{
	struct wh_values *const values[] = { &call->options, &call->input, &call->settings, &call->params };
	for (size_t i = 0; i < 4; i++)
		if (wh_values_find(values[i], name) >= 0)
			return wh_values_set(values[i], name, value, err);
	fail_msg("no option %s", name);
	return WH_E_USAGE;
}

struct step {
	const char *verb;
	const char *operands[4];
	const char *options[4]; /* name, value */
};

static int prepare(struct wh_call *call, const struct wh_verb *verb, const struct step *step, struct wh_err *err)
{
	WH_TRY(wh_values_init(&call->options, verb->options ? verb->options : none, err));
	WH_TRY(wh_values_init(&call->input, verb->flags & WH_VERB_READS ? wh_input_params : none, err));
	WH_TRY(wh_values_init(&call->settings, verb->flags & WH_VERB_SETTINGS ? call->signal->settings : none, err));
	WH_TRY(wh_values_init(&call->params, verb->flags & WH_VERB_METHOD ? call->method->params : none, err));
	for (size_t i = 0; i < 4 && step->options[i]; i += 2)
		WH_TRY(set(call, step->options[i], step->options[i + 1], err));
	return WH_OK;
}

static int run(const struct step *step, struct wh_err *err)
{
	static const struct wh_host host = { .threads = 1, .seed = 1 };
	const struct wh_signal *signal = wh_signals[0];
	const struct wh_verb *verb = wh_verb_find(signal, step->verb);
	struct wh_call call = { .signal = signal, .method = signal->methods[0], .store = "whorl.db", .operands = step->operands, .host = &host };
	size_t written = 0;
	assert_non_null(verb);
	while (call.n_operands < 4 && step->operands[call.n_operands])
		call.n_operands++;
	int code = prepare(&call, verb, step, err);
	struct wh_emit *out = code == WH_OK ? wh_writer_json_new((struct wh_sink){ discard, &written }, true) : NULL;
	if (code == WH_OK)
		code = out ? verb->run(&call, out, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_writer_json_free(out);
	wh_values_release(&call.options);
	wh_values_release(&call.input);
	wh_values_release(&call.settings);
	wh_values_release(&call.params);
	return code;
}

static void forget_store(void)
{
	static const char *const names[] = { "whorl.db", "whorl.db-wal", "whorl.db-shm" };
	for (size_t i = 0; i < 3; i++)
		(void)unlink(names[i]);
}

/* The store as it is before the step: what `first` made, or none. */
static void reset(const struct step *first)
{
	struct wh_err err = { 0 };
	forget_store();
	if (first && run(first, &err) != WH_OK)
		fail_msg("%s: %s", first->verb, err.message);
}

static void torture(const struct step *step, const struct step *first)
{
	struct wh_err err = { 0 };
	reset(first);
	failing_at(-1);
	if (run(step, &err) != WH_OK)
		fail_msg("%s: %s", step->verb, err.message);
	long all = failing_end(), stride = all / MOST_RUNS + 1, failed = 0;
	for (long k = 0; k < all; k += k < 40 ? 1 : stride) {
		reset(first);
		err = (struct wh_err){ 0 };
		failing_at(k);
		int code = run(step, &err);
		failing_end();
		if (code != WH_OK && code != WH_E_NOMEM)
			fail_msg("%s: allocation %ld of %ld: %s: %s", step->verb, k, all, wh_code_name(code), err.message);
		if (code != WH_OK && err.code != WH_E_NOMEM)
			fail_msg("%s: allocation %ld of %ld: the reason was not said: %s", step->verb, k, all, err.message);
		failed += code != WH_OK;
		if (k % 16 == 0) { /* what it left behind can be worked with */
			err = (struct wh_err){ 0 };
			if (run(step, &err) != WH_OK)
				fail_msg("%s: again after allocation %ld of %ld: %s", step->verb, k, all, err.message);
		}
	}
	print_message("%s: %ld allocations, %ld failures\n", step->verb, all, failed);
	assert_true(failed > 0);
}

/* ---- the verbs ---- */

static const char reports[] =
	"{\"id\":\"r1\",\"time\":\"2026-01-01T00:00:01Z\",\"label\":\"A\",\"frames\":[{\"function\":\"a\"},{\"function\":\"b\"},{\"function\":\"c\"}]}\n"
	"{\"id\":\"r2\",\"time\":\"2026-01-01T00:00:02Z\",\"label\":\"A\",\"frames\":[{\"function\":\"a\"},{\"function\":\"b\"},{\"function\":\"d\"}]}\n"
	"{\"id\":\"r3\",\"time\":\"2026-01-01T00:00:03Z\",\"label\":\"B\",\"frames\":[{\"function\":\"x\"},{\"function\":\"y\"},{\"function\":\"z\"}]}\n"
	"{\"id\":\"r4\",\"label\":\"B\",\"frames\":[]}\n";

static const struct step assigned = { "assign", { "reports.jsonl" }, { 0 } };

static void of_files(void **state)
{
	static const struct step steps[] = {
		{ "cluster", { "reports.jsonl" }, { "labels", "labels.tsv" } },
		{ "evaluate", { "reports.jsonl" }, { 0 } },
		{ "train", { "reports.jsonl" }, { "folds", "2", "d", "0.5" } },
		{ "calibrate", { "reports.jsonl" }, { "output", "model" } },
		{ "show", { "reports.jsonl" }, { 0 } },
		{ "explain", { "reports.jsonl" }, { 0 } },
		{ "search", { "reports.jsonl" }, { "among", "reports.jsonl" } },
		{ "cluster", { "reports.jsonl" }, { "model", "model" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		torture(&steps[i], NULL);
}

static void into_the_store(void **state)
{
	static const struct step import = { "import", { "reports.jsonl" }, { "labels", "labels.tsv" } };
	(void)state;
	torture(&import, NULL);
	torture(&assigned, NULL);
}

static void of_the_store(void **state)
{
	static const struct step steps[] = {
		{ "cluster", { 0 }, { "d", "0.2" } }, { "list", { 0 }, { 0 } },	  { "explain", { 0 }, { 0 } },
		{ "diff", { 0 }, { "d", "0.2" } },    { "search", { "r1" }, { 0 } }, { "label", { "r1", "X" }, { 0 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		torture(&steps[i], &assigned);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static char folder[] = "/tmp/whorl-memory-XXXXXX";

static int enter(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder))
		return -1;
	write_file("reports.jsonl", reports);
	write_file("labels.tsv", "r1\tone\nr3\ttwo\n");
	return 0;
}

static int leave(void **state)
{
	(void)state;
	forget_store();
	(void)unlink("reports.jsonl");
	(void)unlink("labels.tsv");
	(void)unlink("model");
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(of_files), cmocka_unit_test(into_the_store), cmocka_unit_test(of_the_store) };
	return cmocka_run_group_tests(tests, enter, leave);
}
