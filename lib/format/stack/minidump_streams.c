/* SPDX-License-Identifier: Apache-2.0 */
/* The container: header, directory, threads, memory, exception, system. Layouts: minidump.h. */
#include <stdlib.h>

#include "format/scan.h"
#include "format/stack/minidump.h"

enum {
	HEADER_SIZE = 32,
	DIRECTORY_SIZE = 12,
	THREAD_SIZE = 48,
	THREAD_EX_SIZE = 64,
	THREAD_NAME_SIZE = 12,
	MEMORY_SIZE = 16,
	MEMORY_INFO_SIZE = 48,
	EXCEPTION_SIZE = 168,
	SYSTEM_SIZE = 32, /* up to its CPU information, which nobody here reads */
	MOST_STREAMS = 4096,
	MOST_PIECES = 1 << 20, /* of memory: a process has fewer mappings */
};

#define SIGNATURE 0x504d444du /* "MDMP" */
#define SIGNATURE_SWAPPED 0x4d444d50u

struct wh_bytes wh_md_at(const struct wh_minidump *m, uint64_t offset, uint64_t size)
{
	if (offset > m->file.size || size > m->file.size - offset)
		return (struct wh_bytes){ NULL, 0 };
	return (struct wh_bytes){ m->file.data + offset, (size_t)size };
}

struct wh_bytes wh_md_location(const struct wh_minidump *m, const char *descriptor)
{
	return wh_md_at(m, wh_md_u32(descriptor + 4), wh_md_u32(descriptor));
}

/* ---- text ---- */

/* Appends a code point as UTF-8; returns the end. */
static char *put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

const char *wh_md_utf16(const struct wh_minidump *m, const char *units, size_t n, bool *failed)
{
	size_t length = 0;
	n = n < WH_MD_STRING_LONGEST ? n : WH_MD_STRING_LONGEST;
	while (length < n && wh_md_u16(units + 2 * length))
		length++;
	if (!length)
		return NULL;
	char *text = wh_arena_alloc(m->arena, 3 * length + 1), *to = text;
	if (!text) {
		*failed = true;
		return NULL;
	}
	for (size_t i = 0; i < length; i++) {
		uint32_t c = wh_md_u16(units + 2 * i);
		uint32_t next = i + 1 < length ? wh_md_u16(units + 2 * (i + 1)) : 0;
		if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
			i++;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = 0xfffd;
		}
		to = put_utf8(to, c);
	}
	*to = 0;
	return text;
}

const char *wh_md_string(const struct wh_minidump *m, uint64_t offset, bool *failed)
{
	struct wh_bytes length = wh_md_at(m, offset, 4);
	if (!length.data || !offset)
		return NULL;
	size_t left = (m->file.size - (size_t)offset - 4) / 2, units = wh_md_u32(length.data) / 2;
	return wh_md_utf16(m, length.data + 4, units < left ? units : left, failed);
}

/* ---- directory ---- */

static enum wh_md_stream kind_of(uint32_t type)
{
	switch (type) {
	case 3: return WH_MD_THREADS;
	case 4: return WH_MD_MODULES;
	case 5: return WH_MD_MEMORY;
	case 6: return WH_MD_EXCEPTION;
	case 7: return WH_MD_SYSTEM;
	case 8: return WH_MD_THREADS_EX;
	case 9: return WH_MD_MEMORY64;
	case 14: return WH_MD_UNLOADED;
	case 15: return WH_MD_MISC;
	case 16: return WH_MD_MEMORY_INFO;
	case 24: return WH_MD_THREAD_NAMES;
	case 0x47670001: return WH_MD_BREAKPAD;
	case 0x47670002: return WH_MD_ASSERTION;
	case 0x47670004: return WH_MD_LINUX_STATUS;
	case 0x47670006: return WH_MD_LINUX_CMDLINE;
	case 0x47670009: return WH_MD_LINUX_MAPS;
	case 0x43500001: return WH_MD_CRASHPAD;
	default: return WH_MD_NONE;
	}
}

