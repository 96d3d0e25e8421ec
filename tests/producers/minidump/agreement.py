# SPDX-License-Identifier: Apache-2.0
"""Programs that die here, their cores turned into minidumps, and how far the frames that a reader finds in these equal gdb's on the core."""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

KINDS = ["null", "recurse", "jump", "sort", "thread", "abort", "handler"]
MODES = ["files", "symbols", "nothing"]


def missing():
    """What is needed and is not here, or None."""
    for program in ("gdb", "gcc"):
        if not shutil.which(program):
            return program
    try:
        import elftools  # noqa: F401
    except ImportError:
        return "python3-pyelftools"
    python = subprocess.run(["gdb", "-nx", "-batch", "-ex", "python print(6 * 7)"], capture_output=True, text=True, timeout=60)
    return None if "42" in python.stdout else "gdb with Python"


def build(folder, name, flags):
    program = os.path.join(folder, name)
    subprocess.run(["gcc", "-g", "-pthread", *flags, "-o", program, os.path.join(HERE, "crash.c")], check=True)
    return program


def core_of(program, kind, path):
    """By gdb: what the kernel does with a core depends on the machine."""
    subprocess.run(["gdb", "-nx", "-batch", "-ex", "set confirm off", "-ex", "handle SIGUSR1 nostop noprint pass", "-ex", "run", "-ex",
                    f"generate-core-file {path}", "-ex", "kill", "--args", program, kind],
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=True)
    return path if os.path.exists(path) else None


def frames_of_gdb(program, core, gdb="gdb"):
    out = subprocess.run([gdb, "-nx", "-batch", "-x", os.path.join(HERE, "frames_of_gdb.py"), program, core],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return [json.loads(line.split(" ", 1)[1]) for line in out.stdout.splitlines() if line.startswith("FRAMES ")]


def frames_of_reader(read_stacks, dump, options):
    """{thread: frames}, and the record"""
    command = [read_stacks]
    for option in options:
        command += ["--reading", option]
    out = subprocess.run([*command, dump], capture_output=True, text=True, timeout=120, check=True)
    record = json.loads(out.stdout.splitlines()[0])
    threads = {record["thread"]: record["frames"]}
    threads.update({t["thread"]: t["frames"] for t in record.get("threads", [])})
    return threads, record


def same_name(a, b):
    """A function has several names: __GI_raise, __clone3, __libc_pause; gdb cuts off what the compiler appends."""
    def plain(name):
        name = (name or "").split("(")[0].split("@")[0].split(".")[0]
        return name.removeprefix("__GI_").removesuffix("_impl").lstrip("_").removeprefix("libc_")
    return plain(a) == plain(b)


def with_addresses(frames):
    """A frame that was inlined has the address of the one that it was inlined into."""
    address, out = 0, []
    for frame in reversed(frames):
        address = address if frame.get("inlined") else int(frame.get("address", "0x0"), 16)
        out.append({**frame, "pc": address})
    return out[::-1]


def write_symbols(modules, threads, folder):
    """.sym files of the modules that frames are in."""
    import write_sym
    for module in modules:
        there = any(0 <= f["pc"] - module["base"] < module["size"] for t in threads for f in t["frames"])
        if there and os.path.isfile(module["name"]) and not os.path.isdir(os.path.join(folder, os.path.basename(module["name"]),
                                                                                      write_sym.debug_id(module["id"]))):
            write_sym.write(module["name"], folder)


def compare(threads, found, named, until_signal=False):
    """Counts over all threads: frames of gdb's, those at the same place with the same address, with the same function and line (where
    `named` says that names are to be had; elsewhere inlined calls cannot be known), those found at any place, and those that gdb has not. until_signal: no further than to
    the frame of a signal handler."""
    count = {"frames": 0, "addresses": 0, "named": 0, "functions": 0, "placed": 0, "lines": 0, "found": 0, "extra": 0}
    for thread in threads:
        theirs = [f for f in thread["frames"] if not f["inlined"] or named(f)]
        signals = [i for i, f in enumerate(theirs) if f["signal"]]
        if until_signal and signals:
            theirs = theirs[:signals[0] + 1]
        ours = with_addresses(found.get(str(thread["thread"]), []))
        pcs = [f["pc"] for f in ours]
        count["frames"] += len(theirs)
        count["found"] += sum(f["pc"] in pcs for f in theirs)
        count["extra"] += sum(pc not in {f["pc"] for f in theirs} for pc in pcs)
        for frame, mine in zip(theirs, ours + [{}] * len(theirs)):
            count["addresses"] += mine.get("pc") == frame["pc"]
            if not frame["function"] or not named(frame):
                continue
            count["named"] += 1
            count["functions"] += mine.get("pc") == frame["pc"] and same_name(frame["function"], mine.get("function"))
            if frame["file"]:
                count["placed"] += 1
                count["lines"] += mine.get("line") == frame["line"] and os.path.basename(mine.get("file") or "") == os.path.basename(frame["file"])
    return count


NAMED = {
    "files": lambda frame: not frame["signal"],
    # a .sym file of a library without DWARF knows public names only
    "symbols": lambda frame: not frame["signal"] and os.path.basename(frame["file"] or "") == "crash.c",
    "nothing": lambda frame: False,
}


def measure(read_stacks, program, kind, folder):
    """{mode: (counts, record)} of one death, and gdb's threads."""
    import core_to_dump
    core = core_of(program, kind, os.path.join(folder, "core"))
    threads = frames_of_gdb(program, core)
    data, modules = core_to_dump.convert(core_to_dump.Core(core))
    dump, symbols, nothing = (os.path.join(folder, n) for n in ("x.dmp", "symbols", "nothing"))
    with open(dump, "wb") as file:
        file.write(data)
    os.makedirs(nothing, exist_ok=True)
    write_symbols(modules, threads, symbols)
    options = {"files": [], "symbols": [f"sysroot={nothing}", f"symbols={symbols}"], "nothing": [f"sysroot={nothing}"]}
    result = {}
    for mode in MODES:
        found, record = frames_of_reader(read_stacks, dump, options[mode])
        # what a handler returns to is known by its code, or by expressions that .sym files cannot say
        result[mode] = (compare(threads, found, NAMED[mode], until_signal=mode == "symbols"), record)
    os.unlink(core)
    return result, threads
