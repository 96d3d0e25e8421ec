#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clusterfuzz.py PROGRAM [--format NAME] [--misses]: how many of ClusterFuzz's own test logs get the crash type and crash state
that ClusterFuzz gives them. PROGRAM is `whorl` or the tests' `read_stacks`. Reads $WHORL_DATA/stacks/clusterfuzz (default
~/.cache/whorl-data): reports/*.txt and expected.tsv, whose PROVENANCE.txt says where they are from. The first record of a log
counts; `*` is not compared; a log without a crash must give no record, or one without a type."""
import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys

# Logs that readers of later rounds will take: how their names begin.
LATER = ("cdb_", "gdb_", "android_", "check_failure_android", "fuchsia_", "jazzer_js", "trusty_", "swift_")


def first_record(program, forced, path):
    if os.path.basename(program) == "whorl":
        command = [program, "stack", "show", "--format", "jsonl", "--raw", str(path)]
    else:
        command = [program] + (["--format", forced] if forced else []) + [str(path)]
    out = subprocess.run(command, capture_output=True, timeout=60)
    line = out.stdout.decode("utf-8", "replace").partition("\n")[0]
    return json.loads(line) if line else {}


def lines(text):
    return [line for line in (text or "").split("\n") if line]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--format")
    parser.add_argument("--misses", action="store_true", help="print what differs")
    arguments = parser.parse_args()
    folder = pathlib.Path(os.environ.get("WHORL_DATA", pathlib.Path.home() / ".cache/whorl-data")) / "stacks/clusterfuzz"
    if not folder.is_dir():
        print(f"skipped: no {folder}")
        return 77
    with open(folder / "expected.tsv", encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    counts = {}
    for name, want_type, want_state, needs in (row + [""] * (4 - len(row)) for row in rows):
        got = first_record(arguments.program, arguments.format, folder / "reports" / name)
        got_type = "/".join(lines(got.get("crash_type")))
        got_state = ";;".join(lines(got.get("crash_state")))
        type_ok = want_type == "*" or want_type == got_type
        state_ok = want_state == "*" or want_state == got_state
        for group in ["all rows"] + ([] if needs else ["without needs", "later" if name.startswith(LATER) else "this round"]):
            n = counts.setdefault(group, [0, 0, 0, 0])
            n[0] += 1
            n[1] += type_ok
            n[2] += state_ok
            n[3] += type_ok and state_ok
        if arguments.misses and not needs and not (type_ok and state_ok):
            print(f"{name} [{got.get('format', 'no reader')}]")
            if not type_ok:
                print(f"    type  {want_type!r}\n      got {got_type!r}")
            if not state_ok:
                print(f"    state {want_state!r}\n      got {got_state!r}")
    for group, (n, types, states, both) in counts.items():
        print(f"{group}: {n} rows, type {types} ({types / n:.1%}), state {states} ({states / n:.1%}), both {both} ({both / n:.1%})")
    return 0


sys.exit(main())
