/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One observation of any signal: who, when, what people and machines said about it, and a body that only its signal reads.
 *
 * Invariants: id is never NULL once an observation leaves the reader loop; strings belong to the arena that the reader was
 * given and live as long as it; attributes are unique by name.
 */
#ifndef WHORL_OBSERVATION_H
#define WHORL_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wh_attribute {
	const char *name; /* "app", "version", "platform", "reason", … */
	const char *value;
};

struct wh_observation {
	const char *id;
	const char *label;  /* NULL: not known. Never part of a fingerprint */
	const char *format; /* name of the reader that made it */
	int64_t time_ns;    /* since the epoch */
	bool has_time;
	struct wh_attribute *attributes;
	size_t n_attributes;
	const void *body; /* struct wh_stack for the signal `stack`, … */
};

/* The attribute's value, or NULL. */
const char *wh_observation_attribute(const struct wh_observation *, const char *name);

/* Some bytes with their length; never owns. */
struct wh_bytes {
	const char *data;
	size_t size;
};

#endif
