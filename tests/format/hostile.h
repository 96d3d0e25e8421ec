/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every reader of text must bear: its fixtures cut off at every byte and with bytes changed, noise, lines without end, texts made
 * to cost more than they are long, an arena that is too small. A test names its formats and what is hostile to them; texts lie in blocks
 * of their very size, so that a sanitizer sees every byte read too far.
 */
#ifndef WHORL_TESTS_FORMAT_HOSTILE_H
#define WHORL_TESTS_FORMAT_HOSTILE_H

#include <stddef.h>

struct hostile {
	const char *data;           /* the folder of fixtures, one folder a format in it */
	const char *const *formats; /* NULL-terminated, as the next two */
	const char *const *pieces;  /* repeated to 2 MiB: lines that open much and close nothing */
	const char *const *endless; /* repeated to 32 MiB without a line's end */
	const char *const *texts;   /* no reports: nobody is to claim them */
};

/* Each fails the cmocka test that it is called from. */
void hostile_cut(const struct hostile *);
void hostile_change(const struct hostile *);
void hostile_noise(const struct hostile *);
void hostile_repeat(const struct hostile *);
void hostile_endless(const struct hostile *);
void hostile_small_arena(const struct hostile *);
void hostile_no_reports(const struct hostile *);

#endif
