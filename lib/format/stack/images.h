/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libraries and programs that a report says were loaded, looked up by an address or by a name. Invariants: what is found
 * belongs to the table and is valid until the next wh_images_add; spans point into the report, whoever owns that.
 */
#ifndef WHORL_FORMAT_STACK_IMAGES_H
#define WHORL_FORMAT_STACK_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "format/scan.h"

#define WH_IMAGES_MOST 65536 /* further ones are dropped */

struct wh_image {
	uint64_t base, last; /* addresses, both within; last < base: not said how far it goes */
	struct wh_span name; /* as frames call it */
	struct wh_span path; /* empty spans: not said */
	struct wh_span version, build_id;
};

struct wh_images {
	struct WH_VEC(struct wh_image) list;
	uint32_t *by_base, *by_name; /* made when first asked; NULL: not yet */
	bool failed;		     /* out of memory; sticks until cleared */
};

void wh_images_add(struct wh_images *, struct wh_image);
/* Forgets all, keeps the memory. */
void wh_images_clear(struct wh_images *);
void wh_images_release(struct wh_images *);

/* The image that address is in (where images overlap, the one that begins last before it); NULL: none, or out of memory. */
const struct wh_image *wh_images_at(struct wh_images *, uint64_t address);
/* The first image of that name, or NULL. */
const struct wh_image *wh_images_named(struct wh_images *, struct wh_span name);

#endif
