/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/grouped.h"

const char *const *wh_grouped_columns(const struct wh_method *method)
{
	static const char *const compares[] = { "id", "group", "similarity", "is_new", NULL };
	static const char *const places[] = { "id", "group", "distance", "p_value", "is_new", NULL };
	return method->group ? places : compares;
}

int wh_grouped_emit(const struct wh_grouped *grouped, struct wh_emit *out, struct wh_err *err)
{
	wh_emit_object(out, NULL);
	wh_emit_string(out, "id", grouped->id);
	wh_emit_string(out, "group", grouped->group);
	if (grouped->location) {
		wh_emit_real(out, "distance", grouped->location->distance);
		wh_emit_real(out, "p_value", grouped->location->p_value);
	} else {
		wh_emit_real(out, "similarity", grouped->similarity);
	}
	wh_emit_boolean(out, "is_new", grouped->is_new);
	int code = grouped->models ? wh_choice_emit(grouped->models, &grouped->choice, out, err) : WH_OK;
	wh_emit_end(out);
	return code;
}
