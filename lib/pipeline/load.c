/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/loading.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/archive.h"
#include "base/thread.h"
#include "base/time.h"
#include "format/format.h"

enum {
	PIECE = 2 << 20,    /* bytes of a line-based file that one task reads */
	BIG = 4 << 20,      /* files from here on are cut where their format allows */
	ROUND = 128,        /* tasks whose results are held at once */
	HELD = 64 << 20,    /* bytes of archives' entries held at once, beyond which a round is run */
	REPORT_MIB = 64,    /* memory of one observation */
};

/* ---- what readers call ---- */

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct reading *r = user;
	struct wh_arena *arena = &r->task->batch.arena;
	struct wh_record record = { .time_ns = o->has_time ? o->time_ns : INT64_MAX };
	record.left_out = !wh_where_match(r->l->where, r->l->load->call->signal, o);
	if (record.left_out)
		return wh_vec_push(&r->task->batch.records, record) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	WH_TRY(wh_keep_string(arena, o->id, &record.id, err));
	WH_TRY(wh_keep_string(arena, o->label && *o->label ? o->label : NULL, &record.label, err));
	WH_TRY(wh_keep_attributes(r, o, &record, err));
	if (r->l->load->flags & WH_LOAD_BODY)
		WH_TRY(wh_keep_body(r, o, &record, err));
	WH_TRY(wh_keep_fingerprint(r, o, &record, err));
	return wh_vec_push(&r->task->batch.records, record) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct reading *r = user;
	r->task->skipped++;
	if (r->l->strict)
		return wh_err_set(err, WH_E_FORMAT, "line %zu: %s", line, why);
	wh_host_log(r->l->host, WH_WARNING, "%s: line %zu: %s: skipped", r->name, line, why);
	return WH_OK;
}

static void say(void *user, const char *text)
{
	struct reading *r = user;
	wh_host_log(r->l->host, WH_WARNING, "%s: %s", r->name, text);
}

/* ---- tasks ---- */

static int read_text(struct loading *l, struct task *task, struct worker *worker, const struct wh_format *format,
		     struct wh_bytes text, struct wh_err *err)
{
	struct reading reading = { l, task, worker, task->source->path };
	struct wh_reader reader = { .name = task->source->path, .text = text.data, .size = text.size, .start = task->start,
				    .first_line = task->first_line, .arena = &worker->arena, .take = take, .skip = skip,
				    .say = say, .options = l->load->call->reading.n ? &l->load->call->reading : NULL,
				    .context = l->context, .user = &reading, .format = format, .describe = l->load->flags & WH_LOAD_BODY };
	wh_arena_reset(&worker->arena);
	int code = format->read(&reader, err);
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s: %s", task->source->path, format->name);
}

const struct wh_format *wh_load_choose(const struct loading *l, struct wh_bytes text)
{
	const struct wh_format *const *formats = l->load->call->signal->formats;
	if (strcmp(l->input_format, "auto") != 0)
		return wh_format_find(formats, l->input_format);
	return wh_format_detect(formats, text.data, text.size);
}

static int read_input(struct loading *l, struct task *task, struct worker *worker, const struct wh_input *input, struct wh_err *err)
{
	struct wh_bytes text = { input->text, input->size };
	const struct wh_format *format = wh_load_choose(l, text);
	task->first_line = 1;
	task->unknown = !format;
	return format ? read_text(l, task, worker, format, text, err) : WH_OK;
}

static int read_parts(struct loading *l, struct task *task, struct worker *worker, struct wh_err *err)
{
	struct wh_input input;
	const struct wh_format *format;
	WH_TRY(wh_stitch_open(l, task, &input, &format, err));
	task->first_line = 1;
	int code = format ? read_text(l, task, worker, format, (struct wh_bytes){ input.text, input.size }, err) : WH_OK;
	wh_input_release(&input);
	return code;
}

