/* SPDX-License-Identifier: Apache-2.0 */
/* Archives as folders: names stay inside, content stays within its limits, reading ends. */
#include <string.h>

#include "base/archive.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wh_archive_limits limits = { (uint64_t)1 << 20, (uint64_t)8 << 20, 100 };
	const char *text = (const char *)data;
	struct wh_archive *archive;
	struct wh_err err = { 0 };
	if (!wh_archive_begins(text, size))
		return 0;
	int code = wh_archive_open(&archive, "fuzz", (struct wh_bytes){ text, size }, &limits, &err);
	MUST(code == WH_OK || *err.message);
	if (code != WH_OK)
		return 0;
	struct wh_archive_entry entry = { 0 };
	while (!entry.over) {
		err = (struct wh_err){ 0 };
		code = wh_archive_next(archive, &entry, &err);
		MUST(code == WH_OK || *err.message);
		if (code != WH_OK)
			break;
		if (!entry.passed_over) {
			MUST(*entry.path != '/' && strcmp(entry.path, "..") != 0 && strncmp(entry.path, "../", 3) != 0);
			MUST(!strstr(entry.path, "/../") && !strstr(entry.path, "//"));
			MUST(entry.over || entry.input.text);
		}
		wh_input_release(&entry.input);
	}
	wh_archive_close(archive);
	return 0;
}
