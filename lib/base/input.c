/* SPDX-License-Identifier: Apache-2.0 */
#include "base/input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/str.h"
#include "base/vec.h"

enum { CHUNK = 1 << 18, MAP_FROM = 1 << 20, DEEPEST = 64 };

static int system_error(struct wh_err *err, const char *what)
{
	return wh_err_set(err, errno == ENOMEM ? WH_E_NOMEM : WH_E_IO, "%s: %s", what, strerror(errno));
}

/* ---- a spool: memory first, an unlinked file when it grows ---- */

static int write_all(int fd, const char *data, size_t n, struct wh_err *err)
{
	while (n) {
		ssize_t written = write(fd, data, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return system_error(err, "cannot write");
		data += written;
		n -= (size_t)written;
	}
	return WH_OK;
}

static int spool_to_file(struct wh_spool *spool, struct wh_err *err)
{
	spool->fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->fd < 0) {
		char name[] = "/tmp/whorl-XXXXXX";
		spool->fd = mkostemp(name, O_CLOEXEC);
		if (spool->fd < 0)
			return system_error(err, "cannot make a temporary file");
		unlink(name);
	}
	int code = write_all(spool->fd, spool->data, spool->n, err);
	free(spool->data);
	spool->data = NULL;
	return code;
}

int wh_spool_add(struct wh_spool *spool, const char *data, size_t n, struct wh_err *err)
{
	if (n > WH_INPUT_LIMIT - spool->total)
		return wh_err_set(err, WH_E_LIMIT, "more than %zu GiB when decompressed", WH_INPUT_LIMIT >> 30);
	spool->total += n;
	if (spool->fd < 0 && spool->n + n > WH_INPUT_IN_MEMORY)
		WH_TRY(spool_to_file(spool, err));
	if (spool->fd >= 0)
		return write_all(spool->fd, data, n, err);
	if (spool->n + n > spool->cap && wh_vec_grow_((void **)&spool->data, &spool->cap, spool->n + n, 1))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (n)
		memcpy(spool->data + spool->n, data, n);
	spool->n += n;
	return WH_OK;
}

static int map_file(struct wh_input *input, int fd, size_t size, struct wh_err *err)
{
	input->map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (input->map == MAP_FAILED) {
		input->map = NULL;
		return system_error(err, "cannot map");
	}
	madvise(input->map, size, MADV_SEQUENTIAL);
	input->text = input->map;
	input->size = size;
	return WH_OK;
}

static int make_input(struct wh_spool *spool, struct wh_input *input, struct wh_err *err)
{
	if (spool->fd >= 0)
		return map_file(input, spool->fd, spool->total, err);
	input->text = input->owned = spool->data;
	input->size = spool->n;
	spool->data = NULL;
	return WH_OK;
}

void wh_spool_release(struct wh_spool *spool)
{
	free(spool->data);
	if (spool->fd >= 0)
		close(spool->fd);
}

static int read_some(int fd, char *buffer, size_t n, size_t *got, struct wh_err *err)
{
	ssize_t r;
	do
		r = read(fd, buffer, n);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return system_error(err, "cannot read");
	*got = (size_t)r;
	return WH_OK;
}

static int spool_stream(struct wh_spool *spool, int fd, struct wh_err *err)
{
	char *buffer = malloc(CHUNK);
	int code = buffer ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t got = 1; code == WH_OK && got;) {
		code = read_some(fd, buffer, CHUNK, &got, err);
		if (code == WH_OK && got)
			code = wh_spool_add(spool, buffer, got, err);
	}
	free(buffer);
	return code;
}

/* ---- decompression: one function a kind, from bytes to a spool ---- */

static int gunzip(struct wh_spool *spool, const char *data, size_t n, char *buffer, struct wh_err *err)
{
	z_stream z = { 0 };
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = WH_OK, state = Z_OK;
	size_t fed = 0;
	while (code == WH_OK) {
		if (!z.avail_in) {
			z.next_in = (Bytef *)(uintptr_t)(data + fed);
			z.avail_in = (uInt)(n - fed < CHUNK ? n - fed : CHUNK);
			fed += z.avail_in;
		}
		if (state == Z_STREAM_END) { /* members may follow each other; padding after the last is ignored */
			if (!z.avail_in || z.next_in[0] != 0x1f)
				break;
			inflateReset(&z);
		}
		z.next_out = (Bytef *)buffer;
		z.avail_out = CHUNK;
		state = inflate(&z, Z_NO_FLUSH);
		if (state != Z_OK && state != Z_STREAM_END)
			code = wh_err_set(err, WH_E_FORMAT, state == Z_BUF_ERROR ? "gzip: ends too early" : "gzip: broken data");
		else
			code = wh_spool_add(spool, buffer, CHUNK - z.avail_out, err);
	}
	inflateEnd(&z);
	return code;
}

