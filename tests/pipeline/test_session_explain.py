#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_session_explain.py WHORL DATA [TEST…]: what each analysis of `session explain` says of real sessions, computed again here from their rows; of planted
ones, of which the truth is known; and of hostile ones."""
import csv
import math
import os
import subprocess
import sys

DATA = os.path.abspath(sys.argv.pop(2))

from drive import SKIPPED, ask, fails, groups_of, main, run, stack, write, write_records  # noqa: E402

try:
    import numpy as np
    from scipy.stats import mannwhitneyu, rankdata
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(SKIPPED)

run.noun = "session"
LABELS, SESSIONS = os.path.join(DATA, "labels.csv"), os.path.join(DATA, "sessions.csv.zst")
KNOWN = ["--where", "split=known", "--change-encoded", "--sessions", LABELS, SESSIONS]
PLANTED = {"cache": "CacheEntry", "queue": "WorkItem", "timer": "ScheduledFutureTask", "rows": "OomApp$Row", "listener": "ViewState"}
ANALYSES = ("contrast", "presence", "absence", "average", "mutation", "onset")
with open(LABELS) as file:
    TOLD = {row["session"]: row for row in csv.DictReader(file)}


def expand():
    """{session: {metric: readings}} of the known ones."""
    steps, changes = {}, {}
    for row in csv.DictReader(subprocess.run(["zstd", "-dc", SESSIONS], capture_output=True, text=True, check=True).stdout.splitlines()):
        if TOLD[row["session"]]["split"] == "known":
            steps[row["session"]] = max(steps.get(row["session"], 0), int(row["timestep"]))
            changes.setdefault(row["session"], {}).setdefault(row["metric"], []).append((int(row["timestep"]), float(row["value"])))
    sessions = {}
    for session, metrics in changes.items():
        sessions[session] = {}
        for metric, rows in metrics.items():
            if metric[0] != "@":
                y = np.zeros(steps[session] + 1)
                for step, value in sorted(rows):
                    y[step:] = value
                sessions[session][metric] = y
    return sessions


READINGS = expand()


def groups():
    of = {}
    for row in ask("cluster", *KNOWN):
        of.setdefault(row["group"], set()).add(row["id"])
    return of


def explain(*words):
    [told] = ask("explain", *words)
    return told["groups"]


def shares(session):
    growth = {m: max(0, y[-1] - y[0]) for m, y in READINGS[session].items()}
    total = sum(growth.values())
    return {m: g / total for m, g in growth.items() if g > 0}


def test_consistency(rng):
    """In how many sessions a measure is among the three, and ten, that have grown most."""
    of, seen = groups(), 0
    for group in explain(*KNOWN):
        members = of[group["group"]]
        ranked = [sorted(own, key=lambda m: (-np.float32(own[m]), m)) for own in map(shares, members)]
        for f in group["features"]:
            if f["kind"] == "share of the growth":
                assert np.isclose(f["top3"], np.mean([f["name"] in r[:3] for r in ranked])), f
                assert np.isclose(f["top10"], np.mean([f["name"] in r[:10] for r in ranked])), f
                seen += 1
    assert seen >= 15, seen


def test_absence(rng):
    """Who lacks what, by the paper's formula over all metrics that any session has."""
    of, names = groups(), {m for metrics in READINGS.values() for m in metrics}
    present = {s: {m for m, y in metrics.items() if y.any()} for s, metrics in READINGS.items()}
    for group in explain("--analysis", "absence", "--features", "100000", *KNOWN):
        members, expected = of[group["group"]], {}
        for m in names:
            p = np.mean([m not in present[s] for s in members])
            o = np.mean([m not in present[s] for s in present if s not in members])
            if p >= 0.05 and any(m in present[s] for s in present):
                expected[m] = 2 * p / (3 * p + o), p
        found = {f["name"]: f for f in group["features"]}
        assert found and all(np.isclose(f["score"], expected[name][0]) for name, f in found.items())
        assert all(f["kind"] == "metric" and f["sentence"].startswith("lack of metric ") and f["effect"] > 0 for f in found.values())
        scores = [(f["score"], f["inside"]) for f in group["features"]]
        assert scores == sorted(scores, reverse=True)
        missed = [m for m in expected if m not in found and expected[m][0] > 0.55]
        assert not missed, missed  # what is lacked more than elsewhere is listed


