/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <whorl/observation.h>

const char *wh_observation_attribute(const struct wh_observation *o, const char *name)
{
	for (size_t i = 0; i < o->n_attributes; i++)
		if (!strcmp(o->attributes[i].name, name))
			return o->attributes[i].value;
	return NULL;
}
