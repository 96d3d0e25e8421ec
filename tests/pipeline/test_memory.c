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
	struct wh_values *const values[] = { &call->options, &call->input, &call->reading, &call->settings, &call->params };
	for (size_t i = 0; i < 5; i++)
		if (wh_values_find(values[i], name) >= 0)
			return wh_values_set(values[i], name, value, err);
	fail_msg("no option %s", name);
	return WH_E_USAGE;
}

struct step {
	const char *verb;
	const char *operands[4];
	const char *options[8]; /* name, value */
	const char *noun;       /* NULL: the first one there is */
	const struct step *after; /* done before it when the store is made; NULL: nothing */
};

static int prepare(struct wh_call *call, const struct wh_verb *verb, const struct step *step, struct wh_err *err)
{
	WH_TRY(wh_values_init(&call->options, verb->options ? verb->options : none, err));
	WH_TRY(wh_values_init(&call->input, verb->flags & WH_VERB_READS ? wh_input_params : none, err));
	WH_TRY(wh_values_init(&call->reading, verb->flags & WH_VERB_READS && call->signal->reading ? call->signal->reading : none, err));
	WH_TRY(wh_values_init(&call->settings, verb->flags & WH_VERB_SETTINGS ? call->signal->settings : none, err));
	WH_TRY(wh_values_init(&call->params, verb->flags & WH_VERB_METHOD ? call->method->params : none, err));
	for (size_t i = 0; i < 8 && step->options[i]; i += 2)
		WH_TRY(set(call, step->options[i], step->options[i + 1], err));
	return WH_OK;
}

