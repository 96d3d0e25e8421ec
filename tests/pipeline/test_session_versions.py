#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_session_versions.py WHORL [TEST…]: a model for each platform and version in one store, over made-up sessions that leak in one of some ways."""
import contextlib
import json
import sqlite3

from drive import ask, dump, fails, groups_of, is_whole, main, run, time_of, write

run.noun = "session"
LEAKS = {"cache": ("Entry", "Node"), "queue": ("Task", "Item"), "timer": ("Alarm", "Slot"), "rows": ("Row", "Cell")}


def session_rows(rng, name, kind, steps=16):
    """What the kind leaks grows all the way, at a rate of its own; everything else goes up and down."""
    rate = rng.uniform(20, 60)
    for step in range(steps):
        for metric in sorted({m for leak in LEAKS.values() for m in leak} | {"Str", "Obj", "Map", *LEAKS.get(kind, (kind + "A", kind + "B"))}):
            leaks = metric in LEAKS.get(kind, (kind + "A", kind + "B"))
            value = 100 + (rate * step + rng.randrange(5) if leaks else rng.randrange(8))
            yield f"{name},{step},{metric},{int(value)}"


class Made:
    """Sessions, and what is told of them; written as the two files that the command reads."""

    def __init__(self, rng):
        self.rng, self.rows, self.told, self.n = rng, {}, {}, 0

    def add(self, version, kinds, n, platform="linux", at=None):
        names = []
        for i in range(n):
            name, kind = f"s{self.n:04}", kinds[i % len(kinds)]
            self.rows[name] = list(session_rows(self.rng, name, kind))
            self.told[name] = {"version": version, "platform": platform, "label": kind, "time": at or time_of(600 * self.n)}
            names.append(name)
            self.n += 1
        return names

    def files(self, names=None, stem="all"):
        names = list(self.told) if names is None else names
        quoted = lambda text: '"' + text.replace('"', '""') + '"'
        told = write(stem + "-told.csv", "session,time,version,platform,label\n" + "".join(
            ",".join([name, *(quoted(self.told[name][key]) for key in ("time", "version", "platform", "label"))]) + "\n" for name in names))
        rows = write(stem + ".csv", "session,timestep,metric,value\n" + "".join(line + "\n" for name in names for line in self.rows[name]))
        return ["--sessions", told, rows]


def state():
    with contextlib.closing(sqlite3.connect("whorl.db")) as database:
        rows = database.execute("select bytes from state where noun = 'session' and key = 'models'").fetchall()
    return json.loads(rows[0][0]) if rows else None


def of(result):
    """The models of a training or a calibration, by their values."""
    return {tuple(model["of"].values()): model for model in result["models"]}


KINDS = sorted(LEAKS)


def two_versions(rng):
    made = Made(rng)
    made.add("1.9", KINDS[:3], 24)
    made.add("1.10", [*KINDS[1:3], "fresh"], 24)
    return made