static int unzstd(struct wh_spool *spool, const char *data, size_t n, char *buffer, struct wh_err *err)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	if (!z)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 27);
	ZSTD_inBuffer in = { data, n, 0 };
	int code = WH_OK;
	size_t state = 0;
	bool full = false; /* the last call filled the buffer: more may wait inside */
	while (code == WH_OK && (in.pos < in.size || (full && state))) {
		ZSTD_outBuffer out = { buffer, CHUNK, 0 };
		state = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(state))
			code = wh_err_set(err, WH_E_FORMAT, "zstd: %s", ZSTD_getErrorName(state));
		else
			code = wh_spool_add(spool, buffer, out.pos, err);
		full = out.pos == out.size;
	}
	if (code == WH_OK && state)
		code = wh_err_set(err, WH_E_FORMAT, "zstd: ends too early");
	ZSTD_freeDStream(z);
	return code;
}

static int unxz(struct wh_spool *spool, const char *data, size_t n, char *buffer, struct wh_err *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&z, (uint64_t)256 << 20, LZMA_CONCATENATED) != LZMA_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	z.next_in = (const uint8_t *)data;
	z.avail_in = n;
	int code = WH_OK;
	for (lzma_ret state = LZMA_OK; code == WH_OK && state != LZMA_STREAM_END;) {
		z.next_out = (uint8_t *)buffer;
		z.avail_out = CHUNK;
		state = lzma_code(&z, LZMA_FINISH);
		if (state == LZMA_MEMLIMIT_ERROR || state == LZMA_MEM_ERROR)
			code = wh_err_set(err, WH_E_LIMIT, "xz: needs more than 256 MiB to decompress");
		else if (state != LZMA_OK && state != LZMA_STREAM_END)
			code = wh_err_set(err, WH_E_FORMAT, state == LZMA_BUF_ERROR ? "xz: ends too early" : "xz: broken data");
		else
			code = wh_spool_add(spool, buffer, CHUNK - z.avail_out, err);
	}
	lzma_end(&z);
	return code;
}

typedef int decompress_fn(struct wh_spool *, const char *, size_t, char *, struct wh_err *);

static decompress_fn *decompressor(const char *text, size_t n)
{
	static const struct {
		const char *magic;
		size_t n;
		decompress_fn *run;
	} kinds[] = { { "\x1f\x8b\x08", 3, gunzip },
		      { "\x28\xb5\x2f\xfd", 4, unzstd },
		      { "\x5a\x2a\x4d\x18", 4, unzstd }, /* a skippable frame comes first: what whorl-core spools */
		      { "\xfd" "7zXZ\0", 6, unxz } };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (n >= kinds[i].n && !memcmp(text, kinds[i].magic, kinds[i].n))
			return kinds[i].run;
	return NULL;
}

