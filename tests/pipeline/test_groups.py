#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_groups.py WHORL [TEST…]: groups in a store: assigned one after the other, names that last, and people's word."""
import json
import random

from drive import Failed, ask, dump, fails, groups_of, main, make_reports, partition, run, stack, write_records


def calibrated(records):
    ask("calibrate", "-o", "model", write_records("model.jsonl", records))
    return "model"


def test_assign_is_sequential(rng):
    records = make_reports(rng, 8, 150)
    model = calibrated(records)
    write_records("all.jsonl", records)
    ask("assign", "--store", "once.db", "--model", model, "all.jsonl")
    once = ask("list", "--store", "once.db")
    expected = {row["id"]: row["group"] for row in once}
    assert 5 <= len(set(expected.values())) <= 60
    for seed in range(4):
        order = random.Random(seed)
        at, first, store, placed = 0, True, f"parts{seed}.db", {}
        while at < len(records):
            part = records[at:at + order.randint(1, 60)]
            at += len(part)
            order.shuffle(part)
            words = ["--store", store, *(["--model", model] if first else []), write_records("part.jsonl", part)]
            if order.random() < 0.3:
                ask("import", *words[:2], words[-1])
                words = words[:-1]
            for row in ask("assign", "--threads", order.choice((1, 3)), *words):
                placed[row["id"]] = row["group"]
            first = False
        assert groups_of(store) == expected == placed, seed
    opened = [row["id"] for row in ask("assign", "--store", "again.db", "--model", model, "all.jsonl") if row["is_new"]]
    assert len(opened) == len(set(expected.values()))
    assert [row["is_new"] for row in ask("assign", "--store", "dry.db", "--dry-run", "all.jsonl")].count(True) > 0
    assert set(groups_of("dry.db").values()) == {None}


def test_ids_in_natural_order(rng):
    """Without times, by id: runs of digits compare as numbers; the group is named after its first."""
    write_records("all.jsonl", [stack("f", "g", "h", id=f"r{i}") for i in (10, 9, 100, 2)] + [stack("f", "g", "h", "i", "j", id="r02")])
    rows = ask("assign", "--d", "0.9", "all.jsonl")
    assert [row["id"] for row in rows] == ["r02", "r2", "r9", "r10", "r100"], rows
    write_records("timed.jsonl", [stack("x", id="b", time="2026-01-01T00:00:01Z"), stack("y", id="a", time="2026-01-01T00:00:02Z"),
                                  stack("z", id="never"), stack("w", id="c", time="2026-01-01T00:00:00+01:00")])
    assert [row["id"] for row in ask("assign", "timed.jsonl")] == ["c", "b", "a", "never"]


def living(groups):
    members = {}
    for record, group in groups.items():
        if group:
            members.setdefault(group, set()).add(record)
    return members


def check_names(before, after, ever, store):
    """Names of before in after: continued by the larger part, never given to strangers; names of the dead stay dead."""
    old, new = living(before), living(after)
    for group in set(new) - set(old):
        assert group not in ever, f"{group} was given before"
    for group in set(new) & set(old):
        assert new[group] & old[group], f"{group} continues nothing"
    for group, members in old.items():
        heir = max(new.values(), key=lambda m: len(m & members))
        if 2 * len(heir & members) > len(members) and 2 * len(heir & members) > len(heir & set(before)):
            assert group in new and new[group] == heir, f"{group} lost its name"
    for group in ever | set(old):
        if group in new:
            continue
        current = {row["bucket"] for row in ask("show", "--store", store, group)}
        assert len(current) == 1 and current <= set(new), (group, current)
    ever |= set(old) | set(new)


