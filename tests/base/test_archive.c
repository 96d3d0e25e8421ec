/* SPDX-License-Identifier: Apache-2.0 */
/* Archives: every kind of packing, names that lead out, links, what is too large, what ends too early. Written by libarchive. */
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

#include "base/archive.h"
#include "base/str.h"

enum { MOST = 1 << 22 };

static char bytes[MOST];
static const struct wh_archive_limits small = { 10000, 100000, 1000 };

struct member {
	const char *name;
	const char *content;
	size_t size; /* 0: as long as content is */
	int type;    /* 0: a file */
	const char *link;
};

/* The archive that format (name of libarchive's) and filter (NULL: none) make of members; its size. */
static size_t make(const char *format, const char *filter, const struct member *members, size_t n)
{
	size_t used = 0;
	struct archive *a = archive_write_new();
	assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
	if (filter)
		assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, bytes, sizeof bytes, &used), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++) {
		const struct member *m = &members[i];
		size_t size = m->size ? m->size : m->content ? strlen(m->content) : 0;
		struct archive_entry *e = archive_entry_new();
		archive_entry_set_pathname(e, m->name);
		archive_entry_set_mode(e, (m->type ? (__LA_MODE_T)m->type : AE_IFREG) | 0644);
		archive_entry_set_size(e, (la_int64_t)size);
		if (m->link && m->type == (int)AE_IFLNK)
			archive_entry_set_symlink(e, m->link);
		else if (m->link)
			archive_entry_set_hardlink(e, m->link);
		assert_in_range(archive_write_header(a, e) + 30, 10, 30); /* OK or a warning */
		if (size && !m->link && m->content && m->size) {
			char *filled = malloc(size);
			assert_non_null(filled);
			memset(filled, *m->content, size);
			assert_int_equal(archive_write_data(a, filled, size), size);
			free(filled);
		} else if (size && !m->link) {
			assert_int_equal(archive_write_data(a, m->content, size), size);
		}
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return used;
}

/* What reading gives: `name=content` or `name!why` a line; the end `.`, or `.!` where the rest is lost. */
static const char *read_all(size_t size, const struct wh_archive_limits *limits)
{
	static char got[4096];
	struct wh_archive *archive;
	struct wh_archive_entry entry = { 0 };
	struct wh_err err = { 0 };
	size_t n = 0;
	*got = '\0';
	if (wh_archive_open(&archive, "test", (struct wh_bytes){ bytes, size }, limits, &err) != WH_OK) {
		snprintf(got, sizeof got, "open: %s", err.message);
		return got;
	}
	while (!entry.over) {
		if (wh_archive_next(archive, &entry, &err) != WH_OK)
			fail_msg("%s", err.message);
		int shown = entry.input.size > 20 ? 20 : (int)entry.input.size;
		n += (size_t)snprintf(got + n, sizeof got - n, "%s%s%s%.*s\n", entry.path, entry.over ? "." : "",
				      entry.passed_over ? "!" : entry.over ? "" : "=", entry.passed_over ? 60 : shown,
				      entry.passed_over ? entry.passed_over : entry.input.text ? entry.input.text : "");
		wh_input_release(&entry.input);
		assert_true(n < sizeof got);
	}
	wh_archive_close(archive);
	return got;
}

static const struct member plain[] = { { .name = "a.txt", .content = "first" },
					{ .name = "sub/", .type = (int)AE_IFDIR },
					{ .name = "sub/b.txt", .content = "second" },
					{ .name = "empty" } };

static void kinds(void **state)
{
	(void)state;
	static const char *const table[][2] = { { "ustar", NULL },     { "gnutar", NULL }, { "pax", NULL },    { "ustar", "gzip" },
						{ "ustar", "bzip2" }, { "pax", "xz" },    { "ustar", "zstd" }, { "zip", NULL },
						{ "7zip", NULL } };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		size_t n = make(table[i][0], table[i][1], plain, sizeof plain / sizeof *plain);
		bool seen = wh_archive_begins(bytes, n);
		const char *filter = table[i][1];
		assert_int_equal(seen, !filter || !strcmp(filter, "bzip2")); /* the others are seen when they are unpacked */
		char path[] = "/tmp/whorl-archive-XXXXXX";
		int fd = mkstemp(path);
		assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && !close(fd));
		assert_true(wh_archive_is(path));
		unlink(path);
		const char *got = read_all(n, &WH_ARCHIVE_LIMITS);
		if (strcmp(got, "a.txt=first\nsub/b.txt=second\nempty=\n.\n") != 0)
			fail_msg("%s %s: %s", table[i][0], filter ? filter : "", got);
	}
	assert_false(wh_archive_is("/tmp"));
	assert_false(wh_archive_is("-"));
	assert_false(wh_archive_is("/nonexistent"));
	assert_false(wh_archive_begins("PK", 2));
	assert_false(wh_archive_begins("BZh91AY&SY", 10));
}

