#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""minidumps.py READ_STACKS PRODUCERS CORES: the small cores of four machines as minidumps give the frames that are kept beside them, with
the program and with its symbols alone. Then programs that die here, their cores turned into minidumps. Frames must be gdb's on the core: all of
them with the modules at hand; addresses all, and our own functions and lines, with .sym files only; with nothing at all the first
frame, and guesses must be called guesses. Exit status 77: gdb or pyelftools is missing."""
import json
import os
import sys
import tempfile

sys.path.insert(0, sys.argv[2] + "/minidump")
import agreement  # noqa: E402

VARIANTS = [("O0", ["-O0"]), ("O2", ["-O2"])]
REASONS = {"abort": "SIGABRT", "thread": "SIGSEGV / SEGV_MAPERR"}


def check(name, result, found):
    def must(condition, what):
        if not condition:
            found.append(f"{name}: {what}")
    for mode in agreement.MODES:
        count, record = result[mode]
        kind = name.split()[1]
        must(record.get("reason") == REASONS.get(kind, "SIGSEGV / SEGV_MAPERR"), f"{mode}: reason is {record.get('reason')}")
        must(record.get("platform") == "linux-x86_64" and record.get("app") == name.split()[0], f"{mode}: app or platform")
        must(count["frames"] > 3, f"{mode}: gdb has {count['frames']} frames")
        frames = record["frames"]
        must(frames and frames[0]["trust"] == "context", f"{mode}: the first frame is not the context's")
        must(all(f.get("unreliable", False) == (f["trust"] == "scan") for f in frames), f"{mode}: a guess that is not called one")
        if mode != "nothing":
            must(count["addresses"] == count["frames"], f"{mode}: {count}")
            must(count["functions"] == count["named"] and count["lines"] == count["placed"], f"{mode}: {count}")
            must(kind == "handler" or not any(f.get("unreliable") for f in frames), f"{mode}: guesses")
        elif kind != "jump":
            must(frames[0].get("offset") and frames[0].get("module") and frames[0].get("build_id"), f"{mode}: {frames[0]}")


def check_machines(found, folder):
    import core_to_dump
    import write_sym
    for machine in ("x86_64", "x86", "arm64", "arm"):
        program = os.path.join(sys.argv[3], machine + ".elf")
        data, modules = core_to_dump.convert(core_to_dump.Core(os.path.join(sys.argv[3], machine + ".core")), program=program)
        with open(os.path.join(folder, "x.dmp"), "wb") as file:
            file.write(data)
        write_sym.write(program, folder)
        with open(os.path.join(sys.argv[3], machine + ".jsonl"), encoding="utf-8") as file:
            wanted = json.loads(file.readline())

        def facts(frame):
            return (frame.get("function"), frame.get("offset"), frame.get("line"), frame.get("address"), frame.get("inlined"), frame["trust"])
        for options in ([], [f"sysroot={folder}/nothing", f"symbols={folder}"]):
            _, record = agreement.frames_of_reader(sys.argv[1], os.path.join(folder, "x.dmp"), options)
            ours, theirs = [facts(f) for f in record["frames"]], [facts(f) for f in wanted["frames"]]
            # that there is nothing beyond _start, .ARM.exidx tells alone: a .sym file does not
            guessed = options and machine == "arm" and all(f["trust"] == "scan" for f in record["frames"][len(theirs):])
            if (ours[:len(theirs)] if guessed else ours) != theirs or record["platform"] != f"linux-{machine}":
                found.append(f"{machine} {options}: {ours}, not {theirs}")


def main():
    gone = agreement.missing()
    if gone:
        print(f"skipped: no {gone}")
        return 77
    found = []
    with tempfile.TemporaryDirectory() as folder:
        if os.path.isdir(sys.argv[3]):
            check_machines(found, folder)
        for variant, flags in VARIANTS:
            program = agreement.build(folder, variant, flags)
            for kind in agreement.KINDS:
                result, _ = agreement.measure(sys.argv[1], program, kind, folder)
                check(f"{variant} {kind}", result, found)
    print("\n".join(found) or "all frames agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
