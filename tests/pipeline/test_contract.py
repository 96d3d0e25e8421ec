#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_contract.py WHORL [TEST…]: what scripts rely on: ids, labels, re-imports, and results that depend on nothing but the content."""
import os
import random

from drive import ask, fails, main, make_reports, partition, run, stack, write, write_records

TRACE = "Traceback (most recent call last):\n  File \"{0}.py\", line 3, in <module>\n    {0}()\n  File \"{0}.py\", line 2, in {0}\n    boom()\n" \
        "ValueError: {0}\n"


def ids(*words, **keywords):
    return [row["id"] for row in ask("list", *words, **keywords)]


def test_ids(rng):
    for path in ("box/a.txt", "box/in/b.txt", "other/a.txt", "box/in/c10.txt", "box/in/c9.txt"):
        write(path, TRACE.format("f" + path[-5]))
    write("two.txt", TRACE.format("one") + "\n" + TRACE.format("two"))
    assert ids("box") == ["a.txt", "in/b.txt", "in/c10.txt", "in/c9.txt"]
    assert ids("box/") == ids("./box") == ids("box")
    assert ids("box", "other") == ["box/a.txt", "box/in/b.txt", "box/in/c10.txt", "box/in/c9.txt", "other/a.txt"]
    assert ids("box", "other/a.txt") == ["a.txt", "in/b.txt", "in/c10.txt", "in/c9.txt", "other/a.txt"]
    assert ids("box/in/b.txt") == ["box/in/b.txt"]
    assert ids(os.path.abspath("two.txt")) == [os.path.abspath("two.txt"), os.path.abspath("two.txt") + "#2"]
    assert ids("two.txt") == ["two.txt", "two.txt#2"]
    assert ids("-", given=TRACE.format("x") + "\n" + TRACE.format("y")) == ["-", "-#2"]
    write("own.jsonl", '{"frames":[{"function":"f"}]}\n{"id":"mine","frames":[{"function":"f"}]}\n{"frames":[{"function":"g"}]}\n')
    assert ids("own.jsonl") == ["own.jsonl", "mine", "own.jsonl#3"]


def test_equal_ids(rng):
    write("box/a.txt", TRACE.format("f"))
    os.makedirs("more")
    os.rename("box", "more/box")
    write("box/a.txt", TRACE.format("g"))
    fails(1, "two observations have the id box/a.txt: number 1, in box/a.txt, and number 2, in more/box/a.txt", "list", "box", "more/box")
    write_records("twice.jsonl", [stack("f", id="r1"), stack("g", id="r2"), stack("h", id="r1")])
    fails(1, ["two observations have the id r1: number 1, in twice.jsonl, and number 3, in twice.jsonl"], "bucket", "twice.jsonl")


def labels(*words):
    return {row["id"]: row.get("label") for row in ask("list", *words)}


def test_labels_join(rng):
    for path in ("box/a.txt", "box/in/b.trace", "box/d.txt", "box/#1.txt", "box/e.txt"):
        write(path, TRACE.format("f" + path[-5]))
    write("box/two.txt", TRACE.format("one") + "\n" + TRACE.format("two"))
    plain = {"a.txt": None, "in/b.trace": None, "d.txt": None, "#1.txt": None, "e.txt": None, "two.txt": None, "two.txt#2": None}

    def joined(text, **expected):
        write("labels", text)
        assert labels("--labels", "labels", "box") == {**plain, **expected.pop("more", {})}, (text, labels("--labels", "labels", "box"))

    joined("a.txt\tA\nin/b.trace\tB\n", more={"a.txt": "A", "in/b.trace": "B"})
    joined("/somewhere/else/a.txt\tA\n", more={"a.txt": "A"})  # base names
    joined("b\tB\na.out\tA\n", more={"in/b.trace": "B", "a.txt": "A"})  # without their extensions
    joined("x/a.txt\tA\ny/a.txt\tA\nd.txt\tD\n", more={"a.txt": "A", "d.txt": "D"})  # twice the same
    joined("x/a.txt\tA\ny/a.txt\tB\nd.txt\tD\n", more={"d.txt": "D"})  # one base name, two labels: none
    joined("x/a.txt\tA\ny/a.txt\tB\na.txt\tC\n", more={"a.txt": "C"})  # but its id decides
    joined("two.txt\tT\n#1.txt\tN\n", more={"two.txt": "T", "#1.txt": "N"})  # not for two.txt#2
    joined("two.txt#2\tT\n", more={"two.txt#2": "T"})
    joined("x/two.txt#2\tT\nd.txt\tD\n", more={"d.txt": "D"})
    joined("d.txt\tD\ne.txt\t\na.txt\n", more={"d.txt": "D"})  # an empty label: not known
    assert "2 of 7 observations matched" in say("--labels", write("labels", "a.txt\tA\nd.txt\tD\nz\tZ\n"), "box")
    fails(1, ["none of its 1 labels joins any of the 7", "#1.txt"], "list", "--labels", write("labels", "zzz\tZ\n"), "box")
    fails(1, "two labels", "list", "--labels", write("labels", "a.txt\tA\na.txt\tB\n"), "box")
    fails(1, "nowhere", "list", "--labels", "nowhere", "box")


def say(*words):
    run("list", *words)
    return run.said


