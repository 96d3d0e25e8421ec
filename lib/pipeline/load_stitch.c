/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are parts of one text: a folder of dumps, each taken a little later than the one before, is one session. They are read one behind
 * the other, as if they had been written into one file, which is what readers of dumps expect.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "format/format.h"
#include "pipeline/loading.h"

bool wh_stitch_asked(const struct wh_call *call)
{
	return call->reading.n && wh_values_find(&call->reading, "stitch") >= 0 && wh_values_flag(&call->reading, "stitch");
}

/* What is before the last slash, or `.`. */
static struct wh_bytes folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (struct wh_bytes){ path, (size_t)(slash - path) + (slash == path) } : (struct wh_bytes){ ".", 1 };
}

/* Makes a file the first part of its folder. */
static int make_folder(struct source *source, struct wh_err *err)
{
	struct wh_bytes folder = folder_of(source->path);
	const char *slash = memrchr(folder.data, '/', folder.size), *name = slash && folder.size > 1 ? slash + 1 : folder.data;
	bool operand = !strchr(source->id, '/');
	char *id = operand ? strndup(name, (size_t)(folder.data + folder.size - name)) : strndup(source->id, folder_of(source->id).size);
	char *path = strndup(folder.data, folder.size);
	source->parts = calloc(1, sizeof *source->parts);
	if (!id || !path || !source->parts) {
		free(id);
		free(path);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	source->parts[source->n_parts++] = source->path;
	source->path = path;
	free(source->id);
	source->id = id;
	return WH_OK;
}

/* The file becomes a part of folder, and is no source any more. */
static int add_part(struct source *folder, struct source *file, struct wh_err *err)
{
	size_t n = folder->n_parts;
	if (!(n & (n - 1))) {
		char **parts = realloc(folder->parts, 2 * n * sizeof *parts);
		if (!parts)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		folder->parts = parts;
	}
	folder->parts[folder->n_parts++] = file->path;
	free(file->id);
	free(file);
	return WH_OK;
}

static int by_number(const void *a, const void *b)
{
	return wh_id_compare(*(char *const *)a, *(char *const *)b);
}

int wh_stitch_sources(struct loading *l, size_t first, struct wh_err *err)
{
	struct wh_strtab folders;
	size_t kept = first, n = l->sources.n;
	int code = WH_OK;
	wh_strtab_init(&folders, SIZE_MAX);
	for (size_t i = first; i < n; i++) {
		struct source *source = l->sources.data[i];
		struct wh_bytes path = folder_of(source->path);
		uint32_t folder = code == WH_OK ? wh_strtab_add(&folders, path.data, path.size) : 0;
		if (code == WH_OK && folder == WH_STRTAB_NONE)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		bool part = code == WH_OK && first + folder < kept;
		if (code == WH_OK)
			code = part ? add_part(l->sources.data[first + folder], source, err) : make_folder(source, err);
		if (!part || code != WH_OK) /* it stays a source, which the loader releases */
			l->sources.data[kept++] = source;
	}
	l->sources.n = kept;
	for (size_t i = first; i < kept && code == WH_OK; i++)
		qsort(l->sources.data[i]->parts, l->sources.data[i]->n_parts, sizeof(char *), by_number);
	wh_strtab_release(&folders);
	return code;
}

/* One part behind the others, if it is of their format. */
static int add_text(struct loading *l, struct task *task, const char *path, struct wh_spool *spool, const struct wh_format **format, struct wh_err *err)
{
	struct wh_input input;
	struct wh_err why;
	int code = wh_input_open(&input, path, &why);
	if (code == WH_E_NOMEM || (code != WH_OK && l->strict))
		return wh_err_set(err, code, "%s: %s", path, why.message);
	if (code != WH_OK) {
		wh_host_log(l->host, WH_WARNING, "%s: %s: skipped", path, why.message);
		task->skipped++;
		return WH_OK;
	}
	const struct wh_format *own = wh_load_choose(l, (struct wh_bytes){ input.text, input.size });
	*format = *format ? *format : own;
	if (!own || own != *format) {
		task->unknown++;
	} else {
		code = wh_spool_add(spool, input.text, input.size, err);
		if (code == WH_OK && !own->binary && input.size && input.text[input.size - 1] != '\n')
			code = wh_spool_add(spool, "\n", 1, err);
	}
	wh_input_release(&input);
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s", path);
}

int wh_stitch_open(struct loading *l, struct task *task, struct wh_input *input, const struct wh_format **format, struct wh_err *err)
{
	struct wh_spool spool = WH_SPOOL_EMPTY;
	int code = WH_OK;
	*format = NULL;
	*input = (struct wh_input){ .text = "" };
	for (size_t i = 0; code == WH_OK && i < task->source->n_parts; i++)
		code = add_text(l, task, task->source->parts[i], &spool, format, err);
	if (code == WH_OK && *format)
		code = wh_spool_finish(&spool, input, err);
	wh_spool_release(&spool);
	return code;
}
