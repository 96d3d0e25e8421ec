#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_session.py WHORL DATA [TEST…]: the verbs on sessions, over real ones of a Java program that leaks in one of six ways."""
import csv
import os
import random
import subprocess
import sys

DATA = os.path.abspath(sys.argv.pop(2))

from drive import SKIPPED, ask, fails, groups_of, main, partition, run, write  # noqa: E402

try:
    from sklearn.metrics import adjusted_rand_score
except ImportError:
    print("skipped: no scikit-learn")
    sys.exit(SKIPPED)

run.noun = "session"
LABELS, SESSIONS = os.path.join(DATA, "labels.csv"), os.path.join(DATA, "sessions.csv.zst")
READ = ["--change-encoded", "--sessions", LABELS, SESSIONS]
KNOWN, EMERGING = ["--where", "split=known", *READ], ["--where", "split=emerging", *READ]
with open(LABELS) as file:
    TOLD = {row["session"]: row for row in csv.DictReader(file)}


def of_split(split):
    return {name for name, row in TOLD.items() if row["split"] == split}


def ari(rows):
    return adjusted_rand_score([TOLD[row["id"]]["label"] for row in rows], [row["group"] for row in rows])


def rows_of(path):
    """The sessions as their lines, by name."""
    lines = subprocess.run(["zstd", "-dc", SESSIONS], capture_output=True, text=True, check=True).stdout.splitlines() if path is None else open(path)
    rows = {}
    for line in list(lines)[1:]:
        rows.setdefault(line.split(",", 1)[0], []).append(line)
    return rows


def test_clusters(rng):
    rows = ask("cluster", *KNOWN)
    assert {row["id"] for row in rows} == of_split("known")
    assert ari(rows) == 1 and not any(row["is_new"] for row in rows)
    assert all(row["distance"] >= 0 and 0 < row["p_value"] <= 1 for row in rows)
    [told] = ask("evaluate", "--no-ranking", *KNOWN)
    assert told["ari"] == 1 and told["groups"] == told["classes"] == 5
    assert len({row["group"] for row in ask("cluster", "-k", "3", *KNOWN)}) == 3


def test_order_and_threads(rng):
    """Neither the order of sessions and of rows, nor the number of threads, nor labels change a thing."""
    rows = rows_of(None)
    known = [name for name in rows if name in of_split("known")]
    expected = {row["id"]: row for row in ask("cluster", "--threads", "1", *KNOWN)}
    rng.shuffle(known)
    for name in known:
        rng.shuffle(rows[name])
    write("shuffled.csv", "\n".join(["session,timestep,metric,value", *(line for name in known for line in rows[name])]) + "\n")
    told = write("told.csv", "session,time,label\n" + "".join(f"{name},{TOLD[name]['time']},{rng.choice('ab')}\n" for name in known))
    for row in ask("cluster", "--threads", "3", "--change-encoded", "--sessions", told, "shuffled.csv"):
        assert row == expected[row["id"]], row


def test_train_and_assign(rng):
    [told] = ask("train", "-o", "model", "--alarm", "0.12", *KNOWN)
    assert told["observations"] == 35 and told["f"] == 1 and [group["size"] for group in told["groups"]] == [7] * 5
    with open("model", "rb") as file:
        before = file.read()
    ask("train", "-o", "again", "--alarm", "0.12", "--threads", "3", *KNOWN)
    with open("again", "rb") as file:
        assert file.read() == before
    emerging = ask("assign", "--exit-code", "--model", "model", *EMERGING)
    assert len(emerging) == 4 and all(row["is_new"] for row in emerging) and run.found
    assert {row["group"] for row in emerging} <= {group["group"] for group in told["groups"]}
    known = ask("assign", "--model", "model", *KNOWN)
    assert ari(known) == 1 and sum(row["is_new"] for row in known) <= 6
    assert not os.path.exists("whorl.db")
    strict = ask("assign", "--model", "model", "--alarm", "0.01", *EMERGING)
    assert sum(row["is_new"] for row in strict) < 4, "so few held-back sessions can hardly show that"


def test_broken_model(rng):
    ask("train", "-o", "model", *KNOWN)
    with open("model", "rb") as file:
        whole = file.read()
    for at in [0, 8, 20, 40, 100, len(whole) // 2, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(20))]:
        for content in (whole[:at], whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1:]):
            with open("broken", "wb") as file:
                file.write(content)
            fails(1, "broken", "assign", "--model", "broken", *EMERGING)
    fails(1, "", "assign", "--model", "model", "--method", "kaboom", *EMERGING)


