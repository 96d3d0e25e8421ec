# SPDX-License-Identifier: Apache-2.0
"""trend.py ORACLE: trends beside scipy, and how often series without one are called growing."""
import subprocess
import sys

try:
    import numpy as np
    from scipy.stats import t, theilslopes, ttest_1samp
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

rng = np.random.default_rng(5)


def ask(word, rows):
    text = "\n".join(" ".join([word, *map(repr, map(float, row))] if word == "student" else [word, str(len(row)), *map(repr, map(float, row))])
                     for row in rows)
    done = subprocess.run([sys.argv[1]], input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [np.array(line.split(), dtype=float) for line in done.stdout.splitlines()]


def test_student():
    rows = [(x, f) for x in (-40, -3, -0.5, 0, 1e-3, 0.7, 2, 5, 37, 1e4) for f in (1, 2, 3.5, 10, 63, 1000)]
    for (x, f), [p] in zip(rows, ask("student", rows)):
        assert np.isclose(p, t.sf(x, f), rtol=1e-9, atol=1e-300), (x, f, p, t.sf(x, f))


def test_short_series():
    """Every value an end of a block: scipy's slope and t-test; with more than 16 blocks a second one."""
    rows = [np.cumsum(rng.normal(0.3, 1, n)) for n in (3, 4, 10, 17, 33, 65) for _ in range(6)]
    for row, (slope, growth, p, blocks) in zip(rows, ask("trend", rows)):
        assert blocks == len(row) - 1 and np.isclose(growth, row[-1] - row[0])
        assert np.isclose(slope, theilslopes(row)[0])
        tests = [row] if blocks <= 16 else [row, row[::int(blocks) // 16]]
        expected = min(max(ttest_1samp(np.diff(x), 0, alternative="greater").pvalue, 2.0 ** (1 - len(x))) if growth > 0 else 1 for x in tests)
        assert np.isclose(p, min(1, len(tests) * expected), rtol=1e-8)


def test_few_values():
    answers = ask("trend", [[], [1], [1, 2], [np.nan, 3, np.nan], [1, 2, 3], [0, 0, 0, 0], [5, np.nan, 7, np.nan, 9]])
    assert [a[2] for a in answers] == [1, 1, 1, 1, 0.25, 1, 0.25] and answers[6][0] == 1


def test_long_line():
    [[slope, growth, p, blocks]] = ask("trend", [np.arange(10000) * 0.5])
    assert blocks == 64 and np.isclose(slope, 0.5) and growth == 4999.5 and p == 2.0 ** -63


def share_below(rows, rate):
    return np.mean([a[2] <= rate for a in ask("trend", rows)])


def test_no_trend():
    """Series that go nowhere, 1,000 of each: called growing no more often than stated (0.05, with three standard errors on top)."""
    n, rate = 160, 0.05
    phase = rng.integers(0, 20, 1000)
    kinds = {
        "level with noise": rng.normal(size=(1000, n)),
        "random walk": np.cumsum(rng.normal(size=(1000, n)), axis=1),
        "sawtooth": np.array([(np.arange(n) + s) % 20 for s in phase]) + rng.normal(0, 0.1, (1000, n)),
        "one step up": np.repeat(np.arange(n)[None, :] >= n // 2, 1000, axis=0) * 100.0 + rng.normal(size=(1000, n)),
        "heavy tails": np.cumsum(rng.standard_t(2, size=(1000, n)), axis=1),
        "constant": np.ones((1000, n)),
    }
    for kind, rows in kinds.items():
        share = share_below(rows, rate)
        assert share <= rate + 3 * np.sqrt(rate * (1 - rate) / 1000), (kind, share)


def test_leaks():
    """What leaks is found: a steady leak under noise, one in bursts, one that begins late."""
    n = 160
    steady = np.arange(n) * 1.0 + rng.normal(0, 5, (300, n))
    bursts = np.cumsum(rng.poisson(0.3, (300, n)) * 50, axis=1)
    late = np.maximum(0, np.arange(n) - 60) * 2.0 + rng.normal(0, 3, (300, n))
    for rows in (steady, bursts, late):
        assert share_below(rows, 1e-3) >= 0.95


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name}: ok")
