/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of lib/base fails in turn: the error is returned, nothing leaks, and the next try works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <whorl/param.h>
#include <whorl/writer.h>

#include "base/archive.h"
#include "base/arena.h"
#include "base/input.h"
#include "base/json.h"
#include "base/map.h"
#include "base/strtab.h"
#include "failing.h"

static char file[] = "/tmp/whorl-memory-XXXXXX";

static int arenas(struct wh_err *err)
{
	struct wh_arena arena;
	int code = WH_OK;
	wh_arena_init(&arena, 1 << 26);
	for (size_t i = 0; code == WH_OK && i < 50; i++)
		if (!wh_arena_zalloc(&arena, 1000, i))
			code = wh_arena_error(&arena, err);
	if (code == WH_OK && !wh_arena_printf(&arena, "%05000d", 1))
		code = wh_arena_error(&arena, err);
	wh_arena_release(&arena);
	return code;
}

static int tables(struct wh_err *err)
{
	struct wh_strtab table;
	struct wh_map map = { 0 };
	int code = WH_OK;
	wh_strtab_init(&table, 1 << 20);
	for (uint32_t i = 0; code == WH_OK && i < 300; i++) {
		char word[16];
		int n = snprintf(word, sizeof word, "%u", i);
		uint32_t id = wh_strtab_add(&table, word, (size_t)n);
		if (id == WH_STRTAB_NONE || !wh_map_put(&map, i, i))
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		else
			assert_int_equal(id, i);
	}
	for (uint32_t i = 0; i < table.n && i < map.n; i++) /* what was there before stays */
		assert_int_equal(*wh_map_get(&map, i), i);
	wh_strtab_release(&table);
	wh_map_release(&map);
	return code;
}

static int values(struct wh_err *err)
{
	static const struct wh_param params[] = {
		{ .name = "a", .type = WH_PARAM_STRING, .initial = "x" },
		{ .name = "b", .type = WH_PARAM_CHOICE, .initial = "y", .choices = "x|y" },
		{ .name = "c", .type = WH_PARAM_INT, .initial = "1" },
		{ 0 },
	};
	struct wh_values v, copy;
	WH_TRY(wh_values_init(&v, params, err));
	int code = wh_values_set(&v, "a", "other", err);
	assert_string_equal(wh_values_string(&v, "a"), code == WH_OK ? "other" : "x");
	if (code == WH_OK && (code = wh_values_copy(&copy, &v, err)) == WH_OK)
		wh_values_release(&copy);
	wh_values_release(&v);
	return code;
}

static int append(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)data, (void)err;
	*(size_t *)user += n;
	return WH_OK;
}

static int writing(struct wh_err *err)
{
	size_t written = 0;
	struct wh_emit *e = wh_writer_json_new((struct wh_sink){ append, &written }, false);
	if (!e)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_emit_document(e, "x");
	for (int i = 0; i < 200; i++)
		wh_emit_format(e, "key", "%d", i);
	int code = wh_emit_close(e, err);
	wh_writer_json_free(e);
	assert_true(code != WH_OK || written > 2000);
	return code;
}

static int found(void *user, const char *path, const char *relative, struct wh_err *err)
{
	struct wh_input input;
	(void)user, (void)relative;
	WH_TRY(wh_input_open(&input, path, err));
	assert_int_equal(input.size, 300000);
	wh_input_release(&input);
	return WH_OK;
}

static int files(struct wh_err *err)
{
	static char text[300000];
	struct wh_input input;
	WH_TRY(wh_file_replace(file, text, sizeof text, err));
	WH_TRY(wh_walk(file, found, NULL, err));
	WH_TRY(wh_input_open(&input, "data:,x", err));
	wh_input_release(&input);
	return WH_OK;
}

static char packed[1 << 16];
static size_t n_packed;

static void pack(void)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	archive_write_set_format_ustar(a);
	archive_write_open_memory(a, packed, sizeof packed, &n_packed);
	archive_entry_set_mode(e, AE_IFREG | 0644);
	archive_entry_set_size(e, 5000);
	for (const char *const *name = (const char *const[]){ "a", "folder/b", "../c", NULL }; *name; name++) {
		archive_entry_set_pathname(e, *name);
		archive_write_header(a, e);
		archive_write_data(a, (char[5000]){ "x" }, 5000);
	}
	archive_write_close(a);
	archive_entry_free(e);
	archive_write_free(a);
}

static int archives(struct wh_err *err)
{
	struct wh_archive *archive;
	struct wh_archive_entry entry = { 0 };
	WH_TRY(wh_archive_open(&archive, "x", (struct wh_bytes){ packed, n_packed }, &WH_ARCHIVE_LIMITS, err));
	int code = WH_OK;
	size_t entries = 0;
	while (code == WH_OK && !entry.over) {
		code = wh_archive_next(archive, &entry, err);
		entries += code == WH_OK && !entry.over;
		wh_input_release(&entry.input);
	}
	wh_archive_close(archive);
	if (code == WH_OK)
		assert_int_equal(entries, 3);
	return code;
}

static int run_part(const void *user, struct wh_err *err)
{
	int (*const *part)(struct wh_err *) = user;
	return (*part)(err);
}

static void each_in_turn(void **state)
{
	static int (*const parts[])(struct wh_err *) = { arenas, tables, values, writing, files, archives };
	(void)state;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		assert_true(failing_each(run_part, &parts[i], NULL) > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_in_turn) };
	int fd = mkstemp(file);
	pack();
	if (fd < 0)
		return 1;
	close(fd);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
