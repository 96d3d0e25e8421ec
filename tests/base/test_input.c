/* SPDX-License-Identifier: Apache-2.0 */
/* Files as text, compressed ones, standard input, what is too large for memory; folders; files replaced whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <lzma.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/input.h"
#include "base/rng.h"
#include "base/str.h"

static char folder[] = "/tmp/whorl-input-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned at;
	char *p = path[at++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

static void put(const char *name, const void *data, size_t n)
{
	FILE *file = fopen(path_of(name), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

/* ---- the three compressors ---- */

static size_t gzip(const char *data, size_t n, char *out, size_t cap)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return cap - z.avail_out;
}

static size_t zstd(const char *data, size_t n, char *out, size_t cap)
{
	size_t size = ZSTD_compress(out, cap, data, n, 1);
	assert_false(ZSTD_isError(size));
	return size;
}

static size_t xz(const char *data, size_t n, char *out, size_t cap)
{
	size_t size = 0;
	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, (const uint8_t *)data, n, (uint8_t *)out, &size, cap), LZMA_OK);
	return size;
}

typedef size_t compress_fn(const char *, size_t, char *, size_t);
static compress_fn *const compressors[] = { gzip, zstd, xz };

static void must_be(const char *path, const char *expected, size_t n)
{
	struct wh_input input;
	struct wh_err err = { 0 };
	if (wh_input_open(&input, path, &err) != WH_OK)
		fail_msg("%s: %s", path, err.message);
	assert_int_equal(input.size, n);
	assert_non_null(input.text);
	assert_true(!n || !memcmp(input.text, expected, n));
	wh_input_release(&input);
}

static void must_fail(const char *path, int code)
{
	struct wh_input input;
	struct wh_err err = { 0 };
	int got = wh_input_open(&input, path, &err);
	if (got != code)
		fail_msg("%s: %d (%s), not %d", path, got, err.message, code);
	assert_true(*err.message);
	assert_null(input.text);
}

static char *random_text(size_t n, uint64_t seed)
{
	struct wh_rng rng;
	char *text = malloc(n + 1);
	assert_non_null(text);
	wh_rng_init(&rng, seed);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + wh_rng_below(&rng, 20));
	return text;
}

static void plain_and_compressed(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 5, 4096, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, (1 << 20) - 1, 1 << 20, 3000000 };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		size_t n = sizes[s], cap = n + n / 2 + 1000;
		char *text = random_text(n, s), *packed = malloc(2 * cap), *twice = malloc(2 * n + 1);
		assert_true(packed && twice);
		memcpy(twice, text, n);
		memcpy(twice + n, text, n);
		put("plain", text, n);
		must_be(path_of("plain"), text, n);
		for (size_t c = 0; c < 3; c++) {
			size_t size = compressors[c](text, n, packed, cap);
			put("packed.whatever", packed, size);
			must_be(path_of("packed.whatever"), text, n);
			memmove(packed + size, packed, size); /* two members are one text */
			put("packed", packed, 2 * size);
			must_be(path_of("packed"), twice, 2 * n);
			for (size_t cut = 1; cut < size && cut < 40; cut += 3) {
				put("packed", packed, size - cut);
				if (size - cut > 6)
					must_fail(path_of("packed"), WH_E_FORMAT);
			}
			put("packed", packed, size);
		}
		free(text);
		free(packed);
		free(twice);
	}
}

static void broken_bytes_are_noticed(void **state)
{
	(void)state;
	char *text = random_text(20000, 9), packed[40000];
	for (size_t c = 0; c < 2; c++) { /* xz and gzip have checksums; our zstd here has none */
		size_t size = c ? xz(text, 20000, packed, sizeof packed) : gzip(text, 20000, packed, sizeof packed);
		for (size_t at = 20; at < size - 8; at += 977) {
			packed[at] ^= 0x10;
			put("packed", packed, size);
			must_fail(path_of("packed"), WH_E_FORMAT);
			packed[at] ^= 0x10;
		}
	}
	put("packed", "\x1f\x8b\x08", 3);
	must_fail(path_of("packed"), WH_E_FORMAT);
	put("packed", "\x28\xb5\x2f\xfd", 4);
	must_fail(path_of("packed"), WH_E_FORMAT);
	put("packed", "\xfd" "7zXZ\0", 6);
	must_fail(path_of("packed"), WH_E_FORMAT);
	free(text);
}

