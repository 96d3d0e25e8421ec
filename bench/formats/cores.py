#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cores.py WHORL [--least SHARE] [--only NAME] [--keep DIR]: builds the programs of tests/producers/core in several manners, lets each die
in several ways, and holds the frames that whorl reads from the cores beside gdb's, thread by thread. A frame is equal where its function
and its address (of an inlined one, its place) are; what differs is listed. Two kinds of gdb's frames are counted apart: tail calls, which it
makes up from DW_TAG_call_site and which have no frame on the stack, and what it reads from a smashed stack as return addresses although no
code is mapped there (whorl looks for the next address that is one). Exits with 77 where gdb or a
compiler for C is missing, with 1 where less than SHARE of the frames are equal."""
import argparse
import collections
import difflib
import glob
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "tests/producers/core"
MOST = 300 # frames of a thread that are held beside each other; as in frames_of_gdb.py
C_WAYS = ["null", "abort", "assert", "divide", "overflow", "smash", "jump", "wild", "data", "sort", "handler", "fault-handler", "other-stack",
          "thread", "library", "longjmp", "read-only"]
CXX_WAYS = ["virtual", "operator", "thrown", "at", "lambda", "thread"]
RUST_WAYS = ["index", "unwrap", "null", "closure", "thread"]
GO_WAYS = ["index", "nil", "panic", "goroutine"]

# name, command (without output), ways
MANNERS = [
    ("c-O0", ["gcc", "-g", "-O0", "crash.c"], C_WAYS),
    ("c-O2", ["gcc", "-g", "-O2", "crash.c"], C_WAYS),
    ("c-O2-no-pie", ["gcc", "-g", "-O2", "-no-pie", "crash.c"], ["null", "jump", "sort", "thread", "handler"]),
    ("c-O2-static", ["gcc", "-g", "-O2", "-static", "crash.c"], ["null", "abort", "jump", "sort", "thread", "fault-handler"]),
    ("c-O2-static-pie", ["gcc", "-g", "-O2", "-static-pie", "crash.c"], ["null", "jump", "sort"]),
    ("c-O2-stripped", ["gcc", "-O2", "-s", "crash.c"], ["null", "abort", "sort", "thread", "jump"]),
    ("c-O2-symbols-only", ["gcc", "-O2", "crash.c"], ["null", "sort", "thread"]),
    ("c-O1-frame-pointers", ["gcc", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables",
                             "-fno-dwarf2-cfi-asm", "crash.c"], ["null", "sort", "thread"]),
    ("c-protected", ["gcc", "-g", "-O2", "-fstack-protector-all", "crash.c"], ["smash", "null"]),
    ("c-clang-O2", ["clang-14", "-g", "-O2", "crash.c"], ["null", "jump", "sort", "thread", "fault-handler"]),
    ("c-dwarf4-types", ["gcc", "-g", "-gdwarf-4", "-O2", "-fdebug-types-section", "crash.c"], ["null", "sort"]),
    ("c-compressed", ["gcc", "-g", "-gz", "-O2", "crash.c"], ["null"]),
    ("c-x86", ["gcc", "-m32", "-g", "-O2", "-I/usr/include/x86_64-linux-gnu", "crash.c"],
     ["null", "abort", "jump", "sort", "thread", "handler", "fault-handler", "overflow"]),
    ("cxx-O0", ["g++", "-g", "-O0", "crash.cc"], CXX_WAYS),
    ("cxx-O2", ["g++", "-g", "-O2", "crash.cc"], CXX_WAYS),
    ("cxx-clang-O2", ["clang++-14", "-g", "-O2", "crash.cc"], ["virtual", "lambda", "thrown"]),
    ("rust-debug", ["rustc", "-g", "-C", "panic=abort", "crash.rs"], RUST_WAYS),
    ("rust-release", ["rustc", "-g", "-O", "-C", "panic=abort", "crash.rs"], RUST_WAYS),
    ("go", ["go", "build", "crash.go"], GO_WAYS),
]


def build(folder, command, output):
    """True where the program was built."""
    if not shutil.which(command[0]):
        return False
    place = ["-o", str(output)]
    command = command[:2] + place + command[2:] if command[0] == "go" else command + place
    if command[0].startswith(("gcc", "g++", "clang")):
        command += ["-w", "-pthread"]
    run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                         env=dict(os.environ, GOFLAGS="-mod=mod", GO111MODULE="off", GOCACHE=str(folder / "go-cache")))
    return run.returncode == 0


def no_limit():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_STACK, (2 << 20, resource.RLIM_INFINITY))


def crash(folder, program, way):
    """The core of the program's death, or None: by the kernel where it writes files, else by gdb."""
    here = folder / f"{program.name}.{way}"
    here.mkdir()
    subprocess.run([str(program), way], cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, preexec_fn=no_limit,
                   env=dict(os.environ, GOTRACEBACK="crash"))
    cores = glob.glob(str(here / "core*"))
    if not cores:
        subprocess.run(["gdb", "-batch", "-nx", "-iex", "set debuginfod enabled off", "-ex", "run", "-ex", "generate-core-file core",
                        "--args", str(program), way], cwd=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                       env=dict(os.environ, GOTRACEBACK="crash"))
        cores = glob.glob(str(here / "core*"))
    return cores[0] if cores else None


