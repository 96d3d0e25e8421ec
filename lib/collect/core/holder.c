/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID = 256 };

static int start(struct wh_holder *holder, const char *program, const char *verb, const char *spool, struct wh_err *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	char *argv[] = { (char *)"whorl-core", (char *)(uintptr_t)verb, (char *)(uintptr_t)spool, NULL }, *none[] = { NULL };
	posix_spawn_file_actions_t actions;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
		int why = errno;
		if (in[0] >= 0)
			close(in[0]), close(in[1]);
		return wh_err_set(err, WH_E_IO, "a pipe: %s", strerror(why));
	}
	int failed = posix_spawn_file_actions_init(&actions);
	if (!failed) {
		failed = posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
		for (int fd = STDOUT_FILENO; !failed && fd <= STDERR_FILENO; fd++)
			failed = posix_spawn_file_actions_adddup2(&actions, out[1], fd);
		if (!failed)
			failed = posix_spawn(&holder->pid, program, &actions, NULL, argv, none);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(in[0]);
	close(out[1]);
	holder->input = in[1];
	holder->output = out[0];
	if (!failed)
		return WH_OK;
	close(in[1]);
	close(out[0]);
	*holder = (struct wh_holder){ 0 };
	return wh_err_set(err, WH_E_IO, "%s: %s", program, strerror(failed));
}

/* What it says up to a newline or its end, without the newline. */
static void listen(const struct wh_holder *holder, char said[static SAID])
{
	size_t n = 0;
	while (n + 1 < SAID && !memchr(said, '\n', n)) {
		ssize_t got = read(holder->output, said + n, SAID - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	said[n] = 0;
	said[strcspn(said, "\n")] = 0;
}

/* Its exit status, or -1. */
static int end(struct wh_holder *holder)
{
	int status;
	pid_t got;
	if (holder->input >= 0)
		close(holder->input);
	do
		got = waitpid(holder->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	close(holder->output);
	*holder = (struct wh_holder){ 0 };
	return got > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int wh_holder_start(struct wh_holder *holder, const char *program, const char *spool, struct wh_err *err)
{
	char said[SAID];
	WH_TRY(start(holder, program, "--hold", spool, err));
	listen(holder, said);
	if (!strcmp(said, "ready"))
		return WH_OK;
	end(holder);
	return wh_err_set(err, WH_E_IO, "core_pattern cannot be set: %s", *said ? said : "whorl-core has died");
}

int wh_holder_end(struct wh_holder *holder, struct wh_err *err)
{
	char said[SAID];
	if (!holder->pid)
		return WH_OK;
	close(holder->input);
	holder->input = -1;
	listen(holder, said);
	if (end(holder) == 0)
		return WH_OK;
	return wh_err_set(err, WH_E_IO, "core_pattern was not put back (record --restore does): %s", *said ? said : "whorl-core has died");
}

int wh_holder_restore(const char *program, const char *spool, char said[static SAID], struct wh_err *err)
{
	struct wh_holder holder = { 0 };
	WH_TRY(start(&holder, program, "--restore", spool, err));
	listen(&holder, said);
	if (end(&holder) == 0)
		return WH_OK;
	return wh_err_set(err, WH_E_IO, "core_pattern cannot be put back: %s", *said ? said : "whorl-core has died");
}
