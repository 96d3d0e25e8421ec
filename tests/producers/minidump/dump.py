# SPDX-License-Identifier: Apache-2.0
"""Minidumps put together from their parts, for the tests: structures as in google/breakpad src/google_breakpad/common/minidump_format.h
and chromium/crashpad minidump/minidump_extensions.h."""
import struct

THREADS, MODULES, MEMORY, EXCEPTION, SYSTEM, THREADS_EX, MEMORY64, UNLOADED, MISC, MEMORY_INFO, THREAD_NAMES = 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 24
BREAKPAD, ASSERTION, LINUX_STATUS, LINUX_CMDLINE, LINUX_MAPS = 0x47670001, 0x47670002, 0x47670004, 0x47670006, 0x47670009
CRASHPAD = 0x43500001
WINDOWS, MACOS, IOS, LINUX, ANDROID, FUCHSIA = 2, 0x8101, 0x8102, 0x8201, 0x8203, 0x8206
X86, ARM, AMD64, ARM64, ARM64_BREAKPAD = 0, 5, 9, 12, 0x8003

# where CONTEXT records have registers: name, offset, bytes
CONTEXTS = {
    AMD64: (1232, [(name, 0x78 + 8 * i, 8) for i, name in enumerate(
        "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 rip".split())], (0x30, 0x10000b, 4)),
    X86: (716, [(name, 0x9c + 4 * i, 4) for i, name in enumerate("edi esi ebx edx ecx eax ebp eip".split())] + [("esp", 0xc4, 4)],
          (0, 0x1003f, 4)),
    ARM: (368, [(f"r{i}", 4 + 4 * i, 4) for i in range(16)], (0, 0x40000006, 4)),
    ARM64: (912, [(f"x{i}", 8 + 8 * i, 8) for i in range(31)] + [("sp", 256, 8), ("pc", 264, 8)], (0, 0x400007, 4)),
    ARM64_BREAKPAD: (796, [(f"x{i}", 8 + 8 * i, 8) for i in range(31)] + [("sp", 256, 8), ("pc", 264, 8)], (0, 0x80000006, 8)),
}


def context(cpu, registers):
    size, places, (at, flags, width) = CONTEXTS[cpu]
    data = bytearray(size)
    data[at:at + width] = flags.to_bytes(width, "little")
    for name, offset, n in places:
        data[offset:offset + n] = (registers.get(name, 0) & ((1 << 8 * n) - 1)).to_bytes(n, "little")
    return bytes(data)


def guid(text):
    """32 hex digits as Breakpad prints them, to the bytes in the file."""
    raw = bytes.fromhex(text)
    return struct.pack("<IHH", *struct.unpack(">IHH", raw[:8])) + raw[8:]


def rsds(identifier, age, name):
    return b"RSDS" + guid(identifier) + struct.pack("<I", age) + name.encode() + b"\0"


def bpel(build_id):
    return struct.pack("<I", 0x4270454c) + bytes.fromhex(build_id)