def test_from_files(rng):
    """A model a version; what continues keeps its id from one version to the next, what is new has one of its own; the rest is refused by name."""
    made = two_versions(rng)
    made.add("1.11", KINDS[1:2], 5)
    [told] = ask("train", "--per", "version", *made.files())
    models = of(told)
    assert list(models) == [("1.9",), ("1.10",)] and told["observations"] == 53, list(models)
    assert all(model["f"] == 1 and model["groups"] == 3 and model["observations"] == 24 for model in models.values())
    [refused] = told["refused"]
    assert refused["of"] == {"version": "1.11"} and "5 observations are too few" in refused["why"] and "at least 20" in refused["why"]
    assert refused["before_choice"] == "older" and refused["before_of"] == "version=1.10", refused
    assert models[("1.9",)]["before_choice"] == "none" and models[("1.10",)]["before_of"] == "version=1.9"
    assert {move["change"] for move in models[("1.9",)]["moves"]} == {"new"}
    kept = [move for move in models[("1.10",)]["moves"] if move["change"] == "kept"]
    assert len(kept) == 2 and all(move["observations"] == 8 for move in kept), models[("1.10",)]["moves"]
    assert {move["to"] for move in models[("1.10",)]["moves"] if "from" not in move} & {move["to"] for move in models[("1.9",)]["moves"]} == set()
    assert "version=1.11: refused" in run.said
    assert [entry.get("values") for entry in state()["models"]] == [["1.9"], ["1.10"]]
    rows = ask("assign", *made.files())
    assert {(row["model_of"], row["model_choice"]) for row in rows} == {("version=1.9", "own"), ("version=1.10", "own"), ("version=1.10", "older")}
    for row in rows:
        own = made.told[row["id"]]["version"]
        assert row["model_of"] == ("version=1.10" if own == "1.11" else "version=" + own)
    assert "48 under the model of their own values, 5 of an older version" in run.said
    label_of = {}
    for name, group in groups_of().items():
        label_of.setdefault((made.told[name]["label"], made.told[name]["version"]), set()).add(group)
    assert all(len(groups) == 1 for groups in label_of.values()), label_of
    assert label_of["queue", "1.9"] == label_of["queue", "1.10"] and label_of["rows", "1.9"] == label_of["rows", "1.10"]
    changes = {row["group"]: row["change"] for row in ask("compare", "--exit-code", "1.9", "1.10")}
    assert run.found and changes == {label_of["cache", "1.9"].pop(): "fixed", label_of["queue", "1.9"].pop(): "persisting",
                                     label_of["rows", "1.9"].pop(): "persisting", label_of["fresh", "1.10"].pop(): "new"}, changes
    files = ask("compare", "--store", "whorl.db", "1.9", "1.10", *made.files())
    assert {row["group"]: row["change"] for row in files} == changes
    assert is_whole()


def test_back_again(rng):
    """A kind that 2.0 does not have and 3.0 has again keeps the id that it had in 1.0."""
    made = Made(rng)
    made.add("1.0", KINDS[:3], 24), made.add("2.0", KINDS[1:3], 24)
    for step in (0, 1):
        if step:
            made.add("3.0", KINDS[:2], 24)
        ask("train", "--per", "version", "--missing", *made.files()), ask("assign", *made.files())
    group_of = {(row["label"], row["version"]): groups_of()[name] for name, row in made.told.items()}
    assert group_of["cache", "3.0"] == group_of["cache", "1.0"] and group_of["queue", "3.0"] == group_of["queue", "2.0"] == group_of["queue", "1.0"]
    assert {row["group"]: row["change"] for row in ask("compare", "2.0", "3.0")} == {
        group_of["cache", "1.0"]: "back", group_of["queue", "1.0"]: "persisting", group_of["rows", "1.0"]: "fixed"}


def test_in_the_store(rng):
    """From the store: sessions go into the new groups, the map is printed and remembered; again, and nothing changes but the model's number."""
    made = two_versions(rng)
    ask("assign", *made.files())
    before = groups_of()
    [told] = ask("train", "--per", "platform,version")
    assert set(of(told)) == {("linux", "1.9"), ("linux", "1.10")}
    assert [model["before_choice"] for model in told["models"]] == ["all", "all"], "what they went under so far"
    after = groups_of()
    for kind in ("cache", "queue", "rows", "fresh"):
        mine = {name for name, row in made.told.items() if row["label"] == kind}
        assert {after[name] for name in mine} == {before[name] for name in mine}, "the model for all told them apart, and ids are kept"
    assert [row["word"] for row in ask("history")] == ["regroup", "regroup"]
    [again] = ask("train", "--per", "platform,version")
    assert groups_of() == after and {move["change"] for model in again["models"] for move in model["moves"]} == {"kept"}
    assert all(model["before_choice"] == "own" for model in again["models"])
    [none] = ask("train", "--missing")
    assert none["models"] == [] and none["refused"] == []
    fresh = made.add("2.0", KINDS, 24)
    ask("assign", *made.files(fresh, "fresh"))
    [third] = ask("train", "--missing")
    assert set(of(third)) == {("linux", "2.0")}
    assert [entry.get("values") for entry in state()["models"]] == [None, ["linux", "1.9"], ["linux", "1.10"], ["linux", "2.0"]]
    fails(2, "train --per", "cluster")
    before = groups_of()
    [told] = ask("train", "--per", "version")
    assert [model["before_of"] for model in told["models"]] == [f"platform=linux,version={version}" for version in ("1.9", "1.10", "2.0")]
    assert groups_of() == before and [entry.get("values") for entry in state()["models"]] == [None, ["1.9"], ["1.10"], ["2.0"]]
    file = ask("train", "-o", "one.model", *made.files()) and "one.model"
    ask("cluster", "--model", file)
    assert state() == {"per": [], "models": []} and not any("model_choice" in row for row in ask("assign", *made.files(made.add("9.9", KINDS, 2), "last")))


