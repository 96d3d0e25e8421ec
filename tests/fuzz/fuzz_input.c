/* SPDX-License-Identifier: Apache-2.0 */
/* Files as text: gzip, zstd, xz and what only looks like them. */
#include <unistd.h>

#include "base/input.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct wh_input input;
	struct wh_err err = { 0 };
	size_t sum = 0;
	int fd = target_file(data, size, path);
	int code = wh_input_open(&input, path, &err);
	MUST(code == WH_OK || *err.message);
	if (code == WH_OK)
		for (size_t i = 0; i < input.size; i += 509)
			sum += (unsigned char)input.text[i];
	MUST(sum <= input.size * 255);
	wh_input_release(&input);
	close(fd);
	return 0;
}
