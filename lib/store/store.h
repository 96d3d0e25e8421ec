/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What whorl remembers: observations, fingerprints, groups, models, what people said, and who did what when. The store knows no
 * signal: bodies, fingerprints and models are bytes to it, and every row carries the noun it belongs to.
 *
 * Promises:
 *  - what a committed transaction wrote survives kill -9 and power loss (WAL, synchronous=FULL); what was not committed leaves no
 *    trace; the file is never corrupt;
 *  - several processes may use one store: readers never wait, writers take turns (busy timeout 60 s, then WH_E_IO that says so);
 *  - a full disk is WH_E_IO "disk full" and leaves the last committed state; writing goes on when there is room again;
 *  - an older schema is migrated in one transaction, a newer one is refused with WH_E_FORMAT naming both versions; what is not
 *    a store, or is damaged, is WH_E_FORMAT that says which.
 *
 * One handle per thread. A callback's result other than WH_OK ends the walk and is its result. Callbacks may call the store; a
 * walk does not see what was added after it began. Strings and bytes handed to callbacks live until the callback returns.
 * Times are ns since the epoch; WH_STORE_NO_TIME where not known.
 */
#ifndef WHORL_STORE_STORE_H
#define WHORL_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>

#define WH_STORE_NO_TIME INT64_MIN

struct wh_store;

enum wh_store_mode { WH_STORE_READ, WH_STORE_WRITE, WH_STORE_CREATE };

/* url: `sqlite:PATH` or a path. READ and WRITE: WH_E_NOTFOUND where there is none; CREATE makes one. Even READ makes files beside
 * the store, and migrates an old one; where it cannot, WH_E_IO says so. */
int wh_store_open(struct wh_store **, const char *url, enum wh_store_mode, struct wh_err *) WH_NODISCARD;
void wh_store_close(struct wh_store *); /* rolls back what is open */

/*
 * Transactions of one writer. begin waits its turn; commit acknowledges: from its return on nothing is lost; if it fails, nothing
 * of the transaction is kept. A call that writes outside of a transaction is one of its own. WH_E_NOTFOUND, _CONFLICT, _LIMIT and
 * _USAGE leave a transaction open as it was. After WH_E_IO or WH_E_NOMEM roll back: it may be gone already, and then every
 * further write and the commit say so. In a store opened to read, a transaction is one snapshot for all that is read in it.
 */
int wh_store_begin(struct wh_store *, struct wh_err *) WH_NODISCARD;
int wh_store_commit(struct wh_store *, struct wh_err *) WH_NODISCARD;
void wh_store_rollback(struct wh_store *);

struct wh_store_observation {
	int64_t row; /* the store's own number, ascending in the order of arrival */
	const char *id;
	int64_t time_ns;
	const char *label;       /* NULL: none */
	struct wh_bytes body;    /* the neutral record, JSON; kept compressed */
	uint64_t body_hash;      /* of body without the label: tells a re-import from a conflict */
	struct wh_bytes fingerprint; /* empty: not fingerprinted yet */
	const char *group;       /* id of its group, NULL: none yet */
	double similarity;       /* to the group when it was assigned */
};

/* Adds one. *added false: the same content is there under this id. WH_E_CONFLICT: other content is. WH_E_NOTFOUND: no such
 * group. Sets o->row. */
int wh_store_add(struct wh_store *, const char *noun, struct wh_store_observation *o, bool *added, struct wh_err *) WH_NODISCARD;

enum wh_store_part { WH_STORE_BODY = 1, WH_STORE_FINGERPRINT = 2 };

typedef int wh_store_fn(void *user, const struct wh_store_observation *, struct wh_err *);
/* Every observation of a noun in the order of arrival, or only those of one group (NULL: all; WH_E_NOTFOUND).
 * parts: which bytes are wanted. Memory: one observation. */
int wh_store_each(struct wh_store *, const char *noun, const char *group, unsigned parts, wh_store_fn *, void *user,
		  struct wh_err *) WH_NODISCARD;
/* One by id; WH_E_NOTFOUND. */
int wh_store_get(struct wh_store *, const char *noun, const char *id, unsigned parts, wh_store_fn *, void *user,
		 struct wh_err *) WH_NODISCARD;
/* Sets what is found out later. group NULL, fingerprint empty, label NULL: unchanged; similarity is the group's. label "":
 * removed. WH_E_NOTFOUND: no such row, no such group. */
int wh_store_update(struct wh_store *, const char *noun, int64_t row, struct wh_bytes fingerprint, const char *group,
		    double similarity, const char *label, struct wh_err *) WH_NODISCARD;
/* Puts something better in place of what was read: a body, the hash that later imports are held against, a fingerprint (empty:
 * unchanged). leave: the observation leaves its group. WH_E_NOTFOUND: no such row. */
