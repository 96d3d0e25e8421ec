/* SPDX-License-Identifier: Apache-2.0 */
/* write_sample small|hostile|large html|sarif|markdown: a sample as a renderer writes it, to standard output. */
#include <stdio.h>
#include <string.h>

#include "sample.h"

int main(int argc, char **argv)
{
	struct wh_report report;
	struct wh_str text = { 0 };
	struct wh_err err;
	if (argc < 3)
		return 2;
	int code = !strcmp(argv[1], "small") ? sample_small(&report) : !strcmp(argv[1], "large") ? sample_large(&report, 10000) :
											   sample_of(&report, sample_hostile);
	if (code != WH_OK)
		return 1;
	if (!strcmp(argv[2], "html"))
		code = wh_report_html(&report, &text, &err);
	else if (!strcmp(argv[2], "sarif"))
		code = wh_report_sarif(&report, &text, &err);
	else
		code = wh_report_markdown(&report, &report.groups[0], &text, &err);
	if (code == WH_OK)
		fwrite(text.data, 1, text.n, stdout);
	wh_str_release(&text);
	wh_report_release(&report);
	return code != WH_OK;
}
