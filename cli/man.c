/* SPDX-License-Identifier: Apache-2.0 */
#include "man.h"

void cli_man_name(char *name, size_t size, const struct wh_signal *signal, const struct wh_verb *verb)
{
	snprintf(name, size, "whorl%s%s%s%s", signal ? "-" : "", signal ? signal->noun : "", verb ? "-" : "",
		 verb ? wh_verb_name(signal, verb) : "");
}
void cli_man_pages(FILE *out) { (void)out; }
int cli_man_source(FILE *out, const char *page, struct wh_err *err) { return wh_err_set(err, WH_E_USAGE, "no such page: %s", page); }
int cli_man_plain(FILE *out, const char *page, size_t width, const char *bold, const char *plain, struct wh_err *err)
{
	return cli_man_source(out, page, err);
}
bool cli_man_show(const char *page) { return false; }