int wh_store_replace(struct wh_store *, const char *noun, int64_t row, struct wh_bytes body, uint64_t body_hash, struct wh_bytes fingerprint,
		     bool leave, struct wh_err *) WH_NODISCARD;
/* groups: those that live. Either may be NULL. */
int wh_store_count(struct wh_store *, const char *noun, uint64_t *observations, uint64_t *groups, struct wh_err *) WH_NODISCARD;

/* ---- groups: ids stay for ever; a group that ended points to what took its place ---- */
struct wh_store_group {
	const char *id;
	int64_t created_ns;
	int64_t model;           /* which model made it */
	struct wh_bytes fingerprint; /* of its first member */
	const char *label;       /* what people call it, or NULL */
	const char *successor;   /* NULL while it lives */
	uint64_t observations;   /* filled by wh_store_each_group */
};
/* WH_E_CONFLICT: there is one of this id. */
int wh_store_add_group(struct wh_store *, const char *noun, const struct wh_store_group *, struct wh_err *) WH_NODISCARD;
/* NULL: unchanged; "": removed. WH_E_NOTFOUND; WH_E_CONFLICT where the successor leads back to the group. */
int wh_store_update_group(struct wh_store *, const char *noun, const char *id, const char *label, const char *successor,
			  struct wh_err *) WH_NODISCARD;
typedef int wh_store_group_fn(void *user, const struct wh_store_group *, struct wh_err *);
/* In the order of creation; ended ones only if asked. */
int wh_store_each_group(struct wh_store *, const char *noun, bool ended, wh_store_group_fn *, void *user,
			struct wh_err *) WH_NODISCARD;
/* *current: id itself, or what took its place in the end; the caller frees it. WH_E_NOTFOUND. */
int wh_store_resolve_group(struct wh_store *, const char *noun, const char *id, char **current, struct wh_err *) WH_NODISCARD;

/* ---- models: appended, never changed; the newest active one made the groups ---- */
struct wh_store_model {
	int64_t number; /* 1, 2, … per noun */
	int64_t created_ns;
	struct wh_bytes file; /* the model file's bytes */
};
int wh_store_add_model(struct wh_store *, const char *noun, struct wh_bytes file, int64_t *number, struct wh_err *) WH_NODISCARD;
typedef int wh_store_model_fn(void *user, const struct wh_store_model *, struct wh_err *);
/* number 0: the newest. WH_E_NOTFOUND. */
int wh_store_get_model(struct wh_store *, const char *noun, int64_t number, wh_store_model_fn *, void *user,
		       struct wh_err *) WH_NODISCARD;

/* ---- what people said: obeyed and recalled for ever, or until undone ---- */
enum wh_store_word { WH_STORE_TOGETHER, WH_STORE_APART, WH_STORE_LABEL, WH_STORE_NOTE, WH_STORE_MERGE, WH_STORE_SPLIT,
		     WH_STORE_REGROUP, WH_STORE_UNDO }; /* stored as numbers: append only */
struct wh_store_saying {
	int64_t number; /* ascending; the audit trail */
	int64_t time_ns;
	const char *who; /* NULL: not said */
	enum wh_store_word word;
	const char *a, *b; /* ids of observations or groups; b NULL where the word takes one; of LABEL, the label before */
	const char *text;  /* the label, the note, the old -> new map as JSON; NULL: none */
	int64_t undone_by; /* number of the saying that took it back, 0: in force */
	int64_t part_of;   /* a saying that this one belongs to (the constraints of a merge), 0: none */
};
/* Sets number and time_ns (now). WH_E_NOTFOUND: nothing was said that it could be part of. */
int wh_store_say(struct wh_store *, const char *noun, struct wh_store_saying *, struct wh_err *) WH_NODISCARD;
typedef int wh_store_saying_fn(void *user, const struct wh_store_saying *, struct wh_err *);
/* In order; undone ones only if asked. */
int wh_store_each_saying(struct wh_store *, const char *noun, bool undone, wh_store_saying_fn *, void *user,
			 struct wh_err *) WH_NODISCARD;
/* Marks a saying and its parts, and theirs, as undone by a later one (WH_STORE_UNDO, or a merge, split … that takes its place).
 * WH_E_NOTFOUND for either, or WH_E_CONFLICT where it was undone before. */
int wh_store_undo(struct wh_store *, const char *noun, int64_t number, int64_t by, struct wh_err *) WH_NODISCARD;

/* ---- the state of the running assignment: one blob per noun, written with the transaction ---- */
int wh_store_set_state(struct wh_store *, const char *noun, const char *key, struct wh_bytes, struct wh_err *) WH_NODISCARD;
typedef int wh_store_state_fn(void *user, struct wh_bytes, struct wh_err *);
int wh_store_get_state(struct wh_store *, const char *noun, const char *key, wh_store_state_fn *, void *user,
		       struct wh_err *) WH_NODISCARD; /* WH_E_NOTFOUND */

#endif