static int read_file(struct loading *l, struct task *task, struct worker *worker, struct wh_err *err)
{
	struct wh_input input;
	if (task->source->parts)
		return read_parts(l, task, worker, err);
	task->file = true;
	task->code = wh_input_open(&input, task->source->path, &task->error);
	if (task->code == WH_E_NOMEM)
		return wh_err_set(err, task->code, "%s: %s", task->source->path, task->error.message);
	if (task->code != WH_OK)
		return WH_OK;
	task->archive = wh_archive_begins(input.text, input.size);
	int code = task->archive ? WH_OK : read_input(l, task, worker, &input, err);
	wh_input_release(&input);
	return code;
}

static int run_tasks(void *user, unsigned number, size_t first, size_t last, struct wh_err *err)
{
	struct loading *l = user;
	for (size_t i = first; i < last; i++) {
		struct task *task = &l->tasks.data[i];
		struct worker *worker = &l->workers[number];
		if (task->text.data) {
			WH_TRY(read_text(l, task, worker, task->format, task->text, err));
		} else if (task->entry.text) {
			task->file = true;
			WH_TRY(read_input(l, task, worker, &task->entry, err));
			wh_input_release(&task->entry);
		} else {
			WH_TRY(read_file(l, task, worker, err));
		}
	}
	return WH_OK;
}

/* Ids for those that brought none: the file's, `#2` and so on for the later ones. */
static int name_records(struct loading *l, struct task *task, struct wh_err *err)
{
	struct source *source = task->source;
	const char *path = !task->batch.records.n ? "" : l->load->strings ? wh_intern(l->load->strings, source->path, strlen(source->path)) : source->path;
	if (!path)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < task->batch.records.n; i++) {
		struct wh_record *record = &task->batch.records.data[i];
		record->source = path;
		source->records++;
		if (record->id)
			continue;
		record->id = source->records > 1 ? wh_arena_printf(&task->batch.arena, "%s#%zu", source->id, source->records)
						 : wh_arena_strdup(&task->batch.arena, source->id);
		if (!record->id)
			return wh_arena_error(&task->batch.arena, err);
	}
	return WH_OK;
}

/* Those that are not asked about have counted for the names of the others. */
static void drop_left_out(struct wh_batch *batch)
{
	size_t n = 0;
	for (size_t i = 0; i < batch->records.n; i++)
		if (!batch->records.data[i].left_out)
			batch->records.data[n++] = batch->records.data[i];
	batch->records.n = n;
}

static int read_archive(struct loading *l, struct source *source, struct wh_bytes text, struct wh_err *err);

static int hand_over(struct loading *l, struct task *task, struct wh_err *err)
{
	struct wh_load *load = l->load;
	if (task->archive)
		return read_archive(l, task->source, (struct wh_bytes){ 0 }, err);
	load->files += task->file ? 1 : task->source->n_parts;
	load->unknown_files += task->unknown;
	load->skipped += task->skipped;
	if (task->code != WH_OK && (l->strict || load->n_paths == 1))
		return wh_err_set(err, task->code, "%s: %s", task->source->path, task->error.message);
	if (task->code != WH_OK) {
		wh_host_log(l->host, WH_WARNING, "%s: %s: skipped", task->source->path, task->error.message);
		load->skipped++;
	}
	WH_TRY(name_records(l, task, err));
	drop_left_out(&task->batch);
	return task->batch.records.n ? load->take(load->user, &task->batch, err) : WH_OK;
}

static void release_task(struct task *task)
{
	wh_input_release(&task->entry);
	wh_arena_release(&task->batch.arena);
	wh_vec_release(&task->batch.records);
}

/* Runs what has gathered; hands the results over in order. An archive among them has rounds of its own when it is its turn. */
static int run_round(struct loading *l, struct wh_err *err)
{
	int code = wh_parallel(l->host, NULL, l->tasks.n, 1, run_tasks, l, err);
	struct tasks done = l->tasks;
	l->tasks = (struct tasks){ 0 };
	l->held = 0;
	for (size_t i = 0; i < done.n; i++) {
		if (code == WH_OK)
			code = hand_over(l, &done.data[i], err);
		release_task(&done.data[i]);
	}
	for (size_t i = 0; i < l->tasks.n; i++) /* left over by an archive's that failed */
		release_task(&l->tasks.data[i]);
	wh_vec_release(&l->tasks);
	done.n = 0;
	l->tasks = done;
	return code;
}

