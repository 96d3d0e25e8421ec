/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/input.h"

static const char FIRST_LINE[] = "whorl-session 1\n";

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* ---- the file ---- */

static int write_all(struct wh_journal *j, int fd, const struct wh_str *text, struct wh_err *err)
{
	WH_TRY(wh_str_check(text, err));
	for (size_t at = 0; at < text->n;) {
		ssize_t n = write(fd, text->data + at, text->n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return wh_err_set(err, WH_E_IO, "%s: %s", j->path, strerror(n ? errno : ENOSPC));
		at += (size_t)n;
		j->bytes += (uint64_t)n;
	}
	return WH_OK;
}

/* A name or a value on a line of its own. */
static void put_text(struct wh_str *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wh_str_putc(to, (unsigned char)text[i] < ' ' ? '?' : text[i]);
	wh_str_putc(to, '\n');
}

static void put_metric(struct wh_journal *j, struct wh_str *to, uint32_t metric)
{
	struct wh_bytes name = wh_strtab_get(&j->names, metric);
	wh_str_printf(to, "M %" PRIu32 " ", metric);
	put_text(to, name.data, name.size);
	j->metrics.data[metric].told = true;
}

static void put_step(struct wh_journal *j, struct wh_str *to, const struct wh_journal_step *step)
{
	for (size_t i = 0; i < step->n; i++)
		if (!j->metrics.data[step->rows[i].metric].told)
			put_metric(j, to, step->rows[i].metric);
	wh_str_printf(to, "S %" PRId64 "\n", step->time_ns);
	for (size_t i = 0; i < step->n; i++)
		wh_str_printf(to, "%" PRIu32 " %.17g\n", step->rows[i].metric, step->rows[i].value);
	wh_str_puts(to, ".\n");
}

static void put_attribute(struct wh_str *to, const struct wh_attribute *a)
{
	wh_str_printf(to, "A %s ", a->name);
	put_text(to, a->value, strlen(a->value));
}

static int open_locked(struct wh_journal *j, const char *path, int flags, int *fd, struct wh_err *err)
{
	*fd = open(path, flags | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return wh_err_set(err, errno == ENOENT ? WH_E_NOTFOUND : WH_E_IO, "%s: %s", path, strerror(errno));
	struct stat ours, there;
	bool locked = !flock(*fd, LOCK_EX | LOCK_NB);
	/* who had it may have put another file in its place, or settled it, between our opening and locking it */
	if (locked && !fstat(*fd, &ours) && !lstat(path, &there) && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
		return WH_OK;
	close(*fd);
	*fd = -1;
	return wh_err_set(err, WH_E_CONFLICT, "%s: another recorder has it", j->path);
}

/* The file anew, from what is in memory. */
static int rewrite(struct wh_journal *j, struct wh_err *err)
{
	char path[sizeof j->path + 8];
	struct wh_str text = { 0 };
	int fd;
	snprintf(path, sizeof path, "%s.new", j->path);
	unlink(path);
	WH_TRY(open_locked(j, path, O_CREAT | O_EXCL, &fd, err));
	for (size_t i = 0; i < j->metrics.n; i++)
		j->metrics.data[i].told = false;
	wh_str_puts(&text, FIRST_LINE);
	for (size_t i = 0; i < j->attributes.n; i++)
		put_attribute(&text, &j->attributes.data[i]);
	for (size_t i = 0; i < j->steps.n; i++)
		put_step(j, &text, &j->steps.data[i]);
	int code = write_all(j, fd, &text, err);
	wh_str_release(&text);
	if (code == WH_OK && rename(path, j->path))
		code = wh_err_set(err, WH_E_IO, "%s: %s", j->path, strerror(errno));
	if (code != WH_OK) {
		unlink(path);
		close(fd);
		return code;
	}
	close(j->fd);
	j->fd = fd;
	return WH_OK;
}

/* ---- life ---- */

static int init(struct wh_journal *j, const char *path, uint32_t most, struct wh_err *err)
{
	*j = (struct wh_journal){ .fd = -1, .most = most };
	wh_strtab_init(&j->names, (size_t)64 << 20);
	if ((size_t)snprintf(j->path, sizeof j->path, "%s", path) >= sizeof j->path)
		return wh_err_set(err, WH_E_LIMIT, "%s: too long a path", path);
	return WH_OK;
}

void wh_journal_release(struct wh_journal *j)
{
	for (size_t i = 0; i < j->steps.n; i++)
		free(j->steps.data[i].rows);
	for (size_t i = 0; i < j->attributes.n; i++) {
		free((char *)j->attributes.data[i].name);
		free((char *)j->attributes.data[i].value);
	}
	wh_vec_release(&j->steps);
	wh_vec_release(&j->attributes);
	wh_vec_release(&j->metrics);
	wh_strtab_release(&j->names);
	wh_str_release(&j->line);
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

int wh_journal_create(struct wh_journal *j, const char *path, uint32_t most, struct wh_err *err)
{
	WH_TRY(init(j, path, most, err));
	int code = open_locked(j, path, O_CREAT | O_EXCL, &j->fd, err);
	if (code == WH_OK) {
		wh_str_puts(&j->line, FIRST_LINE);
		code = write_all(j, j->fd, &j->line, err);
	}
	if (code != WH_OK)
		wh_journal_release(j);
	return code;
}

/* ---- attributes ---- */

static int set_attribute(struct wh_journal *j, const char *name, const char *value, struct wh_err *err)
{
	char *copy = strdup(value);
	if (!copy)
		return no_memory(err);
	for (size_t i = 0; i < j->attributes.n; i++)
		if (!strcmp(j->attributes.data[i].name, name)) {
			free((char *)j->attributes.data[i].value);
			j->attributes.data[i].value = copy;
			return WH_OK;
		}
	char *own = strdup(name);
	if (own && !wh_vec_push(&j->attributes, (struct wh_attribute){ own, copy }))
		return WH_OK;
	free(own);
	free(copy);
	return no_memory(err);
}

const char *wh_journal_said(const struct wh_journal *j, const char *name)
{
	for (size_t i = 0; i < j->attributes.n; i++)
		if (!strcmp(j->attributes.data[i].name, name))
			return j->attributes.data[i].value;
	return NULL;
}

int wh_journal_say(struct wh_journal *j, const char *name, const char *value, struct wh_err *err)
{
	WH_TRY(set_attribute(j, name, value, err));
	wh_str_clear(&j->line);
	put_attribute(&j->line, &(struct wh_attribute){ name, value });
	return write_all(j, j->fd, &j->line, err);
}

/* ---- steps ---- */

void wh_journal_begin(struct wh_journal *j, int64_t time_ns)
{
	j->time_ns = time_ns;
	j->failed = false;
	for (size_t i = 0; i < j->metrics.n; i++)
		j->metrics.data[i].now = j->metrics.data[i].last;
}

void wh_journal_renew(struct wh_journal *j, uint32_t source)
{
	for (size_t i = 0; i < j->metrics.n; i++)
		if (j->metrics.data[i].source == source)
			j->metrics.data[i].now = 0;
}

void wh_journal_add(struct wh_journal *j, uint32_t source, const char *name, size_t n, double value)
{
	uint32_t metric = wh_strtab_find(&j->names, name, n);
	if (metric == WH_STRTAB_NONE && j->names.n >= WH_JOURNAL_METRICS) {
		j->left_out++;
		return;
	}
	if (metric == WH_STRTAB_NONE)
		metric = wh_strtab_add(&j->names, name, n);
	while (metric != WH_STRTAB_NONE && !j->failed && j->metrics.n <= metric)
		j->failed = wh_vec_push(&j->metrics, (struct wh_journal_metric){ .source = source });
	if (metric == WH_STRTAB_NONE || j->failed)
		j->failed = true;
	else
		j->metrics.data[metric].now += value;
}

double wh_journal_now(const struct wh_journal *j, const char *name)
{
	uint32_t metric = wh_strtab_find(&j->names, name, strlen(name));
	return metric < j->metrics.n ? j->metrics.data[metric].now : 0;
}

/* What `next` says over what `step` said, in `step`: what is left of both when one goes. */
static int absorb(struct wh_journal_step *step, const struct wh_journal_step *next, uint32_t *at)
{
	struct wh_journal_row *rows = malloc((step->n + next->n + 1) * sizeof *rows);
	size_t n = 0;
	if (!rows)
		return 1;
	for (size_t i = 0; i < step->n; i++) {
		at[step->rows[i].metric] = (uint32_t)n + 1;
		rows[n++] = step->rows[i];
	}
	for (size_t i = 0; i < next->n; i++)
		if (at[next->rows[i].metric])
			rows[at[next->rows[i].metric] - 1].value = next->rows[i].value;
		else
			rows[n++] = next->rows[i];
	for (size_t i = 0; i < step->n; i++)
		at[step->rows[i].metric] = 0;
	free(step->rows);
	step->rows = rows;
	step->n = n;
	return 0;
}

/* The older half to every second step: a step that goes leaves what it said to the one after it. */
static int thin(struct wh_journal *j, struct wh_err *err)
{
	size_t half = j->steps.n - j->most, to = 1; /* the first stays: the session begins with it */
	uint32_t *at = calloc(j->metrics.n + 1, sizeof *at);
	bool failed = !at;
	for (size_t i = 1; i < half;) {
		struct wh_journal_step *step = &j->steps.data[i++];
		if (i < half && !failed && !(failed = absorb(step, step + 1, at))) {
			step->time_ns = step[1].time_ns;
			free(step[1].rows);
			j->thinned++;
			i++;
		}
		j->steps.data[to++] = *step;
	}
	memmove(j->steps.data + to, j->steps.data + half, (j->steps.n - half) * sizeof *j->steps.data);
	j->steps.n -= half - to;
	free(at);
	return failed ? no_memory(err) : rewrite(j, err);
}

static int take_step(struct wh_journal *j, struct wh_journal_step *step)
{
	size_t n = 0;
	for (size_t i = 0; i < j->metrics.n; i++)
		n += j->metrics.data[i].now != j->metrics.data[i].last;
	*step = (struct wh_journal_step){ j->time_ns, malloc((n + 1) * sizeof *step->rows), 0 };
	if (!step->rows)
		return 1;
	for (size_t i = 0; i < j->metrics.n; i++) {
		struct wh_journal_metric *metric = &j->metrics.data[i];
		if (metric->now != metric->last)
			step->rows[step->n++] = (struct wh_journal_row){ (uint32_t)i, metric->last = metric->now };
	}
	return 0;
}

int wh_journal_end(struct wh_journal *j, struct wh_err *err)
{
	struct wh_journal_step step;
	if (j->failed || take_step(j, &step))
		return no_memory(err);
	if (wh_vec_push(&j->steps, step)) {
		free(step.rows);
		return no_memory(err);
	}
	if (j->steps.n > 2 * (size_t)j->most)
		return thin(j, err);
	wh_str_clear(&j->line);
	put_step(j, &j->line, &step);
	return write_all(j, j->fd, &j->line, err);
}

/* ---- reading what was left ---- */

struct reading {
	struct wh_journal *j;
	const char *at, *end;
	struct WH_VEC(uint32_t) numbers; /* the file's to ours; WH_STRTAB_NONE: not named */
	bool bad;
};

/* The next whole line, without its end; false: none. */
static bool next_line(struct reading *r, char *line, size_t size)
{
	const char *end = r->at < r->end ? memchr(r->at, '\n', (size_t)(r->end - r->at)) : NULL;
	if (!end)
		return false;
	size_t n = (size_t)(end - r->at);
	if (n >= size)
		n = size - 1;
	memcpy(line, r->at, n);
	line[n] = 0;
	r->at = end + 1;
	return true;
}

/* Metrics are numbered as they were met; those that were 0 throughout so far are not in the file. */
static int read_metric(struct reading *r, const char *line, struct wh_err *err)
{
	char *name;
	unsigned long number = strtoul(line, &name, 10);
	r->bad |= name == line || *name != ' ' || number >= WH_JOURNAL_METRICS;
	if (r->bad)
		return WH_OK;
	name++;
	uint32_t metric = wh_strtab_add(&r->j->names, name, strlen(name));
	bool failed = metric == WH_STRTAB_NONE;
	if (!failed && metric == r->j->metrics.n)
		failed = wh_vec_push(&r->j->metrics, (struct wh_journal_metric){ .told = true });
	while (!failed && r->numbers.n <= number)
		failed = wh_vec_push(&r->numbers, WH_STRTAB_NONE);
	if (failed)
		return no_memory(err);
	r->numbers.data[number] = metric;
	return WH_OK;
}

/* A step that is there as a whole; one without its end never happened. */
static int read_step(struct reading *r, int64_t time_ns, struct wh_err *err)
{
	struct WH_VEC(struct wh_journal_row) rows = { 0 };
	char line[256];
	bool whole = false, failed = false;
	while (!r->bad && !failed && !whole && next_line(r, line, sizeof line)) {
		char *value, *end;
		unsigned long metric = strtoul(line, &value, 10);
		whole = !strcmp(line, ".");
		if (whole)
			break;
		double number = strtod(value, &end);
		if (value == line || *value != ' ' || *end || metric >= r->numbers.n || r->numbers.data[metric] == WH_STRTAB_NONE)
			r->bad = true;
		else
			failed = wh_vec_push(&rows, (struct wh_journal_row){ r->numbers.data[metric], number });
	}
	if (whole)
		failed = wh_vec_push(&r->j->steps, (struct wh_journal_step){ time_ns, rows.data, rows.n });
	if (!whole || failed)
		free(rows.data);
	r->bad |= !whole;
	return failed ? no_memory(err) : WH_OK;
}

static int read_text(struct reading *r, struct wh_err *err)
{
	char line[8192];
	if (!next_line(r, line, sizeof line) || strncmp(line, FIRST_LINE, sizeof FIRST_LINE - 2) != 0)
		return wh_err_set(err, WH_E_FORMAT, "%s: no journal of a session", r->j->path);
	while (!r->bad && next_line(r, line, sizeof line)) {
		char *space = strchr(line, ' '), *second = space ? strchr(space + 1, ' ') : NULL;
		if (line[0] == 'M' && space == line + 1)
			WH_TRY(read_metric(r, space + 1, err));
		else if (line[0] == 'A' && space == line + 1 && second) {
			*second = 0;
			WH_TRY(set_attribute(r->j, space + 1, second + 1, err));
		} else if (line[0] == 'S' && space == line + 1)
			WH_TRY(read_step(r, strtoll(space + 1, NULL, 10), err));
		else
			r->bad = true; /* torn: a full disk, for one. What is whole before it counts */
	}
	return WH_OK;
}

int wh_journal_load(struct wh_journal *j, const char *path, struct wh_err *err)
{
	struct wh_input input;
	WH_TRY(init(j, path, 2, err));
	int code = open_locked(j, path, 0, &j->fd, err);
	if (code == WH_OK)
		code = wh_input_open(&input, path, err);
	if (code == WH_OK) {
		struct reading r = { .j = j, .at = input.text, .end = input.text + input.size };
		code = read_text(&r, err);
		wh_vec_release(&r.numbers);
		wh_input_release(&input);
	}
	if (code != WH_OK)
		wh_journal_release(j);
	return code;
}

/* ---- as a session ---- */

int wh_journal_session(const struct wh_journal *j, struct wh_arena *arena, struct wh_session **session, struct wh_err *err)
{
	struct wh_session_builder b;
	wh_session_builder_init(&b, arena);
	for (size_t i = 0; i < j->steps.n; i++) {
		const struct wh_journal_step *step = &j->steps.data[i];
		wh_session_builder_row(&b, "@time_s", 7, (int64_t)i, 1e-9 * (double)(step->time_ns - j->steps.data[0].time_ns));
		for (size_t k = 0; k < step->n; k++) {
			struct wh_bytes name = wh_strtab_get(&j->names, step->rows[k].metric);
			wh_session_builder_row(&b, name.data, name.size, (int64_t)i, step->rows[k].value);
		}
	}
	int code = wh_session_builder_finish(&b, WH_SESSION_CHANGES, session, NULL, err);
	wh_session_builder_release(&b);
	return code;
}
