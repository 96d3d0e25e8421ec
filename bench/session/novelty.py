#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is new: random halves of the known sessions train a model, the other half and the emerging ones are assigned. Over the splits: the area
under the ROC curve of the distance (emerging against known), how many emerging ones are flagged, and the share of known ones that are flagged
all the same, which is to be the stated rate (--alarm).

Exchangeability promises the mean over splits: P(flag) <= alarm. In one split the number of flags is beta-binomial, since all look at the same
sessions held back; the bench counts the splits that lie within the 95 % interval of a binomial with the stated rate as well, as strict as it is."""
import argparse
import concurrent.futures
import csv
import io
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import sets


def area(low, high):
    """Probability that one of high is above one of low; equal ones half."""
    low = np.sort(low)
    return (np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")).mean() / (2 * len(low))


def split(program, data, parts, work, number, extra, alarm):
    """{part: [(distance, p, is_new)]} of `known` and `emerging`."""
    table = work / f"parts-{number}.csv"
    table.write_text("session,part\n" + "".join(f"{s},{p}\n" for s, p in parts.items()))
    arguments = [data.series, "--sessions", table] + (["--change-encoded"] if data.changes else [])
    model = work / f"parts-{number}.model"
    harness.command([program, "session", "train", *arguments, "--where", "part=train", "--alarm", alarm, *extra, "-o", model, "--format", "json",
                     "--no-progress"])
    out = harness.command([program, "session", "assign", *arguments, "--where", "part!=train", "--model", model, "--format", "tsv",
                           "--no-progress"]).output
    found = {"test": [], "emerging": []}
    for row in csv.DictReader(io.StringIO(out.decode()), delimiter="\t"):
        if parts.get(row["id"]) in found:
            found[parts[row["id"]]].append((float(row["distance"]), float(row["p_value"]), row["is_new"] == "true"))
    table.unlink()
    model.unlink()
    return {part: np.array(rows, float) for part, rows in found.items()}


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--set", default="jvm-oom", help="jvm-oom, planted or planted-hard")
    parser.add_argument("--sessions", type=int, default=2560, help="of a planted set")
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--alarm", type=float, default=0.05)
    parser.add_argument("--jobs", type=int, default=1, help="splits at a time")
    parser.add_argument("train", nargs="*", help="further options of train, after --")
    options = parser.parse_args()
    program = harness.program(options, "whorl")
    work = pathlib.Path(options.work) / "sessions"
    data, emerging = (sets.find(options.set, options.work, split=s, sessions=options.sessions) for s in ("known", "emerging"))
    known = sorted(data.label)
    from scipy.stats import binom

    def measure(number):
        order = np.random.default_rng(number).permutation(len(known))
        parts = {known[i]: "train" if at < len(known) // 2 else "test" for at, i in enumerate(order)}
        parts |= {s: "emerging" for s in emerging.label}
        found = split(program, data, parts, work, number, options.train, options.alarm)
        old, new = found["test"], found["emerging"]
        low, high = binom.interval(0.95, len(old), options.alarm)
        row = (area(old[:, 0], new[:, 0]), area(-old[:, 1], -new[:, 1]), new[:, 2].mean(), old[:, 2].mean(), low <= old[:, 2].sum() <= high)
        print(number, *(f"{v:.4f}" for v in row), file=sys.stderr, flush=True)
        return row
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        result = list(pool.map(measure, range(options.splits)))
    auc, auc_p, detected, false, inside = np.array(result).T
    mean, error = false.mean(), false.std(ddof=1) / np.sqrt(len(false)) if len(false) > 1 else np.nan
    print(f"{options.set}: {len(known)} known, {len(emerging.label)} emerging, {options.splits} splits, alarm {options.alarm}")
    print(f"AUC by distance: mean {auc.mean():.4f}, least {auc.min():.4f}; by p-value (with ties): mean {auc_p.mean():.4f}, least {auc_p.min():.4f}")
    print(f"emerging flagged: mean {detected.mean():.3f}, least {detected.min():.3f}")
    print(f"known flagged: mean {mean:.4f} (95 % of the mean: {mean - 1.96 * error:.4f} to {mean + 1.96 * error:.4f}), "
          f"quartiles {np.quantile(false, 0.25):.4f} to {np.quantile(false, 0.75):.4f}; {inside.mean():.0%} of the splits within the binomial 95 %")


if __name__ == "__main__":
    main()
