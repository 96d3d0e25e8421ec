/* SPDX-License-Identifier: Apache-2.0 */
#include "base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { BLOCK = 1 << 16, MAGIC = 512 };

#define RATIO_FROM ((uint64_t)1 << 30)

struct wh_archive {
	struct archive *a;
	struct wh_archive_limits limits;
	struct wh_str path;
	uint64_t total; /* bytes that entries gave so far */
	bool over;
	char why[256];
};

/* ---- what is one ---- */

static bool has(const char *text, size_t size, size_t at, const char *magic, size_t n)
{
	return size >= at + n && !memcmp(text + at, magic, n);
}

static bool is_tar(const char *text, size_t size)
{
	return has(text, size, 257, "ustar", 5) && size >= 512 && *text;
}

static bool is_bzip2(const char *text, size_t size)
{
	return has(text, size, 0, "BZh", 3) && size > 10 && text[3] >= '1' && text[3] <= '9' &&
	       has(text, size, 4, "\x31\x41\x59\x26\x53\x59", 6);
}

bool wh_archive_begins(const char *text, size_t size)
{
	return is_tar(text, size) || has(text, size, 0, "PK\3\4", 4) || has(text, size, 0, "PK\5\6", 4) ||
	       has(text, size, 0, "7z\xbc\xaf\x27\x1c", 6) || is_bzip2(text, size);
}

static bool is_packed(const char *text, size_t size)
{
	return has(text, size, 0, "\x1f\x8b\x08", 3) || has(text, size, 0, "\x28\xb5\x2f\xfd", 4) || has(text, size, 0, "\xfd" "7zXZ\0", 6);
}

/* A reader for what is asked for and nothing else: libarchive also knows filters that run programs, and many more formats. */
static struct archive *new_reader(void)
{
	struct archive *a = archive_read_new();
	if (!a)
		return NULL;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	return a;
}

static void support_formats(struct archive *a)
{
	archive_read_support_format_tar(a);
	archive_read_support_format_zip(a);
	archive_read_support_format_7zip(a);
	archive_read_support_format_empty(a);
}

/* What text, packed, begins with: at most MAGIC bytes. */
static size_t unpack_head(const char *packed, size_t size, char head[MAGIC])
{
	struct archive *a = new_reader();
	struct archive_entry *entry;
	ssize_t n = 0;
	if (a) {
		archive_read_support_format_raw(a);
		if (archive_read_open_memory(a, packed, size) == ARCHIVE_OK && archive_read_next_header(a, &entry) == ARCHIVE_OK)
			n = archive_read_data(a, head, MAGIC); /* cut short, and so an error at the end of what there is */
	}
	archive_read_free(a);
	return n > 0 ? (size_t)n : 0;
}

bool wh_archive_is(const char *path)
{
	/* a folder opens as well, but cannot be read */
	int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	if (fd < 0)
		return false;
	char head[MAGIC];
	ssize_t n = pread(fd, head, sizeof head, 0); /* fails for what cannot be read twice */
	bool is = n > 0 && wh_archive_begins(head, (size_t)n);
	if (!is && n > 0 && is_packed(head, (size_t)n)) {
		char *more = malloc(BLOCK);
		ssize_t size = more ? pread(fd, more, BLOCK, 0) : 0;
		size_t unpacked = size > 0 ? unpack_head(more, (size_t)size, head) : 0;
		is = is_tar(head, unpacked);
		free(more);
	}
	close(fd);
	return is;
}

/* ---- opening ---- */

static const char *reason(struct archive *a)
{
	const char *text = archive_error_string(a);
	return text ? text : "broken data";
}

