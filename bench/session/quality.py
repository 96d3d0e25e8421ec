#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How good the groups of sessions are, on every labelled set, beside those of other methods; all are given the true number of groups.

  whorl       the default: whorl session evaluate -k K
  reference   the same in numpy (reference.py) with scikit-learn's k-means; not ranked
  kaboom      VAE + DEC on per-series min-max, as published, from whorl: narrower (--hidden, --epochs below), which the row space allows
  minmax-pca  per-series min-max of the last 100 steps, 20 principal components, k-means
  minirocket  random convolutions of globally z-scored series, standardised, 30 principal components, k-means
  dtw         dynamic time warping (Sakoe-Chiba band of a tenth) of z-scored series in 10 principal components, 50 steps; k-medoids
Prints ARI and AMI (means over seeds) and the mean rank by ARI."""
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import reference
import sets

SEEDS = 3
KABOOM = ["--method", "kaboom", "--hidden", "512", "--latent", "64", "--epochs", "100", "--variance", "0.95"]


def scores(label, group):
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score
    return adjusted_rand_score(label, group), adjusted_mutual_info_score(label, group)


def kmeans(z, label, k):
    from sklearn.cluster import KMeans
    return [scores(label, KMeans(k, n_init=10, random_state=seed).fit_predict(z)) for seed in range(SEEDS)]


def components(x, d):
    """Coordinates in the d first principal components, by way of the Gram matrix."""
    x = x - x.mean(0)
    value, vector = np.linalg.eigh(x @ x.T)
    value, vector = value[::-1][:d], vector[:, ::-1][:, :d]
    return vector * np.sqrt(np.maximum(value, 0))


def minmax_rows(sessions, steps=100):
    metrics = sessions[0].shape[1]
    rows = np.zeros((len(sessions), steps, metrics), np.float32)
    for row, x in zip(rows, sessions):
        x = np.nan_to_num(x[-steps:])
        row[steps - len(x):] = x
    least = rows.min(1, keepdims=True)
    span = rows.max(1, keepdims=True) - least
    rows -= least
    rows /= np.where(span > 0, span, 1)
    return rows.reshape(len(rows), -1)


def standardised(sessions):
    """Known everywhere, and z-scored over all readings of a metric, as one array (sessions, steps, metrics) of the median length."""
    steps = int(np.median([len(x) for x in sessions]))
    rows = np.stack([reference.resample(reference.known(x), steps) for x in sessions]).astype(np.float32)
    deviation = rows.std((0, 1))
    rows -= rows.mean((0, 1))
    rows /= np.where(deviation > 0, deviation, 1)
    return rows


def minirocket(rows, features=5000):
    random = np.random.default_rng(1)
    n, steps, metrics = rows.shape
    dilations = [1 << e for e in range(max(0, int(np.log2(max(1, (steps - 1) / 8)))) + 1)]
    out = []
    for dilation in dilations:
        for kernel in reference.KERNELS:
            count = int(2 ** random.uniform(0, np.log2(min(metrics, 9) + 1)))
            series = rows[:, :, random.choice(metrics, min(count, metrics), replace=False)].sum(2)
            series = np.pad(series, ((0, 0), (4 * dilation, 4 * dilation)))
            tap = [series[:, i * dilation:i * dilation + steps] for i in range(9)]
            convolved = 3 * sum(tap[i] for i in kernel) - sum(tap)
            bias = np.quantile(convolved[random.integers(n)], random.random(max(1, features // (84 * len(dilations)))))
            out += [(convolved > b).mean(1) for b in bias]
    out = np.stack(out, 1)
    deviation = out.std(0)
    return (out - out.mean(0)) / np.where(deviation > 0, deviation, 1)


def warping(rows, steps=50, dimensions=10):
    """Distances of all pairs."""
    n, _, metrics = rows.shape
    rows = np.stack([reference.resample(x, min(steps, len(x))) for x in rows])
    flat = rows.reshape(-1, metrics)
    if metrics > dimensions:
        _, vector = np.linalg.eigh(flat.T @ flat)
        rows = (flat @ vector[:, -dimensions:]).reshape(n, -1, dimensions)
    steps = rows.shape[1]
    band = max(1, steps // 10)
    first, second = np.triu_indices(n, 1)
    far = np.zeros((n, n))
    for at in range(0, len(first), 50000):
        a, b = rows[first[at:at + 50000]], rows[second[at:at + 50000]]
        cost = {}
        for i in range(steps):
            for j in range(max(0, i - band), min(steps, i + band + 1)):
                here = np.square(a[:, i] - b[:, j]).sum(1)
                before = [cost[p] for p in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if p in cost]
                cost[i, j] = here + np.minimum.reduce(before) if before else here
            cost = {p: c for p, c in cost.items() if p[0] >= i}
        far[first[at:at + 50000], second[at:at + 50000]] = np.sqrt(cost[steps - 1, steps - 1])
    return far + far.T


def medoids(far, k, seed):
    """k-medoids by alternation, from k-means++ starts; the best of 10."""
    random, best = np.random.default_rng(seed), (np.inf, None)
    for _ in range(10):
        centre = [random.integers(len(far))]
        while len(centre) < k:
            weight = np.square(far[:, centre].min(1))
            centre.append(random.choice(len(far), p=weight / weight.sum()) if weight.sum() else random.integers(len(far)))
        for _ in range(50):
            group = far[:, centre].argmin(1)
            moved = [members[far[np.ix_(members, members)].sum(1).argmin()] if len(members := np.flatnonzero(group == g)) else centre[g]
                     for g in range(k)]
            if moved == centre:
                break
            centre = moved
        cost = far[:, centre].min(1).sum()
        if cost < best[0]:
            best = cost, far[:, centre].argmin(1)
    return best[1]


def whorl(program, data, *options):
    out = []
    for seed in range(1, SEEDS + 1):
        cost = harness.command([program, "session", "evaluate", *data.arguments(), "--labels", data.labels, "-k", data.k, "--seed", seed,
                                "--no-ranking", "--format", "json", "--no-progress", *options])
        result = json.loads(cost.output)
        out.append((result["ari"], result["ami"]))
    return out


def measure(method, program, data, loaded):
    if method == "whorl":
        return whorl(program, data)
    if method == "kaboom":
        return whorl(program, data, *KABOOM)
    _, label, sessions, _ = loaded()
    if method == "reference":
        return kmeans(reference.Fingerprint(sessions)(sessions)[0], label, data.k)
    if method == "minmax-pca":
        return kmeans(components(minmax_rows(sessions), 20), label, data.k)
    rows = standardised(sessions)
    if method == "minirocket":
        return kmeans(components(minirocket(rows), 30), label, data.k)
    far = warping(rows)
    return [scores(label, medoids(far, data.k, seed)) for seed in range(SEEDS)]


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = __import__("argparse").RawDescriptionHelpFormatter
    parser.add_argument("--sets", default=",".join(sets.DEFAULT), help="also planted-hard, planted-gauges, each also with :SEED")
    parser.add_argument("--methods", default="whorl,kaboom,minmax-pca,minirocket,dtw")
    parser.add_argument("--sessions", type=int, default=2560, help="of a planted set")
    options = parser.parse_args()
    methods = options.methods.split(",")
    program = harness.program(options, "whorl") if {"whorl", "kaboom"} & set(methods) else None
    table = {}
    for name in options.sets.split(","):
        data, kept = sets.find(name, options.work, sessions=options.sessions), []

        def loaded():
            if not kept:
                kept.append(sets.read(data))
            return kept[0]
        for method in methods:
            found = np.array(measure(method, program, data, loaded))
            table[name, method] = found[:, 0].mean()
            print(f"{name}\t{method}\tARI {found[:, 0].mean():.3f} (sd {found[:, 0].std():.3f})\tAMI {found[:, 1].mean():.3f}", flush=True)
    from scipy.stats import rankdata
    names = options.sets.split(",")
    ranked = [m for m in methods if m != "reference"]
    ranks = np.array([rankdata([-round(table[n, m], 3) for m in ranked]) for n in names])
    print("\n| set | " + " | ".join(methods) + " |\n|---" * 1 + "|---" * len(methods) + "|")
    for n in names:
        print(f"| {n} | " + " | ".join(f"{table[n, m]:.3f}" for m in methods) + " |")
    print("| mean rank | " + " | ".join(f"{ranks[:, ranked.index(m)].mean():.2f}" if m in ranked else "-" for m in methods) + " |")


if __name__ == "__main__":
    main()