static int read_directory(struct wh_minidump *m, struct wh_err *err)
{
	struct wh_bytes header = wh_md_at(m, 0, HEADER_SIZE);
	if (!header.data)
		return wh_err_set(err, WH_E_FORMAT, "cut off within the header");
	uint32_t signature = wh_md_u32(header.data), n = wh_md_u32(header.data + 8), at = wh_md_u32(header.data + 12);
	if (signature == SIGNATURE_SWAPPED)
		return wh_err_set(err, WH_E_FORMAT, "a big-endian minidump: none of the machines that are known here wrote it");
	if (signature != SIGNATURE)
		return wh_err_set(err, WH_E_FORMAT, "no minidump: it does not begin with MDMP");
	m->time = wh_md_u32(header.data + 20);
	if (at > m->file.size)
		return wh_err_set(err, WH_E_FORMAT, "the stream directory begins at byte %u of %zu", at, m->file.size);
	size_t there = (m->file.size - at) / DIRECTORY_SIZE;
	n = n < there ? n : (uint32_t)there;
	n = n < MOST_STREAMS ? n : MOST_STREAMS;
	for (uint32_t i = 0; i < n; i++) {
		const char *entry = m->file.data + at + (size_t)i * DIRECTORY_SIZE;
		enum wh_md_stream kind = kind_of(wh_md_u32(entry));
		uint32_t size = wh_md_u32(entry + 4), offset = wh_md_u32(entry + 8);
		if (!kind || m->streams[kind].data || offset >= m->file.size)
			continue; /* of a kind that is there twice, the first counts */
		/* a dump that was cut off has the beginning of its last stream */
		size_t left = m->file.size - offset;
		m->streams[kind] = (struct wh_bytes){ m->file.data + offset, size < left ? size : left };
	}
	for (size_t i = WH_MD_NONE + 1; i < WH_MD_STREAMS; i++)
		if (m->streams[i].size)
			return WH_OK;
	return wh_err_set(err, WH_E_FORMAT, "none of its %u streams is one that is known", wh_md_u32(header.data + 8));
}

struct wh_bytes wh_md_list(struct wh_bytes stream, size_t entry, size_t *n)
{
	*n = 0;
	if (stream.size < 4)
		return (struct wh_bytes){ NULL, 0 };
	size_t said = wh_md_u32(stream.data), head = 4;
	/* some writers align the first entry to 8 bytes */
	if (stream.size >= 8 && said && (stream.size - 8) / entry == said && (stream.size - 8) % entry == 0)
		head = 8;
	size_t there = (stream.size - head) / entry;
	*n = said < there ? said : there;
	return (struct wh_bytes){ stream.data + head, *n * entry };
}

/* ---- memory ---- */

static int by_start(const void *a, const void *b)
{
	const struct wh_md_memory *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->data < y->data ? -1 : x->data > y->data;
}

static void add_memory(struct wh_minidump *m, size_t cap, uint64_t start, struct wh_bytes bytes)
{
	if (!bytes.size || m->n_memory == cap)
		return;
	if (bytes.size > UINT64_MAX - start)
		bytes.size = (size_t)(UINT64_MAX - start);
	m->memory[m->n_memory++] = (struct wh_md_memory){ start, bytes.data, bytes.size };
}

/* A piece as far as the file has it. */
static struct wh_bytes as_far(const struct wh_minidump *m, uint64_t offset, uint64_t size)
{
	if (offset >= m->file.size)
		return (struct wh_bytes){ NULL, 0 };
	uint64_t left = m->file.size - offset;
	return (struct wh_bytes){ m->file.data + offset, (size_t)(size < left ? size : left) };
}

static void add_descriptor(struct wh_minidump *m, size_t cap, const char *descriptor)
{
	add_memory(m, cap, wh_md_u64(descriptor), as_far(m, wh_md_u32(descriptor + 12), wh_md_u32(descriptor + 8)));
}

/* Leaves of sorted pieces what no earlier one covers. */
static void cut_overlaps(struct wh_minidump *m)
{
	size_t kept = 0;
	uint64_t covered = 0;
	for (size_t i = 0; i < m->n_memory; i++) {
		struct wh_md_memory piece = m->memory[i];
		uint64_t end = piece.start + piece.size;
		if (piece.start < covered) {
			if (end <= covered)
				continue;
			piece.data += covered - piece.start;
			piece.size = (size_t)(end - covered);
			piece.start = covered;
		}
		covered = end;
		m->memory[kept++] = piece;
	}
	m->n_memory = kept;
}

