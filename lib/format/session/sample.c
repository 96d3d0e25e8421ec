/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row is put together when its metric is registered or set, so that a step only joins bytes and writes them: nothing is allocated or formatted
 * in it, and a handler of a signal may call it wherever the program is. For that a metric has two texts of its value, of which one is
 * current: setting fills the other, and then says so.
 */
#include <whorl/sample.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strtab.h"
#include "base/vec.h"

enum { VALUE = 32, NUMBER = 24, TIME = 48 };

struct metric {
	_Atomic(struct metric *) next;
	char *name; /* as a field, with the commas around it */
	size_t n;
	char text[2][VALUE]; /* of its value */
	size_t length[2];
	atomic_uint current;
};

struct buffer {
	struct buffer *before; /* a smaller one, which a step that was interrupted may be at */
	char data[];
};

struct wh_sample {
	int fd;
	char *session; /* as a field, with the comma behind it */
	size_t n_session;
	struct wh_strtab names;
	struct WH_VEC(struct metric *) metrics;
	_Atomic(struct metric *) first;   /* the same as a list, which a step may walk at any time */
	_Atomic(struct buffer *) buffer; /* room for the longest step: */
	size_t cap, need;
	uint64_t step;
	atomic_flag busy;
};

/* ---- rows ---- */

/* As a field of RFC 4180, with this before and behind it; NULL: out of memory. */
static char *make_field(const char *before, const char *text, const char *behind, size_t *n)
{
	struct wh_str field = { 0 };
	wh_str_puts(&field, before);
	if (strpbrk(text, ",\"\r\n")) {
		wh_str_putc(&field, '"');
		for (; *text; text++) {
			if (*text == '"')
				wh_str_putc(&field, '"');
			wh_str_putc(&field, *text);
		}
		wh_str_putc(&field, '"');
	} else {
		wh_str_puts(&field, text);
	}
	wh_str_puts(&field, behind);
	if (field.failed) {
		wh_str_release(&field);
		return NULL;
	}
	*n = field.n;
	return field.data;
}

/* snprintf may take locks: a step does without. */
static char *put_number(char *to, uint64_t v, int digits)
{
	char text[NUMBER];
	int n = 0;
	do
		text[n++] = (char)('0' + v % 10);
	while ((v /= 10) || n < digits);
	while (n)
		*to++ = text[--n];
	return to;
}

static char *put(char *to, const char *data, size_t n)
{
	memcpy(to, data, n);
	return to + n;
}

static char *put_time(char *to)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	to = put(to, ",@time_s,", 9);
	to = put_number(to, (uint64_t)now.tv_sec, 1);
	*to++ = '.';
	to = put_number(to, (uint64_t)now.tv_nsec / 1000, 6);
	*to++ = '\n';
	return to;
}

/* ---- opening ---- */

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t wrote = write(fd, data, n);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wrote < 0 ? errno : EIO;
		data += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

/* The file ends with a whole line, the first of which is the header. */
static int begin_file(struct wh_sample *s, const char *path, struct wh_err *err)
{
	static const char header[] = "session,timestep,metric,value\n";
	struct stat status;
	char last = '\n';
	s->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (s->fd < 0 || fstat(s->fd, &status))
		return wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno));
	int failed = 0;
	if (S_ISREG(status.st_mode) && status.st_size > 0) {
		if (pread(s->fd, &last, 1, status.st_size - 1) == 1 && last != '\n') /* who wrote before died at it */
			failed = write_all(s->fd, "\n", 1);
	} else {
		failed = write_all(s->fd, header, strlen(header));
	}
	return failed ? wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(failed)) : WH_OK;
}

/* Room for so many bytes more in a step. */
static int grow(struct wh_sample *s, size_t more, struct wh_err *err)
{
	if (s->need + more > s->cap) {
		size_t cap = 2 * (s->need + more);
		struct buffer *buffer = malloc(sizeof *buffer + cap);
		if (!buffer)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		buffer->before = atomic_load(&s->buffer);
		s->cap = cap;
		atomic_store(&s->buffer, buffer);
	}
	s->need += more;
	return WH_OK;
}

