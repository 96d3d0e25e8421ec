/* SPDX-License-Identifier: Apache-2.0 */
/* Minidumps against hostile input: cut at every byte, bytes and words changed, counts and offsets without bounds, lists that share
 * their memory, memory that overlaps, stacks that point to themselves; and each allocation failing in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/input.h"
#include "base/rng.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

static long left = -1; /* allocations that still succeed; below 0: all */

static int fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }

enum { ARENA = 64 << 20, SECONDS = 20 };

static const char *const names[] = { "android-arm", "linux-arm64", "linux-maps", "linux-x86", "linux-x86_64", "macos-arm64-crashpad",
				     "windows-arm64-assertion", "windows-full", "windows-unloaded", "windows-x86", "simple-crashpad" };
#define NAMES (sizeof names / sizeof *names)

static struct wh_input dumps[NAMES];

struct count {
	size_t reports, skips, frames, threads;
};

/* Touches every byte that is handed over. */
static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct count *count = user;
	const struct wh_stack *stack = o->body;
	size_t sum = 0;
	(void)err;
	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct wh_frame *f = &stack->frames[i];
		const char *texts[] = { f->function, f->module, f->module_version, f->build_id, f->trust };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			sum += texts[k] ? strlen(texts[k]) : 0;
	}
	for (size_t i = 0; i < o->n_attributes; i++)
		sum += strlen(o->attributes[i].value) + strlen(o->attributes[i].name);
	count->reports += 1 + sum * 0;
	count->frames = stack->n_frames;
	count->threads = stack->n_threads;
	return WH_OK;
}

static int pass_over(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line, (void)err;
	assert_true(*why);
	((struct count *)user)->skips++;
	return WH_OK;
}

/* Reads n bytes from memory of exactly that size: one report, or one skip. */
static struct count read_bytes(const char *data, size_t n)
{
	struct wh_arena arena;
	struct count count = { 0 };
	struct wh_err err = { 0 };
	char *exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, data, n);
	wh_arena_init(&arena, ARENA);
	struct wh_reader reader = { .describe = true, .name = "hostile", .text = exact, .size = n, .first_line = 1, .arena = &arena,
				    .take = take, .skip = pass_over, .user = &count, .format = &wh_format_minidump };
	assert_in_range(wh_format_minidump.detect(exact, n), 0, 100);
	assert_int_equal(wh_format_minidump.read(&reader, &err), WH_OK);
	assert_int_equal(count.reports + count.skips, 1);
	assert_true(arena.total <= ARENA);
	wh_arena_release(&arena);
	free(exact);
	return count;
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		size_t step = dumps[i].size > 8192 ? 13 : 1;
		for (size_t n = 0; n < dumps[i].size; n += step)
			read_bytes(dumps[i].text, n);
		assert_int_equal(read_bytes(dumps[i].text, dumps[i].size).reports, 1);
	}
}

/* Words that are counts, sizes, offsets, addresses somewhere. */
static void test_changed(void **state)
{
	static const uint32_t odd[] = { 0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 32, 0x10000, 0x40000000 };
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 11);
	for (size_t i = 0; i < NAMES; i++) {
		size_t n = dumps[i].size;
		char *copy = malloc(n);
		assert_non_null(copy);
		for (int k = 0; k < 600; k++) {
			memcpy(copy, dumps[i].text, n);
			for (uint64_t changes = wh_rng_below(&rng, 6) + 1; changes; changes--) {
				size_t at = 8 + 4 * wh_rng_below(&rng, (n - 12) / 4);
				uint32_t word = wh_rng_below(&rng, 3) ? odd[wh_rng_below(&rng, sizeof odd / sizeof *odd)] :
									(uint32_t)wh_rng_below(&rng, n + 64);
				memcpy(copy + at, &word, sizeof word);
			}
			read_bytes(copy, n);
		}
		for (size_t at = 8; at + 4 <= n && n < 8192; at += 4) { /* each word once without bounds */
			memcpy(copy, dumps[i].text, n);
			memset(copy + at, 0xff, 4);
			read_bytes(copy, n);
		}
		free(copy);
	}
}

/* ---- dumps without bounds ---- */

struct made {
	char *data;
	size_t n;
};

static void put32(struct made *m, size_t at, uint32_t value)
{
	memcpy(m->data + at, &value, sizeof value);
}

static void put64(struct made *m, size_t at, uint64_t value)
{
	memcpy(m->data + at, &value, sizeof value);
}

/* A header, and a directory of n streams. */
static struct made make(size_t size, uint32_t n)
{
	struct made m = { calloc(1, size), size };
	assert_non_null(m.data);
	memcpy(m.data, "MDMP\x93\xa7", 6);
	put32(&m, 8, n);
	put32(&m, 12, 32);
	return m;
}

