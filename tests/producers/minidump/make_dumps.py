#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make_dumps.py FOLDER: small minidumps of every machine and writer, put together by hand: fixtures of tests/data/stack/minidump."""
import os
import struct
import sys

import dump as md

GUID = "5A9832E5287241C1838ED98914E9B7FF"


def words(width, *values):
    return b"".join(struct.pack("<Q" if width == 8 else "<I", v) for v in values)


def chain(width, base, frames, tail=b""):
    """A stack of frames linked by their frame pointers: the first begins at base; frames: return addresses, from the innermost."""
    out, at = b"", base
    for i, back in enumerate(frames):
        at += 4 * width
        following = 0 if i == len(frames) - 1 else at
        out += words(width, following, back, 0x41, 0x42)
    return out + tail


def windows_x86():
    d = md.Dump()
    base = 0x12fe00
    stack = words(4, 1, 2) + chain(4, base + 8, [0x401234, 0x401500, 0x77e52000]) + bytes(64)
    registers = md.context(md.X86, {"eip": 0x401010, "esp": base, "ebp": base + 8, "eax": 0})
    descriptor = d.memory(base, stack)
    d.system(md.X86, md.WINDOWS, (6, 1, 7601), "Service Pack 1")
    d.threads([(1111, registers, d.memory(0x200000, b"")), (2222, md.context(md.X86, {"eip": 0x77e51000, "esp": base + 8, "ebp": 0}), descriptor)])
    d.memory_list([descriptor])
    d.modules([{"base": 0x400000, "size": 0x10000, "name": "C:\\Program Files\\App\\app.exe", "cv": md.rsds(GUID, 1, "c:\\build\\app.pdb"),
                "version": (0x20003, 0x40005, 0x20000, 0)},
               {"base": 0x77e50000, "size": 0x20000, "name": "C:\\Windows\\System32\\kernel32.dll",
                "cv": b"NB10" + struct.pack("<III", 0, 0x3b7d8491, 7) + b"kernel32.pdb\0"}])
    d.unloaded([(0x10000000, 0x8000, "plugin.dll")])
    d.exception(1111, 0xc0000005, 0, 0x401010, registers, (1, 0x10))
    d.misc(4321, 1699999000)
    return d.bytes()


def windows_unloaded():
    d = md.Dump()
    base = 0x8f0000
    stack = words(8, 0x7ff600001234) + bytes(128)
    registers = md.context(md.AMD64, {"rip": 0x180001460, "rsp": base, "rbp": base + 64})
    d.system(md.AMD64, md.WINDOWS, (10, 0, 19045))
    d.threads([(77, registers, d.memory(base, stack))], extended=True)
    d.thread_names([(77, "Plugin \u2014 Worker \U0001f600")])
    d.modules([{"base": 0x7ff600000000, "size": 0x40000, "name": "D:\\game.exe", "cv": md.rsds(GUID, 0x1a, "game.pdb")}])
    d.unloaded([(0x180000000, 0x20000, "plugin.dll")])
    d.exception(77, 0xc0000409, 1, 0x180001460, registers, (7,))
    return d.bytes()


def windows_full():
    """All of memory in one list behind the other streams; what may be executed is told."""
    d = md.Dump()
    base = 0x14fc00
    stack = words(8, 5, 0x7ff6000f0000, 0x7ff600002345) + bytes(64)
    registers = md.context(md.AMD64, {"rip": 0x7ff600001111, "rsp": base})
    d.system(md.AMD64, md.WINDOWS, (10, 0, 22631))
    d.threads([(5, registers, struct.pack("<QII", base, 0, 0))])
    d.modules([{"base": 0x7ff600000000, "size": 0x100000, "name": "full.exe", "version": (0x10000, 2, 0, 0)}])
    d.exception(5, 0xc0000006, 0, 0x7ff600001111, registers, (0, 0x7ff600080000, 0xc0000185))
    d.stream(md.MEMORY_INFO, struct.pack("<IIQ", 16, 48, 1) + struct.pack("<QQIIQIIII", 0x7ff600001000, 0x7ff600000000, 0x20, 0, 0x8000, 0x1000, 0x20, 0x1000000, 0))
    listing = d.stream(md.MEMORY64, struct.pack("<QQ", 2, 0) + struct.pack("<QQ", 0x13000, 32) + struct.pack("<QQ", base, len(stack)))
    at = d.add(bytes(32) + stack)
    d.data[listing + 8:listing + 16] = struct.pack("<Q", at)
    return d.bytes()