class Dump:
    def __init__(self, streams=24, time=1700000000):
        self.most, self.time, self.directory = streams, time, []
        self.data = bytearray(32 + 12 * streams)

    def add(self, data, align=4):
        self.data += b"\0" * (-len(self.data) % align)
        at = len(self.data)
        self.data += data
        return at

    def location(self, data):
        return struct.pack("<II", len(data), self.add(data)) if data else struct.pack("<II", 0, 0)

    def string(self, text):
        encoded = text.encode("utf-16-le", "surrogatepass")
        return self.add(struct.pack("<I", len(encoded)) + encoded + b"\0\0")

    def utf8(self, text):
        encoded = text if isinstance(text, bytes) else text.encode()
        return self.add(struct.pack("<I", len(encoded)) + encoded + b"\0")

    def stream(self, kind, data):
        at = self.add(data, 8)
        self.directory.append((kind, len(data), at))
        return at

    def system(self, cpu, system, version=(0, 0, 0), text=""):
        self.stream(SYSTEM, struct.pack("<HHHBBIIIIIHH24x", cpu, 6, 0, 4, 1, *version, system, self.string(text), 0, 0))

    def memory(self, start, data, shared=None):
        """A descriptor; of bytes that are in the file already, where they are."""
        return struct.pack("<QII", start, len(data), self.add(data) if shared is None else shared)

    def memory_list(self, descriptors):
        self.stream(MEMORY, struct.pack("<I", len(descriptors)) + b"".join(descriptors))

    def threads(self, threads, extended=False):
        """threads: (id, context, stack's descriptor)"""
        data = struct.pack("<I", len(threads))
        for number, registers, stack in threads:
            data += struct.pack("<IIIIQ", number, 0, 0, 0, 0) + stack + self.location(registers) + (bytes(16) if extended else b"")
        self.stream(THREADS_EX if extended else THREADS, data)

    def thread_names(self, names):
        self.stream(THREAD_NAMES, struct.pack("<I", len(names)) + b"".join(struct.pack("<IQ", i, self.string(n)) for i, n in names))

    def modules(self, modules):
        """modules: dicts of base, size, name and perhaps cv, version (four words: file's high and low, product's)"""
        data = struct.pack("<I", len(modules))
        for m in modules:
            version = m.get("version")
            info = struct.pack("<II", 0xfeef04bd, 0x10000) + struct.pack("<4I", *version) + bytes(28) if version else bytes(52)
            data += struct.pack("<QIIII", m["base"], m["size"], 0, 0, self.string(m["name"])) + info
            data += self.location(m.get("cv", b"")) + bytes(24)
        self.stream(MODULES, data)

    def unloaded(self, modules):
        data = struct.pack("<III", 12, 24, len(modules))
        for base, size, name in modules:
            data += struct.pack("<QIIII", base, size, 0, 0, self.string(name))
        self.stream(UNLOADED, data)

    def exception(self, thread, code, flags, address, registers=b"", parameters=()):
        words = list(parameters) + [0] * (15 - len(parameters))
        self.stream(EXCEPTION, struct.pack("<IIIIQQII15Q", thread, 0, code, flags, 0, address, len(parameters), 0, *words)
                    + self.location(registers))

    def misc(self, process, created):
        self.stream(MISC, struct.pack("<IIIIII", 24, 3, process, created, 1, 1))

    def dictionary(self, entries):
        return struct.pack("<I", len(entries)) + b"".join(struct.pack("<II", self.utf8(k), self.utf8(v)) for k, v in entries)

    def crashpad(self, annotations, objects=(), texts=()):
        info = struct.pack("<I", 1)
        info += self.location(struct.pack("<I", len(texts)) + b"".join(struct.pack("<I", self.utf8(t)) for t in texts)) if texts else bytes(8)
        info += self.location(self.dictionary([]))
        info += self.location(struct.pack("<I", len(objects)) +
                              b"".join(struct.pack("<IHHI", self.utf8(k), 1, 0, self.utf8(v)) for k, v in objects))
        links = struct.pack("<II", 1, 0) + self.location(info)
        self.stream(CRASHPAD, struct.pack("<I", 1) + bytes(32) + self.location(self.dictionary(annotations)) + self.location(links))

    def assertion(self, expression, function, file, line=0, kind=1):
        def fixed(text):
            return text.encode("utf-16-le")[:254].ljust(256, b"\0")
        self.stream(ASSERTION, fixed(expression) + fixed(function) + fixed(file) + struct.pack("<II", line, kind))

    def bytes(self):
        head = struct.pack("<IIIIIIQ", 0x504d444d, 0xa793, len(self.directory), 32, 0, self.time, 0)
        directory = b"".join(struct.pack("<III", kind, size, at) for kind, size, at in self.directory)
        assert len(self.directory) <= self.most
        self.data[:32 + len(directory)] = head + directory
        return bytes(self.data)