/* Beyond WH_INPUT_IN_MEMORY the text lies in a file, not in memory. */
static void more_than_memory(void **state)
{
	(void)state;
	size_t n = WH_INPUT_IN_MEMORY + 12345, cap = 1 << 20;
	char *zeros = calloc(1, n), *packed = malloc(cap);
	assert_true(zeros && packed);
	zeros[n - 1] = 'x';
	for (size_t c = 0; c < 3; c++) {
		struct wh_input input;
		struct wh_err err = { 0 };
		put("large", packed, compressors[c](zeros, n, packed, cap));
		assert_int_equal(wh_input_open(&input, path_of("large"), &err), WH_OK);
		assert_int_equal(input.size, n);
		assert_true(input.map && !input.owned);
		assert_true(!memcmp(input.text, zeros, n));
		wh_input_release(&input);
	}
	free(zeros);
	free(packed);
}

/* A bomb meets the end of the disk (here: of what a file may be) before it meets WH_INPUT_LIMIT. */
static void no_room_for_a_bomb(void **state)
{
	(void)state;
	size_t n = WH_INPUT_IN_MEMORY + (64 << 20), cap = 1 << 20;
	char *zeros = calloc(1, n), *packed = malloc(cap);
	struct rlimit before, small;
	assert_true(zeros && packed);
	put("bomb", packed, zstd(zeros, n, packed, cap));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = WH_INPUT_IN_MEMORY + 1000000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	must_fail(path_of("bomb"), WH_E_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	free(zeros);
	free(packed);
}

/* ---- standard input ---- */

static void from_standard_input(const char *data, size_t n, bool pipe_, const char *expected, size_t expected_n)
{
	int before = dup(STDIN_FILENO), ends[2];
	assert_true(before >= 0);
	put("stdin", data, n);
	if (pipe_) {
		assert_true(n < 60000);
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], data, n), (ssize_t)n);
		close(ends[1]);
	} else {
		ends[0] = open(path_of("stdin"), O_RDONLY);
	}
	assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
	close(ends[0]);
	must_be("-", expected, expected_n);
	dup2(before, STDIN_FILENO);
	close(before);
}

static void standard_input(void **state)
{
	(void)state;
	char *text = random_text(2000000, 11), packed[30000];
	size_t size = zstd(text, 20000, packed, sizeof packed);
	from_standard_input("", 0, true, "", 0);
	from_standard_input(text, 50000, true, text, 50000);
	from_standard_input(text, 2000000, false, text, 2000000);
	from_standard_input(packed, size, true, text, 20000);
	from_standard_input(packed, size, false, text, 20000);
	free(text);
}

static void what_is_no_file(void **state)
{
	(void)state;
	must_fail(path_of("not-there"), WH_E_NOTFOUND);
	must_fail(folder, WH_E_IO);
	must_be("data:,a b", "a b", 3);
	must_be("data:,", "", 0);
	must_be("/dev/null", "", 0);
}

/* ---- folders ---- */

static int append(void *user, const char *path, const char *relative, struct wh_err *err)
{
	(void)err;
	assert_true(!strncmp(path, folder, strlen(folder)));
	wh_str_printf(user, "%s ", relative);
	return strcmp(relative, "walk-stop") ? WH_OK : WH_E_CANCELLED;
}

