/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

static int failure; /* errno of the first write that failed */
static atomic_bool *stop;
static int terminal = -1; /* whether the result goes there, next to the progress; not known yet */

void cli_output_guard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY); /* the lowest free number: fd */
}

void cli_output_on_failure(atomic_bool *flag)
{
	stop = flag;
}

static int fail(struct wh_err *err)
{
	if (!failure)
		failure = errno ? errno : EIO;
	if (stop)
		atomic_store(stop, true);
	return wh_err_set(err, WH_E_IO, "standard output: %s", strerror(failure));
}

int cli_output_write(const char *data, size_t n, struct wh_err *err)
{
	if (failure)
		return fail(err);
	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	if (terminal)
		cli_progress_clear();
	errno = 0;
	return fwrite(data, 1, n, stdout) == n ? WH_OK : fail(err);
}

void cli_output_live(void)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

int cli_output_finish(struct wh_err *err)
{
	errno = 0;
	return failure || fflush(stdout) != 0 ? fail(err) : WH_OK;
}

int cli_output_was_cut(void)
{
	return failure == EPIPE;
}
