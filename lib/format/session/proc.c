/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux says of a process or a control group, again and again: /proc/PID/status and smaps_rollup, memory.stat of a cgroup (v1, v2), in turn or
 * alone. A step ends where a line comes a second time.
 *
 * Metrics: `memory_bytes KIND` (resident, anonymous, file, shared, swap, virtual, page_tables) and `threads` of `status`, as whorl's recorder calls
 * them; of `smaps_rollup` `smaps_bytes Private_Dirty` and so on, all but Rss, which is `memory_bytes resident`; of memory.stat `cgroup_bytes KIND`
 * (anon, file, shmem, slab, kernel_stack, sock, swap), as the recorder's again, with the groups below it.
 */
#include "format/session/dumps.h"
#include "format/session/list.h"

enum { MOST_KEYS = 64 };

static const struct {
	const char *key, *kind, *name;
} keys[] = {
	{ "VmRSS", "memory_bytes", "resident" }, { "Rss", "memory_bytes", "resident" },	 { "RssAnon", "memory_bytes", "anonymous" },
	{ "RssFile", "memory_bytes", "file" },	 { "RssShmem", "memory_bytes", "shared" }, { "VmSwap", "memory_bytes", "swap" },
	{ "VmSize", "memory_bytes", "virtual" }, { "VmPTE", "memory_bytes", "page_tables" }, { "Threads", "threads", "" },
};

static const char *const smaps[] = { "Pss", "Pss_Dirty", "Pss_Anon", "Pss_File", "Pss_Shmem", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty",
				     "Referenced", "Anonymous", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb",
				     "Private_Hugetlb", "Swap", "SwapPss", "Locked" };

static const struct {
	const char *key, *name;
} groups[] = {
	{ "total_rss", "anon" }, { "total_cache", "file" }, { "total_shmem", "shmem" }, { "total_swap", "swap" },	 { "anon", "anon" },
	{ "file", "file" },	 { "shmem", "shmem" },	    { "slab", "slab" },		{ "kernel_stack", "kernel_stack" }, { "sock", "sock" },
};

enum { GROUPS = sizeof groups / sizeof *groups, OF_V1 = 4, KEYS = sizeof keys / sizeof *keys, SMAPS = sizeof smaps / sizeof *smaps };
_Static_assert(KEYS + SMAPS + GROUPS <= MOST_KEYS, "a bit per key");

static bool is(struct wh_span text, const char *word)
{
	return wh_span_size(text) == strlen(word) && wh_scan_has(text, word);
}

/* `total_rss 15495168`, of memory.stat; v1 has `shmem` beside `total_shmem`, of the group alone. */
static int read_group(struct wh_span line, bool v1, double *value)
{
	struct wh_span key = wh_scan_until(line, " "), rest = { key.end, line.end };
	uint64_t number;
	if (!wh_scan_skip(&rest, " ") || !wh_scan_decimal(&rest, &number) || rest.p != rest.end)
		return -1;
	*value = (double)number;
	for (int i = v1 ? 0 : OF_V1; i < (v1 ? OF_V1 : GROUPS); i++)
		if (is(key, groups[i].key))
			return KEYS + SMAPS + i;
	return -1;
}

/* Which key the line is of, -1: none of ours; and its value in bytes, or as it stands. */
static int read_line(struct wh_span line, bool v1, double *value)
{
	struct wh_span key = wh_scan_until(line, ":"), rest = { key.end, line.end };
	uint64_t number;
	if (!wh_scan_skip(&rest, ":"))
		return read_group(line, v1, value);
	wh_scan_blanks(&rest);
	if (!wh_scan_decimal(&rest, &number))
		return -1;
	wh_scan_blanks(&rest);
	*value = (double)number * (wh_scan_has(rest, "kB") ? 1024 : 1);
	for (int i = 0; i < KEYS; i++)
		if (is(key, keys[i].key))
			return i;
	for (int i = 0; i < SMAPS; i++)
		if (is(key, smaps[i]))
			return KEYS + i;
	return -1;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line, app = { "", "" };
	struct wh_session_dumps dumps;
	const bool v1 = wh_scan_find(all, "\ntotal_rss ") != NULL;
	uint64_t said = 0; /* bit per key: at this step */
	double value;
	wh_session_dumps_init(&dumps, reader->arena);
	while (wh_scan_line(&all, &line)) {
		struct wh_span name = line;
		int key = read_line(line, v1, &value);
		if (app.p == app.end && wh_scan_skip(&name, "Name:"))
			app = wh_scan_trim(name);
		if (key < 0)
			continue;
		if (said >> key & 1) {
			wh_session_dumps_next(&dumps);
			said = 0;
		}
		said |= UINT64_C(1) << key;
		if (key == 1 && said & 1)
			continue; /* both say how much is resident */
		const char *text = key < KEYS ? keys[key].name : key < KEYS + SMAPS ? smaps[key - KEYS] : groups[key - KEYS - SMAPS].name;
		wh_session_dumps_add(&dumps, key < KEYS ? keys[key].kind : key < KEYS + SMAPS ? "smaps_bytes" : "cgroup_bytes", (struct wh_span){ text, text + strlen(text) }, value);
	}
	struct wh_attribute attribute = { "app", wh_arena_strndup(reader->arena, app.p, strnlen(app.p, wh_span_size(app))) };
	int code = attribute.value ? WH_OK : wh_arena_error(reader->arena, err);
	if (code == WH_OK)
		code = wh_session_dumps_emit(reader, &dumps, WH_SESSION_SPARSE,
					     &(struct wh_session_head){ .attributes = &attribute, .n_attributes = *attribute.value != 0 }, reader->text, err);
	wh_session_dumps_release(&dumps);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size };
	bool status = wh_scan_find(all, "\nVmRSS:") && wh_scan_find(all, "\nThreads:") && wh_scan_find(all, "\nPPid:");
	bool rollup = wh_scan_find(all, "[rollup]") && wh_scan_find(all, "\nRss:");
	bool group = wh_scan_find(all, "\npgmajfault ") && (wh_scan_find(all, "\ntotal_rss ") || (wh_scan_has(all, "anon ") && wh_scan_find(all, "\nfile ")));
	return status || rollup || group ? 80 : 0;
}

const struct wh_format wh_format_session_proc = {
	.name = "proc",
	.summary = "/proc/PID/status and smaps_rollup, memory.stat of a cgroup, one after the other",
	.reference = "proc(5); Linux, fs/proc/task_mmu.c, fs/proc/array.c, mm/memcontrol.c",
	.detect = detect,
	.read = read,
};
