/* SPDX-License-Identifier: Apache-2.0 */
/* A user's rule file, and what it does to a few names. */
#include <string.h>

#include "symbol/rules.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "main", "operator new(unsigned long)", "f<int>::g", "", "__GI_raise", "a$b$c" };
	static const char *const modules[] = { "", "libc.so.6", "x" };
	struct wh_rules *rules;
	struct wh_err err = { 0 };
	MUST(wh_rules_new(&rules, &err) == WH_OK);
	int code = wh_rules_add(rules, "x.rules", size ? (const char *)data : "", size, &err);
	MUST(code == WH_OK || *err.message);
	for (size_t i = 0; code == WH_OK && i < sizeof names / sizeof *names; i++)
		for (size_t m = 0; m < sizeof modules / sizeof *modules; m++) {
			struct wh_str to = { 0 };
			size_t n = strlen(names[i]);
			for (int kind = 0; kind < WH_RULE_DROPS; kind++)
				(void)wh_rules_match(rules, (enum wh_rule_kind)kind, modules[m], names[i], n);
			(void)wh_rules_rename(rules, modules[m], names[i], n, &to);
			wh_str_release(&to);
		}
	wh_rules_free(rules);
	return 0;
}