def test_names_last(rng):
    for seed in range(5):
        rng = random.Random(seed)
        records, store, ever, before, at = make_reports(rng, 10, 160), f"{seed}.db", set(), {}, 0
        while at < len(records):
            part = records[at:at + rng.randint(10, 50)]
            at += len(part)
            ask(rng.choice(("import", "assign")), "--store", store, write_records("part.jsonl", part))
            now = groups_of(store)
            assert all(now[record] == group for record, group in before.items()), "assign moved something"
            ever |= {group for group in now.values() if group}
            d = rng.choice(("0.2", "0.5", "0.67", "0.8"))
            plan = ask("cluster", "--dry-run", "--store", store, "--d", d)
            assert groups_of(store) == now
            assert ask("cluster", "--store", store, "--d", d) == plan
            after = groups_of(store)
            check_names(now, after, ever, store)
            before = after
        assert {row["change"] for row in ask("cluster", "--store", store)} == {"kept"}


def fill(rng, bugs=8, n=120):
    records = make_reports(rng, bugs, n)
    ask("assign", write_records("all.jsonl", records))
    ask("cluster")
    return records


def together(groups, ids):
    return len({groups[i] for i in ids}) == 1


def test_merge_and_split_are_obeyed(rng):
    fill(rng)
    for turn in range(6):
        groups = living(groups_of())
        a, b = rng.sample(sorted(groups), 2)
        merged = groups[a] | groups[b]
        assert ask("merge", a, b)[0]["moved"] == len(groups[b])
        assert living(groups_of())[a] == merged
        for d in ("0.1", "0.67"):
            ask("cluster", "--d", d)
            assert together(groups_of(), merged), (turn, d, "torn")
    sizes = {group: members for group, members in living(groups_of()).items() if len(members) > 3}
    group = max(sizes, key=lambda g: len(sizes[g]))
    apart = sorted(sizes[group])[:2]
    try:
        fresh = ask("split", *apart)[0]["group"]
    except Failed as error:  # what people tied must be untied first
        raise AssertionError(error) from error
    now = groups_of()
    assert [now[i] for i in apart] == [fresh, fresh] and now[sorted(sizes[group])[3]] == group


def test_split_is_obeyed(rng):
    records = [stack(*"abcdefgh", id=f"r{i}", time=f"2026-01-01T00:00:{i:02}Z") for i in range(6)]
    records += [stack(*"abcdefgx", id=f"s{i}", time=f"2026-01-01T00:01:{i:02}Z") for i in range(6)]
    [group] = {row["group"] for row in ask("assign", write_records("all.jsonl", records))}
    [split] = ask("split", "s0", "s1", "s2", "s3", "s4", "s5")
    assert split["from"] == group and split["moved"] == 6
    for d in ("0.3", "0.67", "1"):
        ask("cluster", "--d", d)
        now = groups_of()
        assert together(now, [f"s{i}" for i in range(6)]) and together(now, [f"r{i}" for i in range(6)]) and now["r0"] != now["s0"], (d, now)
    later = ask("assign", write_records("later.jsonl", [stack(*"abcdefgx", id="s9"), stack(*"abcdefgh", id="r9")]))
    assert {row["id"]: row["group"] for row in later} == {"s9": now["s0"], "r9": now["r0"]}
    # equal reports, held apart
    [split] = ask("split", "r3", "--from", "r4")
    ask("cluster")
    now = groups_of()
    assert now["r3"] != now["r4"], now
    [explanation] = ask("explain")
    assert {g["group"]: g["size"] for g in explanation["groups"]} == {g: len(m) for g, m in living(now).items()}
    fails(1, "nothing would be left", "split", *[i for i, g in now.items() if g == now["s0"]])
    fails(1, "no observation is called nobody", "split", "nobody")
    fails(1, "already", "merge", now["s0"], now["s0"])


def test_undo_restores(rng):
    fill(rng)
    for turn in range(8):
        before, groups = groups_of(), living(groups_of())
        plain = partition(ask("list"))
        big = [members for members in groups.values() if len(members) > 2]
        if rng.random() < 0.5 and big:
            ask("split", *sorted(rng.choice(big))[:rng.randint(1, 2)])
        else:
            ask("merge", *rng.sample(sorted(groups), rng.choice((2, 2, 3))))
        assert partition(ask("list")) != plain
        if rng.random() < 0.5:
            ask("label", rng.choice(sorted(before)), f"label{turn}")
        for saying in reversed([row for row in ask("history") if row["word"] in ("merge", "split") and "undone_by" not in row]):
            ask("undo", saying["number"])
        assert groups_of() == before, turn
        assert {row["change"] for row in ask("cluster")} == {"kept"}
        fails(1, "", "undo", saying["number"])
    fails(1, "no number 99999", "undo", "99999")
    fails(2, "is no number", "undo", "x")


