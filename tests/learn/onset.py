# SPDX-License-Identifier: Apache-2.0
"""onset.py ORACLE: where series begin to rise beside every pair of lines that numpy can fit, lagged correlation and ranks beside scipy; and planted
pairs of which the truth is known."""
import subprocess
import sys

try:
    import numpy as np
    from scipy.signal import correlate
    from scipy.stats import rankdata
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

rng = np.random.default_rng(11)


def ask(word, rows):
    """rows: (the numbers that come first, the values)."""
    text = "\n".join(" ".join([word, *map(str, sizes), *map(repr, map(float, np.ravel(values)))]) for sizes, values in rows)
    done = subprocess.run([sys.argv[1]], input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [np.array(line.split(), dtype=float) for line in done.stdout.splitlines()]


def onsets(rows):
    return np.array([a[0] for a in ask("onset", [([len(row)], row) for row in rows])])


def brute_force(y):
    """Least squares of every two lines that meet, by numpy's; what the header says of the choice."""
    t = np.flatnonzero(~np.isnan(y))
    y = y[t]
    n, y = len(t), y / (np.abs(y).max() or 1)
    if n < 5 or not y.any():
        return np.nan

    def fit(*columns):
        design = np.column_stack([np.ones(n), *columns])
        solution = np.linalg.lstsq(design, y, rcond=None)[0]
        e = y - design @ solution
        return solution, e, max(e @ e, floor)

    level = ((y - y.mean()) ** 2).sum()
    floor = 1e-12 * (level + 1e-12 * n)
    line, e, rest = fit(t / t[-1])
    best, turn = rest, 0
    for tau in range(1, t[-1] + 1):
        if (t > tau).sum() < 2 or (t <= tau).sum() < 2:
            continue
        (_, b, c), ee, r = fit(t / t[-1], np.maximum(0, t - tau) / t[-1])
        if c > 0 and b + c > 0 and r < best * (1 - 1e-9):
            best, turn, e = r, tau, ee
    r = min(1, max(0, e[1:] @ e[:-1] / (e @ e))) if e @ e > 0 else 0
    worth = max(4, n * (1 - r) / (1 + r))
    score = [worth * np.log(max(level, floor)), worth * np.log(rest) + np.log(worth) if line[1] > 0 else np.inf,
             worth * np.log(best) + 3 * np.log(worth) if turn else np.inf]
    return [np.nan, 0, turn][int(np.argmin(score))]


def ramp(n, at, slope, noise):
    return slope * np.maximum(0, np.arange(n) - at) + rng.normal(0, noise, n)


def test_every_pair_of_lines():
    rows = [ramp(n, rng.uniform(0, n), rng.choice([0, 1, 3, 30]), 1) + rng.choice([0, -0.2, 0.5]) * np.arange(n) for n in (5, 6, 9, 30, 100) for _ in range(40)]
    rows += [np.cumsum(rng.normal(size=n)) for n in (20, 60) for _ in range(40)]
    rows += [np.where(rng.random(len(row)) < 0.2, np.nan, row) for row in rows[:150]]
    found, expected = onsets(rows), np.array([brute_force(row) for row in rows])
    assert len(found) == len(rows) and np.isfinite(expected).sum() > 100 and (expected > 0).sum() > 60 and np.isnan(expected).sum() > 40
    assert np.array_equal(found, expected, equal_nan=True), [(i, f, e) for i, (f, e) in enumerate(zip(found, expected)) if f != e and f == f]


def test_known_onsets():
    """A leak under noise is found where it was put, from the first step on as 0; a level, a fall, a line that flattens out have none or 0."""
    for n, at in ((100, 60), (200, 35), (50, 25)):
        found = onsets([ramp(n, at, 5, 3) for _ in range(200)])
        assert np.mean(np.abs(found - at) <= 3) >= 0.95, (n, at, found)
    assert np.mean(onsets([ramp(100, 0, 5, 3) for _ in range(200)]) <= 12) >= 0.95
    assert np.mean(np.isnan(onsets([rng.normal(7, 1, 100) for _ in range(400)]))) >= 0.9
    assert np.isnan(onsets([np.arange(100.0, 0, -1), np.ones(50), np.zeros(50)])).all()
    assert onsets([np.arange(100.0), 1e-200 * np.arange(100.0)]).tolist() == [0, 0]
    assert onsets([np.maximum(0, np.arange(100.0) - 40)]).tolist() == [40]


def test_units_are_nothing():
    rows = [ramp(80, 30, 1, 4) for _ in range(50)]
    assert np.array_equal(onsets(rows), onsets([1e300 * row / 1e3 for row in rows]), equal_nan=True)
    assert np.array_equal(onsets(rows), onsets([1e-150 * row for row in rows]), equal_nan=True)


def test_few_and_odd_values():
    rows = [[], [1], [1, 2, 3, 4], [np.nan] * 50, [np.nan] * 20 + [1, 2, 3, 4], [1.7e308, -1.7e308] * 10, [5e-324] * 9 + [1e-320]]
    assert np.isnan(onsets(rows)[:5]).all()
    assert onsets([[0] * 30 + [np.nan] * 30 + list(range(40))])[0] in range(29, 62)


def test_lagged_correlation():
    rows = []
    for n in (2, 3, 10, 60, 61):
        for _ in range(6):
            rows.append((n, np.cumsum(rng.normal(size=(2, n)), axis=1)))
    for most in (0, 3, 80):
        for (n, row), found in zip(rows, ask("lagged", [([n, most], row) for n, row in rows])):
            a, b = (d / (np.linalg.norm(d) or 1) if np.linalg.norm(d) > 1e-12 else 0 * d for d in (np.diff(x) - np.diff(x).mean() for x in row))
            full = np.pad(correlate(b, a), 200)
            middle = len(full) // 2
            assert np.allclose(found, full[middle - most:middle + most + 1], atol=1e-12), (n, most)
    gaps = ask("lagged", [([6, 1], [[1, 2, np.nan, 4, 9, 1], [1, 2, 3, 5, 8, 2]]), ([6, 1], [[3] * 6, range(6)])])
    assert np.isfinite(gaps).all() and np.all(np.abs(gaps) <= 1) and not gaps[1].any()


def test_planted_pairs():
    """The second does what the first did some steps before, under noise."""
    for lag in (0, 1, 7, -4):
        for _ in range(20):
            drive = rng.poisson(0.5, 300) * rng.exponential(10, 300)
            x, y = np.cumsum(drive[20:270]), np.cumsum(3 * drive[20 - lag:270 - lag] + rng.normal(0, 2, 250))
            [r] = ask("lagged", [([250, 30], [x, y])])
            assert np.argmax(r) - 30 == lag and r.max() > 0.9, (lag, np.argmax(r) - 30)


def test_precedence():
    for n, m in ((1, 1), (3, 4), (40, 6), (41, 2)):
        before = rng.integers(0, 12, (n, m)).astype(float)
        before[rng.random((n, m)) < 0.2] = np.nan
        before[0] = np.nan
        [answer] = ask("precedence", [([n, m], before)])
        some = before[~np.isnan(before).all(axis=1)]
        for k, (rose, first, lower, median, upper, rank) in enumerate(answer.reshape(m, 6)):
            own = before[:, k][~np.isnan(before[:, k])]
            assert rose == len(own) and first == np.sum(before[:, k] == np.nanmax(np.c_[before, np.full(n, -1)], axis=1))
            if len(own):
                assert np.allclose([lower, median, upper], np.percentile(own, [25, 50, 75]))
            else:
                assert np.isnan([lower, median, upper]).all()
            ranks = [rankdata(-np.where(np.isnan(row), -1, row))[k] for row in some]
            assert np.isclose(rank, np.mean(ranks) if ranks else (m + 1) / 2)
    assert ask("precedence", [([0, 2], [])])[0].reshape(2, 6)[:, 0].tolist() == [0, 0]


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name}: ok")
