#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_words.py WHORL: every verb on a made-up signal that nothing but its own file knows (words.c).

Two planted topics of twelve texts each, and one text that is like no other."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

whorl = os.path.abspath(sys.argv[1])
SEA = "anchor boat captain deck eel ferry gull harbour island jetty keel lagoon mast".split()
FOREST = "acorn bark cedar deer elm fern glade hazel ivy juniper lichen moss needle".split()


def run(*words, status=0, text=False):
    result = subprocess.run([whorl, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert result.returncode == status, (words, result.returncode, result.stderr)
    return result.stdout if text else [json.loads(line) for line in result.stdout.splitlines()]


def ask(verb, *words, **keywords):
    return run("words", verb, "--format", "jsonl", *words, **keywords)


def write_corpus(rng):
    os.makedirs("texts/old")
    with open("labels.tsv", "w") as labels:
        for topic, vocabulary in (("sea", SEA), ("forest", FOREST)):
            for i in range(12):
                with open(f"texts/old/{topic}{i}.txt", "w") as file:
                    print(*rng.choices(vocabulary, k=80), file=file)
                print(f"{topic}{i}.txt", topic, sep="\t", file=labels)
    with open("odd.txt", "w") as file:
        print("quark gluon boson lepton", file=file)
    with open("later.txt", "w") as file:
        print(*rng.choices(SEA, k=80), file=file)
    with open("texts/no-text.bin", "wb") as file:
        file.write(bytes(range(32)))


def topic_of(row):
    return re.match("[a-z]*", row["id"].split("/")[-1])[0]


def check_grouping(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], set()).add(topic_of(row))
    assert sorted(map(sorted, groups.values())) == [["forest"], ["sea"]], groups
    return {topics.pop(): group for group, topics in groups.items()}


def test_files():
    rows = ask("cluster", "texts")
    assert len(rows) == 24
    check_grouping(rows)
    labelled = ("--labels", "labels.tsv", "texts")
    [quality] = ask("evaluate", *labelled)
    assert (quality["n"], quality["classes"], quality["groups"], quality["f"], quality["pair_auc"]) == (24, 2, 2, 1, 1), quality
    [training] = ask("train", "-o", "model", "--freeze-weights", *labelled)
    assert training["f"] == 1 and training["method"] == "cosine"
    assert check_grouping(ask("cluster", "--model", "model", "texts"))
    [calibration] = ask("calibrate", "-o", "calibrated", "texts")
    assert calibration["observations"] == 24 and 0 < calibration["d"] <= calibration["default_d"]
    assert check_grouping(ask("cluster", "--model", "calibrated", "texts"))
    [explanation] = ask("explain", "texts")
    for group in explanation["groups"]:
        names = {feature["name"] for feature in group["features"]}
        assert group["size"] == 12 and (names <= set(SEA) or names <= set(FOREST)), group
        assert all(feature["kind"] == "word" for feature in group["features"])
    [pair] = ask("explain", "texts/old/sea1.txt", "texts/old/sea2.txt")
    assert pair["alike"] and 0.5 < pair["similarity"] < 1 and "alignment" not in pair
    hits = ask("search", "--among", "texts", "--nearest", "12", "later.txt")
    assert [topic_of(hit) for hit in hits] == ["sea"] * 12
    [shown] = ask("show", "odd.txt")
    assert shown["words"] == {"boson": 1, "gluon": 1, "lepton": 1, "quark": 1}
    [listed] = ask("list", "odd.txt")
    assert listed["title"] == "boson gluon lepton quark"
    assert "quark" not in run("words", "show", "--format", "table", "odd.txt", text=True)
    assert not os.path.exists("whorl.db")


def test_store():
    [done] = ask("import", "--labels", "labels.tsv", "texts")
    assert (done["added"], done["known"], done["unknown_files"]) == (24, 0, 1), done
    assert ask("import", "texts")[0]["known"] == 24
    assert [row["label"] for row in ask("list")] == [topic_of(row) for row in ask("list")]
    exported = run("words", "export", "--format", "jsonl", text=True)
    with open("export.jsonl", "w") as file:
        file.write(exported)
    assert run("words", "export", "--format", "jsonl", "export.jsonl", text=True) == exported
    assert ask("import", "--store", "copy.db", "export.jsonl")[0]["added"] == 24
    assert ask("import", "export.jsonl")[0]["known"] == 24

    rows = ask("assign")
    groups = check_grouping(rows)
    assert sum(row["is_new"] for row in rows) == 2
    [later] = ask("assign", "later.txt", "--exit-code")
    assert later["group"] == groups["sea"] and not later["is_new"]
    [odd] = ask("assign", "--exit-code", "odd.txt", status=3)
    assert odd["is_new"] and odd["group"] not in groups.values()
    assert not ask("assign")
    assert {row["change"] for row in ask("cluster")} == {"kept"}
    assert {row["group"] for row in ask("list", "--group", groups["sea"])} == {groups["sea"]}
    assert len(ask("show", groups["sea"])) == 13
    hits = ask("search", "--nearest", "3", "later.txt")
    assert len(hits) == 3 and {hit["group"] for hit in hits} == {groups["sea"]} and {hit["label"] for hit in hits} == {"sea"}
    assert {row["change"] for row in ask("diff", "--d", "0.02")} >= {"split"}
    assert {row["change"] for row in ask("diff")} == {"kept"}
    [explanation] = ask("explain", groups["sea"], groups["forest"])
    assert {feature["name"] for feature in explanation["groups"][0]["features"]} <= set(SEA)
    [alone] = ask("explain", "odd.txt", "later.txt")
    assert not alone["alike"] and alone["similarity"] == 0
    return groups, odd["group"]


def test_people(groups, odd):
    [note] = ask("note", groups["sea"], "ask the harbour master")
    [label] = ask("label", odd, "physics", "--who", "ann")
    assert {hit["note"] for hit in ask("search", "later.txt")} == {"ask the harbour master"}
    [merged] = ask("merge", groups["sea"], odd)
    assert merged == {"schema": "whorl.words.merge/1", "group": groups["sea"], "moved": 1}, merged
    assert {row["change"] for row in ask("cluster")} == {"kept"} and len(ask("show", odd)) == 14
    [merge] = [row for row in ask("history") if row["word"] == "merge"]
    ask("undo", str(merge["number"]))
    assert len(ask("show", odd)) == 1
    [split] = ask("split", "old/sea1.txt", "old/sea2.txt")
    assert split["moved"] == 2 and split["from"] == groups["sea"]
    assert {row["change"] for row in ask("cluster")} == {"kept"}
    assert sorted(row["id"] for row in ask("show", split["group"])) == ["old/sea1.txt", "old/sea2.txt"]
    [last] = [row for row in ask("history") if row["word"] == "split"]
    ask("undo", str(last["number"]))
    assert len(ask("show", groups["sea"])) == 13
    words = [row["word"] for row in ask("history")]
    assert [w for w in words if w != "regroup"] == ["note", "label", "merge", "undo", "split", "undo"], words
    assert note["number"] < label["number"]


def test_report():
    verbs = run("words", "-h", text=True)
    if "\n  report " not in verbs:
        print("report: not there yet")
        return
    run("words", "report", "--html", "report.html", text=True)
    with open("report.html") as file:
        page = file.read()
    assert "topic" in page and "stack" not in page.lower().replace("stacking", "")


with tempfile.TemporaryDirectory(prefix="whorl-words-") as folder:
    os.chdir(folder)
    os.environ.pop("WHORL_STORE", None)
    write_corpus(random.Random(1))
    test_files()
    test_people(*test_store())
    test_report()
    os.chdir("/")
