/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place [-s NAME=VALUE]… METHOD TRAIN.jsonl [NEW.jsonl]: a method of sessions without the command around it. Learns groups from the neutral records
 * of the first file; then
 *
 *   with a second file, places its sessions one by one, each from its parsed record to its group, on one thread; says how many a CPU
 *   second that are, and the median, 99th percentile and maximum of the time that one takes (CPU, and on the wall)
 *   without, writes the points that were learned from, a line each: id, group, the floats of its point
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/input.h"
#include "base/vec.h"
#include "method/kaboom/methods.h"
#include "method/kaboom/space.h"

extern const struct wh_signal wh_signal_session;

struct sample {
	double cpu, wall;
};

struct bench {
	const struct wh_method *method;
	struct wh_values settings, values;
	void *config, *scratch, *space;
	struct wh_arena ids;
	struct WH_VEC(const char *) id;
	struct WH_VEC(uint32_t) weight;
	struct WH_VEC(uint32_t) group;
	struct WH_VEC(struct sample) samples;
	bool placing;
};

static int out_of_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int learn_from(struct bench *b, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_bytes bytes;
	WH_TRY(wh_signal_session.fingerprint(b->config, &b->scratch, o, arena, &bytes, err));
	WH_TRY(b->method->add(b->space, bytes, err));
	size_t n = strlen(o->id) + 1;
	char *id = wh_arena_alloc(&b->ids, n);
	if (!id || wh_vec_push(&b->id, id) || wh_vec_push(&b->weight, 1))
		return out_of_memory(err);
	memcpy(id, o->id, n);
	return WH_OK;
}