def test_average(rng):
    """Means while present, over those that have it, against the others'; the five-percent threshold; and scipy's test."""
    of = groups()
    means = {s: {m: y[y != 0].mean() for m, y in metrics.items() if y.any()} for s, metrics in READINGS.items()}
    for group in explain("--analysis", "average", *KNOWN):
        members = of[group["group"]]
        assert len(group["features"]) == 10
        for f in group["features"]:
            inside = [means[s][f["name"]] for s in members if f["name"] in means[s]]
            outside = [means[s][f["name"]] for s in means if s not in members and f["name"] in means[s]]
            assert (len(inside), len(outside)) == (f["inside"], f["outside"]) and len(inside) >= 0.05 * len(members)
            assert np.allclose([f["mean_inside"], f["mean_outside"]], [np.mean(inside), np.mean(outside)], rtol=1e-5)
            assert np.isclose(f["score"], (np.mean(inside) - np.mean(outside)) / (np.mean(inside) + np.mean(outside)), rtol=1e-5)
            if len(set(inside + outside)) > 1:
                u = mannwhitneyu(np.float32(inside), np.float32(outside), method="asymptotic")
                assert np.isclose(f["effect"], 2 * u.statistic / len(inside) / len(outside) - 1) and f["p_value"] >= u.pvalue * (1 - 1e-9)
        scores = [f["score"] for f in group["features"]]
        assert scores == sorted(scores, reverse=True)


def test_average_threshold(rng):
    """One of thirty sessions has a metric that is huge there: less than a twentieth of the group, so it does not count."""
    rows = []
    for s in range(60):
        rows += [f"s{s:02},{t},leak{s % 2},{50 * t + rng.randrange(9)}" for t in range(30)] + [f"s{s:02},{t},both,{5 + s % 2}" for t in range(30)]
        if s in (0, 1):
            rows += [f"s{s:02},{t},rare,{10 ** (6 - 3 * s)}" for t in range(30)]
    write("a.csv", "session,timestep,metric,value\n" + "\n".join(rows) + "\n")
    told = explain("--analysis", "average", "-k", "2", "a.csv")
    assert len(told) == 2 and all("rare" not in [f["name"] for f in group["features"]] for group in told)
    assert sorted(len([f for f in group["features"] if f["name"] == "both"]) for group in told) == [0, 1]


def without(session, metric):
    """The session's rows with that metric 0 throughout, in the format of files."""
    metrics = {m: y for m, y in READINGS[session].items() if m != metric}
    return [f"{session},{t},{m},{y[t]!r}" for m, y in metrics.items() for t in range(len(y)) if t == 0 or t == len(y) - 1 or y[t] != y[t - 1]]


def test_mutation(rng):
    """The model says the same of sessions that come without the metric as of those from which it was taken; both methods."""
    for method in ([], ["--method", "kaboom", "--scale", "growth-share", "--epochs", "30", "--hidden", "32", "--latent", "8", "-k", "5"]):
        ask("train", "-o", "model", *method, *KNOWN)
        use = ["--model", "model", *method[:2]]
        before = {row["id"]: row for row in ask("assign", *use, *KNOWN)}
        told = explain("--analysis", "mutation", "--tried", "6", *use, *KNOWN)
        assert sorted(len(group["features"]) for group in told) == [6] * len(told)
        for group in told[:2]:
            members = [s for s, row in before.items() if row["group"] == group["group"]]
            for f in (group["features"][0], group["features"][-1]):
                write("mutants.csv", "session,timestep,metric,value\n" + "\n".join(line for s in members for line in without(s, f["name"])) + "\n")
                after = {row["id"]: row for row in ask("assign", *use, "--change-encoded", "mutants.csv")}
                left = {s for s in members if after[s]["group"] != group["group"]}
                assert f["asked"] == len(members) == group["size"] and f["left"] == len(left), (f, left)
                assert np.isclose(f["score"], len(left) / len(members)) and (not left or f["to"] in {after[s]["group"] for s in left})
                assert np.isclose(f["distance"], np.mean([before[s]["distance"] for s in members]), rtol=1e-4)
                if not left and f["zeroed"] == len(members):
                    assert np.isclose(f["distance_changed"], np.mean([after[s]["distance"] for s in members]), rtol=1e-4)
        keys = [(f["score"], f["distance_changed"] - f["distance"]) for f in told[0]["features"]]
        assert keys == sorted(keys, reverse=True)


