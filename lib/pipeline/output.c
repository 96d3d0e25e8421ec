/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/input.h"

int wh_output_write(const char *path, const struct wh_str *text, struct wh_err *err)
{
	if (strcmp(path, "-") != 0)
		return wh_file_replace(path, text->data ? text->data : "", text->n, err);
	for (size_t done = 0; done < text->n;) {
		ssize_t n = write(STDOUT_FILENO, text->data + done, text->n - done);
		if (n < 0 && errno != EINTR)
			return wh_err_set(err, WH_E_IO, "standard output: %s", strerror(errno));
		done += n > 0 ? (size_t)n : 0;
	}
	return WH_OK;
}
