/* SPDX-License-Identifier: Apache-2.0 */
/* show: observations in full; export: the same as they were read, for other programs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strtab.h"
#include "format/format.h"
#include "pipeline/listing.h"
#include "pipeline/output.h"
#include "pipeline/standing.h"
#include "pipeline/verbs.h"

enum { MOST_COLUMNS = 32 };

struct showing {
	struct wh_call *call;
	const struct wh_model *model;
	struct wh_emit *out;
	bool raw, explain;
};

static int show_one(void *user, const struct wh_record *record, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	const struct showing *s = user;
	wh_emit_object(s->out, NULL);
	wh_emit_string(s->out, "id", o->id);
	if (o->has_time)
		wh_emit_time(s->out, "time", o->time_ns);
	wh_emit_string(s->out, "label", o->label);
	if (!s->raw)
		wh_emit_string(s->out, s->call->signal->group_noun, record->group);
	int code = s->raw ? s->call->signal->encode(o, s->out, err)
			  : s->call->signal->show(s->model->config, o, s->explain, arena, s->out, err);
	wh_emit_end(s->out);
	return code;
}

static int show_all(struct wh_call *call, struct wh_emit *out, bool raw, bool explain, const char *schema, struct wh_err *err)
{
	const char *columns[MOST_COLUMNS] = { "id", "time", "label" };
	struct wh_model model;
	for (size_t i = 0, n = 3; call->signal->columns[i] && n < MOST_COLUMNS - 1; i++)
		columns[n++] = call->signal->columns[i];
	WH_TRY(wh_model_open(&model, call, err));
	struct showing showing = { call, &model, out, raw, explain };
	wh_emit_records(out, schema, columns);
	int code = wh_listing(call, &model, show_one, &showing, err);
	wh_model_release(&model);
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

static const struct wh_param show_options[] = {
	{ .name = "raw", .type = WH_PARAM_FLAG, .help = "as read, not normalised" },
	{ .name = "explain-normalisation", .type = WH_PARAM_FLAG, .help = "with what each rule did to each part" },
	{ 0 },
};

static int run_show(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	return show_all(call, out, wh_values_flag(&call->options, "raw"), wh_values_flag(&call->options, "explain-normalisation"),
			wh_verb_schema(call, "observation", schema), err);
}

const struct wh_verb wh_verb_show = {
	.name = "show",
	.operands = "[INPUT…|ID…]",
	.most = SIZE_MAX,
	.summary = "print observations as they are compared",
	.description = "Prints the neutral record of every observation in the files given, or of the observations or groups of the store with these\n"
		       "ids, or of the whole store: normalised as for a fingerprint, or --raw as read. --explain-normalisation adds what each rule\n"
		       "did: which part, by which rule, before and after.\n",
	.examples = "whorl NOUN show report.txt\n"
		    "whorl NOUN show --explain-normalisation --format json report.txt\n",
	.result = "observation",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS,
	.options = show_options,
	.run = run_show,
};

/* ---- other forms than the neutral one ---- */

struct writing {
	const struct wh_format *format;
	const char *folder;	/* NULL: standard output */
	struct wh_strtab names; /* of files, so that none is written twice */
	struct wh_str text, path;
};

/* FOLDER/ID.FORMAT, what no file's name should hold replaced; a number behind it where ids are alike but for that. */
static int name_file(struct writing *w, const char *id, struct wh_err *err)
{
	size_t known = w->names.n;
	for (unsigned i = 1; w->names.n == known; i++) {
		wh_str_clear(&w->path);
		wh_str_printf(&w->path, "%s/", w->folder);
		for (const char *p = id; *p; p++)
			wh_str_putc(&w->path, strchr("-._", *p) || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ? *p
																				     : '_');
		if (i > 1)
			wh_str_printf(&w->path, "-%u", i);
		wh_str_printf(&w->path, ".%s", w->format->name);
		if (w->path.failed || wh_strtab_add(&w->names, w->path.data, w->path.n) == WH_STRTAB_NONE)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

static int write_one(void *user, const struct wh_record *record, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	struct writing *w = user;
	(void)record;
	(void)arena;
	wh_str_clear(&w->text);
	WH_TRY(w->format->write(o, &w->text, err));
	if (w->folder)
		WH_TRY(name_file(w, o->id, err));
	return wh_output_write(w->folder ? w->path.data : "-", &w->text, err);
}

/* The signal's format of that name, if it can be written. */
static int find_written(const struct wh_call *call, const char *name, const struct wh_format **format, struct wh_err *err)
{
	const struct wh_format *const *formats = call->signal->formats;
	struct wh_str names = { 0 };
	*format = wh_format_find(formats, name);
	if (*format && (*format)->write)
		return WH_OK;
	for (; *formats; formats++)
		if ((*formats)->write)
			wh_str_printf(&names, "%s%s", names.n ? ", " : "", (*formats)->name);
	int code = wh_err_set(err, WH_E_USAGE, "--as: %s is none of the formats that %s is written in (%s)", name, call->signal->noun,
			      names.n ? names.data : "none");
	wh_str_release(&names);
	return code;
}

static int write_all(struct wh_call *call, const char *name, struct wh_err *err)
{
	const char *folder = wh_values_string(&call->options, "folder");
	struct writing w = { .folder = folder && *folder ? folder : NULL };
	struct wh_model model;
	WH_TRY(find_written(call, name, &w.format, err));
	if (w.folder && mkdir(w.folder, 0777) && errno != EEXIST)
		return wh_err_set(err, WH_E_IO, "%s: %s", w.folder, strerror(errno));
	WH_TRY(wh_model_open(&model, call, err));
	wh_strtab_init(&w.names, SIZE_MAX);
	int code = wh_listing(call, &model, write_one, &w, err);
	wh_strtab_release(&w.names);
	wh_str_release(&w.text);
	wh_str_release(&w.path);
	wh_model_release(&model);
	return code;
}

static const struct wh_param export_options[] = {
	{ .name = "as", .type = WH_PARAM_STRING, .metavar = "NAME",
	  .help = "as records of this format instead of neutral ones; also `--format NAME`" },
	{ .name = "folder", .type = WH_PARAM_PATH, .metavar = "FOLDER", .help = "with --as: a file each in this folder, named by its id" },
	{ 0 },
};

static int run_export(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	const char *as = wh_values_string(&call->options, "as");
	if (as && *as)
		return write_all(call, as, err);
	if (wh_values_given(&call->options, "folder"))
		return wh_err_set(err, WH_E_USAGE, "--folder goes with --as");
	return show_all(call, out, true, false, wh_verb_schema(call, "observation", schema), err);
}

const struct wh_verb wh_verb_export = {
	.name = "export",
	.operands = "[ID…]",
	.most = SIZE_MAX,
	.summary = "write observations of the store in the neutral format",
	.description = "Writes the whole store, or the observations or groups with these ids, as neutral records that import reads back to the same\n"
		       "content. With files as operands, converts them. With --as they become records of another tool's format, which may hold less.\n",
	.examples = "whorl NOUN export --format jsonl >all.jsonl\n"
		    "whorl NOUN export --format jsonl reports/ | gzip >reports.jsonl.gz\n",
	.result = "observation",
	.flags = WH_VERB_READS,
	.options = export_options,
	.run = run_export,
};
