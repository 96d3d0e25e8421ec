/* SPDX-License-Identifier: Apache-2.0 */
/* The process that keeps core_pattern ours (pattern.h), as the recorder sees it: it lives as long as the recorder does. */
#ifndef WHORL_COLLECT_CORE_HOLDER_H
#define WHORL_COLLECT_CORE_HOLDER_H

#include <sys/types.h>

#include <whorl/error.h>

struct wh_holder {
	pid_t pid;  /* 0: none */
	int input;  /* it puts core_pattern back as soon as this is closed, by whatever */
	int output; /* ends when it does */
};

/* Starts `program --hold spool` and waits until core_pattern is set. WH_E_IO with what it says. */
int wh_holder_start(struct wh_holder *, const char *program, const char *spool, struct wh_err *) WH_NODISCARD;
/* Waits until core_pattern is as it was. */
int wh_holder_end(struct wh_holder *, struct wh_err *) WH_NODISCARD;
/* Runs `program --restore spool`; *said: what it did, in a buffer of at least 256 bytes. */
int wh_holder_restore(const char *program, const char *spool, char said[static 256], struct wh_err *) WH_NODISCARD;

#endif
