#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""t-SNE of lib/learn beside scikit-learn's (Barnes-Hut) on the same floats and with the same settings, in turn in one run: CPU seconds of all
threads, and the divergence of both maps computed in the same way, over all pairs. The largest set is ours alone: the goal is 60 s of wall
time on two quiet cores, or 120 CPU seconds.

scikit-learn's gradient is four times ours: its learning rate is a quarter of ours for the same step. OMP_NUM_THREADS is 1: its threads would wait
by spinning."""
import json
import os
import pathlib
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness

try:
    import numpy as np
    from sklearn.manifold import TSNE
except ImportError as error:
    print(f"skipped: {error}", file=sys.stderr)
    sys.exit(harness.SKIPPED)

SETS = {"small": (2560, 50, True), "middle": (10_000, 50, True), "large": (100_000, 50, False)}  # points, values, whether the peer is asked
ITERATIONS, CENTRES = 1000, 30


def make(n, d, path):
    """Points about centres that overlap in part."""
    if not path.exists():
        rng = np.random.default_rng(n)
        centres = rng.normal(size=(CENTRES, d)) * 1.2
        (centres[rng.integers(0, CENTRES, n)] + rng.normal(size=(n, d))).astype(np.float32).tofile(path)
    return np.fromfile(path, dtype=np.float32).reshape(n, d)


def peer(x, path):
    """CPU seconds of scikit-learn's; its map goes to path."""
    model = TSNE(perplexity=30, early_exaggeration=12, learning_rate=max(len(x) / 12, 50) / 4, init="pca", n_iter=ITERATIONS, random_state=0, n_jobs=1)
    start = time.process_time()
    model.fit_transform(x).astype(np.float32).tofile(path)
    return time.process_time() - start, model.kl_divergence_


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--threads", default="2")
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)}; all")
    options = parser.parse_args()
    work = pathlib.Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    print(harness.machine())
    print("| points | neighbours, CPU s (wall) | iterations, CPU s (wall) | divergence | scikit-learn, CPU s | its divergence | ours / its |")
    print("|---|---|---|---|---|---|---|")
    for name in options.sets or SETS:
        n, d, beside = SETS[name]
        path, map_ = work / f"points-{n}-{d}.f32", work / f"map-{n}-{d}.f32"
        x = make(n, d, path)
        cpu, _ = peer(x, map_) if beside else (None, None)
        argv = [harness.program(options, "map"), path, n, d, ITERATIONS, options.threads, *([map_] if beside else [])]
        parts, divergence = map(json.loads, harness.command(argv).output.splitlines())
        ours, its = divergence["divergence"], divergence.get("theirs")
        print(f"| {n:,} | {parts['affinity_cpu']:.1f} ({parts['affinity_wall']:.1f}) | {parts['descent_cpu']:.1f} ({parts['descent_wall']:.1f}) | {ours:.4f} | "
              + (f"{cpu:.1f} | {its:.4f} | {ours / its:.4f} |" if beside else "– | – | – |"), flush=True)


main()
