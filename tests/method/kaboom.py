#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The default method of sessions against its reference in numpy: `kaboom.py PROGRAM REFERENCE`, PROGRAM being kaboom_oracle.c, REFERENCE
the folder of bench/session/reference.py. Coordinates are compared by the distances of sessions (signs of components are nobody's)."""
import subprocess
import sys

try:
    import numpy as np
except ImportError:
    print("skipped, because numpy is not there")
    sys.exit(77)

program, folder = sys.argv[1:]
sys.path.insert(0, folder)
import reference


def leaks(rng, n, metrics, steps):
    """Counts: one metric grows to the end, another until half way, the rest wanders."""
    made = []
    for i in range(n):
        t = np.arange(rng.integers(max(2, steps - 20), steps + 20))[:, None]
        x = rng.integers(0, 50, (len(t), metrics)).astype(float)
        x[:, i % 4] += np.floor(rng.integers(5, 400) * t[:, 0])
        x[:, 4 + i % 3] += np.minimum(t[:, 0], len(t) // 2) * 30
        x[:, 7:] *= rng.random(metrics - 7) < 0.5
        made.append(x)
    return made


def stopped(rng, n, metrics, steps):
    """Counts: one metric grew to the middle and holds, one grows slowly to the end, the rest wanders."""
    made = []
    for i in range(n):
        t = np.arange(rng.integers(steps, 2 * steps))
        x = rng.integers(0, 5, (len(t), metrics)).astype(float)
        x[:, i % 4] = np.floor(rng.integers(500, 9000) * np.minimum(t, len(t) * rng.uniform(0.4, 0.7)))
        x[:, 4] = t // 3
        x[rng.random(x.shape) < 0.02] = np.nan
        made.append(x)
    return made


def gauges(rng, n, metrics, steps):
    """Levels of all kinds of scales, some never known, some sessions with gaps, one metric that never changes."""
    made = []
    for i in range(n):
        t = np.arange(rng.integers(max(1, steps - 5), steps + 6))[:, None]
        x = rng.normal(0, 1, (len(t), metrics)).cumsum(0) * 10.0 ** rng.integers(-3, 4, metrics) + rng.normal(0, 5, metrics)
        x += np.sin(t * (0.2 + i % 3)) * 3
        x[:, 0] = 7
        x[rng.random(x.shape) < 0.03] = np.nan
        if i % 5 == 0:
            x[:, 1] = np.nan
        made.append(x)
    return made


def profiles(rng, n, metrics, steps):
    return [rng.poisson(3.0 ** rng.integers(0, 6, metrics))[None].astype(float) for _ in range(n)]


def run(sessions, later):
    lines = []
    for x in sessions:
        for m in range(x.shape[1]):
            held = 0.0 # rows are change-encoded
            for t, value in enumerate(x[:, m]):
                if t == 0 or not (value == held or (np.isnan(value) and np.isnan(held))) or t == len(x) - 1:
                    lines.append(f"m{m:03} {t} {value!r}")
                held = value
        lines.append(".")
    out = subprocess.run([program, str(later)], input="\n".join(lines) + "\n", text=True, capture_output=True, check=True).stdout
    rows = np.array([[float(v) for v in line.split()] for line in out.splitlines()])
    return rows[:, 1:], rows[:, 0]


def distances(z):
    return np.sqrt(np.maximum(0, np.square(z[:, None] - z[None]).sum(-1)))


def check(name, kind, sessions, later, tolerance):
    known = reference.Fingerprint(sessions[:len(sessions) - later])
    assert known.kind == kind, f"{name}: {known.kind}, not {kind}"
    z, outside = known(sessions)
    z_c, outside_c = run(sessions, later)
    assert z.shape[1] == z_c.shape[1] or kind in ("growth", "earlier"), f"{name}: {z_c.shape[1]} coordinates, not {z.shape[1]}"
    far = np.abs(distances(z) - distances(z_c)).max(), np.abs(outside - outside_c).max()
    print(f"{name}: {kind}, {z_c.shape[1]} coordinates, distances differ by at most {far[0]:.2g}, outside by {far[1]:.2g}")
    assert max(far) <= tolerance, f"{name}: more than {tolerance}"


rng = np.random.default_rng(1)
made = leaks(rng, 60, 25, 60)
for i, x in enumerate(made): # one metric that no training session has
    x[:, 24] = 90 * np.arange(len(x)) if i >= 50 else 0
check("leaks", "growth", made, 10, 1e-5)
check("short leaks", "growth", leaks(rng, 30, 12, 5), 5, 1e-5)
made = stopped(rng, 60, 12, 60)
for i, x in enumerate(made):
    x[:, 11] = 90 * np.minimum(np.arange(len(x)), len(x) // 2) if i >= 50 else 0
check("leaks that stopped", "earlier", made, 10, 1e-5)
check("profiles", "profile", profiles(rng, 80, 30, 1), 10, 1e-4)
# a feature is a share of steps above a bias that is itself one of the outputs: rounding may move one
check("gauges", "course", gauges(rng, 60, 12, 60), 10, 0.01)
check("many gauges", "course", gauges(rng, 24, 40, 150), 5, 0.01)
check("short gauges", "course", gauges(rng, 60, 12, 6), 10, 1e-4)