def test_labels_table(rng):
    for name in "abc":
        write(f"box/{name}", TRACE.format(name))

    def joined(text, column, **expected):
        write("labels", text)
        found = labels("--labels", "labels" + column, "box")
        assert found == {"a": None, "b": None, "c": None, **expected}, (text, column, found)

    joined("id\tlabel\na\tA\n", "", a="A")
    joined("ID,Bucket\na,A\n", "", a="A")
    joined("id,when,bug\na,1,A\nb,2,B\n", ":bug", a="A", b="B")
    joined("id,when,bug\na,1,A\nb,2,B\n", ":3", a="A", b="B", )
    joined("id,when,bug\na,1,A\nb,2,B\n", "", a="1", b="2")
    joined("a,1,A\nb,2,B\n", ":3", a="A", b="B")
    joined('id,label\r\na,"A, the ""first"""\r\nb,B\r\n', "", a='A, the "first"', b="B")
    joined("a\tA\\tx\\n\\\\y\nb\t\"B\"\n", "", a="A\tx\n\\y", b='"B"')
    joined("a,A", "", a="A")
    joined("id,label\n\na,A\n\n", "", a="A")
    joined("a,A\n", ":1", a="a")
    joined("id;label\na;A,1\n", "", a="A,1")
    joined('id,note,label\na,"two\nlines, one note",A\n', ":label", a="A")
    fails(1, ["labels: line 3", "a quote is not closed"], "list", "--labels", write("labels", 'id,label\na,A\nb,"B\n'), "box")
    fails(2, ["labels", "bugs"], "list", "--labels", "labels:bugs", "box")
    write("labels:3", "a\tcolon\n")
    assert labels("--labels", "labels:3", "box")["a"] == "colon"  # a file of that whole name


def test_import_again(rng):
    records = make_reports(rng, 4, 30)
    write_records("all.jsonl", records)
    [done] = ask("import", "all.jsonl")
    assert (done["added"], done["known"]) == (30, 0)
    [done] = ask("import", "all.jsonl")
    assert (done["added"], done["known"]) == (0, 30)
    exported = run("export", "--format", "jsonl")
    [done] = ask("import", write("again.jsonl", exported))
    assert (done["added"], done["known"]) == (0, 30), done
    assert ask("import", "--store", "other.db", "again.jsonl")[0]["added"] == 30
    assert run("export", "--store", "other.db", "--format", "jsonl") == exported
    other = dict(records[7], frames=[{"function": "elsewhere"}])
    fails(1, "r7", "import", write_records("conflict.jsonl", [stack("f", id="fresh"), other]))
    assert len(ask("list")) == 30  # nothing of the call that failed
    fails(1, "r7", "import", write_records("conflict.jsonl", [dict(records[7], time="2020-01-01T00:00:00Z")]))
    assert ask("import", write_records("more.jsonl", records[:3] + [stack("f", id="fresh")]))[0]["added"] == 1
    assert ask("import", write_records("label.jsonl", [dict(records[7], label="another")]))[0]["known"] == 1


def test_import_twice_in_one(rng):
    write_records("twice.jsonl", [stack("f", id="r1"), stack("g", id="r2"), stack("f", id="r1")])
    fails(1, "r1", "import", "twice.jsonl")


def test_import_labels(rng):
    write_records("a.jsonl", [stack("f", id="r1"), stack("g", id="r2")])
    fails(1, "none of its", "import", "--labels", write("labels", "zzz\tZ\n"), "a.jsonl")
    assert not ask("list")
    run("import", "--labels", write("labels", "r1\tone\n"), "a.jsonl")
    assert labels() == {"r1": "one", "r2": None}


def test_order_and_threads(rng):
    records = make_reports(rng, 8, 300)
    write_records("all.jsonl", records)
    for i, record in enumerate(records):
        write_records(f"files/{rng.randrange(1000)}-{i}.jsonl", [record])
    expected = {row["id"]: row for row in ask("bucket", "all.jsonl")}
    assert 4 <= len({row["group"] for row in expected.values()}) <= 60
    for method in ("whorl", "pdm", "fast"):
        of_method = {row["id"]: row for row in ask("bucket", "--similarity", method, "all.jsonl")}
        for threads in (1, 2, 4):
            for seed in (1, 2):
                random.Random(seed).shuffle(records)
                write_records("shuffled.jsonl", records)
                rows = ask("bucket", "--threads", threads, "--similarity", method, "shuffled.jsonl")
                assert {row["id"]: row for row in rows} == of_method, (method, threads, seed)
    for threads in (1, 4):
        rows = ask("bucket", "--threads", threads, "files")
        assert {row["id"]: row for row in rows} == expected
    names = sorted(os.listdir("files"))
    rng.shuffle(names)
    rows = ask("bucket", *(f"files/{name}" for name in names))
    assert {row["id"]: row for row in rows} == expected


def test_labels_stay_out(rng):
    records = make_reports(rng, 6, 120)
    plain = ask("bucket", write_records("all.jsonl", [{k: v for k, v in r.items() if k != "label"} for r in records]))
    for seed in (1, 2, 3):
        names = [record["label"] for record in records]
        random.Random(seed).shuffle(names)
        permuted = [dict(record, label=name) for record, name in zip(records, names)]
        assert ask("bucket", write_records("permuted.jsonl", permuted)) == plain
        store = f"{seed}.db"
        run("import", "--store", store, "permuted.jsonl")
        assert partition(ask("assign", "--store", store)) == partition(stored_plain()), seed


def stored_plain():
    if not os.path.exists("whorl.db"):
        run("import", "all.jsonl")
        stored_plain.rows = ask("assign")
    return stored_plain.rows


main(test_ids, test_equal_ids, test_labels_join, test_labels_table, test_import_again, test_import_twice_in_one, test_import_labels,
     test_order_and_threads, test_labels_stay_out)
