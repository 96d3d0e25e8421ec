#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""minidumps.py READ_STACKS: the table of docs/results/formats.md: programs that die here, their cores turned into minidumps, and how far
the frames found in these equal gdb's on the core, of all threads: with the modules at hand, with .sym files only, with nothing."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/producers/minidump"))
import agreement  # noqa: E402

VARIANTS = [("-O0", ["-O0"]), ("-O2", ["-O2"]), ("-O2 -fno-omit-frame-pointer", ["-O2", "-fno-omit-frame-pointer"]),
            ("-O2 -static", ["-O2", "-static"]), ("-O1 -no-pie", ["-O1", "-no-pie"])]


def share(a, b):
    return f"{a}/{b} ({100 * a / b:.1f} %)" if b else "-"


def main():
    gone = agreement.missing()
    if gone:
        sys.exit(f"no {gone}")
    print("| built with | at hand | frames with gdb's address | function | line | found at any depth | not gdb's |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for i, (name, flags) in enumerate(VARIANTS):
            sums = {mode: {} for mode in agreement.MODES}
            program = agreement.build(folder, f"crash{i}", flags)
            for kind in agreement.KINDS:
                result, _ = agreement.measure(sys.argv[1], program, kind, folder)
                for mode in agreement.MODES:
                    for key, value in result[mode][0].items():
                        sums[mode][key] = sums[mode].get(key, 0) + value
            for mode in agreement.MODES:
                s = sums[mode]
                print(f"| {name} | {mode} | {share(s['addresses'], s['frames'])} | {share(s['functions'], s['named'])} | "
                      f"{share(s['lines'], s['placed'])} | {share(s['found'], s['frames'])} | {s['extra']} |", flush=True)


main()
