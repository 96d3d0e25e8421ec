#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long one report waits: a store with some 100,000 buckets, made from synthetic reports that have more bugs than real ones do (so that
there are that many), then `whorl stack assign --timing` of further reports. Prints the time of every step, and the median and the 99th
percentile of one assignment as the program itself measures them.

The floor, per report: one transaction's fsync shared by a batch, and a comparison with every stack that shares a rare frame."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpora
import harness


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--reports", type=int, default=620000, help="in the store")
    parser.add_argument("--further", type=int, default=10000)
    parser.add_argument("--bugs", default="0.93", help="discount of bugs; see synthesise")
    options = parser.parse_args()
    whorl, work = harness.program(options, "whorl"), pathlib.Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    whole, first, rest, store = (work / n for n in ("online.jsonl", "online-first.jsonl", "online-further.jsonl", "online.db"))
    harness.command([harness.program(options, "synthesise"), "--reports", options.reports + options.further, "--bugs", options.bugs, "--seed", "3",
                     *corpora.real(options)], output=whole)
    with open(whole, "rb") as f, open(first, "wb") as head, open(rest, "wb") as tail:
        for i, line in enumerate(f):
            (head if i < options.reports else tail).write(line)
    whole.unlink()
    for path in work.glob("online.db*"):
        os.unlink(path)
    common = ["--store", store, "--no-progress"]
    print(f"Measured on {harness.machine()}.\n\n| step | wall s | CPU s | peak MiB | what it said |\n|---|---|---|---|---|")
    steps = [("import", ["import", first]), ("bucket the store", ["bucket"]), ("assign, one by one", ["assign", "--timing", rest])]
    for name, argv in steps:
        output = work / "online.out"
        cost = harness.command([whorl, "stack", *argv[:1], *common, *argv[1:]], output=output)
        said = " ".join(cost.talk.split())[-300:]
        print(f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.rss / 2**20:.0f} | {said} |", flush=True)
    print(f"\n{harness.machine()} at the end.")


main()
