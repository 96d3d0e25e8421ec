# SPDX-License-Identifier: Apache-2.0
"""Compares lib/learn with scipy and scikit-learn: oracle.py PROGRAM, the built oracle.c."""
import subprocess
import sys

try:
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist
    from scipy.stats import fisher_exact, hypergeom, mannwhitneyu
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


def test_fisher():
    tables = [(0, 0, 0, 0), (1, 0, 0, 0), (1, 0, 0, 1), (8, 2, 1, 5), (0, 5, 5, 0), (3, 3, 3, 3), (100, 2, 1000, 5), (2, 7, 8, 2)]
    for most in (4, 12, 60, 1000, 40000):
        tables += [tuple(t) for t in rng.integers(0, most, (80, 4))]
        tables += [(a, b, c * 50, d * 50) for a, b, c, d in rng.integers(0, most, (20, 4))]
    answers = ask([["fisher", *table] for table in tables])
    for (a, b, c, d), answer in zip(tables, answers):
        expected = fisher_exact([[a, b], [c, d]])[1]
        assert np.isclose(answer[0], expected, rtol=1e-8, atol=1e-300), ((a, b, c, d), answer[0], expected)


def test_fisher_by_sums():
    """All tables of some margins, against the definition."""
    for marked, drawn, total in ((5, 5, 10), (7, 12, 30), (30, 20, 60), (40, 40, 80)):
        ks = np.arange(max(0, marked + drawn - total), min(marked, drawn) + 1)
        p = hypergeom.pmf(ks, total, marked, drawn)
        answers = ask([["fisher", k, marked - k, drawn - k, total - marked - drawn + k] for k in ks])
        for i, answer in enumerate(answers):
            assert np.isclose(answer[0], p[p <= p[i] * (1 + 1e-7)].sum(), rtol=1e-10), (marked, drawn, total, ks[i])


def test_amounts():
    """How much each side has: scipy's Mann-Whitney U test, and the score by its formula."""
    cases = []
    for n, levels, absent in ((8, 0, 0), (30, 0, 0.5), (60, 3, 0.3), (200, 5, 0.9), (40, 1, 0), (12, 0, 1.0)):
        side = rng.permutation(np.r_[1, 1, 2, 2, rng.integers(0, 3, n - 4)])
        value = rng.random(n) + 0.4 * (side == 1)
        value = np.ceil(value * levels) / levels if levels else value
        cases.append((side, np.float32(value * (rng.random(n) >= absent))))
    answers = ask([["amounts", len(side), *(x for pair in zip(side, value) for x in pair)] for side, value in cases])
    for (side, value), answer in zip(cases, answers):
        a, b = value[side == 1].astype(float), value[side == 2].astype(float)
        assert np.allclose(answer[:4], [(a > 0).sum(), (b > 0).sum(), a.mean(), b.mean()])
        if len(set(value[side > 0])) == 1:
            assert answer[5] == 1 and answer[6] == 0
            continue
        u = mannwhitneyu(a, b, alternative="two-sided", method="asymptotic")
        assert np.isclose(answer[4], 2 * u.statistic / len(a) / len(b) - 1)
        assert np.isclose(answer[5], u.pvalue, rtol=1e-9), (answer[5], u.pvalue)
        score = (a.mean() - b.mean()) * abs(answer[4]) * (1 + (a > 0).mean() - (b > 0).mean()) / 2
        assert np.isclose(answer[6], score if u.pvalue <= 0.05 else 0), answer


def test_levels():
    """What things are like where there are any: scipy's Mann-Whitney U test among those, corrected as a whole; ranked by the ratio of means."""
    n, m, least = 60, 12, 0.1
    side = rng.permutation(np.r_[1, 1, 2, 2, rng.integers(0, 3, n - 4)])
    value = np.float32(rng.normal(0, 3, (m, n)) + np.where(rng.random((m, 1)) < 0.7, 20, 0) + 4 * (side == 1) * rng.integers(0, 2, (m, 1)))
    value[rng.random((m, n)) < rng.choice([0, 0.4, 0.95], (m, 1))] = np.nan
    value[0, side == 2], value[1, side == 1], value[2] = np.nan, np.nan, 5
    value[3], value[4] = value[2], np.where(np.isnan(value[1]), value[1], 5)  # level with 2, and none inside
    value[3, np.flatnonzero(side == 1)[:1]] = np.nan
    [answer] = ask([["levels", n, m, least, *side, *value.ravel()]])
    rows = {int(row[0]): row[1:] for row in answer.reshape(m, 8)}
    assert sorted(rows) == list(range(m))
    raw, expected = [], {}
    for k in range(m):
        a, b = (x[~np.isnan(x)].astype(float) for x in (value[k, side == 1], value[k, side == 2]))
        mean = [x.mean() if len(x) else 0 for x in (a, b)]
        told = len(a) and len(b) and len(set(np.r_[a, b])) > 1
        u = mannwhitneyu(a, b, alternative="two-sided", method="asymptotic") if told else None
        raw.append(u.pvalue if told else 1)
        counts = len(a) and len(b) and len(a) >= least * (side == 1).sum() and sum(map(abs, mean))
        expected[k] = [len(a), len(b), *mean, 2 * u.statistic / len(a) / len(b) - 1 if told else 0, (mean[0] - mean[1]) / sum(map(abs, mean)) if counts else 0]
    adjusted = ask([["adjust", m, *raw]])[0]
    for k in range(m):
        assert np.allclose(np.delete(rows[k], 5), expected[k], atol=1e-12), (k, rows[k], expected[k])
        assert np.isclose(rows[k][5], adjusted[k], rtol=1e-9)
    order = [(-row[-1], -row[1]) for row in answer.reshape(m, 8)]
    assert order == sorted(order) and rows[0][0] and not rows[0][1] and rows[0][6] == 0 == rows[1][6] and order[0][0] < 0


def test_adjust():
    cases = [[0.5], [0.01, 0.02, 0.03], [1.0, 1.0], *(rng.random(n) ** 3 for n in (2, 10, 300))]
    cases.append(np.round(rng.random(100), 1))
    for p, answer in zip(cases, ask([["adjust", len(p), *p] for p in cases])):
        p = np.array(p)
        order = np.argsort(-p)
        expected = np.empty(len(p))
        expected[order] = np.minimum(1, np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1)))
        assert np.allclose(answer, expected, rtol=1e-12)


def test_pair_auc():
    cases = []
    for n, levels in ((3, 0), (20, 0), (40, 4), (60, 2)):
        truth = rng.integers(0, 4, n)
        truth[:3] = 0, 0, 1
        matrix = rng.random((n, n)) + 0.3 * (truth[:, None] == truth[None, :]) - 0.5
        matrix = np.round(matrix * levels) / levels if levels else matrix
        matrix = ((matrix + matrix.T) / 2).astype(np.float32)
        cases.append((n, truth, matrix))
    answers = ask([["ranking", n, *truth, *(f"{x:.9g}" for x in matrix.ravel())] for n, truth, matrix in cases])
    for (n, truth, matrix), answer in zip(cases, answers):
        i, j = np.triu_indices(n, 1)
        assert np.isclose(answer[0], metrics.roc_auc_score(truth[i] == truth[j], matrix[i, j]), rtol=1e-12), n


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name}: ok")
