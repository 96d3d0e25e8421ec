#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How good the buckets are: whorl's own similarity and the published ones, on the same reports, with the same effort of training.

Writes a Markdown report (--output, default standard output). Every number comes from `whorl stack train` and `whorl stack evaluate`;
this script only divides the data, runs them and does the statistics of differences. Needs no Python modules.

  landscape   every set: each method with its default cut, the cut calibrated without labels, the cut trained elsewhere (mean of
              the best cuts of the other families of data), and the best cut there is (trained on the very labels: an upper bound)
  halvings    launchpad, divided at random by bucket into halves, 20 times: all parameters of every method are trained on one half and
              scored on the other, both ways; differences are paired
"""
import concurrent.futures
import csv
import json
import math
import pathlib
import random
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness

# name, family, labels (None: in the records), inputs
SETS = (
    ("launchpad", "field", "launchpad-ubuntu/labels.tsv", ["launchpad-ubuntu/reports"]),
    ("mozilla", "signature", None, ["mozilla-crashsimilarity/mozilla.jsonl"]),
    ("syzkaller", "title", "SYZKALLER", ["syzkaller"]),
    ("sqlite gdb", "fuzzing", "sqlite-fixes/labels.tsv", ["sqlite-fixes/gdb"]),
    ("sqlite asan", "fuzzing", "sqlite-fixes/labels.tsv", ["sqlite-fixes/asan"]),
    ("sqlite gdb+asan", "fuzzing", "sqlite-fixes/labels.tsv", ["sqlite-fixes/gdb", "sqlite-fixes/asan"]),
    ("sqlite gdb O2", "fuzzing", "sqlite-fixes/labels.tsv", ["sqlite-fixes/gdb_O2"]),
    ("sqlite gdb+asan+O2", "fuzzing", "sqlite-fixes/labels.tsv", ["sqlite-fixes/gdb", "sqlite-fixes/asan", "sqlite-fixes/gdb_O2"]),
    ("arvo, bugs of several reports", "state", "ARVO", ["arvo/arvo.jsonl"]),
    ("casr gdb", "casr", "CASR", ["casr/test_clustering_gdb"]),
    ("casr san", "casr", "CASR", ["casr/test_clustering_san"]),
    ("clusterfuzz, states of several reports", "log", "CLUSTERFUZZ", ["clusterfuzz/reports"]),
)

PLAIN = ["--keep-machinery"]
# name, options; the first is ours. Plain frames: names are normalised and repeats collapsed, as ReBucket and FaST do; nothing is dropped.
METHODS = (
    ("whorl", []),
    ("PDM as published (plain frames, complete linkage)", ["--similarity", "pdm", "--linkage", "complete", *PLAIN]),
    ("PDM on whorl's frames, complete", ["--similarity", "pdm", "--linkage", "complete"]),
    ("PDM on whorl's frames, average", ["--similarity", "pdm", "--linkage", "average"]),
    ("FaST on plain frames, complete", ["--similarity", "fast", "--linkage", "complete", *PLAIN]),
    ("FaST on plain frames, average", ["--similarity", "fast", "--linkage", "average", *PLAIN]),
    ("FaST on whorl's frames, complete", ["--similarity", "fast", "--linkage", "complete"]),
    ("FaST on whorl's frames, average", ["--similarity", "fast", "--linkage", "average"]),
    ("TraceSim on whorl's frames, average", ["--similarity", "tracesim", "--linkage", "average"]),
    ("tf-idf on whorl's frames, average", ["--similarity", "tfidf", "--linkage", "average"]),
    ("prefix on whorl's frames, average", ["--similarity", "prefix", "--linkage", "average"]),
    ("exact stack", ["--similarity", "exact"]),
)
# Without a grid: their one parameter is not worth a training.
UNTRAINED = {"exact stack"}
LANDSCAPE = [m for m in METHODS if m[0] in {
    "whorl", "PDM as published (plain frames, complete linkage)", "PDM on whorl's frames, complete", "FaST on plain frames, average",
    "FaST on whorl's frames, average", "tf-idf on whorl's frames, average", "prefix on whorl's frames, average", "exact stack"}]


class Bench:
    def __init__(self, options):
        self.options = options
        self.whorl = harness.program(options, "whorl")
        self.folder = harness.data_folder("stacks")
        self.work = pathlib.Path(options.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.cpu = 0.0

    def run(self, *argv):
        cost = harness.command([self.whorl, "stack", *argv, "--threads", "1", "--quiet"])
        self.cpu += cost.cpu
        return cost.output

    def evaluate(self, inputs, options):
        return json.loads(self.run("evaluate", "--no-ranking", "--format", "json", *options, *inputs))

    def train(self, inputs, options, model):
        return json.loads(self.run("train", "--folds", "0", "--format", "json", "-o", model, *options, *inputs))

    def labels(self, name, labels, inputs):
        """Path of the set's labels, made where they are not a file of the data."""
        path = self.work / f"{name.replace(' ', '-').replace(',', '')}.labels.tsv"
        if labels is None:
            return None
        if labels == "SYZKALLER":
            return write(path, [(r[0], r[1]) for r in rows(self.folder / "syzkaller/labels.tsv") if r[5] != "Y"])
        if labels == "ARVO":
            records = [json.loads(line) for line in open(self.folder / inputs[0], encoding="utf-8")]
            return write(path, several((r["id"], r.get("label", "")) for r in records))
        if labels == "CASR":
            return write(path, [(str(p.relative_to(self.folder / inputs[0])), json.loads(p.read_bytes()).get("CrashLine", ""))
                                for p in sorted((self.folder / inputs[0]).rglob("*.casrep"))])
        if labels == "CLUSTERFUZZ":
            return write(path, several((r[0], r[2]) for r in rows(self.folder / "clusterfuzz/expected.tsv") if r[2] not in ("", "*")))
        return self.folder / labels


def rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        return [r for r in list(csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE))[1:] if r]


def several(pairs):
    """Those whose label at least two have; the others keep their place in the table, without a label."""
    pairs = list(pairs)
    count = {}
    for _, label in pairs:
        count[label] = count.get(label, 0) + 1
    return [(i, label if count[label] > 1 else "") for i, label in pairs]


def write(path, pairs):
    with open(path, "w", encoding="utf-8") as f:
        f.write("id\tlabel\n")
        f.writelines(f"{i}\t{label}\n" for i, label in pairs)
    return path


def given(params, keys):
    return [text for key in keys for text in (f"--{key}", str(params[key]))]


# ---- landscape ----

def landscape(bench):
    """{(set, method): {column: (F, ARI, d)}}"""
    result, best_d = {}, {}
    for name, family, labels, inputs in SETS:
        paths = [bench.folder / i for i in inputs]
        file = bench.labels(name, labels, inputs)
        with_labels = ["--labels", file] if file else []
        for method, options in LANDSCAPE:
            cell = result.setdefault((name, method), {})
            calibrated = bench.evaluate(paths, with_labels + options)
            params = calibrated["params"]
            cell["n"] = (calibrated["n"], calibrated["classes"])
            cell["calibrated"] = (calibrated["f"], calibrated["ari"], params.get("d"))
            if method in UNTRAINED:
                cell["best"] = cell["default"] = cell["calibrated"]
                continue
            default_d = bench.default_d[method]
            same = abs(params["d"] - default_d) < 1e-9
            default = calibrated if same else bench.evaluate(paths, with_labels + options + ["--d", default_d])
            cell["default"] = (default["f"], default["ari"], default_d)
            fixed = given(params, [k for k in params if k not in ("d", "linkage")])
            model = bench.work / "landscape.model"
            bench.train(paths, with_labels + options + fixed, model)
            best = bench.evaluate(paths, with_labels + ["--model", model])
            cell["best"] = max((best["f"], best["ari"], best["params"]["d"]), cell["default"], cell["calibrated"])
            best_d.setdefault(method, {}).setdefault(family, []).append(cell["best"][2])
            cell["options"] = with_labels + options
        print(f"landscape: {name} done", file=sys.stderr)
    for name, family, labels, inputs in SETS:
        for method, _ in LANDSCAPE:
            cell = result[name, method]
            if method in UNTRAINED:
                cell["elsewhere"] = cell["default"]
                continue
            d = statistics.mean(statistics.mean(v) for f, v in best_d[method].items() if f != family)
            e = bench.evaluate([bench.folder / i for i in inputs], cell["options"] + ["--d", f"{d:.3f}"])
            cell["elsewhere"] = (e["f"], e["ari"], d)
    return result


def landscape_tables(result, out):
    names = [s[0] for s in SETS]
    methods = [m[0] for m in LANDSCAPE]
    for title, column in (("Calibrated without labels (what a user gets who gives no option)", "calibrated"),
                          ("Best cut there is (chosen on these very labels: an upper bound for everyone)", "best")):
        print(f"\n#### {title}: F / ARI\n\n| set (reports with a label, classes) | " + " | ".join(methods) + " |\n|---" * 1
              + "|---" * len(methods) + "|", file=out)
        for name in names:
            n, classes = result[name, methods[0]]["n"]
            cells = [result[name, m][column] for m in methods]
            top = max(c[0] for c in cells)
            print(f"| {name} ({n}, {classes}) | " + " | ".join(
                (f"**{f:.3f}**" if f > top - 0.0005 else f"{f:.3f}") + f" / {ari:.3f}" for f, ari, _ in cells) + " |", file=out)
    print("\n#### Where the cut comes from: F of whorl, and of the two main peers on whorl's frames (d in brackets)\n\n"
          "| set | method | default | trained elsewhere | calibrated | best |\n|---|---|---|---|---|---|", file=out)
    for name in names:
        for method in ("whorl", "PDM on whorl's frames, complete", "FaST on whorl's frames, average"):
            cell = result[name, method]
            print(f"| {name} | {method} | " + " | ".join(f"{cell[c][0]:.3f} ({cell[c][2]:.2f})" for c in
                                                        ("default", "elsewhere", "calibrated", "best")) + " |", file=out)


