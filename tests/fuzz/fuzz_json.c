/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what parses is walked; any bytes as a string are quoted to JSON that parses. */
#include <string.h>

#include "base/json.h"
#include "target.h"

static void walk(const struct json_object *value, int depth)
{
	uint64_t number;
	MUST(depth <= WH_JSON_DEPTH);
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			(void)wh_json_u64(value, key, &number);
			(void)wh_json_string(value, key);
			walk(member, depth + 1);
		}
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			walk(json_object_array_get_idx(value, i), depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct json_object *value;
	struct wh_err err = { 0 };
	struct wh_str quoted = { 0 };
	if (wh_json_parse((struct wh_bytes){ text, size }, &value, &err) == WH_OK) {
		walk(value, 1);
		json_object_put(value);
	} else {
		MUST(!value && *err.message);
	}
	wh_json_quote(&quoted, text, size);
	MUST(wh_json_parse((struct wh_bytes){ quoted.data, quoted.n }, &value, &err) == WH_OK);
	MUST(json_object_is_type(value, json_type_string));
	json_object_put(value);
	wh_str_release(&quoted);
	return 0;
}
