/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/verbs.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/where.h"

#ifdef WH_WITH_CURL
#define BUILT_IN "built in"
#else
#define BUILT_IN "not built in"
#endif
const char wh_version[] = WH_VERSION_NUMBER "\n"
			  "debuginfod (libcurl): " BUILT_IN;

const struct wh_verb *const wh_verbs[] = {
	&wh_verb_cluster, &wh_verb_assign, &wh_verb_report, &wh_verb_explain, &wh_verb_search,	  &wh_verb_show,
	&wh_verb_list,	  &wh_verb_import, &wh_verb_export, &wh_verb_train,   &wh_verb_calibrate, &wh_verb_evaluate,
	&wh_verb_diff,	  &wh_verb_compare, &wh_verb_label,  &wh_verb_note,   &wh_verb_merge,   &wh_verb_split,	  &wh_verb_history,
	&wh_verb_undo,	  &wh_verb_record, &wh_verb_resymbolise, &wh_verb_watch,
	&wh_verb_drift,   &wh_verb_leak,   &wh_verb_changed, NULL,
};

const struct wh_param wh_input_params[] = {
	{ .name = "input-format", .type = WH_PARAM_STRING, .initial = "auto", .metavar = "NAME",
	  .help = "read every input as this format instead of finding out (whorl help formats lists them)" },
	{ .name = "labels", .type = WH_PARAM_STRING, .metavar = "FILE[:COLUMN]",
	  .help = "true groups: TSV or CSV with ids first; default column the second" },
	WH_OPTION_WHERE,
	{ .name = "strict", .type = WH_PARAM_FLAG, .help = "a bad record or an unreadable file is fatal instead of a counted skip" },
	{ 0 },
};

const char *wh_verb_name(const struct wh_signal *signal, const struct wh_verb *verb)
{
	return signal && verb == &wh_verb_cluster && signal->group_verb ? signal->group_verb : verb->name;
}

const char *wh_verb_operands(const struct wh_signal *signal, const struct wh_verb *verb, size_t *most)
{
	const char *own = verb->flags & WH_VERB_RECORDS && signal->recorder ? signal->recorder->operands : NULL;
	if (most)
		*most = own ? SIZE_MAX : verb->most;
	return own ? own : verb->operands;
}

const struct wh_verb *wh_verb_find(const struct wh_signal *signal, const char *name)
{
	for (const struct wh_verb *const *verb = wh_verbs; *verb; verb++)
		if (wh_verb_offered(signal, *verb) && (!strcmp((*verb)->name, name) || !strcmp(wh_verb_name(signal, *verb), name)))
			return *verb;
	return NULL;
}

const struct wh_method *wh_method_find(const struct wh_signal *signal, const char *name)
{
	for (const struct wh_method *const *method = signal->methods; *method; method++)
		if (!strcmp((*method)->name, name))
			return *method;
	return NULL;
}

const char *wh_verb_schema(const struct wh_call *call, const char *result, char buffer[static WH_SCHEMA])
{
	snprintf(buffer, WH_SCHEMA, "whorl.%s.%s/1", call->signal->noun, result);
	return buffer;
}