def linux(cpu, pc, sp, fp, link, width, name):
    d = md.Dump()
    base = 0x7ffd1000 if width == 4 else 0x7ffd00001000
    code = 0x10000 if width == 4 else 0xaaaa00000000
    stack = bytes(2 * width) + chain(width, base + 2 * width, [code + 0x1100, code + 0x1200, code + 0x1300]) + bytes(64)
    registers = {pc: code + 0x1004, sp: base, fp: base + 2 * width}
    if link:
        registers[link] = code + 0x1100
    context = md.context(cpu, registers)
    descriptor = d.memory(base, stack)
    d.system(cpu, md.ANDROID if cpu == md.ARM else md.LINUX, text="Linux 5.10.0-20-arm64 #1 SMP Debian aarch64")
    d.threads([(900, md.context(cpu, {pc: code + 0x1ff0, sp: base}), descriptor), (901, md.context(cpu, {pc: 1}), descriptor)])
    d.memory_list([descriptor])
    d.modules([{"base": code, "size": 0x4000, "name": f"/opt/app/{name}", "cv": md.bpel("0123456789abcdeffedcba9876543210deadbeef"), "version": (1, 2, 3, 0)}])
    d.exception(900, 11, 1, 0x18, context)
    d.stream(md.BREAKPAD, struct.pack("<III", 3, 901, 900))
    d.stream(md.LINUX_STATUS, b"Name:\t%s\nUmask:\t0022\nPid:\t899\n" % name.encode())
    d.stream(md.LINUX_CMDLINE, b"/opt/app/%s\0--flag\0" % name.encode())
    return d.bytes()


def linux_maps():
    """No list of modules: the process's map tells where they are. Nothing was raised: somebody asked for a dump."""
    d = md.Dump()
    base = 0x7ffd00001000
    stack = words(8, 0x55550000f0f0, 0x555500001234, 9, 0x7f0000002222) + bytes(64)
    d.system(md.AMD64, md.LINUX, text="Linux 6.1.0 x86_64")
    d.threads([(10, md.context(md.AMD64, {"rip": 0x7f0000009999, "rsp": base + 16}), d.memory(base, stack)),
               (11, md.context(md.AMD64, {"rip": 0x555500001111, "rsp": base}), d.memory(base, stack))])
    d.stream(md.BREAKPAD, struct.pack("<III", 2, 0, 11))
    d.stream(md.LINUX_MAPS, b"555500000000-555500001000 r--p 00000000 08:01 12 /opt/app/daemon\n555500001000-555500008000 r-xp 00001000 08:01 12 /opt/app/daemon\n"
             b"555500008000-555500010000 rw-p 00008000 08:01 12 /opt/app/daemon\n555500010000-555500020000 rw-p 00000000 00:00 0\n"
             b"7f0000000000-7f0000010000 r-xp 00000000 08:01 13 /opt/app/lib x.so (deleted)\n7ffd00000000-7ffd00100000 rw-p 00000000 00:00 0 [stack]\n")
    d.stream(md.LINUX_CMDLINE, b"/opt/app/daemon\0")
    return d.bytes()


def macos():
    d = md.Dump()
    base = 0x16fdff000
    stack = chain(8, base, [0x8000000102345678 ^ 0x8000000000000000 | 0x1234 << 48, 0x102341000], bytes(64))
    registers = md.context(md.ARM64_BREAKPAD, {"pc": 0x102340100, "sp": base, "x29": base, "x30": 0x102345678})
    d.system(md.ARM64_BREAKPAD, md.MACOS, (13, 4, 1), "22F82")
    d.threads([(259, registers, d.memory(base, stack))])
    d.modules([{"base": 0x102340000, "size": 0x10000, "name": "/Applications/Shop.app/Contents/MacOS/Shop", "cv": md.rsds(GUID, 0, "Shop"),
                "version": (0x10000, 0x20000, 0, 0)}])
    d.exception(259, 1, 2, 0x20, registers, (1, 2))
    d.crashpad([("prod", "Shop Helper"), ("ver", "7.1.2"), ("plat", "OS X"), ("ptype", "renderer"), ("id", "not ours"), ("bad name", "x")],
               objects=[("channel", "beta\0"), ("ver", "8.0")], texts=["BUG: out of cheese\n"])
    d.misc(4242, 1699999990)
    return d.bytes()


def windows_assertion():
    d = md.Dump()
    base = 0x500000
    registers = md.context(md.ARM64, {"pc": 0x140002000, "sp": base, "x29": 0, "x30": 0x140001000})
    d.system(md.ARM64, md.WINDOWS, (10, 0, 22000))
    d.threads([(3, registers, d.memory(base, bytes(64)))])
    d.modules([{"base": 0x140000000, "size": 0x8000, "name": "arm.exe", "cv": md.rsds(GUID, 2, "arm.pdb")}])
    d.exception(3, 0x80000003, 0, 0x140002000, registers)
    d.assertion("index < size()", "Vector::at", "c:\\src\\vector.h", 12)
    return d.bytes()


DUMPS = {
    "windows-x86": windows_x86, "windows-unloaded": windows_unloaded, "windows-full": windows_full, "windows-arm64-assertion": windows_assertion,
    "linux-maps": linux_maps, "macos-arm64-crashpad": macos,
    "linux-x86_64": lambda: linux(md.AMD64, "rip", "rsp", "rbp", None, 8, "server"),
    "linux-x86": lambda: linux(md.X86, "eip", "esp", "ebp", None, 4, "server32"),
    "linux-arm64": lambda: linux(md.ARM64_BREAKPAD, "pc", "sp", "x29", "x30", 8, "libserver.so"),
    "android-arm": lambda: linux(md.ARM, "r15", "r13", "r11", "r14", 4, "app_process32"),
}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, make in DUMPS.items():
        with open(os.path.join(sys.argv[1], name + ".dmp"), "wb") as file:
            file.write(make())


if __name__ == "__main__":
    main()
