/* SPDX-License-Identifier: Apache-2.0 */
/* A model file, as it is and with its checksum put right, so that what lies behind the checksum is reached; then the weights of
 * every stack similarity. */
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "learn/modelfile.h"
#include "method/rebucket/methods.h"
#include "target.h"

static void load(const struct wh_method *method, struct wh_bytes state)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	struct wh_str saved = { 0 };
	void *space;
	MUST(wh_values_init(&values, method->params, &err) == WH_OK);
	MUST(method->open(method, &values, &space, &err) == WH_OK);
	if (method->load && method->load(space, state, &err) == WH_OK) {
		MUST(method->add(space, (struct wh_bytes){ "main\nread", 9 }, &err) == WH_OK);
		MUST(method->add(space, (struct wh_bytes){ "main", 4 }, &err) == WH_OK);
		MUST(method->freeze(space, NULL, &err) == WH_OK);
		double similarity = method->similarity(space, 0, 1);
		MUST(similarity >= 0 && similarity <= 1);
		MUST(method->save(space, &saved, &err) == WH_OK);
	}
	wh_str_release(&saved);
	method->close(space);
	wh_values_release(&values);
}

static void read_model(const char *data, size_t size)
{
	struct wh_bytes header;
	struct wh_str state = { 0 };
	struct wh_err err = { 0 };
	struct json_object *value;
	if (wh_modelfile_read((struct wh_bytes){ data, size }, &header, &state, &err) == WH_OK) {
		MUST(header.data >= data && header.data + header.size <= data + size);
		if (wh_json_parse(header, &value, &err) == WH_OK)
			json_object_put(value);
		load(&wh_method_whorl, (struct wh_bytes){ state.n ? state.data : "", state.n });
	}
	wh_str_release(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wh_method *const methods[] = { &wh_method_pdm, &wh_method_tracesim, &wh_method_tfidf, &wh_method_fast };
	const char *text = size ? (const char *)data : "";
	read_model(text, size);
	if (size >= 8) {
		char *copy = malloc(size);
		MUST(copy);
		uint64_t sum = wh_hash(text, size - 8, 0);
		memcpy(copy, text, size - 8);
		for (int i = 0; i < 8; i++)
			copy[size - 8 + i] = (char)(sum >> (8 * i));
		read_model(copy, size);
		free(copy);
	}
	load(methods[size % 4], (struct wh_bytes){ text, size });
	return 0;
}