def test_where(rng):
    assert {row["id"] for row in ask("list", "--where", "label=cache,split=known", *READ)} == {n for n, r in TOLD.items() if r["label"] == "cache"}
    assert {row["id"] for row in ask("list", "--where", "version!=1.0", *READ)} == of_split("emerging")
    late = {row["id"] for row in ask("list", "--where", "since=2026-10-02", *READ)}
    assert late == {name for name, row in TOLD.items() if row["time"] >= "2026-10-02"} and 0 < len(late) < len(TOLD)
    assert {row["id"] for row in ask("list", "--where", "until=2026-10-02T00:00:00Z", *READ)} == set(TOLD) - late
    assert not ask("list", "--where", "since=1s", *READ)
    for bad in ("split", "=x", "!=x", "since=yesterday", "until!=2026-01-01"):
        fails(2, "--where", "list", "--where", bad, *READ)


def test_too_few(rng):
    fails(2, "too few", "train", "-o", "model", *EMERGING)
    fails(2, "--least", "train", "-o", "model", "--least", "100", *KNOWN)
    fails(2, "too few", "assign", *EMERGING)
    ask("train", "-o", "model", "--least", "2", *EMERGING)


def test_store(rng):
    """What is known, then what emerges: found, given a cluster of its own, and recognised from then on."""
    first = ask("assign", "--alarm", "0.12", *KNOWN)
    assert ari(first) == 1 and not any(row["is_new"] for row in first)
    before = groups_of()
    emerging = ask("assign", *EMERGING)
    assert all(row["is_new"] for row in emerging)
    assert not ask("assign", *EMERGING), "they are placed already"
    moves = ask("cluster")
    assert {move["change"] for move in moves} <= {"kept", "split", "moved"}
    after = groups_of()
    assert all(after[name] == before[name] for name in before)
    [fresh] = {after[row["id"]] for row in emerging}
    assert fresh not in before.values()
    [told] = ask("calibrate", "--least", "10", "--where", "since=2026-10-01")
    assert told["groups"] == 6 and all(move["change"] == "kept" for move in told["moves"])
    assert {move["to"] for move in told["moves"]} == set(after.values())


def test_people(rng):
    """Clusters that people hold together are one from then on, also for what comes later."""
    half = [name for name in of_split("known") if TOLD[name]["time"] < "2026-10-02"]
    with open("half.csv", "w") as out:
        out.write("session,timestep,metric,value\n")
        out.writelines(line + "\n" for name, lines in rows_of(None).items() if name in half for line in lines)
    told = ["--change-encoded", "--sessions", LABELS, "half.csv"]
    ask("assign", *told)
    by_label = {TOLD[name]["label"]: group for name, group in groups_of().items()}
    ask("merge", by_label["cache"], by_label["queue"])
    rows = ask("assign", *KNOWN)
    merged = {row["group"] for row in rows if TOLD[row["id"]]["label"] in ("cache", "queue")}
    assert merged == {groups_of()[half[0]]} or len(merged) == 1, merged
    ask("cluster")
    again = groups_of()
    assert len({again[name] for name in again if TOLD[name]["label"] in ("cache", "queue")}) == 1
    assert len(set(again.values())) == 4


def test_explain(rng):
    planted = {"cache": "CacheEntry", "queue": "WorkItem", "timer": "ScheduledFutureTask", "rows": "OomApp$Row", "listener": "ViewState"}
    label_of = {row["group"]: TOLD[row["id"]]["label"] for row in ask("cluster", *KNOWN)}
    [told] = ask("explain", "--features", "5", *KNOWN)
    for group in told["groups"]:
        names = [feature["name"] for feature in group["features"][:3]]
        assert any(name.endswith(planted[label_of[group["group"]]]) for name in names), (label_of[group["group"]], names)
        feature = group["features"][0]
        assert feature["kind"] == "share of the growth" and feature["mean_inside"] > feature["mean_outside"] and feature["p_value"] <= 0.05
        assert feature["name"] in feature["sentence"]


def test_presence(rng):
    """KabOOM's Table 2: 2p / (3p + o), of what at least a twentieth of the group has; most of the group breaks ties."""
    [told] = ask("explain", "--analysis", "presence", "--features", "20", *KNOWN)
    for group in told["groups"]:
        before = None
        for feature in group["features"]:
            p, o = feature["inside"] / group["size"], feature["outside"] / (35 - group["size"])
            assert feature["kind"] == "metric" and p >= 0.05 and abs(feature["score"] - 2 * p / (3 * p + o)) < 1e-9
            assert before is None or (feature["score"], p) <= before
            before = feature["score"], p


def test_leak(rng):
    rows = ask("leak", "--exit-code", "--where", "label=cache", *READ)
    assert run.found and any(row["metric"].endswith("CacheEntry") for row in rows)
    assert all(row["growth"] > 0 and row["p_value"] <= 0.01 and row["slope_per_second"] > 0 for row in rows)
    assert not ask("leak", "--exit-code", "--where", "split=normal", *READ) and not run.found
    write("flat.csv", "session,timestep,metric,value\n" + "".join(f"a,{i},x,{i % 7}\n" for i in range(100)))
    assert not ask("leak", "flat.csv")
    write("short.csv", "session,timestep,metric,value\na,0,x,1\na,1,x,2\n")
    assert not ask("leak", "short.csv") and "too short" in run.said


