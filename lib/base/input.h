/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as one piece of text: plain files are mapped, .gz, .zst and .xz (told by their first bytes, not their names) and
 * standard input are spooled to memory or, beyond WH_INPUT_IN_MEMORY, to an unlinked temporary file that is then mapped.
 * So memory stays bounded whatever the size. Invariant: text is never NULL, valid, and unchanged by us, until release.
 */
#ifndef WHORL_BASE_INPUT_H
#define WHORL_BASE_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>

#define WH_INPUT_IN_MEMORY ((size_t)64 << 20)
#define WH_INPUT_LIMIT ((size_t)64 << 30) /* decompressed; beyond it a bomb is assumed: WH_E_LIMIT */

struct wh_input {
	const char *text; /* size bytes; not NUL-terminated */
	size_t size;
	void *map;   /* to unmap, or NULL */
	char *owned; /* to free, or NULL */
};

/* A path that begins so is the content itself: a model carries the rules that it was made with. */
#define WH_INPUT_INLINE "data:,"

/* path `-`: standard input. WH_E_IO with the system's reason, WH_E_FORMAT where compressed data are broken (what could be
 * decompressed before the break is not used). */
int wh_input_open(struct wh_input *, const char *path, struct wh_err *) WH_NODISCARD;
void wh_input_release(struct wh_input *);
/* Says that the text before `at` has been read: what is mapped there gives its memory back (and is read again if need be). */
void wh_input_passed(const struct wh_input *, const char *at);

/* An input put together piece by piece: in memory first, in an unlinked temporary file once it grows. */
struct wh_spool {
	char *data;
	size_t n, cap, total;
	int fd; /* -1: still in memory */
};

#define WH_SPOOL_EMPTY ((struct wh_spool){ .fd = -1 })

/* Appends; WH_E_LIMIT beyond WH_INPUT_LIMIT, WH_E_IO where the temporary file cannot be written. */
int wh_spool_add(struct wh_spool *, const char *data, size_t n, struct wh_err *) WH_NODISCARD;
/* Makes an input of what was gathered, decompressed as that of a file is; the spool is to be released all the same. */
int wh_spool_finish(struct wh_spool *, struct wh_input *, struct wh_err *) WH_NODISCARD;
void wh_spool_release(struct wh_spool *);

/* Calls found for path itself if it is no folder, else for every regular file below it, folders and names in byte order,
 * with its path relative to the folder (path itself for a file). Hidden files and links out are passed over. */
typedef int wh_walk_fn(void *user, const char *path, const char *relative, struct wh_err *);
int wh_walk(const char *path, wh_walk_fn *found, void *user, struct wh_err *) WH_NODISCARD;

/* Writes n bytes to path so that it holds either the old or the new content, never a part. */
int wh_file_replace(const char *path, const char *data, size_t n, struct wh_err *) WH_NODISCARD;

#endif
