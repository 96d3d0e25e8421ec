/* SPDX-License-Identifier: Apache-2.0 */
#include "completion.h"

void cli_completion_bash(FILE *out)
{
	(void)out;
}