int wh_archive_open(struct wh_archive **result, const char *path, struct wh_bytes text, const struct wh_archive_limits *limits,
		    struct wh_err *err)
{
	struct wh_archive *archive = calloc(1, sizeof *archive);
	if (archive)
		archive->a = new_reader();
	if (!archive || !archive->a) {
		free(archive);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	archive->limits = *limits;
	support_formats(archive->a);
	archive_read_support_format_raw(archive->a); /* bids lowest: what bzip2 packed and is no archive */
	int state = text.data ? archive_read_open_memory(archive->a, text.data, text.size)
			      : archive_read_open_filename(archive->a, path, BLOCK);
	*result = archive;
	if (state == ARCHIVE_OK || state == ARCHIVE_WARN)
		return WH_OK;
	int number = archive_errno(archive->a);
	int code = wh_err_set(err, number == ENOMEM ? WH_E_NOMEM : WH_E_IO, "archive: %s", reason(archive->a));
	wh_archive_close(archive);
	*result = NULL;
	return code;
}

void wh_archive_close(struct wh_archive *archive)
{
	if (!archive)
		return;
	archive_read_free(archive->a);
	wh_str_release(&archive->path);
	free(archive);
}

/* ---- an entry ---- */

/* Makes path what it is below a folder. False where it leads out of it. */
static bool clean_path(struct wh_str *path, const char *name)
{
	wh_str_clear(path);
	while (*name) {
		size_t n = strcspn(name, "/");
		if (n == 2 && !memcmp(name, "..", 2))
			return false;
		if (n && !(n == 1 && *name == '.')) {
			if (path->n)
				wh_str_putc(path, '/');
			wh_str_add(path, name, n);
		}
		name += n + (name[n] == '/');
	}
	return path->n > 0;
}

static bool is_hidden(const struct wh_str *path)
{
	return path->n && (path->data[0] == '.' || memmem(path->data, path->n, "/.", 2));
}

/* Why the rest of the archive is not read, or NULL. */
static const char *too_much(struct wh_archive *archive)
{
	uint64_t read = (uint64_t)archive_filter_bytes(archive->a, -1);
	uint64_t from = archive->limits.entry < RATIO_FROM ? archive->limits.entry : RATIO_FROM;
	if (archive->total > archive->limits.total)
		return "too large when unpacked";
	if (archive->total > from && archive->total / archive->limits.ratio > read)
		return "unpacks to more than reports do: a bomb is assumed";
	return NULL;
}

static void end(struct wh_archive *archive, struct wh_archive_entry *entry, const char *why)
{
	archive->over = entry->over = true;
	if (why) {
		snprintf(archive->why, sizeof archive->why, "%s", why);
		entry->passed_over = archive->why;
	}
}

/* Passes on what the entry holds, to spool unless it is NULL. entry says where that ended early; an error is this machine's. */
static int read_content(struct wh_archive *archive, struct wh_archive_entry *entry, struct wh_spool *spool, struct wh_err *err)
{
	char *block = malloc(BLOCK);
	int code = block ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	uint64_t size = 0;
	while (code == WH_OK && !entry->over) {
		ssize_t n = archive_read_data(archive->a, block, BLOCK);
		if (n == 0)
			break;
		if (n == ARCHIVE_RETRY)
			continue;
		if (n == ARCHIVE_FATAL && archive_errno(archive->a) == ENOMEM) {
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		} else if (n == ARCHIVE_FATAL) {
			end(archive, entry, reason(archive->a));
		} else if (n < 0) {
			snprintf(archive->why, sizeof archive->why, "%s", reason(archive->a));
			entry->passed_over = archive->why;
			break;
		} else {
			archive->total += (uint64_t)n;
			size += (uint64_t)n;
			const char *why = too_much(archive);
			if (why)
				end(archive, entry, why);
			else if (size > archive->limits.entry)
				entry->passed_over = "too large";
			else if (spool && !entry->passed_over)
				code = wh_spool_add(spool, block, (size_t)n, err);
		}
	}
	free(block);
	return code;
}

/* Why the entry has no content for us, or NULL. */
static const char *unwanted(struct wh_archive *archive, struct archive_entry *e, const char *name)
{
	if (!name)
		return "a name in an unknown encoding";
	if (!clean_path(&archive->path, name))
		return "a name that leads out of the archive";
	if (archive_entry_hardlink(e) || archive_entry_symlink(e) || archive_entry_filetype(e) == AE_IFLNK)
		return "a link";
	if (archive_entry_filetype(e) != AE_IFREG && archive_entry_filetype(e) != 0)
		return "no file";
	if (archive_entry_is_encrypted(e))
		return "encrypted";
	if (archive_entry_size_is_set(e) && (uint64_t)archive_entry_size(e) > archive->limits.entry)
		return "too large";
	return NULL;
}

/* One entry that is no folder. *wanted: false for those that are left out without a word. */
static int read_entry(struct wh_archive *archive, struct archive_entry *e, struct wh_archive_entry *entry, bool *wanted, struct wh_err *err)
{
	struct wh_spool spool = WH_SPOOL_EMPTY;
	const char *name = archive_entry_pathname_utf8(e);
	if (!name)
		name = archive_entry_pathname(e);
	bool raw = archive_format(archive->a) == ARCHIVE_FORMAT_RAW;
	entry->passed_over = unwanted(archive, e, name);
	*wanted = !name || !is_hidden(&archive->path);
	int code = read_content(archive, entry, *wanted && !entry->passed_over ? &spool : NULL, err);
	if (raw)
		wh_str_clear(&archive->path);
	if (code == WH_OK)
		code = wh_str_check(&archive->path, err);
	entry->path = archive->path.n ? archive->path.data : "";
	if (code == WH_OK && *wanted && !entry->passed_over && !entry->over) {
		struct wh_err why;
		size_t packed = spool.total;
		code = wh_spool_finish(&spool, &entry->input, &why);
		if (code == WH_OK && entry->input.size > packed) /* compressed within the archive: counts as well */
			archive->total += entry->input.size - packed;
		if (code == WH_E_FORMAT || code == WH_E_LIMIT) {
			snprintf(archive->why, sizeof archive->why, "%.255s", why.message);
			entry->passed_over = archive->why;
			code = WH_OK;
		} else if (code != WH_OK) {
			code = wh_err_set(err, code, "%s", why.message);
		}
	}
	wh_spool_release(&spool);
	return code;
}

int wh_archive_next(struct wh_archive *archive, struct wh_archive_entry *entry, struct wh_err *err)
{
	*entry = (struct wh_archive_entry){ .path = "" };
	bool wanted = false;
	while (!wanted) {
		struct archive_entry *e;
		const char *why = archive->over ? NULL : too_much(archive);
		if (why) {
			end(archive, entry, why);
			return WH_OK;
		}
		int state = archive->over ? ARCHIVE_EOF : archive_read_next_header(archive->a, &e);
		if (state == ARCHIVE_RETRY)
			continue;
		if (state == ARCHIVE_FATAL && archive_errno(archive->a) == ENOMEM)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (state == ARCHIVE_EOF || state == ARCHIVE_FATAL) {
			end(archive, entry, state == ARCHIVE_FATAL ? reason(archive->a) : NULL);
			return WH_OK;
		}
		if (archive_entry_filetype(e) == AE_IFDIR)
			continue;
		*entry = (struct wh_archive_entry){ .path = "" };
		WH_TRY(read_entry(archive, e, entry, &wanted, err));
		wanted |= entry->over;
	}
	return WH_OK;
}