def test_fallback(rng):
    """Own, older, newer, all, none: in that order, said and counted; rc before the release, 1.10 after 1.9; what says no version goes under the newest."""
    made = Made(rng)
    for version in ("1.9", "1.10", "3.0"):
        made.add(version, KINDS, 20)
    ask("train", "--per", "platform,version", *made.files())
    cases = [("1.9.5", "linux", "older", "1.9"), ("1.10-rc1", "linux", "older", "1.9"), ("1.10~beta", "linux", "older", "1.9"), ("1.10", "linux", "own", "1.10"),
             ("1.10-2", "linux", "older", "1.10"), ("2.7", "linux", "older", "1.10"), ("0.1", "linux", "newer", "1.9"), ("", "linux", "older", "3.0"),
             ("99999999999999999999999.1", "linux", "older", "3.0"), ("1.9", "hurd", None, None)]
    expected = {made.add(version, KINDS[:1], 1, platform)[0]: (choice, number) for version, platform, choice, number in cases}
    rows = {row["id"]: row for row in ask("assign", *made.files(list(expected), "odd"))}
    for name, (choice, number) in expected.items():
        if choice is None:
            assert name not in rows
        else:
            assert (rows[name]["model_choice"], rows[name]["model_of"]) == (choice, f"platform=linux,version={number}"), (made.told[name], rows[name])
    assert "1 under the model of their own values, 7 of an older version, 1 of a newer one, 0 under the model for all; 1 wait" in run.said, run.said
    assert len(ask("assign")) == 0 and "1 wait" in run.said
    made.add("1.9", KINDS, 20, "hurd")
    ask("train", "--missing", *made.files())
    [waited] = ask("assign")
    assert waited["model_of"] == "platform=hurd,version=1.9" and waited["model_choice"] == "own"


def test_calibrate_since(rng):
    """Sessions of the last so long: those models that have enough of them, each on its own, ids kept; too few are refused."""
    made = Made(rng)
    made.add("1.0", KINDS[:3], 30, at="2026-03-01T00:00:00Z")
    late = made.add("1.1", KINDS[:3], 30, at="2026-09-01T00:00:00Z")
    late += made.add("1.0", KINDS[:3], 6, at="2026-09-01T00:00:00Z")
    ask("train", "--per", "version", *made.files()), ask("assign", *made.files())
    groups = groups_of()
    [told] = ask("calibrate", "--since", "2026-08-01")
    assert told["observations"] == 36 and set(of(told)) == {("1.1",)} and of(told)[("1.1",)]["before_choice"] == "own"
    assert {move["change"] for move in told["moves"]} == {"kept"} and {move["to"] for move in told["moves"]} == set(groups.values())
    assert [row["of"]["version"] for row in told["refused"]] == ["1.0"] and "6 observations are too few" in told["refused"][0]["why"]
    assert groups_of() == groups
    [told] = ask("calibrate", "--since", "2026-08-01", "--least", "6", "--where", "version=1.0")
    assert set(of(told)) == {("1.0",)} and told["observations"] == 6
    before = dump()
    fails(2, "none of 0", "calibrate", "--since", "24h")
    fails(2, "too few", "calibrate", "--since", "2026-08-01", "--least", "31")
    for bad in ("yesterday", "24y", "1h,version=2", "-5h", ""):
        fails(2, "--since", "calibrate", "--since", bad)
    assert dump() == before
    for ages in ("999999w", "4000w"):
        assert ask("calibrate", "--since", ages)[0]["observations"] == 66
    fails(2, "--output", "calibrate", "-o", "model")
    one = [*made.files(late, "late")]
    ask("assign", "--store", "one.db", *one)
    [told] = ask("calibrate", "--store", "one.db", "--since", "2026-08-01")
    assert told["observations"] == 36 and "models" not in told
    fails(2, "too few", "calibrate", "--store", "one.db", "--since", "2026-10-01")
    [told] = ask("calibrate", "--since", "2026-08-01", *made.files())
    assert told["observations"] == 36, "of files, too"


