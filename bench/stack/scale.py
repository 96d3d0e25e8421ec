#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How bucketing grows: `whorl stack bucket` from neutral JSON lines, reading included, on 10,000 to 1,000,000 synthetic reports made
from real ones (synthesise.c); and, on the small sizes in the same run, the plain way: all pairs and the whole dendrogram
(brute_force.py: scipy and fastcluster). Prints a Markdown table and the exponent of growth; --plot writes an SVG.

The floor, per report: every byte of the JSON is read once (1.5 kB a report), and every pair of distinct stacks that is within
the cut must be compared once."""
import math
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpora
import harness
import plot


def exponent(points):
    """Slope of log y over log x by least squares."""
    x, y = [math.log(p[0]) for p in points], [math.log(p[1]) for p in points]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


def read_pairs(path):
    with open(path, encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t")[:2] for line in f]


def truth(path):
    """Labels in the order of the file, by a regular expression: json would take longer than what is measured."""
    label = re.compile(rb'"label":"([^"]*)"')
    with open(path, "rb") as f:
        return [label.search(line).group(1) for line in f]


def agreement(left, right):
    """(F of ReBucket, adjusted Rand index) of a grouping (right) with the truth (left)."""
    both, a, b = {}, {}, {}
    for x, y in zip(left, right):
        both[x, y] = both.get((x, y), 0) + 1
        a[x] = a.get(x, 0) + 1
        b[y] = b.get(y, 0) + 1
    best = {}
    for (x, y), n in both.items():
        best[x] = max(best.get(x, 0), 2 * n / (a[x] + b[y]))
    n = len(left)
    pairs = lambda c: sum(v * (v - 1) / 2 for v in c.values())
    expected = pairs(a) * pairs(b) / (n * (n - 1) / 2)
    ari = (pairs(both) - expected) / ((pairs(a) + pairs(b)) / 2 - expected)
    return sum(a[x] / n * f for x, f in best.items()), ari


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--sizes", default="10000,30000,100000,300000,1000000")
    parser.add_argument("--peer-up-to", type=int, default=10000, help="largest size for the plain way")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--plot", help="where the SVG goes")
    options = parser.parse_args()
    options.rounds = min(options.rounds, 3)
    whorl = harness.program(options, "whorl")
    work = pathlib.Path(options.work)
    sizes = [int(s) for s in options.sizes.split(",")]
    print(f"Measured on {harness.machine()}.\n")
    plain = []  # first: a child counts the memory of its parent until it starts its own program, and what follows needs some
    print("The plain way, beside whorl (both with g = 0, d = 0.67), on the same reports:\n")
    for n in (1000, 3000, 10000):
        if n > options.peer_up_to:
            continue
        path, normal, ours, theirs = corpora.synthetic(options, n), work / "normal.jsonl", work / "ours.tsv", work / "theirs.tsv"
        harness.command([whorl, "stack", "show", "--quiet", "--format", "jsonl", path], output=normal)
        with open(normal, encoding="utf-8") as f:  # each report without frames has a bucket of its own, which is no work for anyone
            lines = [line for line in f if '"frames":[]' not in line]
        normal.write_text("".join(lines), encoding="utf-8")
        print(f"{len(lines):,} reports with frames:\n")
        costs = harness.compare({
            "whorl": lambda: harness.command([whorl, "stack", "bucket", "--g", "0", "--d", "0.67", "--threads", options.threads,
                                              "--no-progress", "--format", "tsv", normal], output=ours),
            "all pairs, scipy and fastcluster": lambda: harness.command(
                ["/usr/bin/python3", pathlib.Path(__file__).with_name("brute_force.py"), normal], output=theirs),
        }, 1 if n > 3000 else options.rounds)
        plain.append((n, costs["all pairs, scipy and fastcluster"][0].cpu))
        a, b = [g for _, g in read_pairs(ours)[1:]], [g for _, g in read_pairs(theirs)]
        print(f"\nAgreement of the two groupings: ARI {agreement(a, b)[1]:.4f}.\n", flush=True)
    print("| reports | MB | distinct stacks | buckets | bugs | F | ARI | wall s | CPU s | peak MiB |\n" + "|---" * 10 + "|")
    wall, cpu = [], []
    for n in sizes:
        path = corpora.synthetic(options, n)
        groups = work / "groups.tsv"
        argv = [whorl, "stack", "bucket", "--threads", options.threads, "--no-progress", "--format", "tsv", path]
        costs = [harness.command(argv, output=groups) for _ in range(options.rounds if n <= 100000 else 1)]
        labels, found = truth(path), [g for _, g in read_pairs(groups)[1:]]
        f, ari = agreement(labels, found)
        distinct = re.search(r"(\d+) distinct, in (\d+)", costs[0].talk)
        w, c = sorted(x.wall for x in costs)[len(costs) // 2], sorted(x.cpu for x in costs)[len(costs) // 2]
        wall.append((n, w))
        cpu.append((n, c))
        print(f"| {n:,} | {path.stat().st_size / 1e6:.0f} | {int(distinct[1]):,} | {int(distinct[2]):,} | {len(set(labels)):,} | {f:.3f} | {ari:.3f} | "
              f"{w:.2f} | {c:.2f} | {max(x.rss for x in costs) / 2**20:.0f} |", flush=True)
    if len(sizes) > 1:
        print(f"\nGrowth: wall ~ n^{exponent(wall):.2f}, CPU ~ n^{exponent(cpu):.2f} over all sizes; CPU ~ n^{exponent(cpu[-2:]):.2f} over the last two.")
    print(f"\n{harness.machine()} at the end.")
    if options.plot:
        series = [("whorl stack bucket, CPU", cpu), ("whorl stack bucket, wall", wall), ("all pairs, CPU", plain)]
        plot.log_log(options.plot, "Bucketing, from JSON lines to groups", "reports", "seconds", [s for s in series if s[1]])


main()
