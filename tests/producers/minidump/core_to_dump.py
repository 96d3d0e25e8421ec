#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""core_to_dump.py CORE DUMP [--no-ids]: an ELF core as the minidump that Breakpad would have written (as its core2md does): threads with
their stacks, modules with build-ids, the exception, the process's map. --no-ids: modules without CodeView records."""
import os
import struct
import sys

import dump as md

NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_SIGINFO, NT_FILE = 1, 3, 6, 0x53494749, 0x46494c45
STACK_MOST = 256 * 1024

# registers in NT_PRSTATUS, and where they begin in it (after siginfo, signals, ids and four times)
MACHINES = {
    62: (md.AMD64, 112, 8, "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss".split()),
    3: (md.X86, 72, 4, "ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss".split()),
    183: (md.ARM64_BREAKPAD, 112, 8, [f"x{i}" for i in range(31)] + ["sp", "pc", "pstate"]),
    40: (md.ARM, 72, 4, [f"r{i}" for i in range(16)] + ["cpsr"]),
}
STACK_POINTERS = {md.AMD64: "rsp", md.X86: "esp", md.ARM64_BREAKPAD: "sp", md.ARM: "r13"}


class Core:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        assert self.data[:4] == b"\x7fELF", "no ELF file"
        self.wide = self.data[4] == 2
        self.machine = struct.unpack_from("<H", self.data, 18)[0]
        self.word = 8 if self.wide else 4
        self.loads, self.notes = [], []
        for kind, offset, address, filesz, memsz, flags in self.segments():
            if kind == 1:
                self.loads.append((address, offset, filesz, memsz, flags))
            elif kind == 4:
                self.notes += self.read_notes(offset, filesz)

    def segments(self):
        at, size, n = (struct.unpack_from("<Q", self.data, 32)[0], *struct.unpack_from("<HH", self.data, 54)) if self.wide else \
            (struct.unpack_from("<I", self.data, 28)[0], *struct.unpack_from("<HH", self.data, 42))
        for i in range(n):
            if self.wide:
                kind, flags, offset, address, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", self.data, at + i * size)
            else:
                kind, offset, address, _, filesz, memsz, flags, _ = struct.unpack_from("<IIIIIIII", self.data, at + i * size)
            yield kind, offset, address, filesz, memsz, flags

    def read_notes(self, at, size):
        end = at + size
        while at + 12 <= end:
            namesz, descsz, kind = struct.unpack_from("<III", self.data, at)
            at += 12 + (namesz + 3) // 4 * 4
            yield kind, self.data[at:at + descsz]
            at += (descsz + 3) // 4 * 4

    def note(self, kind):
        return next((data for k, data in self.notes if k == kind), b"")

    def read(self, address, n):
        for start, offset, filesz, _, _ in self.loads:
            if start <= address < start + filesz:
                return self.data[offset + address - start:offset + min(filesz, address - start + n)]
        return b""

    def files(self):
        """(start, end, offset, path) of NT_FILE"""
        note = self.note(NT_FILE)
        if not note:
            return []
        form = "<Q" if self.wide else "<I"

        def word(i):
            return struct.unpack_from(form, note, i * self.word)[0]
        n, page = word(0), word(1)
        names = note[(2 + 3 * n) * self.word:].split(b"\0")
        return [(word(2 + 3 * i), word(3 + 3 * i), word(4 + 3 * i) * page, names[i].decode()) for i in range(n)]

    def auxv(self):
        note, form = self.note(NT_AUXV), "<QQ" if self.wide else "<II"
        return dict(struct.unpack_from(form, note, i) for i in range(0, len(note) - struct.calcsize(form) + 1, struct.calcsize(form)))


def build_id_of(image):
    """The build-id that an ELF file or image tells, or an empty string."""
    if image[:4] != b"\x7fELF":
        return ""
    wide = image[4] == 2
    at, size, n = (struct.unpack_from("<Q", image, 32)[0], *struct.unpack_from("<HH", image, 54)) if wide else \
        (struct.unpack_from("<I", image, 28)[0], *struct.unpack_from("<HH", image, 42))
    for i in range(n):
        fields = struct.unpack_from("<IIQQQQ" if wide else "<IIIIII", image, at + i * size)
        kind, offset, filesz = fields[0], fields[2] if wide else fields[1], fields[5] if wide else fields[4]
        note = offset
        while kind == 4 and note + 12 <= min(offset + filesz, len(image)):
            namesz, descsz, what = struct.unpack_from("<III", image, note)
            begin = note + 12 + (namesz + 3) // 4 * 4
            if what == 3 and image[note + 12:note + 16] == b"GNU\0":
                return image[begin:begin + descsz].hex()
            note = begin + (descsz + 3) // 4 * 4
    return ""