static int run(const struct step *step, struct wh_err *err)
{
	static const struct wh_host host = { .threads = 1, .seed = 1 };
	const struct wh_signal *signal = wh_signals[0];
	for (size_t i = 0; step->noun && strcmp(signal->noun, step->noun) != 0; i++)
		signal = wh_signals[i];
	const struct wh_verb *verb = wh_verb_find(signal, step->verb);
	struct wh_call call = { .signal = signal, .method = signal->methods[0], .store = "whorl.db", .operands = step->operands, .host = &host,
				.store_given = step->noun };
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
	wh_values_release(&call.reading);
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
	if (first && first->after && run(first->after, &err) != WH_OK)
		fail_msg("%s: %s", first->after->verb, err.message);
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

static const struct step assigned = { .verb = "assign", .operands = { "reports.jsonl" } };

static void of_files(void **state)
{
	static const struct step steps[] = {
		{ .verb = "cluster", .operands = { "reports.jsonl" }, .options = { "labels", "labels.tsv" } },
		{ .verb = "evaluate", .operands = { "reports.jsonl" } },
		{ .verb = "train", .operands = { "reports.jsonl" }, .options = { "folds", "2", "d", "0.5" } },
		{ .verb = "calibrate", .operands = { "reports.jsonl" }, .options = { "output", "model" } },
		{ .verb = "show", .operands = { "reports.jsonl" } },
		{ .verb = "explain", .operands = { "reports.jsonl" } },
		{ .verb = "search", .operands = { "reports.jsonl" }, .options = { "among", "reports.jsonl" } },
		{ .verb = "cluster", .operands = { "reports.jsonl" }, .options = { "model", "model" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		torture(&steps[i], NULL);
}

static void into_the_store(void **state)
{
	static const struct step import = { .verb = "import", .operands = { "reports.jsonl" }, .options = { "labels", "labels.tsv" } };
	(void)state;
	torture(&import, NULL);
	torture(&assigned, NULL);
}

static void of_the_store(void **state)
{
	static const struct step steps[] = {
		{ .verb = "cluster", .options = { "d", "0.2" } },
		{ .verb = "list" },
		{ .verb = "explain" },
		{ .verb = "diff", .options = { "d", "0.2" } },
		{ .verb = "search", .operands = { "r1" } },
		{ .verb = "label", .operands = { "r1", "X" } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		torture(&steps[i], &assigned);
}

/* A store with a model for each of two versions, and what works with them. */
static void of_versions(void **state)
{
	static const struct step trained = { .verb = "train", .operands = { "sessions.csv" }, .noun = "session",
					     .options = { "per", "version", "least", "6", "sessions", "told.csv" } };
	static const struct step placed = { .verb = "assign", .operands = { "sessions.csv" }, .options = { "sessions", "told.csv" }, .noun = "session",
					    .after = &trained };
	static const struct step of_models[] = {
		{ .verb = "assign", .operands = { "sessions.csv" }, .options = { "sessions", "told.csv" }, .noun = "session" },
		{ .verb = "compare", .operands = { "1", "2", "sessions.csv" }, .options = { "sessions", "told.csv" }, .noun = "session" },
	};
	static const struct step of_sessions[] = {
		{ .verb = "train", .options = { "per", "platform,version", "least", "6" }, .noun = "session" },
		{ .verb = "calibrate", .options = { "since", "2026-01-01", "least", "6" }, .noun = "session" },
		{ .verb = "drift", .noun = "session" },
		{ .verb = "watch", .options = { "rounds", "1" }, .noun = "session" },
	};
	(void)state;
	torture(&trained, NULL);
	for (size_t i = 0; i < sizeof of_models / sizeof *of_models; i++)
		torture(&of_models[i], &trained);
	for (size_t i = 0; i < sizeof of_sessions / sizeof *of_sessions; i++)
		torture(&of_sessions[i], &placed);
}

static void explaining_sessions(void **state)
{
	static const struct step steps[] = {
		{ "explain", { "leaks.csv" }, { "analysis", "contrast", "k", "2" }, "session", NULL },
		{ "explain", { "leaks.csv" }, { "analysis", "absence", "k", "2" }, "session", NULL },
		{ "explain", { "leaks.csv" }, { "analysis", "average", "k", "2" }, "session", NULL },
		{ "explain", { "leaks.csv" }, { "analysis", "mutation", "k", "2" }, "session", NULL },
		{ "explain", { "leaks.csv" }, { "analysis", "onset", "k", "2" }, "session", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		torture(&steps[i], NULL);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Eight of each of two versions; in every other one x grows, else y. */
static void write_sessions(void)
{
	FILE *rows = fopen("sessions.csv", "w"), *told = fopen("told.csv", "w");
	assert_non_null(rows);
	assert_non_null(told);
	fputs("session,timestep,metric,value\n", rows);
	fputs("session,time,version,platform\n", told);
	for (int s = 0; s < 16; s++) {
		fprintf(told, "s%02d,2026-02-%02dT00:00:00Z,%d,p\n", s, s + 1, 1 + s / 8);
		for (int t = 0; t < 8; t++)
			fprintf(rows, "s%02d,%d,%s,%d\ns%02d,%d,z,%d\n", s, t, s % 2 ? "x" : "y", 10 + (5 + s) * t, s, t, 7 + (s * t) % 3);
	}
	assert_int_equal(fclose(rows), 0);
	assert_int_equal(fclose(told), 0);
}

/* Two kinds of leak, one of them later than what it takes along. */
static void write_leaks(const char *name)
{
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs("session,timestep,metric,value\n", file) >= 0);
	for (int s = 0; s < 10; s++)
		for (int t = 0; t < 20; t++)
			assert_true(fprintf(file, "s%d,%d,leak%d,%d\ns%d,%d,late,%d\ns%d,%d,same,%d\n", s, t, s % 2, 90 * t + s, s, t, t > 12 ? 20 * (t - 12) : 0, s, t,
					    3 + s % 3) > 0);
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
	write_sessions();
	write_leaks("leaks.csv");
	return 0;
}

static int leave(void **state)
{
	(void)state;
	forget_store();
	(void)unlink("reports.jsonl");
	(void)unlink("labels.tsv");
	(void)unlink("sessions.csv");
	(void)unlink("leaks.csv");
	(void)unlink("told.csv");
	(void)unlink("model");
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(of_files), cmocka_unit_test(into_the_store), cmocka_unit_test(of_the_store),
					    cmocka_unit_test(explaining_sessions), cmocka_unit_test(of_versions) };
	return cmocka_run_group_tests(tests, enter, leave);
}
