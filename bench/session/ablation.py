#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each part of the fingerprint of growth adds: ARI of k-means with the true k, on the unit sphere, in numpy.

Beside jvm-oom and the planted sets there are blended ones: into every session of jvm-oom the histories of two sessions that died of other leaks,
each squeezed into a part that ends between half and four fifths of the session, held from there on, and scaled by .1 to .8. So other
structures grow by real amounts in real shapes, and stop. blended-on: the last 3 % of that growth go on to the end."""
import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import planted
import reference
import sets


def blend(sessions, label, on, seed=1):
    random = np.random.default_rng(seed)
    out = []
    for i, x in enumerate(sessions):
        x, n = np.array(x, float), len(x)
        for _ in range(2):
            other = sessions[random.choice(np.flatnonzero(label != label[i]))]
            start, stop = random.uniform(0, 0.4) * n, random.uniform(0.5, 0.8) * n
            time = np.arange(n)
            part = np.clip((time - start) / (stop - start), 0, 1)
            part = np.where(time < stop, part * (1 - on), 1 - on + on * (time - stop) / (n - stop))
            at = np.rint(part * (len(other) - 1)).astype(int)
            x += np.rint(random.uniform(0.1, 0.8) * (other[at] - other[0]))
        out.append(np.maximum(x, 0))
    return out


def parts(x):
    """Rates and monotonicities by window, and plain growths, of one session."""
    n = len(x)
    gain = lambda steps: np.maximum(x[-1] - x[max(0, n - steps)], 0)
    rate, straight = [], []
    for window in reference.WINDOWS:
        y = x[n - min(n, max(2, int(np.ceil(window * n)))):]
        edge = max(1, min(3, len(y) // 2))
        g = np.maximum(np.median(y[-edge:], 0) - np.median(y[:edge], 0), 0)
        path = np.abs(np.diff(y, axis=0)).sum(0)
        rate.append(g / window)
        straight.append(np.minimum(1, np.divide(g, path, out=np.zeros(len(g)), where=path > 0)))
    return gain(n), gain(30), rate, straight


def candidates(sessions):
    whole, last, rates, straights = zip(*(parts(np.asarray(x, float)) for x in sessions))
    least = lambda values, depth: np.array([np.min(v[:depth], 0) for v in values])
    s3, s4, m3, m4 = least(rates, 3), least(rates, 4), least(straights, 3), least(straights, 4)
    return {
        "share of growth, square root": np.sqrt(whole),
        "the same, last 30 steps": np.sqrt(last),
        "fourth root": np.array(whole) ** 0.25,
        "sustained over 3 windows, square root": np.sqrt(s3),
        "sustained, fourth root": s3 ** 0.25,
        "sustained, log(1 + s)": np.log1p(s3),
        "sustained, fourth root, monotone": s3 ** 0.25 * m3,
        "the same over 4 windows": s4 ** 0.25 * m4,
        "both (the default)": s3 ** 0.25 * m3 + s4 ** 0.25 * m4,
    }


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sessions", type=int, default=480, help="of the planted sets")
    options = parser.parse_args()
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    _, label, sessions, _ = sets.read(sets.find("jvm-oom", options.work))
    inputs = [("jvm-oom", sessions, label), ("blended", blend(sessions, label, 0), label), ("blended-on", blend(sessions, label, 0.03), label)]
    for name, hard in (("planted", False), ("planted-hard", True)):
        _, l, split, x, _, _ = planted.make(sessions=options.sessions, hard=hard)
        inputs.append((name, x[split == "known"], l[split == "known"]))
    table = {}
    for name, x, l in inputs:
        for candidate, f in candidates(x).items():
            length = np.linalg.norm(f, axis=1, keepdims=True)
            z = f / np.where(length > 0, length, 1)
            found = [adjusted_rand_score(l, KMeans(len(set(l)), n_init=10, random_state=s).fit_predict(z)) for s in range(2)]
            table.setdefault(candidate, []).append(np.mean(found))
    print("| weight of a metric | " + " | ".join(name for name, *_ in inputs) + " |\n|---" + "|---" * len(inputs) + "|")
    for candidate, row in table.items():
        print(f"| {candidate} | " + " | ".join(f"{v:.3f}" for v in row) + " |")


if __name__ == "__main__":
    main()
