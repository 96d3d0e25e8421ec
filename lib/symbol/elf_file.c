/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/module.h"

enum { PAGE = 4096, HEADERS_MOST = 256, NOTES_MOST = 1 << 20 };

/* ---- opening ---- */

static bool usable(const struct wh_elf *file)
{
	GElf_Ehdr header;
	return file->elf && elf_kind(file->elf) == ELF_K_ELF && gelf_getehdr(file->elf, &header) &&
	       header.e_ident[EI_DATA] == ELFDATA2LSB && (header.e_type == ET_EXEC || header.e_type == ET_DYN) &&
	       wh_machine_of_elf(header.e_machine) != WH_MACHINE_UNKNOWN;
}

bool wh_elf_open_fd(struct wh_elf *file, int fd, const char *path)
{
	*file = (struct wh_elf){ .fd = fd, .path = strdup(path) };
	if (elf_version(EV_CURRENT) != EV_NONE && file->path)
		file->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (usable(file))
		return true;
	wh_elf_close(file);
	return false;
}

bool wh_elf_open(struct wh_elf *file, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	*file = (struct wh_elf)WH_ELF_NONE;
	if (fd < 0)
		return false;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		return wh_elf_open_fd(file, fd, path);
	close(fd);
	return false;
}

bool wh_elf_open_image(struct wh_elf *file, struct wh_bytes image)
{
	*file = (struct wh_elf)WH_ELF_NONE;
	if (!image.size || elf_version(EV_CURRENT) == EV_NONE)
		return false;
	file->image = malloc(image.size);
	if (!file->image)
		return false;
	memcpy(file->image, image.data, image.size);
	file->elf = elf_memory(file->image, image.size);
	if (usable(file))
		return true;
	wh_elf_close(file);
	return false;
}

void wh_elf_close(struct wh_elf *file)
{
	elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file->image);
	*file = (struct wh_elf)WH_ELF_NONE;
}

/* ---- headers ---- */

enum wh_machine wh_elf_machine(const struct wh_elf *file)
{
	GElf_Ehdr header;
	return gelf_getehdr(file->elf, &header) ? wh_machine_of_elf(header.e_machine) : WH_MACHINE_UNKNOWN;
}

static size_t count_headers(const struct wh_elf *file)
{
	size_t n;
	return elf_getphdrnum(file->elf, &n) ? 0 : n < HEADERS_MOST ? n : HEADERS_MOST;
}

bool wh_elf_extent(const struct wh_elf *file, uint64_t *first, uint64_t *size)
{
	uint64_t low = UINT64_MAX, high = 0;
	for (size_t i = 0, n = count_headers(file); i < n; i++) {
		GElf_Phdr header;
		uint64_t end;
		if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_LOAD || !header.p_memsz ||
		    __builtin_add_overflow(header.p_vaddr, header.p_memsz, &end))
			continue;
		low = header.p_vaddr < low ? header.p_vaddr : low;
		high = end > high ? end : high;
	}
	if (low >= high)
		return false;
	*first = low & ~(uint64_t)(PAGE - 1);
	*size = high - *first;
	return true;
}

/* ---- the build-id ---- */

static bool write_hex(const uint8_t *bytes, size_t n, char *text)
{
	static const char digits[] = "0123456789abcdef";
	if (n < 2 || n > WH_BUILD_ID_MOST)
		return false;
	for (size_t i = 0; i < n; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = 0;
	return true;
}

/* Looks through notes (little-endian) for NT_GNU_BUILD_ID. */
static bool build_id_of_notes(const uint8_t *p, size_t n, size_t align, char *text)
{
	align = align == 8 ? 8 : 4;
	while (n >= 12) {
		uint32_t words[3];
		memcpy(words, p, sizeof words);
		size_t name = words[0], size = words[1], at = 12 + ((name + align - 1) & ~(align - 1));
		if (name > NOTES_MOST || size > NOTES_MOST || at > n || size > n - at)
			return false;
		if (words[2] == NT_GNU_BUILD_ID && name == 4 && !memcmp(p + 12, "GNU", 4) && write_hex(p + at, size, text))
			return true;
		at += (size + align - 1) & ~(align - 1);
		if (at >= n)
			return false;
		p += at;
		n -= at;
	}
	return false;
}

bool wh_elf_build_id(const struct wh_elf *file, char *text)
{
	for (size_t i = 0, n = count_headers(file); i < n; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_NOTE || header.p_filesz > NOTES_MOST)
			continue;
		Elf_Data *data = elf_getdata_rawchunk(file->elf, (int64_t)header.p_offset, header.p_filesz, ELF_T_BYTE);
		if (data && data->d_buf && build_id_of_notes(data->d_buf, data->d_size, header.p_align, text))
			return true;
	}
	/* in a file of debug information the segment's content may be elsewhere */
	Elf_Data *data = wh_elf_content(file, ".note.gnu.build-id");
	return data && data->d_buf && build_id_of_notes(data->d_buf, data->d_size, 4, text);
}