static int place(struct bench *b, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_bytes bytes;
	struct wh_location at;
	double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	WH_TRY(wh_signal_session.fingerprint(b->config, &b->scratch, o, arena, &bytes, err));
	WH_TRY(b->method->add(b->space, bytes, err));
	int code = b->method->locate(b->space, b->id.n, &at, err);
	b->method->drop(b->space);
	struct sample sample = { seconds(CLOCK_THREAD_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall };
	if (code == WH_OK && wh_vec_push(&b->samples, sample))
		code = out_of_memory(err);
	return code;
}

static int each_record(struct bench *b, const char *path, struct wh_err *err)
{
	struct wh_input input;
	struct wh_arena arena;
	WH_TRY(wh_input_open(&input, path, err));
	wh_arena_init(&arena, SIZE_MAX);
	int code = WH_OK;
	const char *p = input.text, *end = p + input.size;
	for (size_t line = 1; code == WH_OK && p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct wh_observation o = { 0 };
		code = wh_signal_session.decode((struct wh_bytes){ p, (size_t)(stop - p) }, &arena, &o, err);
		if (code == WH_OK)
			code = b->placing ? place(b, &o, &arena, err) : learn_from(b, &o, &arena, err);
		if (code != WH_OK)
			wh_err_wrap(err, code, "%s: line %zu", path, line);
		wh_arena_reset(&arena);
		p = stop + 1;
	}
	wh_arena_release(&arena);
	wh_input_release(&input);
	return code;
}

static int by_cpu(const void *a, const void *b)
{
	double x = ((const struct sample *)a)->cpu, y = ((const struct sample *)b)->cpu;
	return x < y ? -1 : x > y;
}

static int by_wall(const void *a, const void *b)
{
	double x = ((const struct sample *)a)->wall, y = ((const struct sample *)b)->wall;
	return x < y ? -1 : x > y;
}

static void report(struct bench *b)
{
	size_t n = b->samples.n;
	double total = 0;
	for (size_t i = 0; i < n; i++)
		total += b->samples.data[i].cpu;
	if (!n)
		return;
	qsort(b->samples.data, n, sizeof *b->samples.data, by_cpu);
	printf("placed %zu\t%.0f a CPU second\tCPU: median %.3f ms, p99 %.3f ms, most %.3f ms", n, (double)n / total,
	       1e3 * b->samples.data[n / 2].cpu, 1e3 * b->samples.data[n * 99 / 100].cpu, 1e3 * b->samples.data[n - 1].cpu);
	qsort(b->samples.data, n, sizeof *b->samples.data, by_wall);
	printf("\twall: median %.3f ms, p99 %.3f ms, most %.3f ms\n", 1e3 * b->samples.data[n / 2].wall,
	       1e3 * b->samples.data[n * 99 / 100].wall, 1e3 * b->samples.data[n - 1].wall);
}

static void points(const struct bench *b)
{
	const struct wh_session_space *space = b->space;
	for (size_t i = 0; i < b->id.n; i++) {
		printf("%s\t%u", b->id.data[i], b->group.data[i]);
		for (size_t k = 0; k < space->width; k++)
			printf("\t%.9g", (double)wh_session_row(space, i)[k]);
		putchar('\n');
	}
}

static int run(struct bench *b, const char *learn, const char *new, struct wh_err *err)
{
	WH_TRY(wh_values_init(&b->settings, wh_signal_session.settings, err));
	if (wh_signal_session.configure)
		WH_TRY(wh_signal_session.configure(&b->settings, &b->config, err));
	WH_TRY(b->method->open(b->method, &b->values, &b->space, err));
	WH_TRY(each_record(b, learn, err));
	struct wh_host host = { .threads = 1, .seed = 1 };
	double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
	WH_TRY(b->method->freeze(b->space, &host, err));
	double frozen = seconds(CLOCK_PROCESS_CPUTIME_ID);
	size_t n_groups;
	for (size_t i = 0; i < b->id.n; i++)
		if (wh_vec_push(&b->group, 0))
			return out_of_memory(err);
	WH_TRY(b->method->group(b->space, b->weight.data, &host, b->group.data, &n_groups, err));
	if (!new) {
		points(b);
		return WH_OK;
	}
	printf("learned from %zu\t%zu groups\tCPU: embedding %.2f s, groups %.2f s\n", b->id.n, n_groups, frozen - start,
	       seconds(CLOCK_PROCESS_CPUTIME_ID) - frozen);
	b->placing = true;
	WH_TRY(each_record(b, new, err));
	report(b);
	return WH_OK;
}

static int set(struct bench *b, char *setting, struct wh_err *err)
{
	char *equals = strchr(setting, '=');
	if (!equals)
		return wh_err_set(err, WH_E_USAGE, "%s: no NAME=VALUE", setting);
	*equals = 0;
	return wh_values_set(&b->values, setting, equals + 1, err);
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	struct wh_err err = { 0 };
	int first = 1, code = WH_OK;
	while (first + 1 < argc && !strcmp(argv[first], "-s"))
		first += 2;
	for (size_t i = 0; first < argc && wh_signal_session.methods[i]; i++)
		if (!strcmp(wh_signal_session.methods[i]->name, argv[first]))
			b.method = wh_signal_session.methods[i];
	if (!b.method || argc < first + 2 || argc > first + 3) {
		fprintf(stderr, "usage: place [-s NAME=VALUE]... METHOD TRAIN.jsonl [NEW.jsonl]\n");
		return 2;
	}
	wh_arena_init(&b.ids, SIZE_MAX);
	code = wh_values_init(&b.values, b.method->params, &err);
	for (int i = 1; code == WH_OK && i < first; i += 2)
		code = set(&b, argv[i + 1], &err);
	if (code == WH_OK)
		code = run(&b, argv[first + 1], argc > first + 2 ? argv[first + 2] : NULL, &err);
	if (code != WH_OK)
		fprintf(stderr, "place: %s\n", err.message);
	if (b.space)
		b.method->close(b.space);
	if (b.scratch && wh_signal_session.scratch_free)
		wh_signal_session.scratch_free(b.scratch);
	if (b.config && wh_signal_session.release)
		wh_signal_session.release(b.config);
	wh_values_release(&b.settings);
	wh_values_release(&b.values);
	wh_arena_release(&b.ids);
	wh_vec_release(&b.id);
	wh_vec_release(&b.weight);
	wh_vec_release(&b.group);
	wh_vec_release(&b.samples);
	return code == WH_OK ? 0 : 1;
}