static int read_memory(struct wh_minidump *m, struct wh_err *err)
{
	size_t n_list, n_threads, n64 = 0, thread_size = m->streams[WH_MD_THREADS].size ? THREAD_SIZE : THREAD_EX_SIZE;
	struct wh_bytes list = wh_md_list(m->streams[WH_MD_MEMORY], MEMORY_SIZE, &n_list);
	struct wh_bytes threads = wh_md_list(m->streams[m->streams[WH_MD_THREADS].size ? WH_MD_THREADS : WH_MD_THREADS_EX],
					     thread_size, &n_threads);
	struct wh_bytes list64 = m->streams[WH_MD_MEMORY64];
	if (list64.size >= 16) {
		uint64_t said = wh_md_u64(list64.data), there = (list64.size - 16) / 16;
		n64 = (size_t)(said < there ? said : there);
	}
	size_t cap = n_list + n_threads + n64;
	cap = cap < MOST_PIECES ? cap : MOST_PIECES;
	m->memory = wh_arena_alloc(m->arena, (cap + 1) * sizeof *m->memory);
	if (!m->memory)
		return wh_arena_error(m->arena, err);
	/* threads first: where there are too many pieces, stacks matter */
	for (size_t i = 0; i < n_threads; i++)
		add_descriptor(m, cap, threads.data + i * thread_size + 24);
	for (size_t i = 0; i < n_list; i++)
		add_descriptor(m, cap, list.data + i * MEMORY_SIZE);
	uint64_t offset = n64 ? wh_md_u64(list64.data + 8) : 0;
	for (size_t i = 0; i < n64 && offset < m->file.size; i++) {
		const char *entry = list64.data + 16 + i * 16;
		uint64_t size = wh_md_u64(entry + 8);
		add_memory(m, cap, wh_md_u64(entry), as_far(m, offset, size));
		if (__builtin_add_overflow(offset, size, &offset))
			break;
	}
	qsort(m->memory, m->n_memory, sizeof *m->memory, by_start);
	cut_overlaps(m);
	return WH_OK;
}