static int add_task(struct loading *l, struct task task, struct wh_err *err)
{
	wh_arena_init(&task.batch.arena, SIZE_MAX);
	if (wh_vec_push(&l->tasks, task)) {
		release_task(&task);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	l->held += task.entry.owned ? task.entry.size : 0;
	return l->tasks.n >= ROUND || l->held > HELD ? run_round(l, err) : WH_OK;
}

static size_t count_newlines(const char *p, const char *end)
{
	size_t n = 0;
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

static int cut_text(struct loading *l, struct source *source, const struct wh_format *format, const struct wh_input *input, struct wh_err *err)
{
	const struct wh_bytes text = { input->text, input->size };
	const char *p = text.data, *end = p + text.size;
	size_t line = 1;
	int code = WH_OK;
	while (code == WH_OK && p < end) {
		const char *stop = end;
		if (format->lines && end - p > PIECE && !(stop = memchr(p + PIECE, '\n', (size_t)(end - p - PIECE))))
			stop = end;
		stop += stop < end;
		if (format->cut && end - p > PIECE)
			stop = format->cut(text.data, p + PIECE, end);
		struct task task = { .source = source, .text = { p, (size_t)(stop - p) }, .start = text.data, .first_line = line, .format = format };
		line += stop < end ? count_newlines(p, stop) : 0;
		code = add_task(l, task, err);
		if (code == WH_OK && !l->tasks.n) /* a round is over */
			wh_input_passed(input, stop);
		wh_host_progress(l->host, "reading", (uint64_t)(stop - text.data), text.size);
		p = stop;
	}
	return code == WH_OK ? run_round(l, err) : code;
}

/* What no task should hold as a whole: cut to pieces where its format allows. */
static int read_pieces(struct loading *l, struct source *source, const struct wh_input *input, struct wh_err *err)
{
	const struct wh_format *format = wh_load_choose(l, (struct wh_bytes){ input->text, input->size });
	l->load->files++;
	if (format)
		return cut_text(l, source, format, input, err);
	l->load->unknown_files++;
	return WH_OK;
}

static int read_big(struct loading *l, struct source *source, struct wh_err *err)
{
	struct wh_input input;
	if (wh_archive_is(source->path)) /* before it is unpacked as a whole */
		return read_archive(l, source, (struct wh_bytes){ 0 }, err);
	int code = wh_input_open(&input, source->path, err);
	if (code != WH_OK)
		return wh_err_wrap(err, code, "%s", source->path);
	if (wh_archive_begins(input.text, input.size)) /* standard input */
		code = read_archive(l, source, (struct wh_bytes){ input.text, input.size }, err);
	else
		code = read_pieces(l, source, &input, err);
	wh_input_release(&input);
	return code;
}

/* ---- inputs ---- */

static struct source *new_source(struct loading *l, const char *path, struct wh_err *err)
{
	struct source *source = calloc(1, sizeof *source);
	if (!source || wh_vec_push(&l->sources, source)) {
		free(source);
		wh_err_set(err, WH_E_NOMEM, "out of memory");
		return NULL;
	}
	source->path = strdup(path);
	if (!source->path)
		wh_err_set(err, WH_E_NOMEM, "out of memory");
	return source->path ? source : NULL;
}

/* Joins two parts of a path, either of which may be empty; NULL: out of memory. */
static char *join(const char *folder, const char *name)
{
	char *path;
	return asprintf(&path, "%s%s%s", folder, *folder && *name ? "/" : "", name) < 0 ? NULL : path;
}

static int add_source(void *user, const char *path, const char *relative, struct wh_err *err)
{
	struct loading *l = user;
	struct source *source = new_source(l, path, err);
	if (!source)
		return WH_E_NOMEM;
	source->archive = l->archive;
	source->id = join(l->prefix, l->archive ? "" : relative);
	return source->id ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* ---- archives: folders that are read from front to back ---- */

/* Counts and tells what of the archive cannot be read. */
static int pass_over(struct loading *l, const char *path, const char *name, const char *why, struct wh_err *err)
{
	l->load->skipped++;
	if (l->strict)
		return wh_err_set(err, WH_E_FORMAT, "%s: %s%s%s", path, name, *name ? ": " : "", why);
	wh_host_log(l->host, WH_WARNING, "%s: %s%s%s: skipped", path, name, *name ? ": " : "", why);
	return WH_OK;
}

static int add_entry(struct loading *l, const struct source *archive, struct wh_archive_entry *entry, struct wh_err *err)
{
	if (wh_archive_begins(entry->input.text, entry->input.size))
		return pass_over(l, archive->path, entry->path, "an archive inside an archive", err);
	char *path = join(archive->path, entry->path);
	struct source *source = path ? new_source(l, path, err) : NULL;
	free(path);
	if (!source)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	/* standard input is called `-` only where it is no archive */
	source->id = join(strcmp(archive->path, "-") != 0 || !*entry->path ? archive->id : "", entry->path);
	if (!source->id)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (entry->input.size >= BIG) {
		WH_TRY(run_round(l, err));
		return read_pieces(l, source, &entry->input, err);
	}
	struct task task = { .source = source, .entry = entry->input };
	entry->input = (struct wh_input){ 0 };
	return add_task(l, task, err);
}

static int read_entries(struct loading *l, const struct source *source, struct wh_archive *archive, struct wh_err *err)
{
	struct wh_archive_entry entry = { 0 };
	while (!entry.over) {
		int code = wh_archive_next(archive, &entry, err);
		if (code != WH_OK)
			return wh_err_wrap(err, code, "%s", source->path);
		if (entry.passed_over)
			code = pass_over(l, source->path, entry.path, entry.passed_over, err);
		else if (!entry.over)
			code = add_entry(l, source, &entry, err);
		wh_input_release(&entry.input);
		WH_TRY(code);
	}
	return run_round(l, err);
}

static int read_archive(struct loading *l, struct source *source, struct wh_bytes text, struct wh_err *err)
{
	struct wh_archive *archive;
	struct wh_err why;
	int code = wh_archive_open(&archive, source->path, text, &WH_ARCHIVE_LIMITS, &why);
	if (code == WH_E_NOMEM || (code != WH_OK && l->load->n_paths == 1))
		return wh_err_set(err, code, "%s: %s", source->path, why.message);
	if (code != WH_OK)
		return pass_over(l, source->path, "", why.message, err);
	code = read_entries(l, source, archive, err);
	wh_archive_close(archive);
	return code;
}

static bool is_folder(const char *path)
{
	struct stat status;
	return strcmp(path, "-") != 0 && !stat(path, &status) && S_ISDIR(status.st_mode);
}

/* What is below path; with_prefix: path is one of several folders. */
static int list_operand(struct loading *l, const char *path, bool with_prefix, struct wh_err *err)
{
	char *base = NULL;
	if (with_prefix) {
		size_t n = strlen(path);
		while (n > 1 && path[n - 1] == '/')
			n--;
		const char *slash = memrchr(path, '/', n);
		base = strndup(slash && n > 1 ? slash + 1 : path, (size_t)(path + n - (slash && n > 1 ? slash + 1 : path)));
		if (!base)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	l->prefix = base ? base : "";
	int code = wh_walk(path, add_source, l, err);
	free(base);
	return code;
}

static int list_sources(struct loading *l, struct wh_err *err)
{
	size_t n = l->load->n_paths, folders = 0;
	enum { FILE_OPERAND, FOLDER, ARCHIVE } *kinds = calloc(n, sizeof *kinds);
	int code = kinds ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		const char *path = l->load->paths[i];
		kinds[i] = is_folder(path) ? FOLDER : wh_archive_is(path) ? ARCHIVE : FILE_OPERAND;
		folders += kinds[i] != FILE_OPERAND;
	}
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		l->archive = kinds[i] == ARCHIVE;
		size_t before = l->sources.n;
		code = list_operand(l, l->load->paths[i], folders > 1 && kinds[i] != FILE_OPERAND, err);
		if (code == WH_OK && l->stitch && kinds[i] == FOLDER)
			code = wh_stitch_sources(l, before, err);
	}
	free(kinds);
	return code;
}

static int read_sources(struct loading *l, struct wh_err *err)
{
	for (size_t i = 0, n = l->sources.n; i < n; i++) { /* archives add theirs */
		struct source *source = l->sources.data[i];
		struct stat status;
		bool big = !strcmp(source->path, "-") || (!stat(source->path, &status) && status.st_size >= BIG);
		if (source->archive) {
			WH_TRY(run_round(l, err));
			WH_TRY(read_archive(l, source, (struct wh_bytes){ 0 }, err));
		} else if (big) {
			WH_TRY(run_round(l, err));
			WH_TRY(read_big(l, source, err));
		} else {
			WH_TRY(add_task(l, (struct task){ .source = source }, err));
			wh_host_progress(l->host, "reading", i + 1, n);
		}
	}
	return run_round(l, err);
}

/* ---- the whole ---- */

static void release(struct loading *l)
{
	for (size_t i = 0; i < l->sources.n; i++) {
		free(l->sources.data[i]->path);
		free(l->sources.data[i]->id);
		for (size_t k = 0; k < l->sources.data[i]->n_parts; k++)
			free(l->sources.data[i]->parts[k]);
		free(l->sources.data[i]->parts);
		free(l->sources.data[i]);
	}
	for (unsigned i = 0; l->workers && i < l->n_workers; i++) {
		wh_arena_release(&l->workers[i].arena);
		wh_str_release(&l->workers[i].body);
		if (l->workers[i].scratch)
			l->load->call->signal->scratch_free(l->workers[i].scratch);
	}
	for (size_t i = 0; i < l->tasks.n; i++)
		release_task(&l->tasks.data[i]);
	if (l->context)
		l->load->call->signal->close_reading(l->context);
	wh_where_free(l->where);
	free(l->workers);
	wh_vec_release(&l->sources);
	wh_vec_release(&l->tasks);
}

int wh_load(struct wh_load *load, struct wh_err *err)
{
	const struct wh_call *call = load->call;
	struct loading l = { .load = load, .host = call->host, .input_format = "auto", .prefix = "" };
	if (call->input.n) {
		l.input_format = wh_values_string(&call->input, "input-format");
		l.strict = wh_values_flag(&call->input, "strict");
	}
	if (strcmp(l.input_format, "auto") != 0 && !wh_format_find(call->signal->formats, l.input_format))
		return wh_err_set(err, WH_E_USAGE, "--input-format: no format of %s is called %s (whorl help formats lists them)",
				  call->signal->noun, l.input_format);
	l.stitch = wh_stitch_asked(call);
	l.n_workers = wh_host_threads(call->host);
	l.workers = calloc(l.n_workers, sizeof *l.workers);
	if (!l.workers)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned i = 0; i < l.n_workers; i++)
		wh_arena_init(&l.workers[i].arena, (size_t)REPORT_MIB << 20);
	int code = wh_where_parse(&l.where, call->input.n ? wh_values_string(&call->input, "where") : NULL, wh_time_now(), err);
	if (code == WH_OK && load->n_paths && call->signal->open_reading)
		code = call->signal->open_reading(&call->reading, &l.context, err);
	if (code == WH_OK)
		code = load->n_paths ? list_sources(&l, err) : wh_load_store(&l, err);
	if (code == WH_OK && load->n_paths)
		code = read_sources(&l, err);
	release(&l);
	return code;
}
