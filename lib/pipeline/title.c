/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/title.h"

#include "base/str.h"

int wh_title_emit(const struct wh_signal *signal, struct wh_bytes fingerprint, struct wh_emit *out, struct wh_err *err)
{
	struct wh_str title = { 0 };
	int code = signal->title(fingerprint, &title);
	if (code == WH_OK)
		wh_emit_bytes(out, "title", title.data ? title.data : "", title.n);
	wh_str_release(&title);
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "out of memory");
}
