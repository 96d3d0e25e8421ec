/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leak KIND [MIB [SEED]]: a small service that answers requests until it dies of one leak: list, table, cache, text, fragments, threads, descriptors,
 * mappings, plugin (libplugin.so beside the program), none (ends by itself). What it has besides, growing up to a point, depends on the
 * seed: sessions of one kind are alike in the leak only. MIB: its address space.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 4, SCREENS = 6, TICKS_OF_NONE = 120 };

#define APART __attribute__((noinline, noclone))

static unsigned long long state = 1;

static unsigned roll(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* What a careful program does: it says so and dies where it stands. */
APART static void *must(void *p)
{
	if (!p) {
		static const char said[] = "leak: out of memory\n";
		(void)!write(2, said, sizeof said - 1);
		abort();
	}
	return p;
}

APART static void *filled(void *p, size_t n)
{
	return memset(must(p), 1, n);
}

/* ---- what leaks ---- */

struct node {
	struct node *next;
	char text[56];
};
static struct node *list;

APART static void list_push(void)
{
	struct node *node = filled(malloc(sizeof *node), sizeof *node);
	node->next = list;
	list = node;
}

struct entry {
	struct entry *next;
	unsigned long long key;
	char value[96];
};
static struct entry *table[4096];

APART static void table_put(unsigned long long key)
{
	struct entry *entry = filled(calloc(1, sizeof *entry), sizeof *entry);
	entry->key = key;
	entry->next = table[key % 4096];
	table[key % 4096] = entry;
}

static void **cached;
static size_t n_cached, room;

APART static void cache_store(size_t n)
{
	if (n_cached == room)
		cached = must(realloc(cached, (room = 2 * room + 16) * sizeof *cached));
	cached[n_cached++] = filled(malloc(n), n);
}

static char *text;
static size_t n_text;

APART static void text_append(size_t n)
{
	text = must(realloc(text, n_text + n));
	memset(text + n_text, 'x', n);
	n_text += n;
}

/* Every second of many small pieces is given back, and the next is bigger: what is free fits nothing. */
APART static void fragment(unsigned tick)
{
	void *pieces[64];
	size_t size = 4096 + 64 * (size_t)tick;
	for (int i = 0; i < 64; i++)
		pieces[i] = filled(malloc(size), size);
	for (int i = 0; i < 64; i += 2)
		free(pieces[i]);
}

static void *wait_for_ever(void *user)
{
	pause();
	return user;
}

APART static void start_worker(void)
{
	pthread_t thread;
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 << 10);
	if (pthread_create(&thread, &small, wait_for_ever, NULL))
		must(NULL);
	pthread_attr_destroy(&small);
}

APART static void open_file(void)
{
	if (open("/proc/self/exe", O_RDONLY) < 0)
		exit(3);
}

APART static void map_buffer(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	filled(p == MAP_FAILED ? NULL : p, n);
}

static void plugin(void)
{
	static void (*work)(void);
	if (!work) {
		char path[4096];
		ssize_t n = readlink("/proc/self/exe", path, sizeof path - 32);
		path[n > 0 ? n : 0] = 0;
		char *slash = strrchr(path, '/');
		strcpy(slash ? slash + 1 : path, "libplugin.so");
		void *handle = dlopen(path, RTLD_NOW);
		*(void **)&work = handle ? dlsym(handle, "plugin_work") : NULL;
		if (!work)
			exit(4);
	}
	work();
}

static void leak(const char *kind, unsigned tick)
{
	if (!strcmp(kind, "list"))
		for (int i = 0; i < 6000; i++)
			list_push();
	else if (!strcmp(kind, "table"))
		for (int i = 0; i < 4000; i++)
			table_put(((unsigned long long)tick << 16) + (unsigned)i);
	else if (!strcmp(kind, "cache"))
		for (int i = 0; i < 40; i++)
			cache_store(8192 + roll(4096));
	else if (!strcmp(kind, "text"))
		text_append(400000);
	else if (!strcmp(kind, "fragments"))
		fragment(tick);
	else if (!strcmp(kind, "threads"))
		start_worker();
	else if (!strcmp(kind, "descriptors"))
		for (int i = 0; i < 2; i++)
			open_file();
	else if (!strcmp(kind, "mappings"))
		map_buffer(400 << 10);
	else if (!strcmp(kind, "plugin"))
		plugin();
}

/* ---- what does not: screens that are opened once each and kept ---- */

APART static void *screen_inbox(size_t n) { return filled(malloc(n), n); }
APART static void *screen_calendar(size_t n) { return filled(malloc(n), n); }
APART static void *screen_map(size_t n) { return filled(malloc(n), n); }
APART static void *screen_search(size_t n) { return filled(malloc(n), n); }
APART static void *screen_settings(size_t n) { return filled(malloc(n), n); }
APART static void *screen_help(size_t n) { return filled(malloc(n), n); }

static void visit(void)
{
	static void *(*const screens[SCREENS])(size_t) = { screen_inbox, screen_calendar, screen_map, screen_search, screen_settings, screen_help };
	static void *kept[SCREENS];
	unsigned which = roll(SCREENS);
	if (!kept[which])
		for (int i = 0; i < 100; i++)
			kept[which] = screens[which](3000 + roll(5000));
	free(filled(malloc(20000), 20000)); /* and what a request needs while it lasts */
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "list";
	unsigned long mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	state = (argc > 3 ? strtoull(argv[3], NULL, 10) : 1) * 0x9e3779b97f4a7c15ULL + 1;
	if (mib)
		setrlimit(RLIMIT_AS, &(struct rlimit){ mib << 20, mib << 20 });
	if (!strcmp(kind, "descriptors"))
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 512, 512 });
	for (unsigned i = 0; strcmp(kind, "none") || i < TICKS_OF_NONE; i++) {
		visit();
		if (i >= 10)
			leak(kind, i);
		nanosleep(&tick, NULL);
	}
	return 0;
}
