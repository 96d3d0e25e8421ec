#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes sessions with planted causes: 2,560 sessions x 592 metrics x 100 steps that die of one of 12 leaks, and around them what makes real
ones hard. Committed before anything was measured on its output, and made to be like what is known of dying processes, not like a method.

An application has 40 screens. A session visits 3 to 9 of them at random; each brings its own ten classes, whose objects come with the visit
and stay, go, or stay in part. That nuisance dominates what is present, and says nothing about the leak. Besides, in every session:
  runtime   40 classes that warm up, and carry a part of every leak (strings, arrays)
  caches    some of 24 fill up, each at its own time and rate, and stop
  temp      24 classes in sawtooths (garbage between collections) and bursts
  others    classes that leak in other sessions, in bounded use
  history   3 classes that grow slowly in every session, for ever
The leak: rate log-uniform over three decades; it starts in the first 60 % of the run, or late; it is steady, accelerating or bursty. A run is one
to four times as long as what is seen of it, the last 100 steps. Nine types leak many small objects, three few large ones: their counts hardly
move, the bytes do, and 32 of the 592 metrics are bytes of a class (name + " bytes"). Types 0-1, 4-5 and 8-9 share one of their classes.
Counts are noisy: what a collection finds varies.

--hard    other structures grow too: more and larger caches, some still filling at the end; history as fast as a leak; leaking classes in larger
          benign use
--past    runs are two to four times as long, and all of a run is seen: the cause acts before the last 100 steps, then stops; what it leaked stays
--gauges  levels instead of counts: 592 gauges over nine decades of units that follow 8 common loads; a cause shifts, drifts, shakes or
          oscillates some of them from its onset on

Beside the known types: 3 emerging ones (split "emerging", 128 sessions) and 128 healthy runs (label "none", split "normal").

    planted.py [--hard] [--past] | [--gauges] [--seed N] [--sessions N] FOLDER

