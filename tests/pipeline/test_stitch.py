#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_stitch.py WHORL [TEST…]: --stitch: the files of a folder are one session, in the order of their names' numbers."""
import gzip
import struct

from drive import ask, fails, main, run, write  # noqa: F401

run.noun = "session"


def histogram(**classes):
    rows = "".join(f"{i:4}: {n:13} {n * 16:13}  {name}\n" for i, (name, n) in enumerate(classes.items(), 1))
    return f" num     #instances         #bytes  class name (module)\n-----\n{rows}Total {sum(classes.values())} 0\n"


def shown(*words):
    return {row["id"]: row["metrics"] for row in ask("show", "--raw", *words)}


def test_folders(rng):
    order = [1, 2, 3, 9, 10, 11, 100]
    for n in rng.sample(order, len(order)):
        write(f"dumps/run 1/histo-{n}", histogram(A=n, B=7))
    write("dumps/run 2/deep/histo-08.txt", histogram(A=1))
    write("dumps/run 2/deep/histo-9.txt", histogram(A=5).rsplit("\nTotal")[0])  # without an end of line
    with gzip.open("dumps/run 2/deep/histo-10.txt.gz", "wt") as file:
        file.write(histogram(A=6, C=1))
    write("dumps/README", "what this is")
    write("dumps/run 2/deep/notes.txt", "and that")
    found = shown("--stitch", "dumps")
    assert set(found) == {"run 1", "run 2/deep"}, found
    flat = [part for step, n in enumerate(order) for part in (step, n)]
    assert found["run 1"]["jvm_objects A"] == flat and found["run 1"]["jvm_objects B"] == [0, 7], found
    assert found["run 2/deep"]["jvm_objects A"] == [0, 1, 1, 5, 2, 6] and found["run 2/deep"]["jvm_objects C"] == [2, 1], found
    assert "2 files that no reader knows" in run.said and "from 12 files" in run.said, run.said
    assert shown("--stitch", "dumps/run 1") == {"run 1": found["run 1"]}
    assert set(shown("--stitch", "dumps/run 1", "dumps/run 2")) == {"run 1", "run 2/deep"}
    assert len(shown("dumps")) == 10  # each by itself
    alone = shown("--stitch", "dumps/run 1/histo-1", "dumps/run 2/deep/histo-9.txt")  # files that were named are not parts
    assert set(alone) == {"dumps/run 1/histo-1", "dumps/run 2/deep/histo-9.txt"}, alone


def test_csv(rng):
    """Parts with headers, whose rows belong together; of several formats the first one counts."""
    write("a/1.csv", "timestep,x\n0,1\n1,2")
    write("a/2.csv", "timestep,x\n2,3\n")
    write("a/3.txt", histogram(A=1))
    assert shown("--stitch", "a") == {"a": {"x": [0, 1, 1, 2, 2, 3]}}
    assert "1 files that no reader knows" in run.said
    write("b/1.csv", "session,timestep,metric,value\ns,0,x,1\n")
    write("b/2.csv", "session,timestep,metric,value\ns,1,x,5\nt,0,x,1\n")
    assert shown("--stitch", "b") == {"s": {"x": [0, 1, 1, 5]}, "t": {"x": [0, 1]}}
    fails(1, "two observations have the id s", "cluster", "b")


def body(step, value):
    """A request of remote write with one sample, in a block of Snappy that is one literal."""
    def text(number, data):
        return bytes([number << 3 | 2, len(data)]) + data
    sample = bytes([9]) + struct.pack("<d", value) + bytes([16, step])
    request = text(1, text(1, text(1, b"__name__") + text(2, b"queue_length")) + text(2, sample))
    return bytes([len(request), len(request) - 1 << 2]) + request


def test_binary(rng):
    """Parts that are no text stand one behind the other, with nothing between."""
    values = [(5 + n, 0.5 * n) for n in range(12)]
    for n, (step, value) in enumerate(values):
        write(f"w/body-{n}", "")
        with open(f"w/body-{n}", "wb") as file:
            file.write(body(step, value))
    flat = [part for n, (_, value) in enumerate(values) for part in (n, value)][2:]
    assert shown("--stitch", "w") == {"w": {"queue_length": flat}} and "skipped" not in run.said, run.said


def test_unreadable(rng):
    write("a/1.csv", "timestep,x\n0,1\n")
    with open("a/2.csv.gz", "wb") as file:
        file.write(gzip.compress(b"timestep,x\n1,2\n" * 50)[:-12])
    assert shown("--stitch", "a") == {"a": {"x": [0, 1]}}
    assert "2.csv.gz" in run.said and "skipped" in run.said, run.said
    fails(1, "2.csv.gz", "show", "--strict", "--stitch", "a")


main(test_folders, test_csv, test_binary, test_unreadable)