static int decompress(struct wh_input *input, struct wh_err *err)
{
	decompress_fn *run = decompressor(input->text, input->size);
	if (!run)
		return WH_OK;
	struct wh_spool spool = WH_SPOOL_EMPTY;
	struct wh_input fresh = { 0 };
	char *buffer = malloc(CHUNK);
	int code = buffer ? run(&spool, input->text, input->size, buffer, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = make_input(&spool, &fresh, err);
	free(buffer);
	wh_spool_release(&spool);
	if (code != WH_OK)
		return code;
	wh_input_release(input);
	*input = fresh;
	return WH_OK;
}

int wh_spool_finish(struct wh_spool *spool, struct wh_input *input, struct wh_err *err)
{
	*input = (struct wh_input){ 0 };
	int code = make_input(spool, input, err);
	if (code == WH_OK)
		code = decompress(input, err);
	if (code != WH_OK)
		wh_input_release(input);
	else if (!input->text)
		input->text = "";
	return code;
}

int wh_input_open(struct wh_input *input, const char *path, struct wh_err *err)
{
	*input = (struct wh_input){ 0 };
	if (wh_starts(path, strlen(path), WH_INPUT_INLINE)) {
		input->owned = strdup(path + strlen(WH_INPUT_INLINE));
		input->text = input->owned;
		input->size = input->owned ? strlen(input->owned) : 0;
		return input->owned ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	if (fd < 0)
		return wh_err_set(err, errno == ENOENT ? WH_E_NOTFOUND : WH_E_IO, "%s", strerror(errno));
	int code = fstat(fd, &stat) ? system_error(err, "cannot stat") : WH_OK;
	if (code == WH_OK && S_ISDIR(stat.st_mode))
		code = wh_err_set(err, WH_E_IO, "is a folder");
	if (code == WH_OK && S_ISREG(stat.st_mode) && stat.st_size >= MAP_FROM && lseek(fd, 0, SEEK_CUR) == 0) {
		code = map_file(input, fd, (size_t)stat.st_size, err);
	} else if (code == WH_OK) {
		struct wh_spool spool = WH_SPOOL_EMPTY;
		code = spool_stream(&spool, fd, err);
		if (code == WH_OK)
			code = make_input(&spool, input, err);
		wh_spool_release(&spool);
	}
	if (!standard)
		close(fd);
	if (code == WH_OK)
		code = decompress(input, err);
	if (code != WH_OK)
		wh_input_release(input);
	else if (!input->text)
		input->text = ""; /* callers make pointers from it */
	return code;
}

void wh_input_release(struct wh_input *input)
{
	if (input->map)
		munmap(input->map, input->size);
	free(input->owned);
	*input = (struct wh_input){ 0 };
}

void wh_input_passed(const struct wh_input *input, const char *at)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (size_t)(at - input->text) / page * page;
	if (input->map && n)
		madvise(input->map, n, MADV_DONTNEED);
}

/* ---- folders ---- */

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int walk_folder(const char *path, size_t root, int depth, wh_walk_fn *found, void *user, struct wh_err *err)
{
	struct dirent **names;
	if (depth > DEEPEST)
		return wh_err_set(err, WH_E_LIMIT, "%s: more than %d folders deep", path, DEEPEST);
	int n = scandir(path, &names, visible, by_bytes);
	if (n < 0)
		return wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno));
	int code = WH_OK;
	for (int i = 0; i < n; i++) {
		struct stat stat;
		char *child = NULL;
		if (code == WH_OK && asprintf(&child, "%s/%s", path, names[i]->d_name) < 0)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (code == WH_OK && !lstat(child, &stat)) {
			if (S_ISDIR(stat.st_mode))
				code = walk_folder(child, root, depth + 1, found, user, err);
			else if (S_ISREG(stat.st_mode))
				code = found(user, child, child + root, err);
		}
		free(child);
		free(names[i]);
	}
	free(names);
	return code;
}

int wh_walk(const char *path, wh_walk_fn *found, void *user, struct wh_err *err)
{
	struct stat stat;
	if (strcmp(path, "-") != 0 && lstat(path, &stat))
		return wh_err_set(err, errno == ENOENT ? WH_E_NOTFOUND : WH_E_IO, "%s: %s", path, strerror(errno));
	if (!strcmp(path, "-") || (!S_ISDIR(stat.st_mode) && !(S_ISLNK(stat.st_mode) && path[strlen(path) - 1] == '/')))
		return found(user, path, path, err);
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	char *folder = strndup(path, n);
	if (!folder)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = walk_folder(folder, n + 1, 0, found, user, err);
	free(folder);
	return code;
}

/* A new, empty file beside path; *name is the caller's. Not mkostemp(): its files are 0600, and to learn what the umask would allow one
 * has to change it, for every thread; open() applies it by itself. */
static int open_beside(const char *path, char **name, int *fd, struct wh_err *err)
{
	for (int tries = 0;; tries++) {
		uint64_t number;
		if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
			return system_error(err, path);
		if (asprintf(name, "%s.%016" PRIx64, path, number) < 0)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		*fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (*fd >= 0)
			return WH_OK;
		bool taken = errno == EEXIST;
		int code = system_error(err, path);
		free(*name);
		if (!taken || tries == 16)
			return code;
	}
}

int wh_file_replace(const char *path, const char *data, size_t n, struct wh_err *err)
{
	char *temporary;
	int fd = -1;
	WH_TRY(open_beside(path, &temporary, &fd, err));
	int code = write_all(fd, data, n, err);
	if (code != WH_OK)
		code = wh_err_wrap(err, code, "%s", path);
	else if (fsync(fd) || rename(temporary, path))
		code = system_error(err, path);
	if (code != WH_OK)
		unlink(temporary);
	close(fd);
	free(temporary);
	return code;
}
