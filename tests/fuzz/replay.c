/* SPDX-License-Identifier: Apache-2.0 */
/* replay FOLDER|FILE…: runs a fuzz target over files, each in memory of exactly its size, so that any compiler's sanitizers and Valgrind
 * see a read beyond it. Exits 77 where there is no file. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "target.h"

static size_t replayed;

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat stat;
	if (!file || fstat(fileno(file), &stat)) {
		perror(path);
		return 1;
	}
	size_t size = (size_t)stat.st_size;
	uint8_t *data = malloc(size);
	if ((size && !data) || fread(data, 1, size, file) != size) {
		perror(path);
		return 1;
	}
	fclose(file);
	fprintf(stderr, "%s\n", path); /* the last line names the file that ended us */
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
	return 0;
}

static int replay(const char *path)
{
	struct dirent **names;
	struct stat status;
	if (stat(path, &status)) {
		perror(path);
		return 1;
	}
	if (!S_ISDIR(status.st_mode))
		return replay_file(path);
	int n = scandir(path, &names, NULL, alphasort), failed = n < 0;
	for (int i = 0; i < n; i++) {
		char *child;
		if (names[i]->d_name[0] != '.' && asprintf(&child, "%s/%s", path, names[i]->d_name) > 0) {
			failed |= replay(child);
			free(child);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;
	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (!failed && !replayed)
		printf("skipped: no files to replay\n");
	return failed ? 1 : replayed ? 0 : 77;
}
