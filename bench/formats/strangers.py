#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""strangers.py WHICH FOLDER… [--files 10000] [--seed 1]: which files that are no crash reports a reader takes for some. Takes files below
the folders by a seeded choice (regular ones, of at most 64 MiB) and lists those that a reader claims, with the reader and how many
records it makes of them: each is to be looked at. WHICH is build/bench/which."""
import argparse
import collections
import os
import random
import subprocess
import sys


def regular_files(folder):
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(root, name)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if status.st_mode & 0o170000 == 0o100000 and 0 < status.st_size <= 64 << 20 and "\n" not in path and "\t" not in path:
                yield path


def claims(program, paths):
    for i in range(0, len(paths), 500):
        out = subprocess.run([program, *paths[i:i + 500]], capture_output=True, timeout=1200)
        if out.returncode:
            sys.exit(f"{program}: exit status {out.returncode}: {out.stderr[-500:]!r}")
        for line in out.stdout.decode("utf-8", "surrogateescape").splitlines():
            path, name, records = line.split("\t")
            yield name, int(records), path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--files", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = [path for folder in arguments.folders for path in regular_files(folder)]
    chosen = sorted(random.Random(arguments.seed).sample(found, min(arguments.files, len(found))))
    rows = sorted(claims(arguments.program, chosen))
    for name, records, path in rows:
        print(f"{name}\t{records}\t{path}".encode("utf-8", "backslashreplace").decode())
    by_format = collections.Counter(name for name, _, _ in rows)
    print(f"{len(chosen)} of {len(found)} files: {len(rows)} claimed, {sum(1 for row in rows if row[1])} give records; "
          + ", ".join(f"{name} {n}" for name, n in by_format.most_common()), file=sys.stderr)
    return 0


sys.exit(main())