int wh_sample_open(struct wh_sample **sample, const char *path, const char *session, struct wh_err *err)
{
	char own[64];
	struct timespec now;
	*sample = NULL;
	if (session && !*session)
		return wh_err_set(err, WH_E_USAGE, "a session's id is empty");
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(own, sizeof own, "%ld-%lld.%09ld", (long)getpid(), (long long)now.tv_sec, now.tv_nsec);
	struct wh_sample *s = calloc(1, sizeof *s);
	if (!s)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	s->fd = -1;
	wh_strtab_init(&s->names, SIZE_MAX);
	s->session = make_field("", session ? session : own, ",", &s->n_session);
	int code = s->session ? grow(s, s->n_session + NUMBER + TIME, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = begin_file(s, path, err);
	if (code == WH_OK)
		*sample = s;
	else
		wh_sample_close(s);
	return code;
}

void wh_sample_close(struct wh_sample *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	for (size_t i = 0; i < s->metrics.n; i++) {
		free(s->metrics.data[i]->name);
		free(s->metrics.data[i]);
	}
	for (struct buffer *buffer = atomic_load(&s->buffer), *before; buffer; buffer = before) {
		before = buffer->before;
		free(buffer);
	}
	wh_vec_release(&s->metrics);
	wh_strtab_release(&s->names);
	free(s->session);
	free(s);
}

/* ---- metrics ---- */

static void set_text(struct metric *metric, double value)
{
	unsigned next = !atomic_load(&metric->current);
	bool whole = value == floor(value) && fabs(value) < 1e15;
	int n = isfinite(value) ? snprintf(metric->text[next], VALUE, whole ? "%.0f" : "%.17g", value) : 0; /* none: not known */
	metric->length[next] = n > 0 ? (size_t)n : 0;
	atomic_store(&metric->current, next);
}

static int add_metric(struct wh_sample *s, const char *name, struct wh_err *err)
{
	struct metric *metric = calloc(1, sizeof *metric);
	int code = metric && (metric->name = make_field(",", name, ",", &metric->n)) && !wh_vec_reserve(&s->metrics, s->metrics.n + 1)
			   ? grow(s, s->n_session + NUMBER + metric->n + VALUE, err)
			   : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && wh_strtab_add(&s->names, name, strlen(name)) == WH_STRTAB_NONE)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code != WH_OK) {
		free(metric ? metric->name : NULL);
		free(metric);
		return code;
	}
	set_text(metric, 0);
	s->metrics.data[s->metrics.n++] = metric;
	atomic_store(s->metrics.n > 1 ? &s->metrics.data[s->metrics.n - 2]->next : &s->first, metric);
	return WH_OK;
}

int wh_sample_metric(struct wh_sample *s, const char *name, size_t *metric, struct wh_err *err)
{
	if (!*name || *name == '@')
		return wh_err_set(err, WH_E_USAGE, "no name of a metric: %s", *name ? name : "it is empty");
	uint32_t found = wh_strtab_find(&s->names, name, strlen(name));
	*metric = found == WH_STRTAB_NONE ? s->metrics.n : found;
	return found == WH_STRTAB_NONE ? add_metric(s, name, err) : WH_OK;
}

void wh_sample_set(struct wh_sample *s, size_t metric, double value)
{
	if (metric < s->metrics.n)
		set_text(s->metrics.data[metric], value);
}

/* ---- steps ---- */

static char *put_step(const struct wh_sample *s, char *to)
{
	char digits[NUMBER];
	size_t n = (size_t)(put_number(digits, s->step, 1) - digits);
	to = put(to, s->session, s->n_session);
	to = put(to, digits, n);
	to = put_time(to);
	for (struct metric *metric = atomic_load(&s->first); metric; metric = atomic_load(&metric->next)) {
		unsigned current = atomic_load(&metric->current);
		to = put(to, s->session, s->n_session);
		to = put(to, digits, n);
		to = put(to, metric->name, metric->n);
		to = put(to, metric->text[current], metric->length[current]);
		*to++ = '\n';
	}
	return to;
}

int wh_sample_step(struct wh_sample *s, struct wh_err *err)
{
	if (atomic_flag_test_and_set(&s->busy))
		return wh_err_set(err, WH_E_CONFLICT, "a step is being written");
	int before = errno;
	char *data = atomic_load(&s->buffer)->data;
	int failed = write_all(s->fd, data, (size_t)(put_step(s, data) - data));
	s->step++;
	atomic_flag_clear(&s->busy);
	errno = before;
	return failed ? wh_err_set(err, WH_E_IO, "%s", strerror(failed)) : WH_OK;
}