writes FOLDER/series.csv (session,timestep,metric,value; --change-encoded: without a row the value before holds, 0 before the first; a row at
the last step of one metric where nothing changes there; gauges are rounded to six digits), labels.csv (session,label,split) and planted.csv
(label,metric: what the cause moves by itself). From Python: make() returns arrays. Same arguments, same output; a session depends on the seed and
its number only."""
import argparse
import csv
import pathlib

import numpy as np

STEPS = 100
KNOWN, EMERGING = 12, 3
SCREENS, PER_SCREEN, RUNTIME, CACHES, TEMP, HISTORY, BYTES = 40, 10, 40, 24, 24, 3, 32
TYPES = KNOWN + EMERGING
LARGE = (3, 7, 11)  # types that leak few large objects
SHARING = ((0, 1), (4, 5), (8, 9), (2, 13))  # the second's last class is the first's; 13 is emerging


class World:
    """What all sessions of a seed have in common: the classes and how they behave."""

    def __init__(self, seed):
        rng = np.random.default_rng([seed, 0])
        self.names = []
        self.screens = [self._add(f"app.Screen{s:02}$C{c}" for c in range(PER_SCREEN)) for s in range(SCREENS)]
        self.runtime = self._add(f"lang.R{i:02}" for i in range(RUNTIME))
        self.caches = [self._add((f"app.Cache{c:02}$Entry", f"app.Cache{c:02}$Node")) for c in range(CACHES)]
        self.temp = self._add(f"app.Temp{i:02}" for i in range(TEMP))
        self.history = self._add(f"app.History{i}" for i in range(HISTORY))
        self.types = [self._add(f"app.Type{k:02}$P{c}" for c in range(3)) for k in range(TYPES)]
        self.own = [list(t) for t in self.types]
        for a, b in SHARING:
            self.own[b][2] = self.own[a][2]
        n = len(self.names)
        self.level = np.exp(rng.normal(3.0, 1.3, n))      # objects of a class while it is in use
        self.level[self.runtime] = np.exp(rng.normal(6.5, 1.2, RUNTIME))
        self.kept = rng.choice([0.0, 0.3, 1.0], n, p=[0.4, 0.3, 0.3])  # of a screen's objects, once it was left
        self.activity = rng.beta(0.4, 1.6, n)             # how often a collection finds another number
        self.noise = np.exp(rng.normal(-3.5, 0.7, n))
        # What one leaked object keeps alive: its own classes, and strings, arrays, nodes of the runtime.
        self.weight = np.zeros((TYPES, n))
        for k in range(TYPES):
            self.weight[k, self.own[k]] = [1.0, rng.uniform(0.5, 2.0), rng.uniform(0.2, 1.5)]
            carried = rng.choice(self.runtime[:12], 3, replace=False)
            self.weight[k, carried] = rng.uniform(0.3, 2.0, 3)
        large = [self.own[k][c] for k in LARGE for c in range(2)]
        others = rng.choice([m for m in range(n) if m not in large], BYTES - len(large), replace=False)
        self.sized = np.array(large + sorted(others))
        self.size = np.exp(rng.uniform(np.log(50), np.log(5e3), BYTES))
        self.size[:len(large)] = np.exp(rng.uniform(np.log(1e5), np.log(2e6), len(large)))
        self.names += [self.names[m] + " bytes" for m in self.sized]

    def _add(self, names):
        first = len(self.names)
        self.names += names
        return np.arange(first, len(self.names))

    def planted(self, k):
        """Metrics that type k moves by itself."""
        own = [self.names[m] for m in self.own[k]]
        return own + [name + " bytes" for name in own if name + " bytes" in self.names]


def fill(time, start, length, curved):
    """0 before start, 1 from start + length on; straight or ever slower."""
    part = np.clip((time - start) / max(length, 1.0), 0, 1)
    return (1 - np.exp(-4 * part)) / (1 - np.exp(-4.0)) if curved else part


def leak(rng, steps, large):
    """Objects leaked up to each of `steps` steps, the last 100 of which are seen."""
    rate = np.exp(rng.uniform(np.log(0.15), np.log(15.0))) if large else np.exp(rng.uniform(np.log(3.0), np.log(3000.0)))
    late = rng.random() < 0.15
    start = steps - rng.uniform(20, 45) if late else rng.uniform(0, 0.6) * steps
    time = np.arange(steps)
    pace = np.where(time >= start, 1.0, 0.0)
    shape = rng.choice(["steady", "accelerating", "bursty"], p=[0.5, 0.25, 0.25])
    if shape == "accelerating":
        pace *= 0.2 + 2.4 * np.clip((time - start) / max(steps - start, 1.0), 0, 1)
    if shape == "bursty":
        pace *= np.where(rng.random(steps) < 0.15, 1 / 0.15, 0.0)
    if late:
        rate *= 3
    return np.cumsum(rng.poisson(rate * pace))


def counts(world, rng, k, hard, past):
    """One session of type k (-1: healthy), (STEPS, metrics) integers; past: as many steps as it ran."""
    n = len(world.level)
    steps = int(STEPS * rng.uniform(2 if past else 1, 4))
    time = np.arange(steps)
    x = np.zeros((steps, n))
    visited = rng.choice(SCREENS, rng.integers(3, 10), replace=False)
    at = np.empty(steps, int)
    t = 0
    while t < steps:
        stay = 1 + rng.geometric(1 / 12)
        at[t:t + stay] = rng.choice(visited)
        t += stay
    for s in visited:
        here = at == s
        seen = np.maximum.accumulate(here)
        m = world.screens[s]
        amount = world.level[m] * np.exp(rng.normal(0, 0.5, len(m)))
        x[:, m] += amount * np.where(here[:, None], 1.0, world.kept[m] * seen[:, None])
    m = world.runtime
    warm = 1 - rng.uniform(0.1, 0.5, RUNTIME) * np.exp(-time[:, None] / rng.uniform(5, 60, RUNTIME))
    x[:, m] += world.level[m] * np.exp(rng.normal(0, 0.3)) * warm
    for c in rng.choice(CACHES, rng.integers(3, 9) if hard else rng.integers(1, 4), replace=False):
        cap = np.exp(rng.normal(7.5 if hard else 6.0, 1.0))
        start = rng.uniform(0, 0.7) * steps
        length = rng.uniform(0.05, 0.6) * steps  # a few still fill at the end
        if not hard:
            length = min(length, 0.9 * steps - start)
        x[:, world.caches[c]] += cap * fill(time, start, length, rng.random() < 0.5)[:, None] * [1.0, rng.uniform(0.5, 1.5)]
    for m in world.temp:
        if rng.random() < 0.5:
            period = rng.uniform(4, 30)
            x[:, m] += np.exp(rng.normal(4.5, 1.0)) * ((time + rng.uniform(0, period)) % period) / period
        elif rng.random() < 0.3:
            x[:, m] += np.exp(rng.normal(5.0, 1.0)) * (rng.random(steps) < 0.05)
    for other in range(TYPES):
        if other == k or rng.random() > (0.6 if hard else 0.3):
            continue
        amount = np.exp(rng.normal(0, 1)) if other in LARGE else np.exp(rng.normal(6.0 if hard else 4.0, 1.0))
        growth = fill(time, rng.uniform(0, 0.6) * steps, rng.uniform(0.01, 0.3) * steps, rng.random() < 0.5)
        x += amount * growth[:, None] * world.weight[other]
    rate = np.exp(rng.normal(3.0 if hard else 0.0, 1.0, HISTORY))
    x[:, world.history] += np.cumsum(rng.poisson(rate, (steps, HISTORY)), axis=0)
    if k >= 0:
        lost = leak(rng, steps - past * STEPS, k in LARGE)
        x += np.pad(lost, (0, steps - len(lost)), mode="edge")[:, None] * world.weight[k]
    if not past:
        x = x[-STEPS:]
    # A collection finds a little more or less, now and then, of what is there.
    fresh = rng.random(x.shape) < world.activity
    fresh[0] = True
    held = np.maximum.accumulate(np.where(fresh, np.arange(len(x))[:, None], 0), axis=0)
    wobble = np.take_along_axis(rng.normal(0, 1, x.shape), held, axis=0)
    x = np.rint(np.maximum(x + wobble * world.noise * x, 0))
    return np.hstack([x, np.rint(x[:, world.sized] * world.size)])


class Plant:
    """What all sessions of gauges of a seed have in common."""

    def __init__(self, seed):
        rng = np.random.default_rng([seed, 1])
        n = 592
        kinds = ("latency_seconds", "queue_length", "cpu_ratio", "rss_bytes", "requests_rate", "temperature")
        self.names = [f"node{i // 37:02}.{kinds[i % len(kinds)]}.{i:03}" for i in range(n)]
        self.unit = 10 ** rng.uniform(-3, 6, n)
        self.base = rng.uniform(2, 10, n)
        self.load = rng.normal(0, 1, (8, n)) * (rng.random((8, n)) < 0.25)
        self.inertia = rng.uniform(0, 0.9, n)
        self.moved = [rng.choice(n, rng.integers(10, 25), replace=False) for _ in range(TYPES)]
        for a, b in SHARING:
            half = min(len(self.moved[a]), len(self.moved[b])) // 2
            self.moved[b][:half] = self.moved[a][:half]
        self.manner = [rng.choice(["shift", "drift", "shake", "oscillate"], len(m), p=[0.5, 0.25, 0.15, 0.1]) for m in self.moved]
        self.effect = [rng.choice([-1, 1], len(m)) * rng.uniform(1, 3, len(m)) for m in self.moved]

    def planted(self, k):
        return [self.names[m] for m in sorted(set(self.moved[k]))]


def walk(rng, steps, n, inertia):
    """Noise of variance 1 that remembers."""
    z = rng.normal(0, 1, (steps, n))
    for t in range(1, steps):
        z[t] = inertia * z[t - 1] + np.sqrt(1 - np.square(inertia)) * z[t]
    return z


def gauges(plant, rng, k):
    n = len(plant.names)
    time = np.arange(STEPS)
    x = plant.base + 0.7 * rng.normal(0, 1, n) + walk(rng, STEPS, n, plant.inertia)  # hosts differ
    x += (1.5 * rng.normal(0, 1, 8) + walk(rng, STEPS, 8, 0.95)) @ plant.load
    if k >= 0:
        onset = rng.uniform(0.2, 0.8) * STEPS
        after = (time >= onset).astype(float)
        strength = np.exp(rng.normal(0, 0.4))
        for m, manner, effect in zip(plant.moved[k], plant.manner[k], plant.effect[k]):
            size = strength * effect * np.exp(rng.normal(0, 0.3))
            if manner == "shift":
                x[:, m] += size * after
            elif manner == "drift":
                x[:, m] += 2 * size * np.clip((time - onset) / (STEPS - onset), 0, 1)
            elif manner == "shake":
                x[:, m] += size * after * rng.normal(0, 1, STEPS)
            else:
                x[:, m] += 1.5 * size * after * np.sin(time * 2 * np.pi / 9 + rng.uniform(0, 2 * np.pi))
    return np.maximum(x, 0) * plant.unit


def roster(sessions, seed):
    """(id, type, label, split) of each session: the known ones first come, evenly over the types, in a random order with the others."""
    others = max(sessions // 20, 1)
    types = [i % KNOWN for i in range(sessions)] + [KNOWN + i % EMERGING for i in range(others)] + [-1] * others
    order = np.random.default_rng([seed, 2]).permutation(len(types))
    for number, i in enumerate(order):
        k = types[i]
        split = "normal" if k < 0 else "known" if k < KNOWN else "emerging"
        yield f"p{number:05}", k, "none" if k < 0 else f"type{k:02}", split


def generate(seed=1, sessions=2560, hard=False, gauge=False, past=False):
    """The world, and an iterator of (id, label, split, (steps, metrics) array)."""
    world = Plant(seed) if gauge else World(seed)

    def each():
        for number, (name, k, label, split) in enumerate(roster(sessions, seed)):
            rng = np.random.default_rng([seed, 3 + gauge + 2 * hard + 4 * past, number])
            yield name, label, split, gauges(world, rng, k) if gauge else counts(world, rng, k, hard, past)
    return world, each()


def make(**kwargs):
    """(ids, labels, splits, x (sessions, STEPS, metrics) float32, names, {label: metrics}); not for past, whose sessions differ in length."""
    world, sessions = generate(**kwargs)
    ids, labels, splits, x = zip(*((i, l, s, a.astype(np.float32)) for i, l, s, a in sessions))
    return np.array(ids), np.array(labels), np.array(splits), np.stack(x), world.names, truth(world)


def truth(world):
    return {f"type{k:02}": world.planted(k) for k in range(TYPES)}


def write(folder, **kwargs):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    world, sessions = generate(**kwargs)
    with open(folder / "series.csv", "w") as series, open(folder / "labels.csv", "w") as labels:
        series.write("session,timestep,metric,value\n")
        labels.write("session,label,split\n")
        for name, label, split, x in sessions:
            labels.write(f"{name},{label},{split}\n")
            if kwargs.get("gauge"):
                x = np.array([float(f"{v:.6g}") for v in x.ravel()]).reshape(x.shape)
            changed = np.diff(x, axis=0, prepend=0) != 0
            changed[[0, -1], int(np.argmax(x[-1]))] = True  # the session runs from the first to the last step that a row names
            step, metric = np.nonzero(changed)
            series.write("".join(f"{name},{t},{world.names[m]},{v:.6g}\n" if kwargs.get("gauge") else f"{name},{t},{world.names[m]},{v:.0f}\n"
                                 for t, m, v in zip(step, metric, x[step, metric])))
    with open(folder / "planted.csv", "w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("label", "metric"))
        rows.writerows((label, metric) for label, metrics in truth(world).items() for metric in metrics)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--past", action="store_true")
    parser.add_argument("--gauges", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=2560, help="known ones; a twentieth of it is emerging, and as many are healthy")
    parser.add_argument("folder")
    options = parser.parse_args()
    if options.gauges and (options.hard or options.past):
        parser.error("--gauges excludes --hard and --past")
    write(options.folder, seed=options.seed, sessions=options.sessions, hard=options.hard, gauge=options.gauges, past=options.past)


if __name__ == "__main__":
    main()
