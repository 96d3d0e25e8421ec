#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""shrink.py CORE OUT: a core with only what a reader needs of its memory: the notes, the first page of what begins like an ELF file (the whole
vdso), and of each stack what is above its pointer. The rest stays in the program headers, as not dumped."""
import struct
import sys

PAGE, STACK = 4096, 3072
PT_LOAD, PT_NOTE = 1, 4
SP = {62: (112, 19), 3: (72, 15), 183: (112, 31), 40: (72, 13)}  # by machine: where pr_reg is, which word of it is the stack pointer


def main():
    core = open(sys.argv[1], "rb").read()
    wide = core[4] == 2
    machine, = struct.unpack_from("<H", core, 18)
    header = struct.Struct("<IIQQQQQQ" if wide else "<IIIIIIII")
    table, n = struct.unpack_from("<Q" if wide else "<I", core, 32 if wide else 28)[0], struct.unpack_from("<H", core, 56 if wide else 44)[0]
    parts, notes = [], b""
    for i in range(n):
        p = header.unpack_from(core, table + i * header.size)
        kind, flags, offset, address, _, in_file, in_memory, _ = p if wide else (p[0], p[6], p[1], p[2], p[3], p[4], p[5], p[7])
        if kind == PT_NOTE:
            notes += core[offset:offset + in_file]
        elif kind == PT_LOAD:
            parts.append((address, in_memory, flags, core[offset:offset + in_file]))
    stacks, at, kept = [], 0, b""
    while at + 12 <= len(notes):
        name, size, kind = struct.unpack_from("<III", notes, at)
        end = at + 12 + (name + 3 & ~3) + (size + 3 & ~3)
        body = at + 12 + (name + 3 & ~3)
        if kind == 1:
            registers, word = SP[machine]
            stacks.append(struct.unpack_from("<Q" if wide else "<I", notes, body + registers + word * (8 if wide else 4))[0])
        if kind in (1, 3, 6, 0x46494c45, 0x53494749):
            kept += notes[at:end]
        at = end
    out = []
    for address, size, flags, data in parts:
        sp = [s for s in stacks if address <= s < address + len(data)]
        if sp:
            first = max(sp[0] - address - 64, 0)
            last = min(first + STACK, len(data))
            out += [(address, first, flags, b"")] if first else []
            out.append((address + first, last - first, flags, data[first:last]))
            out += [(address + last, size - last, flags, b"")] if size > last else []
        elif data.startswith(b"\x7fELF"):
            out.append((address, size, flags, data if size <= 2 * PAGE and flags & 1 else data[:PAGE]))
        else:
            out.append((address, size, flags, data if machine in (183, 40) and len(data) <= PAGE and not flags & 1 else b""))
    ehdr = 64 if wide else 52
    offset = ehdr + header.size * (len(out) + 1)

    def packed(kind, flags, offset, address, in_file, in_memory):
        return header.pack(kind, flags, offset, address, 0, in_file, in_memory, 1) if wide else \
            header.pack(kind, offset, address, 0, in_file, in_memory, flags, 1)

    headers, body = packed(PT_NOTE, 0, offset, 0, len(kept), 0), kept
    for address, size, flags, data in out:
        headers += packed(PT_LOAD, flags, offset + len(body), address, len(data), size)
        body += data
    first = bytearray(core[:ehdr])
    struct.pack_into("<Q" if wide else "<I", first, 32 if wide else 28, ehdr)
    struct.pack_into("<Q" if wide else "<I", first, 40 if wide else 32, 0)
    struct.pack_into("<H", first, 56 if wide else 44, len(out) + 1)
    struct.pack_into("<H", first, 60 if wide else 48, 0)
    open(sys.argv[2], "wb").write(bytes(first) + headers + body)


main()
