#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""K-means, internal indices, principal components and dendrograms of lib/learn beside scikit-learn's and scipy's on the same floats, in turn
in one run. CPU seconds of the computation alone, of all threads: neither reading nor importing counts. Results are compared, too.

Run it with the BLAS as the processor deserves: OPENBLAS_CORETYPE unset. Both sides use that BLAS."""
import pathlib
import resource
import sys
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness

try:
    import numpy as np
    from scipy.cluster.hierarchy import linkage
    from sklearn import metrics
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits
except ImportError as error:
    print(f"skipped: {error}", file=sys.stderr)
    sys.exit(harness.SKIPPED)

SETS = {  # points, values, clusters: sessions as whorl has them, and more points of fewer values
    "sessions": (2560, 592, 20),
    "many": (100_000, 50, 20),
    "middle": (10_000, 50, 20),
}
JOBS = {  # which sets
    "kmeans": ("sessions", "many"),
    "starts": ("sessions", "many"),
    "internal": ("sessions", "middle"),
    "pca": ("sessions", "many"),
    "ward": ("sessions", "middle"),
}


def make(n, d, k, path):
    if not path.exists():
        rng = np.random.default_rng(n)
        centre = rng.normal(size=(k, d)) * 0.5
        (centre[rng.integers(0, k, n)] + rng.normal(size=(n, d))).astype(np.float32).tofile(path)
    return np.fromfile(path, dtype=np.float32).reshape(n, d)


def peer(job, x, k):
    """The same computation by scikit-learn or scipy: the number that the program prints."""
    if job == "kmeans":
        return KMeans(k, init=x[:k], n_init=1, tol=0, algorithm="lloyd").fit(x).inertia_
    if job == "starts":
        return KMeans(k, n_init=10, random_state=0).fit(x).inertia_
    if job == "internal":
        labels = np.arange(len(x)) % k
        metrics.davies_bouldin_score(x, labels)
        metrics.calinski_harabasz_score(x, labels)
        return metrics.silhouette_score(x, labels)
    if job == "pca":
        return PCA(k, svd_solver="full").fit(x).explained_variance_.sum()
    return linkage(x.astype(float), "ward")[-1, 2]


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", default=",".join(JOBS), help="some of these")
    options = parser.parse_args()
    program, work = harness.program(options, "vectors"), pathlib.Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    print(harness.machine())
    for job in options.jobs.split(","):
        for name in JOBS[job]:
            n, d, k = SETS[name]
            path = work / f"vectors-{n}-{d}.f32"
            x, results = make(n, d, k, path), {}

            def ours(threads):
                done = harness.command([program, job, n, d, k, threads, path])
                cpu, wall, results[f"whorl {threads}"] = map(float, done.output.split())
                return harness.Cost(wall, cpu, done.rss)

            def theirs(threads):
                with threadpool_limits(threads):
                    wall, cpu = time.monotonic(), time.process_time()
                    results[f"peer {threads}"] = peer(job, x, k)
                    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
                return harness.Cost(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)

            print(f"\n{job}, {n} x {d}, k = {k}")
            threads = options.threads
            harness.compare({
                "whorl, 1 thread": lambda: ours(1), "peer, 1 thread": lambda: theirs(1),
                f"whorl, {threads} threads": lambda: ours(threads), f"peer, {threads} threads": lambda: theirs(threads),
            }, options.rounds)
            print("results:", ", ".join(f"{who} {value:.9g}" for who, value in results.items()))


main()
