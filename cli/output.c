/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"

static int failure; /* errno of the first write that failed */
static atomic_bool *stop;
static bool live;
static char held[65536]; /* n_held: not written yet. stdio's own buffer loses its place where a signal interrupts a write */
static size_t n_held;
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

/* A signal asks us to end, not to lose what was said until then. */
static int write_out(const char *data, size_t n, struct wh_err *err)
{
	while (n) {
		ssize_t written = write(STDOUT_FILENO, data, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail(err);
		data += written;
		n -= (size_t)written;
	}
	return WH_OK;
}

static int write_held(struct wh_err *err)
{
	size_t n = n_held;
	n_held = 0;
	return write_out(held, n, err);
}

int cli_output_write(const char *data, size_t n, struct wh_err *err)
{
	if (failure)
		return fail(err);
	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	if (terminal)
		cli_progress_clear();
	if (n > sizeof held - n_held)
		WH_TRY(write_held(err));
	if (n > sizeof held)
		return write_out(data, n, err);
	memcpy(held + n_held, data, n);
	n_held += n;
	return live && memchr(data, '\n', n) ? write_held(err) : WH_OK;
}

void cli_output_live(void)
{
	live = true;
}

int cli_output_finish(struct wh_err *err)
{
	return failure ? fail(err) : write_held(err);
}

int cli_output_was_cut(void)
{
	return failure == EPIPE;
}