static void names(void **state)
{
	(void)state;
	static const struct member table[] = { { .name = "/etc/passwd", .content = "x" },
					       { .name = "../up", .content = "x" },
					       { .name = "a/../../up", .content = "x" },
					       { .name = "./a//b/./c", .content = "x" },
					       { .name = "a/b../c..", .content = "x" },
					       { .name = ".hidden", .content = "x" },
					       { .name = "a/.git/x", .content = "x" },
					       { .name = "l", .type = (int)AE_IFLNK, .link = "/etc/passwd" },
					       { .name = "h", .link = "a/b/c" },
					       { .name = "fifo", .type = (int)AE_IFIFO },
					       { .name = "disk", .type = (int)AE_IFBLK },
					       { .name = "gr\xc3\xbc\xc3\x9f.txt", .content = "x" },
					       { .name = "latin\xfc", .content = "x" } };
	size_t n = make("ustar", NULL, table, sizeof table / sizeof *table);
	assert_string_equal(read_all(n, &WH_ARCHIVE_LIMITS),
			    "etc/passwd=x\n!a name that leads out of the archive\na!a name that leads out of the archive\n"
			    "a/b/c=x\na/b../c..=x\nl!a link\nh!a link\nfifo!no file\ndisk!no file\ngr\xc3\xbc\xc3\x9f.txt=x\nlatin\xfc=x\n.\n");
}

static void limits(void **state)
{
	(void)state;
	struct member table[16] = { { .name = "a", .content = "x", .size = 9999 }, { .name = "b", .content = "y", .size = 10001 },
				    { .name = "c", .content = "z" } };
	for (int turn = 0; turn < 2; turn++) {
		size_t n = make(turn ? "zip" : "ustar", NULL, table, 3);
		assert_string_equal(read_all(n, &small), "a=xxxxxxxxxxxxxxxxxxxx\nb!too large\nc=z\n.\n");
	}
	for (size_t i = 0; i < 16; i++)
		table[i] = (struct member){ .name = "n", .content = "x", .size = 9000 };
	size_t n = make("ustar", NULL, table, 16);
	const char *got = read_all(n, &small);
	assert_non_null(strstr(got, ".!too large when unpacked\n"));
	assert_null(strstr(got, ".\n"));
	/* what packs too well: 4 MB in 1 kB */
	static const struct wh_archive_limits loose = { 1000000, 100000000, 100 };
	for (size_t i = 0; i < 4; i++)
		table[i] = (struct member){ .name = "n", .content = "x", .size = 999999 };
	n = make("ustar", "xz", table, 4);
	assert_true(n < 10000);
	assert_non_null(strstr(read_all(n, &loose), ".!unpacks to more than reports do: a bomb is assumed\n"));
	assert_null(strstr(read_all(n, &(struct wh_archive_limits){ 1000000, 100000000, 1000000 }), "!"));
}

/* However an archive is cut, what came before the cut is there, and the cut is told. */
static void cut(void **state)
{
	(void)state;
	static const char *const table[][2] = { { "ustar", NULL }, { "ustar", "gzip" }, { "ustar", "xz" }, { "zip", NULL }, { "ustar", "bzip2" },
						{ "ustar", "zstd" }, { "7zip", NULL } };
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		size_t size = make(table[i][0], table[i][1], plain, sizeof plain / sizeof *plain);
		for (size_t n = 0; n < size; n += n < 600 ? 7 : 113) {
			const char *got = read_all(n, &WH_ARCHIVE_LIMITS);
			assert_non_null(got);
			if (!table[i][1] && !strcmp(table[i][0], "ustar") && n > 1024 && n < 1536 + 600)
				assert_non_null(strstr(got, "a.txt=first\n"));
		}
	}
	/* garbage within */
	size_t size = make("ustar", "gzip", plain, sizeof plain / sizeof *plain);
	for (size_t at = 0; at < size; at++) {
		bytes[at] ^= 0x55;
		assert_non_null(read_all(size, &WH_ARCHIVE_LIMITS));
		bytes[at] ^= 0x55;
	}
}

/* bzip2 without an archive inside; gzip inside an archive. */
static void packed(void **state)
{
	(void)state;
	static const struct member one[] = { { .name = "x", .content = "just text" } };
	size_t n = make("raw", "bzip2", one, 1);
	assert_true(wh_archive_begins(bytes, n));
	assert_string_equal(read_all(n, &WH_ARCHIVE_LIMITS), "=just text\n.\n");
	static char gz[4096];
	n = make("raw", "gzip", one, 1);
	memcpy(gz, bytes, n);
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t used;
	archive_write_set_format_ustar(a);
	archive_write_open_memory(a, bytes, sizeof bytes, &used);
	archive_entry_set_pathname(e, "x.gz");
	archive_entry_set_mode(e, AE_IFREG | 0644);
	archive_entry_set_size(e, (la_int64_t)n);
	archive_write_header(a, e);
	archive_write_data(a, gz, n);
	archive_write_close(a);
	archive_entry_free(e);
	archive_write_free(a);
	assert_string_equal(read_all(used, &WH_ARCHIVE_LIMITS), "x.gz=just text\n.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds), cmocka_unit_test(names),  cmocka_unit_test(limits),
		cmocka_unit_test(cut),	 cmocka_unit_test(packed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