def test_changed(rng):
    """Of sixty metrics two move in the last fifth, one of them for a while before; the windows in every way they can be said."""
    rows = []
    for step in range(200):
        rows.append(f"a,{step},@time_s,{1000 + 15 * step}")
        for metric in range(60):
            moved = 50 * (metric == 7 and step >= 160) - 80 * (metric == 9 and 150 <= step < 180)
            rows.append(f"a,{step},m{metric},{100 + rng.gauss(0, 5) + moved:.3f}")
    write("a.csv", "session,timestep,metric,value\n" + "\n".join(rows) + "\n")
    for words in ([], ["--window", "40"], ["--window", "10m", "--baseline", "30m"], ["--window", "3400/4000"], ["--window", "40", "--baseline", "50%"]):
        found = {row["metric"]: row for row in ask("changed", "--exit-code", *words, "a.csv")}
        assert run.found and set(found) <= {"m7", "m9"} and "m7" in found, (words, set(found))
        assert found["m7"]["effect"] > 0.9 and 90 < found["m7"]["before"] < 110 and 140 < found["m7"]["now"] < 160 and found["m7"]["baro"] > 4
    assert not ask("changed", "--exit-code", "--window", "1000/1600", "--baseline", "5", "a.csv") and not run.found
    for bad in ("x", "-3", "5y", "10/", "1/x", "0"):
        fails(2, "--window", "changed", "--window", bad, "a.csv")
    write("b.csv", "session,timestep,metric,value\nb,0,x,1\nb,1,x,2\n")
    fails(2, "does not say when", "changed", "--window", "5m", "b.csv")
    assert not ask("changed", "b.csv") and "fewer than two" in run.said


def test_drift_and_watch(rng):
    """Of what is known nothing drifts; four of a new kind are too many."""
    ask("train", "-o", "model", "--alarm", "0.12", *KNOWN)
    assert not any(row["drifts"] for row in ask("drift", "--exit-code", "--every", "7", "--model", "model", *KNOWN)) and not run.found
    rows = ask("drift", "--exit-code", "--model", "model", "--rate", "0.05", *EMERGING)
    assert run.found and [(row["observations"], row["new"], row["drifts"]) for row in rows] == [(4, 4, True)] and 0 < rows[0]["p_value"] <= 0.05
    fails(2, "no model", "drift", *KNOWN)
    once = ["--rounds", "1", "--rate", "0.05", "--recent", "8", "--exit-code"]
    assert not ask("watch", *once, "--alarm", "0.12", *KNOWN) and not run.found
    [alarm] = ask("watch", *once, "--where", "split=emerging", *READ)
    assert run.found and alarm["new"] >= 4 and alarm["typical"] in of_split("emerging") and set(alarm["latest"]) & of_split("emerging")
    fails(2, "too few", "watch", "--store", "other.db", "--rounds", "1", *EMERGING)


def test_compare(rng):
    """Version 1.1 has the leak that emerged, and nothing of what 1.0 had."""
    ask("assign", *KNOWN), ask("assign", *EMERGING), ask("cluster", "--alarm", "0.12")
    rows = ask("compare", "--exit-code", "1.0", "1.1")
    assert run.found and [row["change"] for row in rows] == ["new"] + ["unseen"] * 5
    assert rows[0]["new"] == 4 and rows[0]["old"] == 0 and sum(row["old"] for row in rows) == 35 and rows[0]["p_value"] < 0.01
    back = ask("compare", "1.1", "1.0")
    assert {row["change"] for row in back} == {"new", "fixed"}
    files = ask("compare", "1.0", "1.1", "--where", "split!=normal", *READ)
    assert [row["change"] for row in files].count("new") == 1
    fails(2, "--by", "compare", "--by", "weather", "1.0", "1.1")
    fails(1, "2.0", "compare", "1.0", "2.0")


def test_paper(rng):
    """KabOOM as published, small: its own scaling finds screens, not leaks; on growth shares it finds leaks."""
    small = ["--method", "kaboom", "--epochs", "30", "--hidden", "32", "--latent", "8", "--k", "5"]
    rows = ask("cluster", *small, *KNOWN)
    assert len({row["group"] for row in rows}) == 5
    assert partition(rows) == partition(ask("cluster", *small, "--threads", "2", *KNOWN))
    assert ari(ask("cluster", *small, "--scale", "growth-share", *KNOWN)) > ari(rows)


main(test_clusters, test_order_and_threads, test_train_and_assign, test_broken_model, test_where, test_too_few, test_store, test_people, test_explain,
     test_presence, test_leak, test_changed, test_drift_and_watch, test_compare, test_paper)
