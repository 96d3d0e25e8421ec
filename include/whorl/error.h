/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: an int code as result, and the reason as text in a caller-owned struct wh_err, the last parameter everywhere.
 *
 * Invariants: WH_OK is 0 and the only success; err may be NULL (the reason is then lost, never the code); a function that
 * fails has set err exactly once; callers add where they were with wh_err_wrap, so that the text reads outside-in:
 * `reports/7.txt: gdb: line 31: frame without a function`.
 */
#ifndef WHORL_ERROR_H
#define WHORL_ERROR_H

enum wh_code {
	WH_OK = 0,
	WH_E_NOMEM,     /* an allocation failed */
	WH_E_LIMIT,     /* a cap of ours was reached: arena, record, depth */
	WH_E_IO,        /* the system refused: file, pipe, disk */
	WH_E_FORMAT,    /* input is not what it should be */
	WH_E_USAGE,     /* the caller asked for something that makes no sense */
	WH_E_NOTFOUND,  /* no such id, file, group, model */
	WH_E_CONFLICT,  /* contradicts what is stored or said elsewhere */
	WH_E_CANCELLED, /* the user interrupted */
	WH_E_INTERNAL,  /* our own bug */
};

struct wh_err {
	int code;
	char message[1024];
};

#define WH_NODISCARD __attribute__((warn_unused_result))
#define WH_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Sets code and message; returns code, so that `return wh_err_set(err, WH_E_IO, …)` reads well. */
int wh_err_set(struct wh_err *err, int code, const char *format, ...) WH_PRINTF(3, 4);

/* Puts `context: ` before the message; returns err's code (or `code` where err is NULL). */
int wh_err_wrap(struct wh_err *err, int code, const char *format, ...) WH_PRINTF(3, 4);

/* "out of memory", "format", … for programs; the message is for people. Static. */
const char *wh_code_name(int code);

/* Returns from the calling function with the code of a failed call. */
#define WH_TRY(call)                                \
	do {                                        \
		int wh_try_code_ = (call);          \
		if (wh_try_code_ != WH_OK)          \
			return wh_try_code_;        \
	} while (0)

#endif
