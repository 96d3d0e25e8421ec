/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

struct entry {
	char *key, *value;
	struct entry *next;
};
struct section {
	char name[32];
	struct entry *entries;
	struct section *next;
};
struct config {
	struct section *sections, *current;
};

struct config *config_new(void)
{
	return calloc(1, sizeof(struct config));
}

static void config_section(struct config *config, const char *name)
{
	struct section *section = calloc(1, sizeof *section);
	sscanf(name, "[%31[^]]", section->name);
	section->next = config->sections;
	config->sections = config->current = section;
}

/* The fault: a key before the first [section]. */
void config_set(struct config *config, const char *key, const char *value)
{
	struct entry *entry = calloc(1, sizeof *entry);
	entry->key = strdup(key);
	entry->value = strdup(value);
	entry->next = config->current->entries;
	config->current->entries = entry;
}

const char *config_get(const struct config *config, const char *key)
{
	for (const struct section *section = config->sections; section; section = section->next)
		for (const struct entry *entry = section->entries; entry; entry = entry->next)
			if (!strcmp(entry->key, key))
				return entry->value;
	return NULL;
}

static void config_line(struct config *config, const char *line)
{
	char key[64], value[128];
	if (*line == '[')
		config_section(config, line);
	else if (sscanf(line, "include %127s", value) == 1)
		config_load(config, value);
	else if (sscanf(line, "%63[a-z_] = %127[^\n]", key, value) == 2)
		config_set(config, key, value);
}

void config_load(struct config *config, const char *path)
{
	char line[256];
	FILE *file = fopen(path, "r");
	if (!file)
		return;
	while (fgets(line, sizeof line, file))
		config_line(config, line);
	fclose(file);
}
