/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas, strings, interned strings, maps, random numbers: against plain references, under random operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/strtab.h"
#include "base/vec.h"

/* ---- arenas ---- */

struct piece {
	unsigned char *at;
	size_t size;
	unsigned char byte;
};

static void arena_pieces_keep_apart(void **state)
{
	(void)state;
	struct wh_rng rng;
	struct wh_arena arena;
	struct piece pieces[3000];
	struct { struct wh_arena_mark mark; size_t n, total; } marks[50];
	size_t n = 0, n_marks = 0;
	wh_rng_init(&rng, 1);
	wh_arena_init(&arena, (size_t)64 << 20);
	for (int step = 0; step < 20000; step++) {
		unsigned what = (unsigned)wh_rng_below(&rng, 100);
		if (what < 90 && n < 3000) {
			size_t size = wh_rng_below(&rng, wh_rng_below(&rng, 50) ? 200 : 60000);
			unsigned char *at = wh_arena_alloc(&arena, size);
			assert_non_null(at);
			assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
			memset(at, (int)(step & 255), size);
			pieces[n++] = (struct piece){ at, size, (unsigned char)(step & 255) };
		} else if (what < 95 && n_marks < 50) {
			marks[n_marks].mark = wh_arena_mark(&arena);
			marks[n_marks].total = arena.total;
			marks[n_marks++].n = n;
		} else if (what < 99 && n_marks) { /* back to any mark: later ones are void */
			n_marks = wh_rng_below(&rng, n_marks);
			wh_arena_rewind(&arena, marks[n_marks].mark);
			assert_int_equal(arena.total, marks[n_marks].total);
			n = marks[n_marks].n;
		} else if (wh_rng_below(&rng, 20) == 0) {
			wh_arena_reset(&arena);
			n = n_marks = 0;
		}
		if (step % 500 == 0)
			for (size_t i = 0; i < n; i++)
				for (size_t k = 0; k < pieces[i].size; k++)
					assert_int_equal(pieces[i].at[k], pieces[i].byte);
	}
	wh_arena_release(&arena);
}

static void arena_is_capped(void **state)
{
	(void)state;
	struct wh_arena arena;
	struct wh_err err = { 0 };
	size_t got = 0;
	wh_arena_init(&arena, 100000);
	char *first = wh_arena_strdup(&arena, "first");
	while (wh_arena_alloc(&arena, 100))
		got += 100;
	assert_in_range(got, 80000, 100000); /* the last, exact block is used */
	assert_true(arena.total <= arena.limit);
	assert_int_equal(wh_arena_error(&arena, &err), WH_E_LIMIT);
	assert_string_equal(first, "first");
	wh_arena_reset(&arena);
	assert_non_null(wh_arena_alloc(&arena, 100));
	assert_null(wh_arena_alloc(&arena, SIZE_MAX));
	assert_null(wh_arena_alloc(&arena, SIZE_MAX - 8));
	assert_null(wh_arena_zalloc(&arena, SIZE_MAX / 2, 3));
	assert_null(wh_arena_strndup(&arena, "", SIZE_MAX));
	wh_arena_release(&arena);
	wh_arena_init(&arena, 1 << 20);
	unsigned char *zero = wh_arena_zalloc(&arena, 100, 7);
	for (size_t i = 0; i < 700; i++)
		assert_int_equal(zero[i], 0);
	assert_string_equal(wh_arena_printf(&arena, "%s-%d", "a", 5), "a-5");
	assert_string_equal(wh_arena_strndup(&arena, "abcdef", 3), "abc");
	wh_arena_release(&arena);
	wh_arena_init(&arena, 0);
	assert_null(wh_arena_alloc(&arena, 1));
	wh_arena_release(&arena);
}

/* ---- strings ---- */

