/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as a packed session: what unpacks is packed to bytes that unpack to the same bytes. */
#include <string.h>

#include "observation/session.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wh_arena arena;
	struct wh_session *session, *again;
	struct wh_err err = { 0 };
	struct wh_str first = { 0 }, second = { 0 };
	wh_arena_init(&arena, (size_t)64 << 20);
	int code = wh_session_unpack((struct wh_bytes){ size ? (const char *)data : "", size }, &arena, &session, &err);
	if (code == WH_OK) {
		wh_session_pack(session, &first);
		MUST(wh_session_unpack((struct wh_bytes){ first.data, first.n }, &arena, &again, &err) == WH_OK);
		wh_session_pack(again, &second);
		MUST(first.n == second.n && !memcmp(first.data, second.data, first.n));
	} else {
		MUST(err.code == code && *err.message);
	}
	MUST(arena.total <= arena.limit);
	wh_arena_release(&arena);
	wh_str_release(&first);
	wh_str_release(&second);
	return 0;
}
