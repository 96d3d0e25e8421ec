/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/modelfile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/hash.h"

#define MAGIC "whorlmdl"
#define MOST ((uint64_t)2 << 30) /* bytes of header or state */

enum { VERSION = 1, LEVEL = 6 };

/* magic, then version, sizes of header, state, packed state: uint64, little-endian like all numbers */
static void put(struct wh_str *out, uint64_t value)
{
	char bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(value >> (8 * i));
	wh_str_add(out, bytes, sizeof bytes);
}

static uint64_t get(const char *p)
{
	uint64_t value = 0;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

int wh_modelfile_write(struct wh_str *out, struct wh_bytes header, struct wh_bytes state, struct wh_err *err)
{
	size_t bound = ZSTD_compressBound(state.size), start = out->n;
	char *packed = malloc(bound);
	if (!packed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	size_t n = ZSTD_compress(packed, bound, state.size ? state.data : "", state.size, LEVEL);
	if (ZSTD_isError(n)) {
		free(packed);
		return wh_err_set(err, WH_E_NOMEM, "cannot compress the model: %s", ZSTD_getErrorName(n));
	}
	wh_str_add(out, MAGIC, 8);
	put(out, VERSION);
	put(out, header.size);
	put(out, state.size);
	put(out, n);
	wh_str_add(out, header.data, header.size);
	wh_str_add(out, packed, n);
	free(packed);
	put(out, out->failed ? 0 : wh_hash(out->data + start, out->n - start, 0));
	return wh_str_check(out, err);
}

static int unpack(const char *packed, size_t n, size_t size, struct wh_str *state, struct wh_err *err)
{
	char *bytes = malloc(size + 1);
	if (!bytes)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	size_t got = ZSTD_decompress(bytes, size, packed, n);
	bool good = !ZSTD_isError(got) && got == size;
	if (good)
		wh_str_add(state, bytes, size);
	free(bytes);
	return good ? wh_str_check(state, err) : wh_err_set(err, WH_E_FORMAT, "the model's state is broken");
}

int wh_modelfile_read(struct wh_bytes file, struct wh_bytes *header, struct wh_str *state, struct wh_err *err)
{
	const size_t fixed = 8 + 4 * 8;
	if (file.size < fixed || memcmp(file.data, MAGIC, 8) != 0)
		return wh_err_set(err, WH_E_FORMAT, "not a model file");
	uint64_t version = get(file.data + 8), n_header = get(file.data + 16), n_state = get(file.data + 24),
		 n_packed = get(file.data + 32);
	if (version != VERSION)
		return wh_err_set(err, WH_E_FORMAT, "a model file of version %llu; this program reads version %d",
				  (unsigned long long)version, VERSION);
	if (n_header > MOST || n_packed > MOST || n_state > MOST || file.size != fixed + n_header + n_packed + 8)
		return wh_err_set(err, WH_E_FORMAT, "a truncated or broken model file");
	if (get(file.data + file.size - 8) != wh_hash(file.data, file.size - 8, 0))
		return wh_err_set(err, WH_E_FORMAT, "the model file was altered: its checksum is wrong");
	*header = (struct wh_bytes){ file.data + fixed, n_header };
	return unpack(file.data + fixed + n_header, n_packed, n_state, state, err);
}