static void strings_grow(void **state)
{
	(void)state;
	struct wh_str str = { 0 };
	struct wh_err err = { 0 };
	char expected[4000] = "";
	size_t n = 0;
	struct wh_rng rng;
	wh_rng_init(&rng, 2);
	for (int i = 0; i < 300; i++) {
		char word[16];
		snprintf(word, sizeof word, "%x", (unsigned)wh_rng_next(&rng) >> 12);
		switch (wh_rng_below(&rng, 5)) {
		case 0: wh_str_puts(&str, word); break;
		case 3:
			assert_true(wh_str_reserve(&str, strlen(word)));
			strcpy(str.data + str.n, word);
			str.n += strlen(word);
			break;
		case 1: wh_str_add(&str, word, strlen(word)); break;
		case 2: wh_str_printf(&str, "%s", word); break;
		default: word[1] = '\0'; wh_str_putc(&str, word[0]); break;
		}
		strcat(expected + n, word);
		n += strlen(word);
		assert_int_equal(str.n, n);
		assert_string_equal(str.data, expected);
	}
	wh_str_add(&str, NULL, 0);
	assert_int_equal(wh_str_check(&str, &err), WH_OK);
	wh_str_add(&str, "x", WH_STR_LIMIT); /* never read: refused */
	assert_int_equal(wh_str_check(&str, &err), WH_E_NOMEM);
	wh_str_puts(&str, "more");
	assert_false(wh_str_reserve(&str, 0)); /* it sticks */
	assert_string_equal(str.data, expected);
	wh_str_clear(&str);
	assert_int_equal(wh_str_check(&str, &err), WH_OK);
	assert_string_equal(str.data, "");
	wh_str_release(&str);
}

static void globs_are_fnmatch(void **state)
{
	(void)state;
	struct wh_rng rng;
	size_t matched = 0;
	wh_rng_init(&rng, 3);
	for (int i = 0; i < 200000; i++) {
		char pattern[12] = "", text[16] = "";
		size_t m = wh_rng_below(&rng, 8), n = wh_rng_below(&rng, 12);
		for (size_t k = 0; k < m; k++)
			pattern[k] = "ab*?*"[wh_rng_below(&rng, 5)];
		for (size_t k = 0; k < n; k++)
			text[k] = "ab"[wh_rng_below(&rng, 2)];
		bool expected = !fnmatch(pattern, text, 0);
		matched += expected;
		if (wh_glob(pattern, text, n) != expected)
			fail_msg("%s and %s", pattern, text);
	}
	assert_in_range(matched, 20000, 180000);
	assert_true(wh_starts("abc", 3, "ab") && wh_starts("", 0, "") && !wh_starts("ab", 1, "ab"));
}

/* ---- interned strings ---- */

static void strtab_against_list(void **state)
{
	(void)state;
	struct wh_strtab table;
	struct wh_rng rng;
	static char words[5000][12];
	static struct wh_arena_mark marks[5001];
	size_t n = 0;
	wh_rng_init(&rng, 4);
	wh_strtab_init(&table, (size_t)16 << 20);
	assert_int_equal(wh_strtab_find(&table, "x", 1), WH_STRTAB_NONE);
	for (int step = 0; step < 60000; step++) {
		char word[12];
		size_t size = (size_t)snprintf(word, sizeof word, "%u", (unsigned)wh_rng_below(&rng, 4000)), known = 0;
		while (known < n && strcmp(words[known], word) != 0)
			known++;
		if (wh_rng_below(&rng, 3)) {
			marks[n] = wh_arena_mark(&table.arena);
			assert_int_equal(wh_strtab_add(&table, word, size), known);
			if (known == n)
				strcpy(words[n++], word);
		} else {
			assert_int_equal(wh_strtab_find(&table, word, size), known < n ? known : WH_STRTAB_NONE);
		}
		if (wh_rng_below(&rng, 500) == 0 && n) {
			size_t back = wh_rng_below(&rng, n) / 4;
			n -= back;
			if (back)
				wh_strtab_truncate(&table, n, marks[n]);
		}
		assert_int_equal(table.n, n);
	}
	for (size_t i = 0; i < n; i++) {
		struct wh_bytes text = wh_strtab_get(&table, (uint32_t)i);
		assert_int_equal(text.size, strlen(words[i]));
		assert_string_equal(text.data, words[i]);
	}
	assert_int_equal(wh_strtab_add(&table, "a\0b", 3), n);
	assert_int_equal(wh_strtab_add(&table, "a\0c", 3), n + 1);
	assert_int_equal(wh_strtab_add(&table, "", 0), n + 2);
	wh_strtab_release(&table);
	wh_strtab_init(&table, 5000);
	char word[48];
	uint32_t id = 0;
	for (int i = 0; id != WH_STRTAB_NONE; i++) {
		snprintf(word, sizeof word, "a string of some length %d", i);
		id = wh_strtab_add(&table, word, strlen(word));
		assert_true(i < 5000);
	}
	assert_int_equal(wh_strtab_find(&table, word, strlen(word)), WH_STRTAB_NONE);
	assert_int_equal(wh_strtab_find(&table, "a string of some length 0", 25), 0);
	wh_strtab_release(&table);
}

