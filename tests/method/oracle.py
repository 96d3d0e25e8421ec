#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""oracle.py SIMILARITIES: every similarity against a slow one, written from the papers' formulas."""
import math
import random
import subprocess
import sys
from functools import lru_cache

PROGRAM = sys.argv[1]


class Corpus:
    def __init__(self, stacks):
        self.stacks = stacks
        documents = [set(s) for s in stacks if s]
        self.n = len(documents)
        self.df = {f: sum(f in d for d in documents) for d in documents for f in d}

    def share(self, frame):
        return self.df[frame] / self.n


def pdm(_, a, b, c=0.2, o=0.1):
    """ReBucket IV, by its definition: the best of all common subsequences."""
    @lru_cache(None)
    def best(i, j):
        if i == len(a) or j == len(b):
            return 0.0
        most = max(best(i + 1, j), best(i, j + 1))
        if a[i] == b[j]:
            most = max(most, best(i + 1, j + 1) + math.exp(-c * min(i, j)) * math.exp(-o * abs(i - j)))
        return most
    return best(0, 0) / sum(math.exp(-c * k) for k in range(min(len(a), len(b))))


def pdm_exhaustive(a, b, c=0.2, o=0.1):
    """The same in O(2^n): all subsets of matches."""
    pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if a[i] == b[j]]

    def extend(at, i, j):
        if at == len(pairs):
            return 0.0
        x, y = pairs[at]
        without = extend(at + 1, i, j)
        if x > i and y > j:
            return max(without, math.exp(-c * min(x, y) - o * abs(x - y)) + extend(at + 1, x, y))
        return without
    return extend(0, -1, -1) / sum(math.exp(-c * k) for k in range(min(len(a), len(b))))


def tracesim(corpus, a, b, alpha=0.3, beta=2, gamma=2):
    """A weighted Levenshtein distance: insert and delete cost w, substitute the sum of both, a match nothing."""
    def weights(s):
        return [(1 + i) ** -alpha / (1 + math.exp(-beta * (-math.log(corpus.share(f)) - gamma))) for i, f in enumerate(s)]
    v, w = weights(a), weights(b)

    @lru_cache(None)
    def distance(i, j):
        if i == len(a):
            return sum(w[j:])
        if j == len(b):
            return sum(v[i:])
        change = 0 if a[i] == b[j] else v[i] + w[j]
        return min(distance(i + 1, j) + v[i], distance(i, j + 1) + w[j], distance(i + 1, j + 1) + change)
    return 1 - distance(0, 0) / (sum(v) + sum(w))


def occurrences(s):
    seen, out = {}, {}
    for i, f in enumerate(s):
        out[f, seen.setdefault(f, 0)] = i
        seen[f] += 1
    return out


def fast(corpus, a, b, alpha=1, beta=1, gamma=0.2):
    """FaST: the k-th occurrence with the k-th occurrence; positions from 1."""
    def weight(s, i):
        return (i + 1) ** -alpha * math.exp(-beta * corpus.share(s[i]))
    x, y = occurrences(a), occurrences(b)
    score = 0.0
    for key in x.keys() | y.keys():
        if key in x and key in y:
            score += (weight(a, x[key]) + weight(b, y[key])) * math.exp(-gamma * abs(x[key] - y[key]))
        else:
            score -= weight(a, x[key]) if key in x else weight(b, y[key])
    return (1 + score / (sum(weight(a, i) for i in range(len(a))) + sum(weight(b, i) for i in range(len(b))))) / 2


def tfidf(corpus, a, b, decay=0):
    def vector(s):
        v = {}
        for i, f in enumerate(s):
            v[f] = v.get(f, 0) + math.exp(-decay * i) * math.log(1 + 1 / corpus.share(f))
        return v
    x, y = vector(a), vector(b)
    dot = sum(x[f] * y.get(f, 0) for f in x)
    return dot / math.sqrt(sum(v * v for v in x.values()) * sum(v * v for v in y.values()))


def prefix(_, a, b):
    k = 0
    while k < min(len(a), len(b)) and a[k] == b[k]:
        k += 1
    return k / max(len(a), len(b))


def levenshtein(_, a, b):
    @lru_cache(None)
    def distance(i, j):
        if i == len(a) or j == len(b):
            return len(a) - i + len(b) - j
        return min(distance(i + 1, j) + 1, distance(i, j + 1) + 1, distance(i + 1, j + 1) + (a[i] != b[j]))
    return 1 - distance(0, 0) / max(len(a), len(b))


def exact(_, a, b, frames=0):
    return float((a[:frames] if frames else a) == (b[:frames] if frames else b))


def wer(_, a, b, frames=1):
    return float(a[:frames] == b[:frames])


