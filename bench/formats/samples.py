#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""samples.py WHORL [--samples DIR] [--format NAME] [--all]: how many real reports are claimed by the right reader and give the crashing
function that a person reads in them. Reads DIR (default $WHORL_DATA/stacks/samples, else ~/.cache/whorl-data), files of many tools'
own tests, and samples.tsv beside this script: what was expected of each file, written by hand before any reader had seen it.

The first record of a file counts: its format, and the first frame of `stack show`, which is normalised: compared is the function, or,
where there is none, the module's file name with its offset. The note's `also: A || B` are other answers that a person would take (`-`:
none), `also-format: a,b` other readers. A file whose format is `none` must not be claimed. samples-known.tsv says why what is missed is
missed, for those that were looked at."""
import argparse
import csv
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def first_record(whorl, path):
    out = subprocess.run([whorl, "stack", "show", "--format", "jsonl", "--no-progress", str(path)], capture_output=True, timeout=120)
    if out.returncode not in (0, 1):  # 1: nothing read
        return {"format": f"exit {out.returncode}"}
    line = out.stdout.decode("utf-8", "replace").partition("\n")[0]
    return json.loads(line) if line else {}


def base(module):
    return re.split(r"[/\\]", module)[-1]


def names_of(record):
    """Every way to say the first frame."""
    frames = record.get("frames", [])
    if not frames:
        return {""}
    frame = frames[0]
    function, module = frame.get("function"), base(frame.get("module", ""))
    if function and not function.startswith("?"):
        return {function}
    if not module and function:
        module = function[1:]
    if not module:
        return {""}
    names = {module}
    if module == base(frame.get("file", "")):  # a place in a source, where no function is named
        names.add("")
    if "offset" in frame:
        names.add(f"{module}+{frame['offset']}")
    return names


def wanted(row):
    """Formats and functions that are right."""
    path, form, function, note = (row + [""] * 4)[:4]
    formats, functions = {form}, {function}
    found = re.search(r"also-format: ([^;]*)", note)
    if found:
        formats |= {name.strip() for name in found.group(1).split(",")}
    found = re.search(r"also: (.*)$", note)
    if found:
        functions |= {"" if name.strip() == "-" else name.strip() for name in found.group(1).split("||")}
    return path, form, formats, function, functions


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("whorl")
    data = pathlib.Path(os.environ.get("WHORL_DATA", pathlib.Path.home() / ".cache/whorl-data"))
    parser.add_argument("--samples", type=pathlib.Path, default=data / "stacks/samples")
    parser.add_argument("--format", help="only files that are of this format")
    parser.add_argument("--all", action="store_true", help="print every file, not only what is missed")
    arguments = parser.parse_args()
    if not arguments.samples.is_dir():
        print(f"skipped: no {arguments.samples}")
        return 77
    known = {path: reason for path, reason in rows_of(HERE / "samples-known.tsv")}
    counts, misses = {}, []
    for row in rows_of(HERE / "samples.tsv"):
        path, form, formats, function, functions = wanted(row)
        if arguments.format and form != arguments.format:
            continue
        record = first_record(arguments.whorl, arguments.samples / path)
        got_format, got = record.get("format", "none"), names_of(record)
        format_ok = got_format in formats
        # a file that is no report has no function; one that may be none is not asked for it when it is not claimed
        function_ok = format_ok and (got_format == "none" or bool(got & functions))
        n = counts.setdefault(form, [0, 0, 0])
        n[0] += 1
        n[1] += format_ok
        n[2] += function_ok
        if arguments.all or not (format_ok and function_ok):
            misses.append((path, form, got_format, function, "+".join(sorted(got, key=len)[-1:]), known.get(path, "")))
    print(f"{'format':<20}{'files':>6}{'format':>8}{'function':>10}")
    for form in sorted(counts):
        print(f"{form:<20}{counts[form][0]:>6}{counts[form][1]:>8}{counts[form][2]:>10}")
    total = [sum(n[i] for n in counts.values()) for i in range(3)]
    if total[0]:
        print(f"{'all':<20}{total[0]:>6}{total[1]:>8}{total[2]:>10}   {total[1] / total[0]:.1%}, {total[2] / total[0]:.1%}")
    for path, form, got_format, function, got, reason in misses:
        print(f"{path}\n    format {form}, got {got_format}; function {function or '(none)'}, got {got or '(none)'}"
              + (f"\n    {reason}" if reason else ""))
    return 0


sys.exit(main())