size_t wh_md_read(const struct wh_minidump *m, uint64_t address, void *to, size_t n)
{
	size_t low = 0, high = m->n_memory, done = 0;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (m->memory[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* a read may go on where one piece ends and the next begins */
	for (size_t i = low; i > 0 && i <= m->n_memory && done < n; i++) {
		const struct wh_md_memory *piece = &m->memory[i - 1];
		uint64_t at = address + done;
		if (at < piece->start || at - piece->start >= piece->size)
			break;
		size_t skip = (size_t)(at - piece->start), part = piece->size - skip;
		part = part < n - done ? part : n - done;
		memcpy((char *)to + done, piece->data + skip, part);
		done += part;
	}
	return done;
}

/* ---- what may be executed ---- */

static int by_range(const void *a, const void *b)
{
	const struct wh_md_range *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* MINIDUMP_MEMORY_INFO_LIST: committed pages whose protection is one of PAGE_EXECUTE…. */
static int read_memory_info(struct wh_minidump *m, struct wh_err *err)
{
	struct wh_bytes list = m->streams[WH_MD_MEMORY_INFO];
	if (list.size < 16)
		return WH_OK;
	size_t head = wh_md_u32(list.data), entry = wh_md_u32(list.data + 4);
	uint64_t n = wh_md_u64(list.data + 8);
	if (head < 16 || head > list.size || entry < MEMORY_INFO_SIZE)
		return WH_OK;
	uint64_t there = (list.size - head) / entry;
	n = n < there ? n : there;
	n = n < MOST_PIECES ? n : MOST_PIECES;
	m->code = wh_arena_alloc(m->arena, ((size_t)n + 1) * sizeof *m->code);
	if (!m->code)
		return wh_arena_error(m->arena, err);
	for (size_t i = 0; i < n; i++) {
		const char *p = list.data + head + i * entry;
		if (wh_md_u32(p + 32) == 0x1000 && wh_md_u32(p + 36) & 0xf0)
			m->code[m->n_code++] = (struct wh_md_range){ wh_md_u64(p), wh_md_u64(p + 24) };
	}
	qsort(m->code, m->n_code, sizeof *m->code, by_range);
	return WH_OK;
}

bool wh_md_is_code(const struct wh_minidump *m, uint64_t address)
{
	size_t low = 0, high = m->n_code;
	if (!m->n_code)
		return true;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (m->code[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address - m->code[low - 1].start < m->code[low - 1].size;
}

/* ---- threads ---- */

bool wh_md_nth_thread(const struct wh_minidump *m, size_t i, struct wh_md_thread *thread)
{
	bool plain = m->streams[WH_MD_THREADS].size;
	size_t n, size = plain ? THREAD_SIZE : THREAD_EX_SIZE;
	struct wh_bytes list = wh_md_list(m->streams[plain ? WH_MD_THREADS : WH_MD_THREADS_EX], size, &n);
	if (i >= n)
		return false;
	const char *p = list.data + i * size;
	*thread = (struct wh_md_thread){ wh_md_u32(p), wh_md_location(m, p + 40) };
	return true;
}

bool wh_md_thread(const struct wh_minidump *m, uint32_t id, struct wh_md_thread *thread)
{
	for (size_t i = 0; wh_md_nth_thread(m, i, thread); i++)
		if (thread->id == id)
			return true;
	return false;
}

bool wh_md_first_thread(const struct wh_minidump *m, const uint32_t *but, struct wh_md_thread *thread)
{
	for (size_t i = 0; wh_md_nth_thread(m, i, thread); i++)
		if (!but || thread->id != *but)
			return true;
	return false;
}

const char *wh_md_thread_name(const struct wh_minidump *m, uint32_t id, bool *failed)
{
	size_t n;
	struct wh_bytes list = wh_md_list(m->streams[WH_MD_THREAD_NAMES], THREAD_NAME_SIZE, &n);
	for (size_t i = 0; i < n; i++)
		if (wh_md_u32(list.data + i * THREAD_NAME_SIZE) == id)
			return wh_md_string(m, wh_md_u64(list.data + i * THREAD_NAME_SIZE + 4), failed);
	return NULL;
}

/* ---- exception, system ---- */

static void read_exception(struct wh_minidump *m)
{
	struct wh_bytes stream = m->streams[WH_MD_EXCEPTION];
	struct wh_md_exception *e = &m->exception;
	if (stream.size < EXCEPTION_SIZE)
		return;
	const char *p = stream.data;
	*e = (struct wh_md_exception){ .is_set = true,
				       .thread = wh_md_u32(p),
				       .code = wh_md_u32(p + 8),
				       .flags = wh_md_u32(p + 12),
				       .address = wh_md_u64(p + 24),
				       .n_parameters = wh_md_u32(p + 32),
				       .context = wh_md_location(m, p + 160) };
	if (e->n_parameters > 15)
		e->n_parameters = 15;
	for (uint32_t i = 0; i < e->n_parameters; i++)
		e->parameters[i] = wh_md_u64(p + 40 + 8 * i);
}

/* PROCESSOR_ARCHITECTURE_…; Breakpad numbered arm64 before Microsoft did. */
static enum wh_machine machine_of(uint16_t cpu)
{
	switch (cpu) {
	case 0:
	case 10: return WH_MACHINE_X86;
	case 5: return WH_MACHINE_ARM;
	case 9: return WH_MACHINE_X86_64;
	case 12:
	case 0x8003: return WH_MACHINE_ARM64;
	default: return WH_MACHINE_UNKNOWN;
	}
}

static void read_system(struct wh_minidump *m)
{
	struct wh_bytes stream = m->streams[WH_MD_SYSTEM];
	struct wh_md_thread thread = { 0 };
	m->system = WH_MD_SYSTEM_UNKNOWN;
	if (stream.size >= SYSTEM_SIZE) {
		uint32_t system = wh_md_u32(stream.data + 20);
		m->machine = machine_of(wh_md_u16(stream.data));
		m->system = system <= INT32_MAX ? (int)system : WH_MD_SYSTEM_UNKNOWN;
		return;
	}
	m->machine = wh_md_machine_of_context(m->exception.context);
	if (!m->machine && wh_md_first_thread(m, NULL, &thread))
		m->machine = wh_md_machine_of_context(thread.context);
}

int wh_md_open(struct wh_minidump *m, struct wh_bytes file, struct wh_arena *arena, struct wh_err *err)
{
	*m = (struct wh_minidump){ .file = file, .arena = arena };
	WH_TRY(read_directory(m, err));
	read_exception(m);
	read_system(m);
	WH_TRY(read_memory(m, err));
	WH_TRY(read_memory_info(m, err));
	return wh_md_modules_open(m, err);
}
