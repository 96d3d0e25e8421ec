/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sampling from inside a program, at points that its developer chooses: counters and gauges of its own become the metrics of a session, which
 * `whorl session` reads (long CSV, docs/format/sessions.md).
 *
 *	struct wh_sample *sample;
 *	size_t entries;
 *	wh_sample_open(&sample, "shop-4711.csv", NULL, &err);
 *	wh_sample_metric(sample, "cache entries", &entries, &err);
 *	for (;;) {
 *		… wh_sample_set(sample, entries, cache->n) …    whenever it changes
 *		wh_sample_step(sample, &err);                    once per step: every second, every request, every screen
 *	}
 *	wh_sample_close(sample);
 *
 * A step is one write(2) behind the end of the file: what a step has written stays, however the program dies, and a program that dies while it
 * writes leaves a last line that is cut off, which the reader counts and skips. Call these from one thread at a time. wh_sample_step alone may
 * be called from a handler of a signal, too, wherever the program is: a last step, with what is set, before it dies.
 */
#ifndef WHORL_SAMPLE_H
#define WHORL_SAMPLE_H

#include <stddef.h>

#include <whorl/error.h>

struct wh_sample;

/* Opens path, or makes it, to add a session to it. A file is one process's at a time: the rows of a session stand together. session: its id, NULL: the
 * process's number and the time. WH_E_IO with the system's reason; WH_E_USAGE where the id is empty; WH_E_NOMEM. */
int wh_sample_open(struct wh_sample **, const char *path, const char *session, struct wh_err *) WH_NODISCARD;

/* The number of the metric of that name, a new one where there was none; it is 0 until it is set. Names that begin with `@` are whorl's own:
 * WH_E_USAGE, as for an empty one. WH_E_NOMEM. */
int wh_sample_metric(struct wh_sample *, const char *name, size_t *metric, struct wh_err *) WH_NODISCARD;

/* What a metric is from here on; NaN and infinities: not known. */
void wh_sample_set(struct wh_sample *, size_t metric, double value);

/* Writes a step: the time and every metric. WH_E_IO with the system's reason: the step is lost or cut off, the next may still be written.
 * WH_E_CONFLICT: the handler of a signal came in the middle of one. err may be NULL, and must be in such a handler. */
int wh_sample_step(struct wh_sample *, struct wh_err *);

/* NULL: nothing. */
void wh_sample_close(struct wh_sample *);

#endif