def test_labels_and_notes(rng):
    fill(rng)
    group = sorted(living(groups_of()))[0]
    member = sorted(living(groups_of())[group])[0]
    first = next(row["label"] for row in ask("list") if row["id"] == member)
    ask("label", member, "one")
    [two] = ask("label", member, "two", "--who", "ann")

    def label():
        return next(row.get("label") for row in ask("list") if row["id"] == member)

    assert label() == "two"
    ask("undo", two["number"])
    assert label() == "one"
    ask("label", member, "")
    assert label() is None
    for row in reversed(ask("history")):
        if row["word"] == "label" and "undone_by" not in row:
            ask("undo", row["number"])
    assert label() == first, (label(), first)
    ask("note", group, "first"), ask("note", group, "second\nline")
    assert {hit["note"] for hit in ask("search", "--nearest", 1, member) if hit["group"] == group} <= {"second\nline"}
    assert [row["text"] for row in ask("history", group) if row["word"] == "note"] == ["first", "second\nline"]
    fails(1, "nobody", "label", "nobody", "x")


def test_diff_writes_nothing(rng):
    records = fill(rng)
    write_records("few.jsonl", records[:40])
    ask("train", "-o", "trained", "--folds", "0", "all.jsonl")
    before = dump()
    for words in ([], ["--d", "0.3"], ["trained"], ["default", "trained"], ["--identity", "module-function"], ["store", "trained"],
                  ["--among", "few.jsonl", "--d", "0.1"]):
        rows = ask("diff", *words)
        assert rows and sum(row["observations"] for row in rows) == (40 if "--among" in words else 120), words
        assert dump() == before, words
    run("diff", "--exit-code")
    plan = ask("diff", "--d", "0.3")
    assert [row for row in ask("cluster", "--d", "0.3")] == plan


def test_explain_adds_up(rng):
    records = make_reports(rng, 5, 60)
    for i, record in enumerate(records):
        write_records(f"box/{i}.jsonl", [record])
    for _ in range(60):
        a, b = rng.sample(range(60), 2)
        for method in ("whorl", "pdm", "tfidf"):
            [pair] = ask("explain", "--similarity", method, f"box/{a}.jsonl", f"box/{b}.jsonl")
            assert 0 <= pair["similarity"] <= 1 and pair["alike"] == (pair["similarity"] >= pair["cut"]), pair
            [turned] = ask("explain", "--similarity", method, f"box/{b}.jsonl", f"box/{a}.jsonl")
            assert abs(turned["similarity"] - pair["similarity"]) < 1e-9
            shares = [row["contribution"] for row in pair["alignment"]]
            matched = ["a" in row and "b" in row for row in pair["alignment"]]
            assert all(-1e-6 <= share <= pair["similarity"] + 1e-6 for share in shares), (method, pair)
            assert all(match or share == 0 for share, match in zip(shares, matched)), (method, pair)
            assert any(matched) or pair["similarity"] == 0, (method, pair)
            # what would be lost without a match: its frame, and its pairs with both neighbours, so that a pair counts twice
            assert method == "tfidf" or sum(shares) <= 2 * pair["similarity"] + 1e-6, (method, pair)
    write_records("copy.jsonl", [dict(records[1], id="copy")])
    [same] = ask("explain", "box/1.jsonl", "copy.jsonl")
    assert same["similarity"] == 1 and same["alike"] and all(row["contribution"] > 0 for row in same["alignment"])


main(test_assign_is_sequential, test_ids_in_natural_order, test_names_last, test_merge_and_split_are_obeyed, test_split_is_obeyed,
     test_undo_restores, test_labels_and_notes, test_diff_writes_nothing, test_explain_adds_up)
