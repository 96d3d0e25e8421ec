#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Do explanations name the cause? Of every category that whorl finds (k unknown), the label that most of its sessions have, and whether one of the
metrics that planted.csv names for it is among the first three, and is the first, that each analysis of `session explain` gives. Of the analysis onset the
first three are those that moved first among those that set the category apart; `level with` counts categories in which a planted metric was the first, or as early
as any, in half of the sessions."""
import argparse
import collections
import csv
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import sets


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sets", default="jvm-oom,planted,planted-hard")
    parser.add_argument("--sessions", type=int, default=2560, help="of a planted set")
    parser.add_argument("--analyses", default="contrast,presence,absence,average,mutation,onset")
    parser.add_argument("--show", action="store_true", help="print the first three of every category")
    parser.add_argument("cluster", nargs="*", help="further options of cluster and explain, after --")
    options = parser.parse_args()
    program = harness.program(options, "whorl")
    for name in options.sets.split(","):
        data = sets.find(name, options.work, sessions=options.sessions)
        common = [*data.arguments(), *options.cluster, "--no-progress"]
        groups = harness.command([program, "session", "cluster", *common, "--format", "tsv"]).output.decode()
        labels = collections.defaultdict(collections.Counter)
        for row in csv.DictReader(io.StringIO(groups), delimiter="\t"):
            labels[row["group"]][data.label[row["id"]]] += 1
        planted = collections.defaultdict(set)
        with open(data.folder / "planted.csv", newline="") as f:
            for row in csv.DictReader(f):
                planted[row["label"]].add(row["metric"])
        for analysis in options.analyses.split(","):
            score(program, name, analysis, common, labels, planted, options)


def score(program, name, analysis, common, labels, planted, options):
    done = harness.command([program, "session", "explain", *common, "--analysis", analysis, "--features", 10, "--format", "json"])
    told = json.loads(done.output)
    first = among = level = 0
    for group in told["groups"]:
        (label, count), = labels[group["group"]].most_common(1)
        named = [f["name"] for f in group["features"][:3]]
        first += named[:1] != [] and named[0] in planted[label]
        among += any(n in planted[label] for n in named)
        level += any(f["name"] in planted[label] and f["score"] >= 0.5 for f in group["features"])
        if options.show:
            print(f"  {label} ({count} of {group['size']}): {', '.join(n + ('*' if n in planted[label] else '') for n in named)}")
    n = len(told["groups"])
    print(f"{name}: {analysis}: {n} categories; a planted metric first in {first} ({first / n:.0%}), among the first three in {among} ({among / n:.0%})"
          + (f", level with the first in {level} ({level / n:.0%})" if analysis == "onset" else "") + f"; {done.cpu:.1f} CPU s", flush=True)


if __name__ == "__main__":
    main()