/* ---- maps ---- */

static void map_against_array(void **state)
{
	(void)state;
	struct wh_map map = { 0 };
	struct wh_rng rng;
	static struct { bool there; uint64_t value; } expected[3000];
	size_t n = 0;
	wh_rng_init(&rng, 5);
	for (int step = 0; step < 300000; step++) {
		uint64_t i = wh_rng_below(&rng, step / 100 % 7 == 0 ? 20 : 3000), key = i * 0x100000001u, *value;
		switch (wh_rng_below(&rng, 3)) {
		case 0:
			value = wh_map_put(&map, key, (uint64_t)step);
			assert_non_null(value);
			if (!expected[i].there) {
				expected[i].there = true;
				expected[i].value = (uint64_t)step;
				n++;
			}
			assert_int_equal(*value, expected[i].value);
			*value = expected[i].value = wh_rng_next(&rng);
			break;
		case 1:
			wh_map_remove(&map, key);
			n -= expected[i].there;
			expected[i].there = false;
			break;
		default:
			value = wh_map_get(&map, key);
			assert_int_equal(value != NULL, expected[i].there);
			if (value)
				assert_int_equal(*value, expected[i].value);
		}
		assert_int_equal(map.n, n);
	}
	size_t seen = 0;
	WH_MAP_EACH(&map, slot)
	{
		uint64_t i = slot->key / 0x100000001u;
		assert_true(expected[i].there && expected[i].value == slot->value);
		seen++;
	}
	assert_int_equal(seen, n);
	assert_true(map.n_slots <= 16384); /* removed ones do not let it grow */
	wh_map_release(&map);
	assert_null(wh_map_get(&map, 1));
	wh_map_remove(&map, 1);
}

/* ---- random numbers ---- */

static void random_is_even(void **state)
{
	(void)state;
	struct wh_rng a, b;
	size_t count[7] = { 0 };
	uint32_t items[100];
	double sum = 0;
	wh_rng_init(&a, 42);
	wh_rng_init(&b, 42);
	for (int i = 0; i < 70000; i++) {
		assert_int_equal(wh_rng_next(&a), wh_rng_next(&b));
		uint64_t x = wh_rng_below(&a, 7);
		assert_int_equal(x, wh_rng_below(&b, 7));
		count[x]++;
		double r = wh_rng_real(&a);
		assert_true(r >= 0 && r < 1 && r == wh_rng_real(&b));
		sum += r;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(count[i], 9500, 10500);
	assert_true(sum > 34500 && sum < 35500);
	for (int i = 0; i < 1000; i++)
		assert_true(wh_rng_below(&a, UINT64_MAX / 3 * 2) < UINT64_MAX / 3 * 2);
	for (uint32_t i = 0; i < 100; i++)
		items[i] = i;
	wh_rng_shuffle(&a, items, 100);
	uint64_t there[2] = { 0 };
	for (int i = 0; i < 100; i++)
		there[items[i] / 64] |= UINT64_C(1) << items[i] % 64;
	assert_true(there[0] == UINT64_MAX && there[1] == (UINT64_C(1) << 36) - 1);
	wh_rng_shuffle(&a, items, 0);
}

static void vectors_grow(void **state)
{
	(void)state;
	struct WH_VEC(uint32_t) v = { 0 };
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(wh_vec_push(&v, i), 0);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(v.data[i], i);
	assert_int_not_equal(wh_vec_reserve(&v, SIZE_MAX / 2), 0);
	assert_int_not_equal(wh_vec_reserve(&v, SIZE_MAX), 0);
	assert_int_equal(v.data[999], 999);
	wh_vec_release(&v);
	assert_null(v.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_pieces_keep_apart), cmocka_unit_test(arena_is_capped), cmocka_unit_test(strings_grow),
		cmocka_unit_test(globs_are_fnmatch),	   cmocka_unit_test(strtab_against_list), cmocka_unit_test(map_against_array),
		cmocka_unit_test(random_is_even),	   cmocka_unit_test(vectors_grow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
