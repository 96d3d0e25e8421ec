# SPDX-License-Identifier: Apache-2.0
"""shift.py ORACLE: shifts beside scipy and scikit-learn, and how often series that stay where they are are said to move."""
import subprocess
import sys

try:
    import numpy as np
    from scipy.stats import mannwhitneyu, rankdata
    from sklearn.preprocessing import RobustScaler
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

rng = np.random.default_rng(11)


def ask(pairs):
    text = "\n".join(" ".join(["shift", str(len(a)), str(len(b)), *map(repr, map(float, [*a, *b]))]) for a, b in pairs)
    done = subprocess.run([sys.argv[1]], input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [np.array(line.split(), dtype=float) for line in done.stdout.splitlines()]


def autocorrelation(x):
    x = x - x.mean()
    return (x[1:] * x[:-1]).sum() / max((x * x).sum(), 1e-300)


def test_against_outsiders():
    pairs = []
    for n, m, levels in ((5, 4, 0), (30, 12, 0), (100, 40, 3), (60, 60, 1), (2, 2, 0)):
        for shift in (0, 0.5, 3):
            a, b = rng.normal(size=n), rng.normal(shift, 1, m)
            pairs.append((np.round(a * levels) / levels, np.round(b * levels) / levels) if levels else (a, b))
    same = 0
    for (a, b), (before, now, effect, baro, p) in zip(pairs, ask(pairs)):
        assert np.isclose(before, np.median(a)) and np.isclose(now, np.median(b))
        expected = mannwhitneyu(b, a, alternative="two-sided", method="asymptotic")
        assert np.isclose(effect, 2 * expected.statistic / len(a) / len(b) - 1)
        assert np.isclose(baro, RobustScaler().fit(a.reshape(-1, 1)).transform(b.reshape(-1, 1)).max())
        ranks = rankdata(np.r_[a, b])
        if autocorrelation(ranks[:len(a)]) <= 0 and autocorrelation(ranks[len(a):]) <= 0:
            same += 1
            assert np.isclose(p, expected.pvalue, rtol=1e-9), (p, expected.pvalue)
        else:
            assert p >= expected.pvalue * (1 - 1e-9)
    assert same


def test_little_known():
    nan = np.nan
    answers = ask([([], []), ([1], [2]), ([nan, nan], [1, 2]), ([1, 1, 1], [1, 1, 1]), ([1, nan, 1, 1, 1], [nan, 2, 2, 2, 2])])
    assert [a[4] for a in answers[:4]] == [1, 1, 1, 1] and answers[4][2] == 1 and answers[4][3] == 1 and answers[4][4] < 0.05


def wander(n, r):
    x = np.empty(n)
    x[0] = rng.normal()
    for i in range(1, n):
        x[i] = r * x[i - 1] + np.sqrt(1 - r * r) * rng.normal()
    return x


def test_no_shift():
    """1,000 series each that stay: no more often said to move than stated (0.05, with three standard errors on top; half as much again
    where neighbours repeat each other, which can only be estimated)."""
    for r, allowed in ((0, 1), (0.5, 1.5), (0.9, 1.5)):
        rows = [wander(400, r) for _ in range(1000)]
        share = np.mean([a[4] <= 0.05 for a in ask([(x[:300], x[300:]) for x in rows])])
        assert share <= 0.05 * allowed + 3 * np.sqrt(0.05 * 0.95 / 1000), (r, share)


def test_shift():
    rows = [wander(400, 0.5) + 2 * (np.arange(400) >= 300) for _ in range(300)]
    assert np.mean([a[4] <= 1e-3 for a in ask([(x[:300], x[300:]) for x in rows])]) >= 0.95


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name}: ok")
