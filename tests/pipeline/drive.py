# SPDX-License-Identifier: Apache-2.0
"""What the tests that drive the command share: a scratch folder, the command, made-up crash reports, a look into the store."""
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import traceback

WHORL = os.path.abspath(sys.argv[1])
SKIPPED = 77


class Failed(Exception):
    def __init__(self, result):
        super().__init__(f"exit status {result.returncode}: {result.stderr.strip()}")
        self.status, self.message = result.returncode, result.stderr


def run(verb, *words, given=None):
    """The command's output as text; Failed where its exit status is neither 0 nor 3."""
    result = subprocess.run([WHORL, run.noun, verb, *map(str, words)], capture_output=True, text=True, timeout=120,
                            **({"stdin": subprocess.DEVNULL} if given is None else {"input": given}))
    assert result.returncode >= 0, f"{verb} {words}: died of signal {-result.returncode}: {result.stderr}"
    if result.returncode not in (0, 3):
        raise Failed(result)
    run.said, run.found = result.stderr, result.returncode == 3
    return result.stdout


run.noun = "stack"


def ask(verb, *words, **keywords):
    return [json.loads(line) for line in run(verb, "--format", "jsonl", *words, **keywords).splitlines()]


def fails(status, says, verb, *words, **keywords):
    try:
        run(verb, *words, **keywords)
    except Failed as error:
        assert error.status == status, (verb, words, error)
        for part in [says] if isinstance(says, str) else says:
            assert part in error.message, (part, error.message)
        return
    raise AssertionError(f"{verb} {words}: no error, {says!r} expected")


@contextlib.contextmanager
def scratch():
    """A folder of its own to be in; the tests use ./whorl.db."""
    with tempfile.TemporaryDirectory(prefix="whorl-test-") as folder:
        os.chdir(folder)
        os.environ.pop("WHORL_STORE", None)
        try:
            yield folder
        finally:
            os.chdir("/")


def write(path, text):
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


def write_records(path, records):
    return write(path, "".join(json.dumps(record) + "\n" for record in records))


def stack(*functions, **members):
    return {**members, "frames": [{"function": name} for name in functions]}


def time_of(seconds):
    return f"2026-03-{1 + seconds // 86400:02}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def make_reports(rng, bugs, n, labelled=True):
    """n reports of so many bugs, in the order of time: each bug has a stack, each report a variation of it."""
    base = [[f"bug{b}_{chr(97 + i)}" for i in range(rng.randint(4, 9))] + rng.sample([f"lib_{i}" for i in range(12)], 3) for b in range(bugs)]
    records = []
    for i in range(n):
        bug = min(int(rng.expovariate(0.25)), bugs - 1)
        frames = list(base[bug])
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            at = rng.randrange(len(frames))
            if rng.random() < 0.5 and len(frames) > 3:
                del frames[at]
            else:
                frames.insert(at, rng.choice((f"bug{bug}_{rng.randrange(5)}", f"lib_{rng.randrange(12)}")))
        record = stack(*frames, "main", id=f"r{i}", time=time_of(7 * i))
        records.append({**record, "label": f"BUG-{bug}"} if labelled else record)
    return records


def partition(rows):
    """The groups as sets of ids, without their names."""
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], set()).add(row["id"])
    return sorted(map(sorted, groups.values()))


def groups_of(store="whorl.db"):
    return {row["id"]: row.get("group") for row in ask("list", "--store", store)}


def dump(store="whorl.db"):
    with contextlib.closing(sqlite3.connect(store)) as database:
        return list(database.iterdump())


def is_whole(store="whorl.db"):
    with contextlib.closing(sqlite3.connect(store)) as database:
        return database.execute("pragma integrity_check").fetchall() == [("ok",)]


def main(*tests):
    """Runs every test in a scratch folder of its own; names after the program's on the command line choose some."""
    bad = 0
    for test in tests:
        if sys.argv[2:] and test.__name__ not in sys.argv[2:]:
            continue
        with scratch():
            try:
                test(random.Random(test.__name__))
                print("ok", test.__name__, flush=True)
            except Exception:  # the next test is one of its own
                bad += 1
                print("not ok", test.__name__, traceback.format_exc(), flush=True)
    sys.exit(1 if bad else 0)
