/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/debuginfod.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef WH_WITH_CURL
#include <curl/curl.h>
#include <fcntl.h>

enum { CONNECT_S = 10, STALLED_S = 30, LARGEST_GIB = 8 };

static int open_nameless(void)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	char name[] = "/tmp/whorl-XXXXXX";
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

static size_t keep(char *data, size_t size, size_t n, void *user)
{
	const int *fd = user;
	size_t total = size * n, done = 0;
	while (done < total) {
		ssize_t written = write(*fd, data + done, total - done);
		if (written <= 0)
			return 0;
		done += (size_t)written;
	}
	return total;
}

static bool fetch(const char *address, int *fd)
{
	CURL *curl = curl_easy_init();
	if (!curl)
		return false;
	curl_easy_setopt(curl, CURLOPT_URL, address);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALLED_S);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)LARGEST_GIB << 30);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, fd);
	bool got = curl_easy_perform(curl) == CURLE_OK;
	curl_easy_cleanup(curl);
	return got;
}

int wh_debuginfod_fetch(const char *url, const char *build_id, bool debug)
{
	char *address = NULL;
	int fd = open_nameless();
	bool got = fd >= 0 && asprintf(&address, "%s/buildid/%s/%s", url, build_id, debug ? "debuginfo" : "executable") > 0 &&
		   fetch(address, &fd);
	free(address);
	if (!got && fd >= 0)
		close(fd);
	return got ? fd : -1;
}
#else
int wh_debuginfod_fetch(const char *url, const char *build_id, bool debug)
{
	(void)url;
	(void)build_id;
	(void)debug;
	return -1;
}
#endif