# ---- halvings ----

def halves(bench, n):
    """n divisions of launchpad by bucket: paths of pairs of neutral files."""
    whole = bench.run("show", "--raw", "--format", "jsonl", "--labels", bench.folder / "launchpad-ubuntu/labels.tsv",
                      bench.folder / "launchpad-ubuntu/reports").splitlines()
    label = [json.loads(line).get("label", "") for line in whole]
    result = []
    for k in range(n):
        buckets = sorted(set(label))
        random.Random(k).shuffle(buckets)
        first = set(buckets[:len(buckets) // 2])
        pair = []
        for side in (True, False):
            path = bench.work / f"half-{k}-{'ab'[side]}.jsonl"
            path.write_bytes(b"\n".join(line for line, l in zip(whole, label) if (l in first) == side) + b"\n")
            pair.append(path)
        result.append(pair)
    return result


def one_halving(bench, pair, number):
    """[{method: (F, ARI)}] of both directions."""
    result = []
    for train_on, test_on in (pair, pair[::-1]):
        scores = {}
        for method, options in METHODS:
            if method in UNTRAINED:
                e = bench.evaluate([test_on], options)
            else:
                model = bench.work / f"half-{number}.model"
                bench.train([train_on], options, model)
                e = bench.evaluate([test_on], ["--model", model])
            scores[method] = (e["f"], e["ari"])
        result.append(scores)
    return result


def interval(differences, seed=1):
    """Mean, and the bootstrap's 95 % interval over divisions; the two directions of a division stay together: they are not independent."""
    pairs = [statistics.mean(differences[i:i + 2]) for i in range(0, len(differences), 2)]
    rng = random.Random(seed)
    means = sorted(statistics.mean(rng.choices(pairs, k=len(pairs))) for _ in range(4000))
    return statistics.mean(pairs), means[100], means[3899]


def halvings(bench, n, out):
    pairs = halves(bench, n)
    with concurrent.futures.ThreadPoolExecutor(bench.options.jobs) as pool:
        runs = [s for r in pool.map(lambda k: one_halving(bench, pairs[k], k), range(n)) for s in r]
    ours = METHODS[0][0]
    print(f"\n| method | F | ARI | F of whorl less its F (95 % interval) | whorl better in |\n|---|---|---|---|---|", file=out)
    gaps = {}
    for method, _ in METHODS:
        f = [r[method][0] for r in runs]
        differences = [r[ours][0] - r[method][0] for r in runs]
        mean, low, high = interval(differences)
        gaps[method] = mean
        wins = sum(d > 0 for d in differences)
        gap = "" if method == ours else f"{mean:+.3f} ({low:+.3f} … {high:+.3f})"
        print(f"| {method} | {statistics.mean(f):.3f} | {statistics.mean(r[method][1] for r in runs):.3f} | {gap} | "
              + ("" if method == ours else f"{wins} of {len(runs)}") + " |", file=out)
    return gaps


# ---- the report ----

def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--output")
    parser.add_argument("--halvings", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="halvings at work at once")
    parser.add_argument("--only", choices=("landscape", "halvings"))
    options = parser.parse_args()
    bench = Bench(options)
    tiny = bench.work / "two.jsonl"
    tiny.write_text('{"id":"1","label":"x","frames":[{"function":"a"}]}\n{"id":"2","label":"x","frames":[{"function":"b"}]}\n')
    bench.default_d = {m: bench.evaluate([tiny], o)["params"].get("d", math.nan) for m, o in METHODS}
    out = open(options.output, "w", encoding="utf-8") if options.output else sys.stdout
    print(f"Measured on {harness.machine()}.", file=out)
    if options.only != "halvings":
        print("\n### Every set, every method", file=out)
        landscape_tables(landscape(bench), out)
    if options.only != "landscape":
        print(f"\n### Launchpad in halves: {options.halvings} divisions by bucket, both ways, everything trained on the other half", file=out)
        halvings(bench, options.halvings, out)
    print(f"\n{bench.cpu:.0f} seconds of CPU in whorl; {harness.machine()} at the end.", file=out)


main()