def test_drift_and_watch(rng):
    """Later sessions of one version leak in a new way: drift says of that version, and of no other, that its model wants to be made again; watch says it once."""
    made = two_versions(rng)
    ask("train", "--per", "version", "--alarm", "0.1", *made.files()), ask("assign", *made.files())
    rows = ask("drift", "--exit-code", "--every", "12")
    assert not run.found and [row["of"]["version"] for row in rows] == ["1.9", "1.9", "1.10", "1.10"]
    assert [row.get("retrain") for row in rows] == [None, False, None, False]
    assert not ask("watch", "--rounds", "1", "--rate", "0.05", "--exit-code") and not run.found
    later = made.add("1.10", ["other"], 12)
    [alarm] = ask("watch", "--rounds", "2", "--interval", "0.1", "--rate", "0.05", "--recent", "12", "--exit-code", *made.files(later, "later"))
    assert run.found and alarm["of"] == {"version": "1.10"} and alarm["model_choice"] == "own" and alarm["new"] == 12
    rows = ask("drift", "--exit-code", "--every", "12")
    assert run.found and [(row["of"]["version"], row["drifts"]) for row in rows] == [("1.9", False), ("1.9", False), ("1.10", False), ("1.10", False), ("1.10", True)]
    assert [row["retrain"] for row in rows if "retrain" in row] == [False, True] and "train again" in run.said
    [told] = ask("train", "--per", "version")
    assert of(told)[("1.10",)]["groups"] == 4
    assert not any(row["retrain"] for row in ask("drift", "--every", "12") if "retrain" in row)


def test_damaged(rng):
    """A model that is damaged in the store is named, with why; what it was for goes under the next best, and the others are as good as before."""
    made = two_versions(rng)
    ask("train", "--per", "version", *made.files())
    later = {version: made.add(version, KINDS[:1], 2) for version in ("1.9", "1.10", "1.11")}
    good = {entry["values"][0]: entry["number"] for entry in state()["models"]}
    with contextlib.closing(sqlite3.connect("whorl.db")) as database:
        whole = database.execute("select file from model where number = ?", (good["1.10"],)).fetchone()[0]
    spoiled = [b"", whole[:100], whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], b"x" * 5000]
    for i, file in enumerate(spoiled):
        with contextlib.closing(sqlite3.connect("whorl.db")) as database:
            database.execute("update model set file = ? where number = ?", (file, good["1.10"]))
            database.commit()
        rows = {row["id"]: row for row in ask("assign", "--dry-run", *made.files(sum(later.values(), []), "later"))}
        assert run.said.count(f"model {good['1.10']}, of version=1.10: ") == 1, run.said
        assert {rows[name]["model_of"] for name in rows} == {"version=1.9"}
        assert [rows[name]["model_choice"] for name in sorted(rows)] == ["own", "own", "older", "older", "older", "older"]
        assert {row["of"]["version"] for row in ask("drift")} == {"1.9", "1.10", "1.11"}
        assert len(ask("list")) == 6 and ask("calibrate", "--least", "2", "--where", "version=1.9")[0]["models"]
    with contextlib.closing(sqlite3.connect("whorl.db")) as database:
        database.execute("update model set file = x'00'")
        database.commit()
    fails(1, ["whorl.db: models: none of them can be read"], "assign")
    for text in ("", "{}", "[]", '{"per":["weather"],"models":[]}', '{"per":["version"],"models":[{"number":0}]}', '{"per":["version"],"models":[{"number":1,"values":[]}]}',
                 '{"per":["version"],"models":[3]}', '{"per":[7],"models":[]}'):
        with contextlib.closing(sqlite3.connect("whorl.db")) as database:
            database.execute("update state set bytes = ? where key = 'models'", (text.encode(),))
            database.commit()
        fails(1, "whorl.db: which models it has", "assign")