static void folders_in_order(void **state)
{
	(void)state;
	static const char *const names[] = { "walk/b", "walk/a/z", "walk/a.txt", "walk/B", "walk/.hidden", "walk/a/\xff", "walk/10", "walk/9" };
	struct wh_str seen = { 0 };
	struct wh_err err = { 0 };
	mkdir(path_of("walk"), 0700);
	mkdir(path_of("walk/a"), 0700);
	mkdir(path_of("walk/.git"), 0700);
	mkdir(path_of("walk/empty"), 0700);
	put("walk/.git/x", "", 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put(names[i], "", 0);
	assert_int_equal(symlink("/etc", path_of("walk/link")), 0);
	assert_int_equal(symlink("b", path_of("walk/link2")), 0);
	assert_int_equal(symlink("walk", path_of("linked")), 0);
	assert_int_equal(mkfifo(path_of("walk/fifo"), 0600), 0);
	assert_int_equal(wh_walk(path_of("walk"), append, &seen, &err), WH_OK);
	assert_string_equal(seen.data, "10 9 B a/z a/\xff a.txt b ");
	wh_str_clear(&seen);
	assert_int_equal(wh_walk(path_of("walk///"), append, &seen, &err), WH_OK);
	assert_string_equal(seen.data, "10 9 B a/z a/\xff a.txt b ");
	wh_str_clear(&seen);
	assert_int_equal(wh_walk(path_of("linked/"), append, &seen, &err), WH_OK);
	assert_string_equal(seen.data, "10 9 B a/z a/\xff a.txt b ");
	wh_str_clear(&seen);
	assert_int_equal(wh_walk(path_of("walk/b"), append, &seen, &err), WH_OK);
	assert_true(seen.n > 2 && !strcmp(seen.data + seen.n - 7, "walk/b "));
	assert_int_equal(wh_walk(path_of("nowhere"), append, &seen, &err), WH_E_NOTFOUND);
	wh_str_release(&seen);
}

/* ---- replacing ---- */

static size_t count_files(void)
{
	struct wh_str seen = { 0 };
	struct wh_err err = { 0 };
	size_t n = 0;
	mkdir(path_of("out"), 0700);
	assert_int_equal(wh_walk(path_of("out"), append, &seen, &err), WH_OK);
	for (size_t i = 0; i < seen.n; i++)
		n += seen.data[i] == ' ';
	wh_str_release(&seen);
	return n;
}

static void replaced_whole_or_not(void **state)
{
	(void)state;
	struct wh_err err = { 0 };
	struct rlimit before, small;
	struct stat status;
	char *text = random_text(100000, 12);
	assert_int_equal(count_files(), 0);
	mode_t mask = umask(027);
	assert_int_equal(wh_file_replace(path_of("out/x"), "old", 3, &err), WH_OK);
	umask(mask);
	assert_int_equal(stat(path_of("out/x"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	must_be(path_of("out/x"), "old", 3);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 50000; /* a disk that fills up in the middle */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(wh_file_replace(path_of("out/x"), text, 100000, &err), WH_E_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	must_be(path_of("out/x"), "old", 3);
	assert_int_equal(count_files(), 1);
	assert_int_equal(wh_file_replace(path_of("out/x"), text, 100000, &err), WH_OK);
	must_be(path_of("out/x"), text, 100000);
	assert_int_equal(wh_file_replace(path_of("out/none/x"), text, 1, &err), WH_E_IO);
	mkdir(path_of("out/folder"), 0700);
	assert_int_equal(wh_file_replace(path_of("out/folder"), text, 1, &err), WH_E_IO);
	assert_int_equal(count_files(), 1);
	assert_int_equal(wh_file_replace(path_of("out/x"), "", 0, &err), WH_OK);
	must_be(path_of("out/x"), "", 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_and_compressed), cmocka_unit_test(broken_bytes_are_noticed), cmocka_unit_test(more_than_memory),
		cmocka_unit_test(no_room_for_a_bomb),	cmocka_unit_test(standard_input),	    cmocka_unit_test(what_is_no_file),
		cmocka_unit_test(folders_in_order),	cmocka_unit_test(replaced_whole_or_not),
	};
	char command[64];
	signal(SIGXFSZ, SIG_IGN);
	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command) || failed;
}
