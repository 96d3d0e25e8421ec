#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_kinds.py WHORL: the second chance across kinds of reports (lib/pipeline/kinds.h), on a constructed case. Three bugs are seen alike
under gdb and under a sanitizer; the fourth is seen at different depths, with too little in common for the cut. Only where the reports are
of two kinds are its two faces one bucket, and a third fault that only one kind saw stays alone."""
import json
import pathlib
import subprocess
import sys
import tempfile

whorl = sys.argv[1]


def report(name, kind, functions):
    return {"id": name, "format": kind, "frames": [{"function": f} for f in functions]}


def buckets(reports, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "reports.jsonl"
        path.write_text("".join(json.dumps(r) + "\n" for r in reports))
        out = subprocess.run([whorl, "stack", "bucket", "--quiet", "--format", "jsonl", "--d", "0.4", *options, path], capture_output=True,
                             text=True, check=True).stdout
    return {r["id"]: r["group"] for r in map(json.loads, out.splitlines())}


def corpus(gdb, sanitizer):
    reports = []
    for i in range(12):
        kind = (gdb, sanitizer)[i % 2]
        for bug in "abc":
            reports.append(report(f"{bug}{i}", kind, [f"{bug}_crash", f"{bug}_inner", f"{bug}_outer", "run", "main"]))
    for i in range(3):
        reports.append(report(f"deep{i}", gdb, ["late_one", "late_two", "d_parse", "d_load", "d_open", "d_start", "run", "main"]))
        reports.append(report(f"early{i}", sanitizer, ["soon_one", "soon_two", "soon_three", "d_parse", "d_load", "d_open", "d_start", "run", "main"]))
        reports.append(report(f"lonely{i}", gdb, ["lonely_crash", "lonely_inner", "run", "main"]))
    return reports


def check(what, holds):
    if not holds:
        print(f"not ok {what}")
        sys.exit(1)
    print(f"ok {what}")


two = buckets(corpus("gdb", "sanitizer"))
check("bugs that both kinds see alike are one bucket each", len({two[f"{b}{i}"] for b in "abc" for i in range(12)}) == 3)
check("two kinds: the two faces of a bug are one bucket", len({two[f"{n}{i}"] for n in ("deep", "early") for i in range(3)}) == 1)
check("a fault that only one kind saw stays alone", two["lonely0"] not in {two["deep0"], two["a0"], two["b0"], two["c0"]})
one = buckets(corpus("gdb", "gdb"))
check("one kind: the cut decides", one["deep0"] != one["early0"])
exact = buckets(corpus("gdb", "sanitizer"), "--similarity", "pdm")
check("a similarity without kinship: the cut decides", exact["deep0"] != exact["early0"])