def by_gdb(program, core):
    run = subprocess.run(["gdb", "-batch", "-nx", "-iex", "set debuginfod enabled off", "-iex", "set auto-load off",
                          "-x", str(pathlib.Path(__file__).with_name("frames_of_gdb.py")), str(program), core],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"thread"')]


def by_whorl(whorl, core):
    run = subprocess.run([whorl, "stack", "show", "--raw", "--format", "jsonl", "--quiet", core], stdout=subprocess.PIPE, text=True, check=True)
    record = json.loads(run.stdout)
    return record, [{"thread": record.get("thread"), "frames": record["frames"]}] + record.get("threads", [])


def code_of(core):
    """Where a core says that code was mapped."""
    run = subprocess.run(["readelf", "-lW", core], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return [(int(m.group(1), 16), int(m.group(2), 16)) for m in re.finditer(r"LOAD +\S+ (0x\w+) \S+ \S+ (0x\w+) R?W?[RW ]* ?E", run.stdout)]


def demangled(names):
    """Readable names without parameters, in the order given."""
    lines = "\n".join(name or "" for name in names)
    run = subprocess.run(["c++filt", "-p"], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.split("\n")[:len(names)]


def plain(name):
    """What two tools agree on in a name: its last part, without parameters, template arguments, Rust's hash, a compiler's suffix."""
    if not name:
        return "?"
    name = re.sub(r"^<signal handler called>$", "signal", name)
    name = name.replace("(anonymous namespace)", "{anonymous}")
    depth, out = 0, ""
    operator = re.search(r"operator\s*(\(\)|<<|>>|<=>|<=|>=|<|>|->\*?)", name)
    if operator and operator.group(1) == "()":
        name = name.replace("operator()", "operator{}")
    for at, c in enumerate(name):
        if c in "<([" and not name[:at].endswith("operator"):
            depth += 1
        elif c in ">)]" and depth and name[at - 1] != "-":
            depth -= 1
        elif not depth:
            out += c
    out = re.sub(r"::h[0-9a-f]{16}$", "", out).rstrip(":")
    out = re.sub(r"\{\{?(closure|impl|shim)[^{}]*\}\}?", r"\1", out)
    out = re.sub(r"\.(isra|constprop|part|cold|lto_priv|llvm)(\.\d+)*$", "", out)
    out = re.sub(r"\s*(const|&)$", "", out.strip())
    return re.split(r"::| ", out)[-1].lstrip("_") or "?"


def compare(ours, theirs, code, counts, differences):
    """Adds the frames of one thread."""
    names = demangled([f.get("function") for f in ours])
    mine = [("signal" if f.get("handler") else plain(n), None if f.get("inlined") else int(f["address"], 16)) for f, n in zip(ours, names)]
    wanted, kept = [], []
    for i, f in enumerate(theirs):
        if f["kind"] == "tailcall":
            counts["tailcall"] += 1
            continue
        if i and not any(start <= f["pc"] < start + size for start, size in code):
            counts["no code"] += 1
            continue
        kept.append(f)
        wanted.append(("signal" if f["kind"] == "signal" else plain(f["name"]), None if f["kind"] == "inline" else f["pc"]))
    # gdb calls the frame that a function was inlined into by that frame's own address; so do we, with the inlined ones above it
    for block in difflib.SequenceMatcher(None, mine, wanted, autojunk=False).get_opcodes():
        kind, a, b, c, d = block
        if kind == "equal":
            counts["equal"] += d - c
            for mine_at, their_at in zip(range(a, b), range(c, d)):
                if kept[their_at]["line"] and ours[mine_at].get("line"):
                    counts["lines"] += 1
                    counts["same lines"] += kept[their_at]["line"] == ours[mine_at]["line"]
            continue
        counts["gdb only"] += d - c
        counts["whorl only"] += b - a
        differences.append((mine[a:b], wanted[c:d]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("whorl")
    parser.add_argument("--least", type=float, default=0.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    if not shutil.which("gdb") or not shutil.which("gcc") or not shutil.which("c++filt"):
        print("skipped: no gdb, gcc or c++filt")
        sys.exit(77)
    folder = pathlib.Path(arguments.keep or tempfile.mkdtemp(prefix="whorl-cores-"))
    folder.mkdir(exist_ok=True)
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    total, lacking, wrong = collections.Counter(), [], []
    try:
        print(f"{'program':22} {'way':14} {'frames':>7} {'equal':>7} {'gdb only':>9} {'ours only':>9} {'tail calls':>10} {'no code':>7}  reason")
        for name, command, ways in MANNERS:
            program = folder / name
            if not re.search(arguments.only, name):
                continue
            if not build(folder, command, program):
                lacking.append(name)
                continue
            for way in ways:
                core = crash(folder, program, way)
                theirs = by_gdb(program, core) if core else None
                if not theirs:
                    lacking.append(f"{name} {way}")
                    continue
                record, ours = by_whorl(arguments.whorl, core)
                counts, differences, code = collections.Counter(), [], code_of(core)
                of_thread = {int(t["thread"]): t["frames"] for t in ours if t.get("thread")}
                for i, thread in enumerate(theirs):
                    mine = ours[0]["frames"] if i == 0 else of_thread.get(thread["thread"], [])
                    if len(thread["frames"]) == MOST: # gdb was told to stop there
                        mine = mine[:MOST]
                    compare(mine, thread["frames"], code, counts, differences)
                total += counts
                if way == "assert" and "Assertion" not in record.get("message", ""):
                    wrong.append(f"{name} {way}: no message")
                if way == "overflow" and record.get("crash_type") != "Stack-overflow":
                    wrong.append(f"{name} {way}: no stack overflow")
                gdb_frames = counts["equal"] + counts["gdb only"]
                print(f"{name:22} {way:14} {gdb_frames:7} {counts['equal']:7} {counts['gdb only']:9} {counts['whorl only']:9} "
                      f"{counts['tailcall']:10} {counts['no code']:7}  {record.get('reason', '')} {record.get('crash_type', '')}", flush=True)
                for mine, wanted in differences[:6]:
                    print(f"    whorl {show(mine)}\n    gdb   {show(wanted)}")
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    frames = total["equal"] + total["gdb only"]
    if not frames:
        print("skipped: no core could be made")
        sys.exit(77)
    share = total["equal"] / frames
    print(f"{frames} frames of gdb's, {total['equal']} equal ({100 * share:.1f} %), {total['whorl only']} that only whorl has; beside them "
          f"{total['tailcall']} tail calls and {total['no code']} frames where no code is; lines equal: {total['same lines']} of {total['lines']}")
    print(f"not made here: {', '.join(lacking) or 'none'}")
    print("\n".join(wrong))
    sys.exit(share < arguments.least or bool(wrong))


def show(frames):
    text = ", ".join(f"{name}@{address:x}" if address is not None else f"{name} (inlined)" for name, address in frames[:4])
    return text + (f" and {len(frames) - 4} more" if len(frames) > 4 else "")


if __name__ == "__main__":
    main()