/* A program header in memory, of either class. */
static bool header_at(struct wh_bytes image, size_t i, GElf_Phdr *header)
{
	const uint8_t *p = (const uint8_t *)image.data;
	if (p[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr file;
		Elf64_Phdr wide;
		memcpy(&file, p, sizeof file);
		if (file.e_phentsize != sizeof wide || i >= file.e_phnum || file.e_phoff > image.size ||
		    (i + 1) * sizeof wide > image.size - file.e_phoff)
			return false;
		memcpy(&wide, p + file.e_phoff + i * sizeof wide, sizeof wide);
		*header = wide;
		return true;
	}
	Elf32_Ehdr file;
	Elf32_Phdr narrow;
	memcpy(&file, p, sizeof file);
	if (p[EI_CLASS] != ELFCLASS32 || file.e_phentsize != sizeof narrow || i >= file.e_phnum || file.e_phoff > image.size ||
	    (i + 1) * sizeof narrow > image.size - file.e_phoff)
		return false;
	memcpy(&narrow, p + file.e_phoff + i * sizeof narrow, sizeof narrow);
	*header = (GElf_Phdr){ .p_type = narrow.p_type, .p_flags = narrow.p_flags, .p_offset = narrow.p_offset, .p_vaddr = narrow.p_vaddr,
			       .p_filesz = narrow.p_filesz, .p_memsz = narrow.p_memsz, .p_align = narrow.p_align };
	return true;
}

bool wh_build_id_of_image(struct wh_bytes image, char *text)
{
	GElf_Phdr header;
	uint64_t first = UINT64_MAX;
	if (image.size < sizeof(Elf64_Ehdr) || memcmp(image.data, ELFMAG, SELFMAG) != 0 || image.data[EI_DATA] != ELFDATA2LSB)
		return false;
	for (size_t i = 0; i < HEADERS_MOST && header_at(image, i, &header); i++)
		if (header.p_type == PT_LOAD && header.p_vaddr < first)
			first = header.p_vaddr & ~(uint64_t)(PAGE - 1);
	for (size_t i = 0; i < HEADERS_MOST && header_at(image, i, &header); i++) {
		uint64_t at = header.p_vaddr - first;
		if (header.p_type != PT_NOTE || header.p_vaddr < first || at > image.size || header.p_memsz > image.size - at)
			continue;
		if (build_id_of_notes((const uint8_t *)image.data + at, header.p_memsz, header.p_align, text))
			return true;
	}
	return false;
}

bool wh_elf_begins_as(const struct wh_elf *file, struct wh_bytes head)
{
	GElf_Ehdr header;
	if (!gelf_getehdr(file->elf, &header))
		return false;
	uint64_t need = header.e_phoff + (uint64_t)header.e_phnum * header.e_phentsize;
	if (header.e_phoff > PAGE || need > head.size || !header.e_phnum)
		return false;
	Elf_Data *data = elf_getdata_rawchunk(file->elf, 0, need, ELF_T_BYTE);
	return data && data->d_buf && data->d_size == need && !memcmp(data->d_buf, head.data, need);
}

/* ---- content ---- */

Elf_Scn *wh_elf_section(const struct wh_elf *file, const char *name, uint32_t type)
{
	size_t names;
	if (elf_getshdrstrndx(file->elf, &names))
		return NULL;
	for (Elf_Scn *section = elf_nextscn(file->elf, NULL); section; section = elf_nextscn(file->elf, section)) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS || (type != SHT_NULL && header.sh_type != type))
			continue;
		const char *called = name ? elf_strptr(file->elf, names, header.sh_name) : NULL;
		if (!name || (called && !strcmp(called, name)))
			return section;
	}
	return NULL;
}

Elf_Data *wh_elf_content(const struct wh_elf *file, const char *name)
{
	GElf_Shdr header;
	Elf_Scn *section = wh_elf_section(file, name, SHT_NULL);
	if (!section || !gelf_getshdr(section, &header))
		return NULL;
	if (header.sh_flags & SHF_COMPRESSED && elf_compress(section, 0, 0) < 0)
		return NULL;
	return elf_getdata(section, NULL);
}

size_t wh_elf_read(const struct wh_elf *file, uint64_t address, void *to, size_t n)
{
	for (size_t i = 0, count = count_headers(file); i < count; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_LOAD || address < header.p_vaddr ||
		    address - header.p_vaddr >= header.p_filesz)
			continue;
		uint64_t at = address - header.p_vaddr;
		n = n < header.p_filesz - at ? n : header.p_filesz - at;
		if (file->fd >= 0) {
			ssize_t got = pread(file->fd, to, n, (off_t)(header.p_offset + at));
			return got > 0 ? (size_t)got : 0;
		}
		size_t size;
		const char *raw = elf_rawfile(file->elf, &size);
		if (!raw || header.p_offset > size || at > size - header.p_offset)
			return 0;
		n = n < size - header.p_offset - at ? n : size - header.p_offset - at;
		memcpy(to, raw + header.p_offset + at, n);
		return n;
	}
	return 0;
}