def whorl(corpus, first, second, **p):
    """The head of lib/method/rebucket/whorl.c: a weighted Dice coefficient over frames and pairs."""
    pairs_of = [set(zip(s, s[1:])) for s in corpus.stacks]

    def tokens(s):
        out = {}
        seen = {}
        for i, f in enumerate(list(s) + list(zip(s, s[1:]))):
            pair = i >= len(s)
            at = i - len(s) if pair else i
            share = (sum(f in q for q in pairs_of) if pair else corpus.df[f]) / corpus.n
            key = (f, seen.setdefault(f, 0))
            seen[f] += 1
            out[key] = (at, (p["beta"] if pair else 1) / (1 + p["b"] * share) * math.exp(-p["a"] * at))
        return out
    x, y = tokens(first), tokens(second)
    shared = sum(min(x[k][1], y[k][1]) * math.exp(-p["g"] * abs(x[k][0] - y[k][0])) for k in x if k in y)
    return 2 * shared / (sum(w for _, w in x.values()) + sum(w for _, w in y.values()))


def ask(method, stacks, **parameters):
    text = "".join(" ".join(s) + "\n" for s in stacks)
    out = subprocess.run([PROGRAM, method] + [f"{k}={v}" for k, v in parameters.items()], input=text, text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return {(int(i), int(j)): float(v) for i, j, v in map(str.split, out.splitlines())}


def random_stacks(rng, n):
    stacks = []
    for _ in range(n):
        if stacks and rng.random() < 0.5:  # like an earlier one
            s = [f for f in rng.choice(stacks) if rng.random() < 0.85]
            if rng.random() < 0.5:
                s.insert(rng.randrange(len(s) + 1), rng.choice("abcdefgh"))
        else:
            s = [rng.choice("abcdefgh" if rng.random() < 0.8 else "uvwxyz") for _ in range(rng.randint(1, 14))]
        stacks.append(s or ["a"])
    return stacks


def close(got, expected, what, tolerance=2e-6):
    if abs(got - expected) > tolerance:
        sys.exit(f"{what}: {got} is not {expected}")


def published():
    """What the formula gives by hand."""
    same = ask("pdm", [list("abc")] * 2)
    close(same[0, 1], 1, "identical stacks")
    close(ask("pdm", [["a"], list("abcd")])[0, 1], 1, "a stack of one frame that is the other's top")
    close(ask("pdm", [list("ab"), list("xb")], c=0.5, o=0.3)[0, 1], math.exp(-0.5) / (1 + math.exp(-0.5)), "the same frame below")
    close(ask("pdm", [list("ab"), list("xab")], c=1, o=1)[0, 1],
          (math.exp(0 - 1) + math.exp(-1 - 1)) / (1 + math.exp(-1)), "moved by one")
    close(ask("pdm", [list("ab"), list("cd")])[0, 1], 0, "nothing in common")
    close(ask("levenshtein", [list("kitten"), list("sitting")])[0, 1], 1 - 3 / 7, "kitten and sitting")
    close(ask("prefix", [list("abc"), list("abxyz")])[0, 1], 2 / 5, "two of five")


def main():
    published()
    cases = [
        (pdm, {}), (pdm, {"c": 0.04, "o": 0.13}), (pdm, {"c": 0, "o": 0}), (pdm, {"c": 2, "o": 2}),
        (tracesim, {}), (tracesim, {"alpha": 0, "beta": 0.5, "gamma": 0}),
        (fast, {}), (fast, {"alpha": 2, "beta": 1, "gamma": 0.5}), (fast, {"alpha": 0, "beta": 0, "gamma": 0}),
        (tfidf, {}), (tfidf, {"decay": 0.1}),
        (prefix, {}), (levenshtein, {}), (exact, {}), (exact, {"frames": 3}), (wer, {}), (wer, {"frames": 2}),
        (whorl, {"a": 0.3, "b": 20, "beta": 0.5, "g": 0.05}), (whorl, {"a": 0, "b": 0, "beta": 0, "g": 0}),
    ]
    for seed, (reference, parameters) in enumerate(cases):
        rng = random.Random(seed)
        stacks = random_stacks(rng, 32)
        corpus = Corpus(stacks)
        got = ask(reference.__name__, stacks, **parameters)
        pairs = 0
        for i, a in enumerate(stacks):
            for j in range(i + 1):
                b = stacks[j]
                expected = reference(corpus, tuple(a), tuple(b), **parameters)
                what = f"{reference.__name__} {parameters}: {''.join(a)} and {''.join(b)}"
                close(got[i, j], expected, what)
                close(got[j, i], expected, what)
                if reference is pdm and len(a) * len(b) < 40:
                    close(pdm_exhaustive(a, b, **parameters), expected, f"the references of {what}", 1e-9)
                pairs += 1
        print(f"{reference.__name__} {parameters}: {pairs} pairs")


main()
