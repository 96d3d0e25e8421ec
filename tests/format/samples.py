#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""samples.py SHOP READ_SESSIONS: a program that samples itself (demo/sample/shop.c) ends, aborts or is killed: what it wrote reads back to what it set."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

SHOP, READ = sys.argv[1:3]
FOLDER = pathlib.Path(tempfile.mkdtemp())


def shop(path, *arguments):
    return subprocess.run([SHOP, str(path), *arguments], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":handle_abort=0:detect_leaks=0"))


def read(path):
    run = subprocess.run([READ, str(path)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()], run.stderr


def expand(record, name):
    values, changes = [0.0] * record["steps"], record["metrics"][name]
    for at, value in zip(changes[::2], changes[1::2]):
        values[at:] = [value] * (record["steps"] - at)
    return values


def check(record, steps, last):
    entries = [(i + 1) * (i + 2) // 2 for i in range(steps)]
    entries += entries[-1:] if last else []
    assert record["steps"] == len(entries), record
    assert expand(record, "cache, entries") == entries
    assert expand(record, "load")[:steps] == [1 / 3 if i % 2 else None for i in range(steps)]
    times = record["time_s"]
    assert times == sorted(times) and times[0] > 1.7e9 and "time" in record
    kilobytes = expand(record, "cache kB")
    assert all(abs(k / e - kilobytes[0]) < 1e-12 for k, e in zip(kilobytes, entries))


def main():
    for how, status in (("end", 0), ("abort", -signal.SIGABRT), ("kill", -signal.SIGKILL)):
        path = FOLDER / how
        run = shop(path, "7", how)
        assert run.returncode == status, (how, run)
        records, said = read(path)
        assert len(records) == 1 and not said, said
        check(records[0], 7, how == "abort")
    # a second session behind the first, which was cut off while it wrote
    path = FOLDER / "end"
    path.write_bytes(path.read_bytes()[:-9])
    assert shop(path, "3", "end", 'next, "2"').returncode == 0
    records, said = read(path)
    assert len(records) == 2 and records[1]["id"] == 'next, "2"', records
    check(records[1], 3, False)
    assert expand(records[0], "cache, entries")[:6] == [1, 3, 6, 10, 15, 21]
    run = shop("/dev/full", "1")
    assert run.returncode == 1 and "No space left" in run.stderr, run.stderr
    run = shop(FOLDER / "no" / "where", "1")
    assert run.returncode == 1 and "No such file" in run.stderr, run.stderr
    print("ok")


main()
