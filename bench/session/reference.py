# SPDX-License-Identifier: Apache-2.0
"""The default fingerprint of sessions in numpy, as docs/decision/0010-session-fingerprint.md specifies it: what it was chosen with, and what the C
code is compared with. Slow and plain on purpose.

A session is a (steps, metrics) array, NaN where not known; all have the same columns."""
import itertools

import numpy as np

WINDOWS = (1.0, 0.5, 0.25, 0.125)
DEPTHS = (3, 4)
FEATURES = 2000
LONGEST = 256
KERNELS = list(itertools.combinations(range(9), 3))
MASK = (1 << 64) - 1


class Random:
    """xoshiro256** seeded by splitmix64, as lib/base/rng.h."""

    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = seed
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
            self.s.append(z ^ (z >> 31))

    def next(self):
        s = self.s
        turn = lambda x, k: ((x << k) | (x >> (64 - k))) & MASK
        result = turn(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = turn(s[3], 45)
        return result

    def real(self):
        return (self.next() >> 11) * 2.0 ** -53


def known(x):
    """What is not known is the reading before it; before the first known one, that; 0 where none is."""
    x = np.array(x, float)
    for column in np.flatnonzero(np.isnan(x).any(0)):
        at = np.flatnonzero(np.isfinite(x[:, column]))
        if len(at) == 0:
            x[:, column] = 0
        else:
            last = np.clip(np.searchsorted(at, np.arange(len(x)), side="right") - 1, 0, None)
            x[:, column] = x[at[last], column]
    return x


def growth(x):
    """(weights f, monotonicity) of each metric: what has grown, and still grows at every scale down to the last eighth."""
    steps, metrics = x.shape
    if steps < 2:
        return np.zeros(metrics), np.zeros(metrics)
    rate, straight = [], []
    for window in WINDOWS:
        n = min(steps, max(2, int(np.ceil(window * steps))))
        y = x[steps - n:]
        edge = max(1, min(3, n // 2))
        gain = np.maximum(np.median(y[-edge:], 0) - np.median(y[:edge], 0), 0)
        path = np.abs(np.diff(y, axis=0)).sum(0)
        rate.append(gain / window)
        straight.append(np.minimum(1, np.divide(gain, path, out=np.zeros(metrics), where=path > 0)))
    f = sum(np.min(rate[:d], 0) ** 0.25 * np.min(straight[:d], 0) for d in DEPTHS) / len(DEPTHS)
    return f, np.min(straight[:DEPTHS[0]], 0)


def ends(x):
    """growth as of all of the session, 7/8, 3/4, ... 1/4 of it."""
    return np.stack([growth(x[:max(1, -(-len(x) * part // 8))])[0] for part in range(8, 1, -1)])


def still(x):
    """The length of what grows at the end, in that of what grew most as of any of the ends."""
    length = np.linalg.norm(ends(known(x)), axis=1)
    return length[0] / length.max() if length.max() > 0 else 1.0


def earlier(x):
    """Weights of what grew at any time, the longer the more."""
    return np.sqrt(ends(known(x))).sum(0)


def regime(sessions):
    """growth, earlier, profile or course."""
    lo = np.min([np.nanmin(np.where(np.isnan(x), 0, x), 0) for x in sessions], 0)
    whole = np.all([np.all(np.isnan(x) | (x == np.rint(x)), 0) for x in sessions], 0)
    if np.mean((lo >= 0) & whole) < 0.9:
        return "course"
    steps = np.median([len(x) for x in sessions])
    if steps == 1:
        return "profile"
    if steps < 4:
        return "course"
    top = []
    for x in sessions:
        f, straight = growth(known(x))
        top.append(straight[np.argmax(f)])
    if np.median(top) < 0.5:
        return "course"
    return "growth" if np.median([still(x) for x in sessions]) >= 0.5 else "earlier"


class Plane:
    """Principal components that hold 90 % of the variance, at most 50."""

    def __init__(self, features):
        self.mean = features.mean(0)
        u, s, v = np.linalg.svd(features - self.mean, full_matrices=False)
        energy = np.cumsum(s ** 2)
        self.v = v[:0]
        if energy[-1] > 0:
            self.v = v[:min(50, int(np.searchsorted(energy, 0.9 * energy[-1])) + 1)]
        self.energy = np.square((features - self.mean) @ self.v.T).sum(1).mean()

    def __call__(self, features):
        centred = features - self.mean
        z = centred @ self.v.T
        return z, np.maximum(np.square(centred).sum(-1) - np.square(z).sum(-1), 0)


class Convolution:
    """Random convolutions of MiniRocket (Dempster, Schmidt, Webb 2021): shares of steps above a bias."""

    def __init__(self, sessions, steps):
        self.steps = steps
        metrics = sessions[0].shape[1]
        random = Random(1)
        dilations = [1 << e for e in range(int(np.log2((steps - 1) / 8)) + 1)]
        per = max(1, FEATURES // (len(KERNELS) * len(dilations)))
        n = len(sessions)
        examples = [sessions[(2 * i + 1) * n // (2 * min(n, 20))] for i in range(min(n, 20))]
        self.parts = []
        for dilation in dilations:
            for kernel in KERNELS:
                count = min(metrics, int(2 ** (random.real() * np.log2(min(metrics, 9) + 1))))
                channels = []
                while len(channels) < count:
                    c = int(random.real() * metrics)
                    if c not in channels:
                        channels.append(c)
                self.parts.append([dilation, kernel, channels, None])
                out = np.sort(np.concatenate([self.run(x, *self.parts[-1][:3]) for x in examples]))
                made = (len(self.parts) - 1) * per
                at = [int(((made + j + 1) * 0.6180339887498949 % 1.0) * len(out)) for j in range(per)]
                self.parts[-1][3] = out[at]

    def run(self, x, dilation, kernel, channels):
        series = np.pad(x[:, channels].sum(1), 4 * dilation)
        tap = lambda i: series[i * dilation:i * dilation + len(x)]
        return 3 * sum(tap(i) for i in kernel) - sum(tap(i) for i in range(9))

    def __call__(self, x):
        return np.concatenate([(self.run(x, d, k, c)[:, None] > b).mean(0) for d, k, c, b in self.parts])


def resample(x, steps):
    if len(x) == steps:
        return x
    at = np.linspace(0, len(x) - 1, steps)
    left = np.minimum(at.astype(int), len(x) - 1)
    right = np.minimum(left + 1, len(x) - 1)
    part = (at - left)[:, None]
    return x[left] * (1 - part) + x[right] * part


def summary(x):
    """Mean, deviation, change from the first half to the last, roughness of each metric."""
    half = max(1, len(x) // 2)
    rough = np.diff(x, axis=0).std(0) if len(x) > 1 else np.zeros(x.shape[1])
    return np.concatenate([x.mean(0), x.std(0), x[-half:].mean(0) - x[:half].mean(0), rough])


class Fingerprint:
    """fit on sessions; then each session is a point z and the squared length outside of what z can hold."""

    def __init__(self, sessions, kind=None):
        self.kind = kind or regime(sessions)
        if self.kind in ("growth", "earlier"):
            self.seen = np.sum([(np.nan_to_num(x) != 0).any(0) for x in sessions], 0) >= 2
        elif self.kind == "profile":
            rows = np.vstack([known(x)[-1:] for x in sessions])
            self.most = np.log1p(rows.max(0))
            self.plane = Plane(self._profile(rows))
        else:
            readings = np.vstack(sessions)
            with np.errstate(all="ignore"):
                self.middle = np.nan_to_num(np.nanmedian(readings, 0))
                quarter = np.nanquantile(readings, [0.25, 0.75], axis=0)
                spread, deviation = (quarter[1] - quarter[0]) / 1.349, np.nanstd(readings, 0)
            self.spread = np.where(spread > 0, spread, np.where(deviation > 0, deviation, 1))
            self.steps = int(min(LONGEST, np.median([len(x) for x in sessions])))
            scaled = [self._scale(x) for x in sessions]
            self.blocks = []
            if self.steps >= 9:
                even = [resample(x, self.steps) for x in scaled]
                self.convolution = Convolution(even, self.steps)
                features = np.array([self.convolution(x) for x in even])
                deviation = features.std(0)
                self.unit = np.where(deviation > 1e-9, deviation, 1)
                self.blocks.append((1.0, Plane(features / self.unit)))
            self.blocks.append((0.5 if self.blocks else 1.0, Plane(np.array([summary(x) for x in scaled]))))

    def _profile(self, rows):
        return np.divide(np.log1p(np.maximum(rows, 0)), self.most, out=np.zeros(rows.shape), where=self.most > 0)

    def _scale(self, x):
        empty = np.isnan(x).all(0)
        z = (np.where(empty, self.middle, known(x)) - self.middle) / self.spread
        return np.sign(z) * np.log1p(np.abs(z))

    def __call__(self, sessions):
        if self.kind in ("growth", "earlier"):
            f = np.array([earlier(x) if self.kind == "earlier" else growth(known(x))[0] for x in sessions])
            length = np.linalg.norm(f, axis=1, keepdims=True)
            f /= np.where(length > 0, length, 1)
            return f[:, self.seen], np.square(f[:, ~self.seen]).sum(1)
        if self.kind == "profile":
            return self.plane(self._profile(np.vstack([known(x)[-1:] for x in sessions])))
        scaled = [self._scale(x) for x in sessions]
        features = [np.array([summary(x) for x in scaled])]
        if len(self.blocks) > 1:
            features.insert(0, np.array([self.convolution(resample(x, self.steps)) for x in scaled]) / self.unit)
        parts, outside = [], 0
        for (weight, plane), f in zip(self.blocks, features):
            z, rest = plane(f)
            scale = weight / np.sqrt(plane.energy) if plane.energy > 0 else 0
            parts.append(scale * z)
            outside = outside + scale ** 2 * rest
        z = np.hstack(parts)
        inside = np.square(z).sum(1)
        length = np.sqrt(np.where(inside > 0, inside, 1))
        whole = inside + outside
        return z / length[:, None], np.divide(outside, whole, out=np.zeros_like(whole), where=whole > 0)