def flags_of(image, offset):
    """How the part of an ELF file at an offset is mapped: a core may leave out what nobody wrote to."""
    elf = Core.__new__(Core)
    elf.data, elf.wide = image, image[4] == 2
    return next((flags for kind, at, _, filesz, _, flags in elf.segments() if kind == 1 and at // 4096 * 4096 <= offset < at + filesz), 4)


def modules_of(core, with_ids, root):
    found, maps = {}, []
    for start, end, offset, path in core.files():
        if not os.path.isfile(root + path) and not os.path.isfile(path):
            continue
        with open(root + path if os.path.isfile(root + path) else path, "rb") as file:
            image = file.read()
        if image[:4] != b"\x7fELF":
            continue
        maps.append((start, end, offset, flags_of(image, offset), path))
        if path in found and offset:
            found[path]["size"] = end - found[path]["base"]
        elif path not in found:
            build_id = build_id_of(image)
            found[path] = {"base": start - offset, "size": end - start + offset, "name": path,
                           "cv": md.bpel(build_id) if with_ids and build_id else b"", "id": build_id}
    vdso = core.auxv().get(33)
    if vdso:
        image = core.read(vdso, 16384)
        if image:
            build_id = build_id_of(image)
            found["vdso"] = {"base": vdso, "size": (len(image) + 4095) // 4096 * 4096, "name": "linux-gate.so",
                             "cv": md.bpel(build_id) if with_ids and build_id else b"", "id": build_id}
            maps.append((vdso, vdso + len(image), 0, 5, "[vdso]"))
    entry = core.auxv().get(9, 0)
    # the program is first in the list
    return sorted(found.values(), key=lambda m: not m["base"] <= entry < m["base"] + m["size"]), sorted(maps)


def program_of(path, with_ids):
    with open(path, "rb") as file:
        image = file.read()
    elf = Core.__new__(Core)
    elf.data, elf.wide = image, image[4] == 2
    loads = [(address, memsz) for kind, _, address, _, memsz, _ in elf.segments() if kind == 1]
    base = min(address for address, _ in loads) // 4096 * 4096
    build_id = build_id_of(image)
    return {"base": base, "size": max(a + n for a, n in loads) - base, "name": path, "cv": md.bpel(build_id) if with_ids else b"", "id": build_id}


def convert(core, with_ids=True, root="", program=None):
    """program: the one file that was loaded, where the core does not tell (qemu-user's do not); it lies where it says"""
    cpu, at, width, names = MACHINES[core.machine]
    out = md.Dump()
    threads, siginfo = [], core.note(NT_SIGINFO)
    for kind, data in core.notes:
        if kind == NT_PRSTATUS:
            values = struct.unpack_from(f"<{len(names)}{'Q' if width == 8 else 'I'}", data, at)
            registers = dict(zip(names, values))
            threads.append((struct.unpack_from("<I", data, 32 if width == 8 else 24)[0], registers, struct.unpack_from("<H", data, 12)[0]))
    out.system(cpu, md.LINUX, text="Linux 6.1.0 test")
    descriptors, rows = [], []
    for number, registers, _ in threads:
        pointer = registers[STACK_POINTERS[cpu]]
        stack = core.read(pointer - 128, STACK_MOST) or core.read(pointer, STACK_MOST)
        start = pointer - 128 if core.read(pointer - 128, 1) else pointer
        descriptor = out.memory(start, stack)
        descriptors.append(descriptor)
        rows.append((number, md.context(cpu, registers), descriptor))
    number, registers, signal = threads[0]
    code, address = (struct.unpack_from("<i", siginfo, 8)[0] & 0xffffffff, struct.unpack_from("<Q" if width == 8 else "<I", siginfo,
                                                                                         16 if width == 8 else 12)[0]) if siginfo else (0, 0)
    if siginfo:
        signal = struct.unpack_from("<i", siginfo)[0]
    out.threads(rows)
    out.memory_list(descriptors)
    modules, maps = ([program_of(program, with_ids)], []) if program else modules_of(core, with_ids, root)
    out.modules(modules)
    out.exception(number, signal, code, address, md.context(cpu, registers))
    out.stream(md.BREAKPAD, struct.pack("<III", 2, 0, number))
    text = "".join(f"{a:x}-{b:x} {'r' if f & 4 else '-'}{'w' if f & 2 else '-'}{'x' if f & 1 else '-'}p {o:08x} 08:01 1 {p}\n" for a, b, o, f, p in maps)
    if text:
        out.stream(md.LINUX_MAPS, text.encode())
    return out.bytes(), modules


def main():
    data, _ = convert(Core(sys.argv[1]), "--no-ids" not in sys.argv[3:])
    with open(sys.argv[2], "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
