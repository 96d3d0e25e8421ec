#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""minidumps.py READ_STACKS PRODUCERS: programs that die here, their cores turned into minidumps. Frames must be gdb's on the core: all of
them with the modules at hand; addresses all, and our own functions and lines, with .sym files only; with nothing at all the first
frame, and guesses must be called guesses. Exit status 77: gdb or pyelftools is missing."""
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


def main():
    gone = agreement.missing()
    if gone:
        print(f"skipped: no {gone}")
        return 77
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for variant, flags in VARIANTS:
            program = agreement.build(folder, variant, flags)
            for kind in agreement.KINDS:
                result, _ = agreement.measure(sys.argv[1], program, kind, folder)
                check(f"{variant} {kind}", result, found)
    print("\n".join(found) or "all frames agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
