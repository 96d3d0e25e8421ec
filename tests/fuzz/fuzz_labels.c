/* SPDX-License-Identifier: Apache-2.0 */
/* A labels file, TSV or CSV; the first byte chooses how its column is named. */
#include <string.h>
#include <unistd.h>

#include "pipeline/labels.h"
#include "target.h"

static int row(void *user, struct wh_bytes id, struct wh_bytes value, struct wh_err *err)
{
	(void)err;
	for (size_t i = 0; i < id.size; i++)
		*(size_t *)user += (unsigned char)id.data[i];
	for (size_t i = 0; i < value.size; i++)
		*(size_t *)user += (unsigned char)value.data[i];
	return WH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const columns[] = { "", ":1", ":2", ":3", ":label", ":x" };
	char path[80];
	struct wh_err err = { 0 };
	size_t sum = 0;
	if (!size)
		return 0;
	int fd = target_file(data + 1, size - 1, path);
	strncat(path, columns[data[0] % 6], sizeof path - strlen(path) - 1);
	int code = wh_labels_read(path, row, &sum, &err);
	MUST(code == WH_OK || *err.message);
	close(fd);
	return 0;
}
