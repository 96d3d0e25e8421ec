/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives as folders: tar (plain or packed with gzip, bzip2, xz, zstd), zip and 7z, told by their bytes, not their names; by
 * libarchive. They are read from front to back, entry by entry; nothing is ever written under a name that an archive says.
 * Of what cannot be read or is not wanted (links, devices, names with `..`, what is encrypted, too large) every entry says why.
 */
#ifndef WHORL_BASE_ARCHIVE_H
#define WHORL_BASE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>

#include "base/input.h"

struct wh_archive;

/* What bounds an archive's size, whatever it says of itself. */
struct wh_archive_limits {
	uint64_t entry; /* bytes of one entry: a larger one is passed over */
	uint64_t total; /* bytes of all entries, those passed over too: there reading ends */
	uint64_t ratio; /* how much more that may be than what was read of the file, from 1 GiB (or an entry's limit) on */
};

#define WH_ARCHIVE_LIMITS ((struct wh_archive_limits){ (uint64_t)4 << 30, (uint64_t)64 << 30, 1000 })

/* Whether text, the beginning of a file or of what it decompresses to (512 bytes are enough), begins an archive; a file that bzip2
 * packed is one, too, with itself as its only entry. */
bool wh_archive_begins(const char *text, size_t size);
/* The same of a file, through gzip, xz and zstd. False for folders, `-` and what cannot be opened. */
bool wh_archive_is(const char *path);

/* Opens the file path, or text where its data are not NULL (must stay until the archive is closed). WH_E_IO, WH_E_FORMAT: no
 * archive after all. */
int wh_archive_open(struct wh_archive **, const char *path, struct wh_bytes text, const struct wh_archive_limits *,
		    struct wh_err *) WH_NODISCARD;
void wh_archive_close(struct wh_archive *); /* NULL: nothing */

struct wh_archive_entry {
	const char *path;       /* inside, without `.`, `..` and a leading `/`; "": the file itself; valid until the next call */
	struct wh_input input;  /* the content, decompressed as a file's is; the caller releases it */
	const char *passed_over; /* NULL, or why there is no content */
	bool over;              /* no entry: the end, or, with passed_over, where the rest could not be read */
};

/* The next entry. Hidden ones (.name) are left out, as in folders. Errors are those of this machine (memory, temporary files). */
int wh_archive_next(struct wh_archive *, struct wh_archive_entry *, struct wh_err *) WH_NODISCARD;

#endif
