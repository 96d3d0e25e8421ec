/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Observations on their way to groups: read from files or from the store, fingerprinted, equal fingerprints merged into points.
 *
 * Invariants: records stand in the order of the input; points are sorted by content, so that nothing later depends on input order or
 * threads; a record without a fingerprint's content (a report without frames) has a point of its own; ids are unique.
 */
#ifndef WHORL_PIPELINE_DATASET_H
#define WHORL_PIPELINE_DATASET_H

#include <whorl/verb.h>

#include "base/arena.h"
#include "base/strtab.h"
#include "base/vec.h"

struct wh_interner;
struct wh_model;

struct wh_record {
	const char *id;
	const char *label; /* NULL: not known */
	int64_t time_ns;   /* INT64_MAX where not known: after all others */
	uint32_t point;
	bool empty;                     /* no fingerprint */
	bool left_out;                  /* --where does not want it: counted for the ids of others, then dropped */
	const char *source;             /* the file it was read from; NULL: the store */
	const char *format;             /* which reader made it; NULL where the store was not asked for attributes */
	const char *const *attributes;  /* in the order of wh_signal.attributes; NULL: not said */
	struct wh_bytes fingerprint;    /* == the point's */
	struct wh_bytes body;           /* the neutral record without id, time and label; only with WH_LOAD_BODY */
	uint64_t body_hash;             /* of time and body; only with WH_LOAD_BODY */
	int64_t row;                    /* in the store; 0: not from there */
	const char *group;              /* in the store; NULL: none */
	double similarity;
};

struct wh_dataset {
	const struct wh_signal *signal;
	struct WH_VEC(struct wh_record) records;
	struct wh_bytes *points; /* n_points */
	uint32_t *weight;        /* records per point */
	size_t n_points;
	size_t files, unknown_files, skipped; /* what was read, what no reader knows, bad records */
	struct wh_interner *strings;
	struct WH_VEC(struct wh_arena) arenas; /* what the records point to */
};

enum wh_load_flags {
	WH_LOAD_BODY = 1,
	WH_LOAD_STORE = 2,      /* from the store where there are no operands */
	WH_LOAD_ATTRIBUTES = 4, /* of stored observations, too: their bodies are decoded */
	WH_LOAD_WAITING = 8,    /* the same, of those alone that have no group */
};

/* From the call's operands, or the store; fingerprints by the model's settings. A dataset of nothing is no error here. */
int wh_dataset_load(struct wh_dataset *, const struct wh_call *, const struct wh_model *, unsigned flags, struct wh_err *) WH_NODISCARD;
/* The same from these paths; n 0: from the store. */
int wh_dataset_load_paths(struct wh_dataset *, const struct wh_call *, const struct wh_model *, const char *const *paths, size_t n,
			  unsigned flags, struct wh_err *) WH_NODISCARD;
void wh_dataset_release(struct wh_dataset *);
/* These n records of data as a dataset of their own. What they point to stays the property of data, which must outlive it. */
int wh_dataset_part(struct wh_dataset *, const struct wh_dataset *data, const uint32_t *records, size_t n, struct wh_err *) WH_NODISCARD;

/* WH_E_NOTFOUND with a hint where there is not a single record. */
int wh_dataset_need(const struct wh_dataset *, struct wh_err *) WH_NODISCARD;

/* The ids of one call, which must differ. */
struct wh_ids {
	struct wh_strtab table;
	struct WH_VEC(const char *) sources; /* per id */
};
void wh_ids_init(struct wh_ids *);
/* WH_E_CONFLICT, with the places of both, where an id comes again. */
int wh_ids_add(struct wh_ids *, const struct wh_record *, struct wh_err *) WH_NODISCARD;
void wh_ids_release(struct wh_ids *);

/* Index of the record, or SIZE_MAX. */
size_t wh_dataset_find(const struct wh_dataset *, const char *id);

/* Gives record r a point of its own with the same fingerprint: two equal reports that people hold apart. */
int wh_dataset_split_point(struct wh_dataset *, size_t r, struct wh_err *) WH_NODISCARD;

/* Writes n = records.n indices: orders of records by time, then id (runs of digits compare as numbers). */
int wh_dataset_by_time(const struct wh_dataset *, uint32_t *order);
int wh_id_compare(const char *a, const char *b);
/* The order in which observations are taken: by time, then id. */
int wh_time_compare(int64_t time_a, const char *id_a, int64_t time_b, const char *id_b);

#endif