static void stream(struct made *m, uint32_t i, uint32_t type, uint32_t size, uint32_t offset)
{
	put32(m, 32 + 12 * i, type);
	put32(m, 36 + 12 * i, size);
	put32(m, 40 + 12 * i, offset);
}

static struct count finish(struct made *m)
{
	time_t start = time(NULL);
	struct count count = read_bytes(m->data, m->n);
	assert_true(time(NULL) - start < SECONDS);
	free(m->data);
	return count;
}

/* Every stream is the whole file, and every list claims 2^32 entries. */
static void test_everything_everywhere(void **state)
{
	static const uint32_t types[] = { 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 24, 0x47670001, 0x47670002, 0x47670004, 0x47670006, 0x47670009, 0x43500001 };
	uint32_t n = sizeof types / sizeof *types;
	(void)state;
	for (int fill = 0; fill < 4; fill++) {
		struct made m = make(4 << 20, 1 << 20);
		memset(m.data + 4096, (const int[]){ 0, 0xff, 1, 0x41 }[fill], m.n - 4096);
		for (uint32_t i = 0; i < 300; i++) /* each stream 17 times: the first counts */
			stream(&m, i, types[i % n], (uint32_t)m.n - 4096, 4096);
		finish(&m);
	}
}

/* The directory is its own stream, and lists lie within one another. */
static void test_cycles(void **state)
{
	(void)state;
	struct made m = make(4096, 340);
	for (uint32_t i = 0; i < 338; i++)
		stream(&m, i, 3 + i % 22, 4064 - 12 * i, 32 + 12 * i);
	finish(&m);
	m = make(65536, 4);
	stream(&m, 0, 0x43500001, 52, 100);
	put32(&m, 136, 60000), put32(&m, 140, 100); /* annotations are the stream itself, modules too */
	put32(&m, 144, 60000), put32(&m, 148, 100);
	put32(&m, 100, 0xffffffff);
	finish(&m);
}

/* Many threads, each with all of memory as its stack, which is full of addresses in a module. */
static void test_threads_times_memory(void **state)
{
	enum { THREADS = 60000, STACK = 1 << 20 };
	(void)state;
	size_t threads = 1024, contexts = threads + 4 + 48 * (size_t)THREADS, stack = contexts + 1232, modules = stack + STACK;
	struct made m = make(modules + 4 + 108, 4);
	stream(&m, 0, 3, 4 + 48 * THREADS, (uint32_t)threads);
	stream(&m, 1, 4, 4 + 108, (uint32_t)modules);
	stream(&m, 2, 7, 56, 512);
	m.data[512] = 9; /* x86-64, Linux */
	put32(&m, 512 + 20, 0x8201);
	put32(&m, threads, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		size_t at = threads + 4 + 48 * i;
		put32(&m, at, (uint32_t)i);
		put64(&m, at + 24, 0x7f0000000000);
		put32(&m, at + 32, STACK), put32(&m, at + 36, (uint32_t)stack);
		put32(&m, at + 40, 1232), put32(&m, at + 44, (uint32_t)contexts);
	}
	put64(&m, contexts + 0x98, 0x7f0000000000); /* rsp */
	put64(&m, contexts + 0xf8, 0x400100);       /* rip */
	for (size_t i = 0; i < STACK; i += 8)
		put64(&m, stack + i, 0x400200 + i % 4096);
	put32(&m, modules, 1);
	put64(&m, modules + 4, 0x400000);
	put32(&m, modules + 12, 0x10000);
	struct count count = finish(&m);
	assert_int_equal(count.reports, 1);
	assert_in_range(count.frames, 1000, WH_STACK_MOST_FRAMES);
	assert_in_range(count.threads, 1, WH_STACK_MOST_THREADS);
}

/* A million pieces of memory that overlap. */
static void test_overlaps(void **state)
{
	enum { PIECES = 1 << 20 };
	(void)state;
	struct made m = make(4096 + 4 + 16 * (size_t)PIECES, 2);
	stream(&m, 0, 5, 4 + 16 * PIECES, 4096);
	stream(&m, 1, 9, 64, 1024);
	put64(&m, 1024, UINT64_MAX);
	put32(&m, 4096, PIECES);
	for (size_t i = 0; i < PIECES; i++) {
		size_t at = 4100 + 16 * i;
		put64(&m, at, (uint64_t)(i * 7919) % 100000);
		put32(&m, at + 8, (uint32_t)(i * 31) % 5000), put32(&m, at + 12, (uint32_t)(i % 4096));
	}
	finish(&m);
}

