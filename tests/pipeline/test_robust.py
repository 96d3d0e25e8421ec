#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_robust.py WHORL [TEST…]: what a store outlives: two writers at once, kill -9, interrupts, a full disk.

A file system of its own needs root; without it that test says so and the others count."""
import json
import os
import random
import signal
import subprocess
import time

from drive import WHORL, ask, dump, fails, groups_of, is_whole, main, make_reports, write_records


def start(verb, *words):
    return subprocess.Popen([WHORL, "stack", verb, "--format", "jsonl", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(process):
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return [json.loads(line) for line in out.splitlines()]


def check_whole(records, store="whorl.db"):
    """The store is sound, and what it has is what was given."""
    assert is_whole(store)
    given = {record["id"]: [frame["function"] for frame in record["frames"]] for record in records}
    stored = ask("export", "--store", store)
    assert len({row["id"] for row in stored}) == len(stored)
    for row in stored:
        assert [frame["function"] for frame in row["frames"]] == given[row["id"]], row
    return {row["id"] for row in stored}


def test_two_at_once(rng):
    """Two processes assign into one store: both succeed, nothing is placed twice, and one more call finds nothing to do."""
    records = make_reports(rng, 10, 600)
    ask("assign", write_records("first.jsonl", records[:100]))
    parts = [write_records(f"part{k}.jsonl", records[100 + 50 * k:150 + 50 * k]) for k in range(10)]
    placed = []
    for k in range(0, 10, 2):
        for process in [start("assign", parts[k]), start("assign", parts[k + 1])]:
            placed.append(process)
    rows = [row["id"] for process in placed for row in finish(process)]
    assert sorted(rows) == sorted(record["id"] for record in records[100:]), "each is placed once"
    assert check_whole(records) == {record["id"] for record in records}
    assert None not in groups_of().values()
    assert not ask("assign")
    assert len(ask("history")) == 0


def test_import_beside_cluster(rng):
    records = make_reports(rng, 10, 500)
    ask("assign", write_records("first.jsonl", records[:100]))
    processes = []
    for k in range(4):
        part = write_records(f"part{k}.jsonl", records[100 + 100 * k:200 + 100 * k])
        processes += [start("import", part), start("cluster"), start("list")]
    for process in processes:
        finish(process)
    ask("cluster")
    assert len(check_whole(records)) == 500 and None not in groups_of().values()


def interrupt(verb, path, delay, number):
    process = start(verb, path)
    time.sleep(delay)
    process.send_signal(number)
    out, said = process.communicate(timeout=60)
    return process.returncode, out, said


def how_long(verb, path):
    begin = time.monotonic()
    finish(start(verb, "--store", "measure.db", path))
    for name in ("measure.db", "measure.db-wal", "measure.db-shm"):
        if os.path.exists(name):
            os.unlink(name)
    return time.monotonic() - begin


def survive(rng, number, turns):
    """Ends import and assign at random points; what was acknowledged by an earlier call stays, the rest is all or nothing."""
    records = make_reports(rng, 12, 3000)
    path = write_records("all.jsonl", records)
    few = {record["id"] for record in records[:200]}
    whole = {record["id"] for record in records}
    longest = {verb: how_long(verb, path) for verb in ("import", "assign")}
    outcomes = set()
    for turn in range(turns):
        for name in os.listdir("."):
            if name.startswith("whorl.db"):
                os.unlink(name)
        before = ask("assign", write_records("few.jsonl", records[:200]))
        verb = ("import", "assign")[turn % 2]
        status, _, said = interrupt(verb, path, rng.random() * longest[verb], number)
        assert status in (0, -number), (status, said)
        outcomes.add(status)
        stored, groups = check_whole(records), groups_of()
        assert stored in (few, whole), len(stored)
        assert status or stored == whole
        assert all(groups[row["id"]] == row["group"] for row in before)
        placed = sum(group is not None for group in groups.values())
        assert placed == 200 or (verb == "assign" and placed == 3000), placed
        rows = ask("assign", path)
        assert len(rows) == 3000 - placed and None not in groups_of().values()
    assert -number in outcomes, "it was never in time"


def test_killed(rng):
    survive(rng, signal.SIGKILL, 20)


def test_interrupted(rng):
    survive(rng, signal.SIGINT, 8)
    survive(rng, signal.SIGTERM, 4)


def test_acknowledged_parts(rng):
    """A long import commits in parts: what a killed one leaves is a whole number of them."""
    frames = [[{"function": f"f{i}_{k}"} for k in range(3)] for i in range(50)]
    with open("long.jsonl", "w") as file:
        for i in range(70000):
            print(json.dumps({"id": f"r{i}", "frames": frames[i % 50]}), file=file)
    process = start("import", "long.jsonl")
    while process.poll() is None:
        time.sleep(0.02)
        written = sum(os.path.getsize(name) for name in ("whorl.db", "whorl.db-wal") if os.path.exists(name))
        if written > 6 << 20:
            process.kill()
    process.communicate()
    assert is_whole()
    n = len(ask("list"))
    assert n in (0, 20000, 40000, 60000, 70000), n
    assert ask("import", "long.jsonl")[0]["added"] == 70000 - n


def test_disk_full(rng):
    os.mkdir("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "whorl-test", "small"], capture_output=True).returncode:
        print("skipped: cannot mount a small file system")
        return
    try:
        records = make_reports(rng, 10, 40)
        store = ("--store", "small/store.db")
        ask("assign", *store, write_records("few.jsonl", records))
        before, expected = dump("small/store.db"), groups_of("small/store.db")
        with open("many.jsonl", "w") as file:
            for i in range(20000):
                frames = [{"function": f"{rng.getrandbits(256):x}"} for _ in range(8)]
                print(json.dumps({"id": f"many{i}", "frames": frames}), file=file)
        for verb in ("import", "assign"):
            fails(1, "disk full", verb, *store, "many.jsonl")
            assert is_whole("small/store.db") and dump("small/store.db") == before
        fill_up("small/ballast")
        fails(1, ["small/model", "No space left"], "train", "-o", "small/model", "few.jsonl")
        assert not os.path.exists("small/model")
        os.unlink("small/ballast")
        assert groups_of("small/store.db") == expected
        ask("assign", *store, write_records("later.jsonl", make_reports(random.Random(2), 3, 60)[45:]))
        assert len(groups_of("small/store.db")) == 55
    finally:
        subprocess.run(["umount", "small"], check=True)


def fill_up(path):
    try:
        with open(path, "wb", buffering=0) as file:
            while file.write(bytes(4096)) == 4096:
                pass
    except OSError:
        pass


main(test_two_at_once, test_import_beside_cluster, test_killed, test_interrupted, test_acknowledged_parts, test_disk_full)
