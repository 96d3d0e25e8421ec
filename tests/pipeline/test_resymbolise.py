#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_resymbolise.py WHORL [TEST…]: symbols that arrive late name what is stored, and regroup what changes by it."""
import json
import os
import pathlib
import shutil

from drive import ask, fails, main, run, write

DATA = pathlib.Path(__file__).resolve().parent.parent / "data/core"
NAMES = ["load", "inner", "middle", "middle", "middle", "outer", "begin", "_start"]


def functions(record):
    return [frame.get("function") for frame in record["frames"]]


def stored(name):
    return next(r for r in ask("show", "--raw") if r["id"] == name)


def lay_out():
    os.mkdir("cores")
    for i in range(3):
        shutil.copy(DATA / "x86_64.core", f"cores/{i}.core")
    shutil.copy(DATA / "x86.core", "cores/other.core")
    os.mkdir("symbols")
    shutil.copy(DATA / "x86_64.elf", "symbols/tiny-x86_64")
    write("text.jsonl", json.dumps({"id": "text", "frames": [{"function": "f"}, {"function": "g"}]}) + "\n")


def test_from_the_store(_):
    lay_out()
    ask("assign", "cores", "text.jsonl")
    before = {r["id"]: r["group"] for r in ask("list")}
    assert stored("cores/0.core" if "cores/0.core" in before else "0.core")["symbols_missing"]
    assert ask("resymbolise") == [] and "0 changed" in run.said
    assert ask("resymbolise", "--dry-run", "--symbols", "symbols") == [] and "3 would change" in run.said
    assert {r["id"]: r["group"] for r in ask("list")} == before
    moves = ask("resymbolise", "--symbols", "symbols")
    first = next(name for name in before if name.endswith("0.core"))
    assert len(moves) == 1 and moves[0]["from"] == before[first] and moves[0]["observations"] == 3, moves
    after = {r["id"]: r["group"] for r in ask("list")}
    assert {after[name] for name in after if name[-6:] in ("0.core", "1.core", "2.core")} == {moves[0]["to"]}
    assert all(after[name] == before[name] for name in after if not name[-6:] in ("0.core", "1.core", "2.core"))
    record = stored(first)
    assert functions(record)[:2] == NAMES[:2] and record["frames"][0]["inlined"] and record["frames"][1]["line"] == 15, record
    assert record["crash_state"].startswith("load\ninner") and "symbols_missing" not in record
    assert ask("resymbolise", "--symbols", "symbols") == [] # nothing is left to be named
    known = json.loads(run("import", "--format", "json", "cores", "text.jsonl")) # what was imported is known, not a conflict
    assert known["added"] == 0 and known["known"] == 5, known
    assert ask("show", before[first])[0]["id"] # the old name leads to the new group


def test_from_the_cores(_):
    lay_out()
    ask("assign", "cores")
    moves = ask("resymbolise", "--symbols", "symbols", "cores")
    assert moves and moves[0]["observations"] == 3, moves
    assert functions(stored("0.core")) == NAMES
    assert all(frame["trust"] != "scan" for frame in stored("0.core")["frames"]) # unwound anew, too
    shutil.copy("cores/0.core", "cores/late.core")
    assert ask("resymbolise", "--symbols", "symbols", "cores") == [] and "1 are not in the store" in run.said


def test_refusals(_):
    lay_out()
    fails(1, "whorl.db", "resymbolise")
    ask("import", "cores")
    assert ask("resymbolise", "--symbols", "symbols") == [] # nobody has a group yet, nobody is moved
    assert functions(stored("0.core"))[:2] == NAMES[:2]


main(test_from_the_store, test_from_the_cores, test_refusals)