def test_odd_values(rng):
    """Versions with quotes, commas, line breaks and other scripts; attributes that are none; the same one twice."""
    made = Made(rng)
    odd = ['1.0 "beta", or so', "=,=", "二", "a\\b\tc", "-", "'; drop table model; --"]
    for version in odd:
        made.add(version, KINDS, 20)
    [told] = ask("train", "--per", "version,platform", *made.files())
    assert {model["of"]["version"] for model in told["models"]} == set(odd)
    rows = ask("assign", *made.files())
    assert len(rows) == 20 * len(odd) and all(row["model_choice"] == "own" and row["model_of"] == f"version={made.told[row['id']]['version']},platform=linux" for row in rows)
    for bad, says in (("weather", "there are app, version, platform"), ("version,version", "twice"), ("", "--per"), (",", "--per"), ("version,", "--per"), ("x" * 500, "no attribute")):
        fails(2, says, "train", "--per", bad, *made.files())
    fails(2, "--output", "train", "--per", "version", "-o", "model", *made.files())
    fails(2, "--missing", "train", "--store", "other.db", "--missing", *made.files())
    run.noun = "stack"
    try:
        write("r.jsonl", '{"id":"r1","frames":[{"function":"a"}]}\n')
        fails(2, "compares", "train", "--store", "stacks.db", "--per", "version", "r.jsonl")
    finally:
        run.noun = "session"


def test_hundreds(rng):
    """Hundreds of versions, each with a model: the right one is found, and only those that are asked for are read."""
    made = Made(rng)
    made.add("0.0", KINDS, 20)
    ask("train", "--per", "version", *made.files())
    with contextlib.closing(sqlite3.connect("whorl.db")) as database:
        number, file = database.execute("select number, file from model").fetchone()
        models = [{"number": number, "values": ["0.0"]}]
        for i in range(1, 400):
            database.execute("insert into model (number, noun, created_ns, file) values (?, 'session', 0, ?)", (number + i, file if i % 7 == 0 else b"never read"))
            models.append({"number": number + i, "values": [f"{i // 10}.{i % 10}"]})
        database.execute("update model set file = ? where number = ?", (file, number + 399))
        database.execute("update state set bytes = ? where key = 'models'", (json.dumps({"per": ["version"], "models": models}).encode(),))
        database.commit()
    wanted = {made.add(f"{i // 10}.{i % 10}", KINDS[:1], 1)[0]: number + i for i in range(0, 400, 7)}
    rows = ask("assign", *made.files(list(wanted), "wanted"))
    assert {row["id"]: row["model"] for row in rows} == wanted and "next best" not in run.said


def test_people(rng):
    """A merge is obeyed by the models of all versions, and by those made later."""
    made = two_versions(rng)
    ask("train", "--per", "version", *made.files()), ask("assign", *made.files())
    group_of = {made.told[name]["label"]: group for name, group in groups_of().items()}
    ask("merge", group_of["queue"], group_of["rows"])
    later = made.add("1.9", ["queue", "rows"], 4) + made.add("1.10", ["queue", "rows"], 4)
    assert {row["group"] for row in ask("assign", *made.files(later, "later"))} == {groups_of()[later[0]]}
    ask("train", "--per", "version")
    after = groups_of()
    assert len({after[name] for name, row in made.told.items() if row["label"] in ("queue", "rows")}) == 1
    assert len({after[name] for name, row in made.told.items() if row["label"] in ("cache", "fresh")}) == 2


def test_threads_and_order(rng):
    made = two_versions(rng)
    ask("train", "--per", "version", "--threads", "1", *made.files())
    names = list(made.told)
    rng.shuffle(names)
    ask("train", "--store", "other.db", "--per", "version", "--threads", "3", *made.files(names, "shuffled"))
    files = []
    for store in ("whorl.db", "other.db"):
        with contextlib.closing(sqlite3.connect(store)) as database:
            files.append(database.execute("select number, file from model order by number").fetchall())
    assert files[0] == files[1] and len(files[0]) == 2


main(test_from_files, test_back_again, test_in_the_store, test_fallback, test_calibrate_since, test_drift_and_watch, test_damaged, test_odd_values, test_hundreds, test_people,
     test_threads_and_order)
