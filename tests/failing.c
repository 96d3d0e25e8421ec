/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "failing.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
char *__real_strdup(const char *);
char *__real_strndup(const char *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);
char *__wrap_strndup(const char *, size_t);
int __wrap_asprintf(char **, const char *, ...) WH_PRINTF(2, 3);

static atomic_long calls, failing = -1; /* calls since failing_at(); the one that fails */

static bool fails(void)
{
	return atomic_fetch_add(&calls, 1) == atomic_load(&failing);
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
char *__wrap_strdup(const char *text) { return fails() ? NULL : __real_strdup(text); }
char *__wrap_strndup(const char *text, size_t n) { return fails() ? NULL : __real_strndup(text, n); }

int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list arguments;
	*text = NULL;
	if (fails())
		return -1;
	va_start(arguments, format);
	int n = vasprintf(text, format, arguments);
	va_end(arguments);
	return n;
}

void failing_at(long k)
{
	atomic_store(&calls, 0);
	atomic_store(&failing, k);
}

long failing_end(void)
{
	atomic_store(&failing, -1);
	return atomic_load(&calls);
}

long failing_each(int (*f)(const void *user, struct wh_err *err), const void *user, long *spared)
{
	long well = 0;
	for (long k = 0;; k++) {
		struct wh_err err = { 0 };
		failing_at(k);
		int code = f(user, &err);
		bool failed = failing_end() > k;
		if (!failed && (code != WH_OK || err.code != WH_OK))
			fail_msg("no allocation failed: %d, %d: %s", code, err.code, err.message);
		if (failed && code != WH_OK && (code != WH_E_NOMEM || err.code != WH_E_NOMEM || !*err.message))
			fail_msg("allocation %ld: %d, %d: %s", k, code, err.code, err.message);
		well += failed && code == WH_OK;
		if (failed && code == WH_OK && !spared)
			fail_msg("allocation %ld: its failure was not noticed", k);
		if (failed)
			continue;
		if (spared)
			*spared = well;
		return k;
	}
}