/* Names as long as the file, of every module; a stack in which each frame points to itself. */
static void test_long_names(void **state)
{
	enum { MODULES = 20000, NAME = 8 << 20 };
	(void)state;
	size_t modules = 4096, name = modules + 4 + 108 * (size_t)MODULES, rest = name + 4 + NAME;
	struct made m = make(rest + 4096, 6);
	stream(&m, 0, 4, 4 + 108 * MODULES, (uint32_t)modules);
	stream(&m, 1, 7, 56, 512);
	stream(&m, 2, 3, 52, 1024);
	m.data[512] = 0; /* x86, Windows */
	put32(&m, 512 + 20, 2);
	put32(&m, 512 + 24, (uint32_t)name);
	put32(&m, modules, MODULES);
	for (size_t i = 0; i < MODULES; i++) {
		put64(&m, modules + 4 + 108 * i, 0x10000 * i);
		put32(&m, modules + 12 + 108 * i, 0x10000);
		put32(&m, modules + 24 + 108 * i, (uint32_t)name);
		put32(&m, modules + 80 + 108 * i, NAME), put32(&m, modules + 84 + 108 * i, (uint32_t)name + 4);
	}
	put32(&m, name, NAME);
	memset(m.data + name + 4, 0x41, NAME);
	memcpy(m.data + name + 4, "RSDS", 4);
	put32(&m, 1024, 1);
	put64(&m, 1028 + 24, 0x20000000);
	put32(&m, 1028 + 32, 4096), put32(&m, 1028 + 36, (uint32_t)rest);
	put32(&m, 1028 + 40, 716), put32(&m, 1028 + 44, 2048);
	put32(&m, 2048 + 0xb8, 0x30001), put32(&m, 2048 + 0xc4, 0x20000000), put32(&m, 2048 + 0xb4, 0x20000000);
	for (size_t i = 0; i < 4096; i += 8) {
		put32(&m, rest + i, 0x20000000);
		put32(&m, rest + i + 4, (uint32_t)(0x10000 * (i / 8 % MODULES) + 5));
	}
	assert_int_equal(finish(&m).reports, 1);
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		int code = WH_E_NOMEM;
		for (long n = 0; n < 2000 && code != WH_OK; n++) {
			struct wh_arena arena;
			struct count count = { 0 };
			struct wh_err err = { 0 };
			wh_arena_init(&arena, ARENA);
			struct wh_reader reader = { .describe = true, .name = "x", .text = dumps[i].text, .size = dumps[i].size, .first_line = 1, .arena = &arena,
						    .take = take, .skip = pass_over, .user = &count, .format = &wh_format_minidump };
			left = n;
			code = wh_format_minidump.read(&reader, &err);
			bool spared = left >= 0;
			left = -1;
			assert_true(code == WH_OK || (code == WH_E_NOMEM && *err.message));
			if (code == WH_OK && !spared)
				code = WH_E_NOMEM; /* something did without; on to where nothing fails */
			wh_arena_release(&arena);
		}
		assert_int_equal(code, WH_OK);
	}
}

/* What does not fit is skipped with the reason. */
static void test_limit(void **state)
{
	(void)state;
	for (size_t limit = 4096; limit <= 16384; limit += 4096) {
		struct wh_arena arena;
		struct count count = { 0 };
		struct wh_err err = { 0 };
		wh_arena_init(&arena, limit);
		struct wh_reader reader = { .name = "x", .text = dumps[NAMES - 1].text, .size = dumps[NAMES - 1].size, .first_line = 1, .arena = &arena,
					    .take = take, .skip = pass_over, .user = &count, .format = &wh_format_minidump };
		assert_int_equal(wh_format_minidump.read(&reader, &err), WH_OK);
		assert_int_equal(count.reports + count.skips, 1);
		wh_arena_release(&arena);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_changed),	      cmocka_unit_test(test_everything_everywhere),
		cmocka_unit_test(test_cycles),	  cmocka_unit_test(test_threads_times_memory), cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_long_names), cmocka_unit_test(test_no_memory),	      cmocka_unit_test(test_limit),
	};
	for (size_t i = 0; i < NAMES; i++) {
		char path[4096];
		struct wh_err err = { 0 };
		snprintf(path, sizeof path, "%s/minidump/%s.dmp", argc > 1 ? argv[1] : ".", names[i]);
		if (wh_input_open(&dumps[i], path, &err) != WH_OK) {
			fprintf(stderr, "%s\n", err.message);
			return 1;
		}
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < NAMES; i++)
		wh_input_release(&dumps[i]);
	return failed;
}