def leaks(rng, sessions=40):
    """Two kinds. In each `first` begins to grow, `second` seven steps later and `late` at the end; what others have in common grows from the start."""
    rows, onset = ["session,timestep,metric,value"], {}
    for s in range(sessions):
        kind, n = "ab"[s % 2], 80 + rng.randrange(40)
        onset[f"s{s}"] = at = rng.randrange(20, n - 40)
        drive = [0.0] * (at + 1) + [rng.expovariate(1) * (rng.random() < 0.5) for _ in range(n)]
        level = [sum(drive[:t]) for t in range(n)]
        for t in range(n):
            values = {f"{kind}.first": 100 * level[t], f"{kind}.second": 80 * level[max(0, t - 7)], f"{kind}.late": 300 * max(0, t - n + 12), "common": t // 4}
            rows += [f"s{s},{t},{m},{round(v)}" for m, v in values.items()]
    return write("leaks.csv", "\n".join(rows) + "\n"), onset


def test_onset(rng):
    """Of a planted pair the first is first, by as many steps as were put between them."""
    path, onset = leaks(rng)
    for group in explain("--analysis", "onset", "-k", "2", path):
        first, second, late = group["features"]
        assert [f["name"].split(".")[1] for f in group["features"]] == ["first", "second", "late"], group
        assert first["score"] >= 0.9 and first["rank"] < 1.2 and first["asked"] == first["rose"] == 20 and "lag" not in first
        assert second["lag"] == 7 and second["correlation"] > 0.9 and "7 steps after" in second["sentence"]
        assert abs(late["before_end"] - 12) <= 2 and late["rank"] > 2.8 and late["first"] == 0
        assert first["before_end_lower"] <= first["before_end"] <= first["before_end_upper"]
    for group in explain("-k", "2", path):
        assert group["moved_first"]["name"].endswith(".first") and group["moved_first"]["first"] >= 18
    assert ask("explain", "--analysis", "onset", "-k", "2", "--threads", "3", path) == ask("explain", "--analysis", "onset", "-k", "2", "--threads", "1", path)


def test_onset_of_real_leaks(rng):
    """Real sessions: what leaks is among those that move first, and ranks are those of the onsets that one session after the other gives."""
    label = {row["group"]: TOLD[row["id"]]["label"] for row in ask("cluster", *KNOWN)}
    of, good = groups(), 0
    for group in explain("--analysis", "onset", *KNOWN):
        names = [f["name"] for f in group["features"]]
        good += any(f["name"].endswith(PLANTED[label[group["group"]]]) and f["score"] >= 0.7 for f in group["features"])
        if group is None or label[group["group"]] != "cache":
            continue
        ranks = []
        for s in sorted(of[group["group"]]):
            rows = [f"x,{t},{m},{y[t]!r}" for m, y in READINGS[s].items() if m in names for t in range(len(y))]
            [one] = ask("explain", "--analysis", "onset", write("one.csv", "session,timestep,metric,value\n" + "\n".join(rows) + "\n"))
            before = {f["name"]: f["before_end"] for f in one["features"]}
            assert one["id"] == "x" and all(f["asked"] == 1 for f in one["features"])
            ranks.append(rankdata([-before.get(name, -1) for name in names]))
        assert np.allclose(np.mean(ranks, axis=0), [f["rank"] for f in group["features"]])
    assert good >= 4, good


def test_report(rng):
    """The report of a cluster says the same as explain: how consistent its measures are, which of them moved first, beside the exemplar."""
    for group in explain("--features", "12", *KNOWN):
        [bug] = ask("report", "--bug", group["group"], *KNOWN)
        measured = {f["name"]: f for f in group["features"] if f["kind"] == "share of the growth"}
        told = {f["name"]: f for f in bug["apart"] if "top3" in f}
        assert set(told) == set(measured) and all((f["top3"], f["top10"]) == (measured[n]["top3"], measured[n]["top10"]) for n, f in told.items())
        first = group["moved_first"]
        assert {k: bug["moved"][0][k] for k in first} == first and len(bug["moved"]) == min(5, len(measured))
    text = run("report", "--bug", group["group"], "--markdown", "-", *KNOWN)
    run("report", "--html", "page.html", *KNOWN)
    with open("page.html", encoding="utf-8") as page:
        html = page.read()
    assert first["sentence"].split(":")[0] in html and "Which moved first" in html and html.count(">moved first<") >= 4
    assert "## Which moved first" in text and "need not be the cause" in text and first["sentence"] in text and "the top 3 in" in text


def test_one(rng):
    """Of one session, of the store or of a file: onset and mutation; other analyses hold it against its cluster."""
    ask("assign", *KNOWN)
    name = next(iter(groups_of()))
    for analysis in ("onset", "mutation"):
        [told] = ask("explain", "--analysis", analysis, name)
        assert told["id"] == name and told["group"] == groups_of()[name] and told["features"] and all(f["asked"] == 1 for f in told["features"])
        [told] = ask("explain", "--analysis", analysis, told["group"])
        assert told["groups"][0]["size"] == 7
    [pair] = ask("explain", "--analysis", "absence", name)
    assert pair["a"] == name and "similarity" in pair
    all_of_store = explain("--analysis", "mutation", "--tried", "3")
    assert len(all_of_store) == 5 and all(len(group["features"]) == 3 for group in all_of_store)
    write("one.csv", "session,timestep,metric,value\n" + "".join(f"a,{t},x,{t * t}\na,{t},y,3\n" for t in range(30)))
    [told] = ask("explain", "--analysis", "onset", "one.csv")
    assert [f["name"] for f in told["features"]] == ["x"]
    fails(2, "no model with groups", "explain", "--analysis", "mutation", "one.csv")


def test_hostile(rng):
    """Names that are none, values that overflow, sessions of one step, of nothing, all alike: every analysis answers, or says what is missing."""
    bad, rows = 'x\t"y"\\u0000\x01é%s%n' + "z" * 2000, ["session,timestep,metric,value"]
    for s in range(24):
        n = 1 if s % 6 == 5 else 30
        for t in range(n):
            rows += [f'"{s}",{t},"{bad.replace(chr(34), chr(34) * 2)}",{(s % 2) * t * 1e300}', f'"{s}",{t},huge,{(-1) ** t * 1.7e308}', f'"{s}",{t},gone,',
                     f'"{s}",{t},m{s % 3},{t * t}', f'"{s}",{t},nan,nan', f'"{s}",{t},tiny,{5e-324 * t}']
    write("bad.csv", "\n".join(rows) + "\n")
    write("same.csv", "session,timestep,metric,value\n" + "".join(f"s{s},{t},x,1\n" for s in range(12) for t in range(3)))
    write("zero.csv", "session,timestep,metric,value\n" + "".join(f"s{s},{t},x,0\n" for s in range(12) for t in range(3)))
    for path in ("bad.csv", "same.csv", "zero.csv"):
        for analysis in ANALYSES:
            for group in explain("--analysis", analysis, "-k", "2", "--threads", "2", path):
                for f in group["features"]:
                    assert math.isfinite(f["score"]) and f["sentence"] and all(v is None or not isinstance(v, float) or math.isfinite(v) for v in f.values()), f
            if path == "bad.csv":
                assert run("explain", "--analysis", analysis, "--format", "table", "-k", "2", path) and run("explain", "--analysis", analysis, "--format", "tsv", "-k", "2", path)
    fails(2, "nonsense", "explain", "--analysis", "nonsense", "bad.csv")
    fails(2, "--tried", "explain", "--analysis", "mutation", "--tried", "0", "bad.csv")


def test_stacks(rng):
    """Signals without series or levels, and methods that compare, say so; presence and lack of it are for all."""
    run.noun = "stack"
    try:
        write_records("stacks.jsonl", [{"id": f"r{i}", **stack("a", f"b{i % 2}", f"c{i % 2}", *(["rare"] * (i % 5 == 0)))} for i in range(20)])
        fails(2, "do not run over time", "explain", "--analysis", "onset", "stacks.jsonl")
        fails(2, "cannot be asked", "explain", "--analysis", "mutation", "stacks.jsonl")
        fails(2, "no frames with values", "explain", "--analysis", "average", "stacks.jsonl")
        told = explain("--analysis", "absence", "stacks.jsonl")
        for group in told:
            top = group["features"][0]
            assert len(told) > 1 and top["kind"] == "frame" and top["name"][0] in "bc" and top["inside"] == group["size"], told
        assert all("moved_first" not in group for group in explain("stacks.jsonl"))
    finally:
        run.noun = "session"


main(test_consistency, test_absence, test_average, test_average_threshold, test_mutation, test_onset, test_onset_of_real_leaks, test_report, test_one, test_hostile, test_stacks)
