#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""order.py WHORL: the buckets of a corpus do not depend on threads, or on the order of its lines or files."""
import json
import os
import random
import subprocess
import sys
import tempfile

WHORL = sys.argv[1]


def corpus(rng, n):
    bottoms = (["loop", "main"], ["worker", "clone"], ["dispatch", "loop", "main"])
    kinds = [[f"k{rng.randrange(60)}" for _ in range(rng.randint(1, 12))] + rng.choice(bottoms) for _ in range(n // 8)]
    for i in range(n):
        frames = [f if rng.random() < 0.93 else f"other{rng.randrange(400)}" for f in rng.choice(kinds)]
        record = {"id": f"r{i}", "frames": [{"function": f} for f in frames]}
        if i % 3:
            record["time"] = f"2026-01-{1 + i % 28:02d}T00:00:{i % 60:02d}Z"
        yield json.dumps(record)


def bucket(lines, folder, *options):
    path = os.path.join(folder, "in.jsonl")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    run = subprocess.run([WHORL, "stack", "bucket", "--format", "tsv", "--no-progress", "--quiet", *options, path],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        sys.exit(f"{' '.join(run.args)}: {run.stderr}")
    return sorted(run.stdout.splitlines()[1:])


def main():
    rng = random.Random(5)
    lines = list(corpus(rng, 600))
    with tempfile.TemporaryDirectory() as folder:
        for options in ([], ["--similarity", "pdm"], ["--similarity", "tfidf", "--linkage", "average"],
                        ["--similarity", "tracesim", "--linkage", "single"], ["--similarity", "fast"],
                        ["--similarity", "levenshtein"], ["--similarity", "prefix", "--d", "0.4"], ["--similarity", "exact"]):
            expected = bucket(lines, folder, *options)
            assert len(expected) == len(lines), (options, len(expected))
            for threads in "124":
                shuffled = lines[:]
                rng.shuffle(shuffled)
                got = bucket(shuffled, folder, "--threads", threads, *options)
                different = [(a, b) for a, b in zip(expected, got) if a != b]
                if different or len(got) != len(expected):
                    sys.exit(f"{options}, {threads} threads: {len(different)} lines differ, the first: {different[:1]}")
            print(f"{' '.join(options) or 'default'}: {len({line.split(chr(9))[1] for line in expected})} buckets")


main()
