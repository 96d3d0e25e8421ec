# SPDX-License-Identifier: Apache-2.0
"""Compares lib/learn with scipy and scikit-learn: oracle.py PROGRAM, the built oracle.c."""
import subprocess
import sys

try:
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist
    from sklearn import metrics
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

rng = np.random.default_rng(1)


def ask(questions):
    text = "\n".join(" ".join(map(str, q)) for q in questions)
    done = subprocess.run([sys.argv[1]], input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [np.array(line.split(), dtype=float) for line in done.stdout.splitlines()]


def first_seen(labels):
    """Groups numbered from 0 by their smallest point."""
    seen = {}
    return [seen.setdefault(label, len(seen)) for label in labels]


def test_dense():
    cases = []
    for n in (2, 3, 5, 17, 60, 150):
        for method in ("complete", "average", "single"):
            points = rng.random((n, 3)).astype(np.float32)
            matrix = pdist(points).astype(np.float32)
            tree = linkage(matrix.astype(float), method)
            cuts = [-1.0] + [float(h) for h in (tree[:-1, 2] + tree[1:, 2]) / 2][:: max(1, n // 10)] + [9.0]
            cases.append((n, method, matrix, tree, cuts))
    answers = ask([["dense", m, 0, n, *(f"{x:.9g}" for x in matrix), len(cuts), *cuts] for n, m, matrix, _, cuts in cases])
    for (n, method, _, tree, cuts), answer in zip(cases, answers):
        rows = answer[: 4 * (n - 1)].reshape(n - 1, 4)
        assert np.array_equal(rows[:, [0, 1, 3]], tree[:, [0, 1, 3]]), (n, method)
        assert np.allclose(rows[:, 2], tree[:, 2], rtol=1e-5), (n, method)
        for i, d in enumerate(cuts):
            got = answer[4 * (n - 1) + i * n :][:n].astype(int).tolist()
            assert got == first_seen(fcluster(tree, d, "distance")), (n, method, d)


def test_dense_weighted():
    """A point of weight w gives the same heights as w points in one place."""
    cases = []
    for n in (4, 20, 50):
        points, weight = rng.random((n, 3)), rng.integers(1, 5, n)
        heavy = linkage(pdist(np.repeat(points, weight, axis=0)), "average")
        cases.append((n, weight, pdist(points), heavy[heavy[:, 2] > 1e-9]))
    answers = ask([["dense", "average", 1, n, *w, *(f"{x:.9g}" for x in m), 0] for n, w, m, _ in cases])
    for (n, _, _, tree), answer in zip(cases, answers):
        assert np.allclose(answer.reshape(n - 1, 4)[:, 2], tree[:, 2], rtol=1e-5), n


def test_quality():
    cases = [([0], [0]), ([0, 1], [0, 0]), ([0, 0], [1, 0]), ([0, 0, 1, 1], [1, 1, 0, 0]), ([0] * 9, [3] * 9)]
    for n in (3, 10, 100, 800):
        for k, m in ((2, 2), (3, 20), (n, 3), (2, n), (max(1, n // 3), max(1, n // 5)), (n, n), (1, 4)):
            truth = rng.integers(0, min(k, n), n)
            cases.append((truth, rng.integers(0, min(m, n), n)))
            cases.append((truth, np.where(rng.random(n) < 0.8, truth, rng.integers(0, min(m, n), n))))
            cases.append((np.minimum(rng.zipf(1.5, n), n) - 1, truth))
    answers = ask([["quality", len(t), *t, *g] for t, g in cases])
    for (truth, group), answer in zip(cases, answers):
        expected = [
            metrics.adjusted_rand_score(truth, group),
            metrics.adjusted_mutual_info_score(truth, group),
            metrics.normalized_mutual_info_score(truth, group),
        ]
        if first_seen(truth) == first_seen(group):
            expected = [1, 1, 1]  # where all points are single, scikit-learn's is rounding noise over rounding noise
        assert np.allclose(answer, expected, rtol=1e-9, atol=1e-9), (len(truth), answer, expected)


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name}: ok")
