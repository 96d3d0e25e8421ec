#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sessions.py READ_SESSIONS: random sessions, written as long and wide CSV in every way that the format allows, are read to the values that
a dictionary says; the neutral record reads back to itself; bad rows are skipped, each with its line and why, and change nothing else."""
import csv
import io
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
FOLDER = pathlib.Path(tempfile.mkdtemp())
NAMES = ["heap", "app.Cache$Entry", 'a "quoted", name', "two\nlines", "über;all", "[B", "@app", "x" * 300]
VALUES = [0, 1, -3, 17, 0.5, 1e-7, 123456789.25, 1e300, 2**53 + 2, math.nan]


def read(data, *options, name="input"):
    path = FOLDER / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    run = subprocess.run([PROGRAM, *options, str(path)], capture_output=True, text=True, timeout=60)
    path.unlink()
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()], run.stderr


def same(a, b):
    return a == b or (a != a and b != b)


def expand(record):
    """metric -> values at every step, as the record says it."""
    out = {}
    for name, flat in record["metrics"].items():
        values, holds, at = [], 0, 0
        for step in range(record["steps"]):
            if at < len(flat) and flat[at] == step:
                holds, at = flat[at + 1], at + 2
                assert at < 3 or not same(math.nan if holds is None else holds, math.nan if flat[at - 3] is None else flat[at - 3]), flat
            values.append(math.nan if holds is None else float(holds))
        assert at == len(flat)
        out[name] = values
    return out


def meant(rows, encoding):
    """The same, by the definition: rows are (step, name, value), the last one of a step and name counts."""
    first, last = min(r[0] for r in rows), max(r[0] for r in rows)
    cells, out = {(step, name): value for step, name, value in rows}, {}
    for name in {name for _, name, _ in rows if not name.startswith("@") and name}:
        values, holds = [], 0.0
        for step in range(first, last + 1):
            holds = cells.get((step, name), {"dense": 0.0, "changes": holds, "sparse": math.nan}[encoding])
            values.append(float(holds))
        out[name] = values
    return first, out


def text_of(value, rng):
    if value != value:
        return rng.choice(["", "NaN", "nan", "NA"])
    return repr(value) if rng.random() < 0.5 else f"{value:.17g}"


def check(record, rows, encoding):
    first, values = meant(rows, encoding)
    got = expand(record)
    assert record.get("first_step", 0) == first, (record.get("first_step"), first)
    assert set(got) == set(values), set(got) ^ set(values)
    for name, want in values.items():
        assert len(want) == record["steps"]
        assert all(same(a, b) for a, b in zip(got[name], want)), (name, got[name], want)


def random_rows(rng, twice=True):
    names = rng.sample(NAMES, rng.randint(1, len(NAMES)))
    start, steps = rng.choice([0, 0, -5, 7, 10**9]), rng.randint(1, 12)
    rows = [(start + rng.randrange(steps), rng.choice(names), rng.choice(VALUES)) for _ in range(rng.randint(1, 60))]
    return rows if twice else [(s, n, v) for (s, n), v in {(s, n): v for s, n, v in rows}.items()]


def long_csv(rng, sessions):
    delimiter, end = rng.choice([",", ";"]), rng.choice(["\n", "\r\n"])
    columns = ["session", "timestep", "metric", "value"] + (["comment"] if rng.random() < 0.3 else [])
    header = rng.random() < 0.8 or len(columns) > 4 or delimiter == ";"  # without one, what separates is told by the first row alone
    if header:
        rng.shuffle(columns)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    if header:
        writer.writerow(columns)
    for name, rows in sessions.items():
        for step, metric, value in rows:
            cells = {"session": name, "timestep": step, "metric": metric, "value": text_of(value, rng), "comment": 'c,"'}
            writer.writerow([cells[c] for c in columns])
    text = out.getvalue()
    return text[:-len(end)] if rng.random() < 0.3 else text


def test_long(rng):
    for _ in range(60):
        sessions = {f"s{i}" if rng.random() < 0.8 else f"{i}, quoted": random_rows(rng) for i in range(rng.randint(1, 4))}
        changes = rng.random() < 0.4
        records, _ = read(long_csv(rng, sessions), "--format", "csv", *(["--reading", "change-encoded=true"] if changes else []))
        assert [r["id"] for r in records] == list(sessions), [r["id"] for r in records]
        for record, rows in zip(records, sessions.values()):
            check(record, rows, "changes" if changes else "dense")
        lines = "".join(json.dumps(r) + "\n" for r in records)
        again, said = read(lines, "--format", "neutral")
        assert again == records and not said, said


def test_tabs():
    records, _ = read("session\ttimestep\tmetric\tvalue\na\t0\tx\\ty\\\\z\\n\"\t4\n")
    assert records[0]["metrics"] == {'x\ty\\z\n"': [0, 4]}, records


def test_wide(rng):
    for _ in range(60):
        names = [n for n in NAMES if not n.startswith("@")]
        names = rng.sample(names, rng.randint(1, len(names)))
        times = rng.sample(range(50), rng.randint(1, 12))
        timed, changes, many = rng.random() < 0.5, rng.random() < 0.3, rng.random() < 0.4
        rows = {t: {n: rng.choice(VALUES) for n in names} for t in times}
        out = io.StringIO()
        writer = csv.writer(out)
        head = [rng.choice(["time_s", "Elapsed"]) if timed else rng.choice(["timestep", "Step"])]
        writer.writerow((["session"] if many else []) + head + names)
        for session in ["a", "b"] if many else ["a"]:
            for t, cells in rows.items():
                first = t / 4 if timed else t
                writer.writerow(([session] if many else []) + [first] + [text_of(cells[n], rng) if cells[n] == cells[n] else "" for n in names])
        records, _ = read(out.getvalue(), *(["--reading", "change-encoded=true"] if changes else []))
        rank = {t: i for i, t in enumerate(sorted(times))} if timed else {t: t for t in times}
        want = [(rank[t], n, v) for t, cells in rows.items() for n, v in cells.items() if not (changes and v != v)]
        assert len(records) == 1 + many and records[0]["format"] == "wide-csv"
        for record in records:
            # a row whose cells are all empty still is a step
            marks = [(rank[t], "@step", 0) for t in times] if timed or not changes else []
            got, steps = expand(record), want + marks
            if not steps:
                continue
            first, values = meant(steps, "changes" if changes else "sparse")
            assert all(same(a, b) for n in values for a, b in zip(got[n], values[n], strict=True)), (records, want)
            if timed:
                assert record["time_s"] == [t / 4 for t in sorted(times)], record


def test_times():
    day = "time,a\n2026-11-20T10:00:01Z,2\n2026-11-20T10:00:00.5Z,1\n"
    records, _ = read(day)
    assert records[0]["metrics"] == {"a": [0, 1, 1, 2]} and records[0]["time"] == "2026-11-20T10:00:01Z", records
    for unit, first in ((1, "1763632800"), (1000, "1763632800500"), (10**6, "1763632800500000"), (10**9, "1763632800500000000")):
        records, _ = read(f"ts,a\n{first},1\n")
        assert abs(records[0]["time_s"][0] - 1763632800.5) < 0.6 and records[0]["time"].startswith("2025-11-20T10:00:00"), (unit, records)
    records, _ = read("time_ms,a\n1500,1\n2500,3\n")
    assert records[0]["time_s"] == [1.5, 2.5] and "time" not in records[0]


def test_bad_rows():
    text = ("session,timestep,metric,value\n" "a,0,m,1\n" "a,1,m\n" "a,1.5,m,2\n" ",1,m,2\n" "a,2,m,two\n" 'a,3,"m"x,2\n'
            "session,timestep,metric,value\n" "a,4,m,inf\n" "a,4,m,5\n" "a,5,,7\n" 'a,6,"m,3\n' "a,7,m,3\n")
    records, said = read(text)
    assert len(records) == 1 and records[0]["metrics"] == {"m": [0, 1, 1, 0, 4, 5, 5, 0, 7, 3]}, records
    lines = said.splitlines()
    for n, why in ((3, "3 fields, too few"), (4, "no whole number: 1.5"), (5, "no session's id"), (6, "no number: two"), (7, "text behind a closing quote"),
                   (12, "a quote is not closed")):
        assert any(f"line {n}: " in line and why in line for line in lines), (n, why, said)
    assert sum(": line " in line for line in lines) == 6 and "1 values of a metric and step that had one" in said, said
    assert "1 values of a metric without a name" in said
    records, said = read("session,timestep,metric,value\na,0,m,1\na,99999999,m,1\nb,0,m,inf\n")
    assert [r["id"] for r in records] == ["b"] and "steps from 0 to 99999999: more than" in said and "1 infinite" in said, said
    _, said = read("timestep,a,b\n0,1,2\n1,2\n")
    assert "line 3: 2 fields where the header has 3" in said
    records, said = read("timestep,a,b\n0,1,x\n1,y,2\n")
    assert records[0]["metrics"] == {"a": [0, 1, 1, None], "b": [0, None, 1, 2]} and "2 cells that are no numbers" in said and "column b" in said


def test_apart():
    records, _ = read("session,timestep,metric,value\na,0,m,1\nb,0,m,1\na,1,m,1\n")
    assert [r["id"] for r in records] == ["a", "b", "a"]


def test_neutral_errors():
    good = '{"id":"a","steps":3,"metrics":{"b":[0,1],"a":[]},"n":1.50,"ok":true}'
    for bad, why in (('{"id":"x"}', 'no object "metrics"'), ('{"steps":1,"metrics":[]}', "not an object"), ('{"steps":1,"metrics":{"a":1}}', "not an array"),
                     ('{"steps":2,"metrics":{"a":[0]}}', "a step without a value"), ('{"steps":2,"metrics":{"a":[1,2,1,3]}}', "do not ascend"),
                     ('{"steps":2,"metrics":{"a":[2,2]}}', "changes at step 2"), ('{"steps":2,"metrics":{"a":[0,"x"]}}', "neither a number nor null"),
                     ('{"steps":2,"metrics":{"a":[],"a":[]}}', "stands there twice"), ('{"steps":2,"time_s":[1],"metrics":{}}', '"time_s" has 1'),
                     ('{"steps":-1,"metrics":{}}', '"steps" is not'), ('{"steps":1,"metrics":{"a":[16777216,1]}}', "do not ascend"),
                     ('{"steps":1,"first_step":1.5,"metrics":{}}', '"first_step"'), ('{"steps":1,"metrics":{},"time":"noon"}', "ISO 8601"),
                     ('{"steps":1,"metrics":{"a":[0,1}}', "JSON"), ("[1]", "not a JSON object")):
        records, said = read(good + "\n" + bad + "\n" + good + "\n", "--format", "neutral")
        assert len(records) == 2 and "line 2: " in said and why in said, (bad, said)
    records, _ = read('{"metrics":{"b":[0,1],"a":[4,2]},"first_step":-3,"n":1.50,"ok":true,"x":null,"y":[1]}\n')
    assert records == [{"n": "1.50", "ok": "true", "format": "neutral", "steps": 5, "first_step": -3, "metrics": {"a": [4, 2], "b": [0, 1]}}], records


def test_table():
    table = FOLDER / "told.csv"
    table.write_text('session,time,label,app,steps,note\n"a",2026-01-02T00:00:00Z,leak,shop,9,"x, y"\nrun1,,,bank,,\n')
    option = ["--reading", f"sessions={table}"]
    records, said = read("session,timestep,metric,value\na,0,m,1\nb,0,m,1\nc,0,m,1\n", *option)
    assert records[0]["label"] == "leak" and records[0]["app"] == "shop" and records[0]["note"] == "x, y" and records[0]["steps"] == 1
    assert records[0]["time"] == "2026-01-02T00:00:00Z" and "label" not in records[1]
    assert said.count("has nothing on session") == 1 and "session b" in said, said
    for name in ("run1", "run1.csv", "run1.x.csv"):
        records, _ = read("timestep,m\n0,1\n", *option, name=name)
        assert records[0]["app"] == "bank", name
    for text, why in (("a,b\n1,2\n", "no column is called session"), ("session,time\na,noon\n", "line 2: neither ISO 8601"), ("session\na\na\n", "line 3: session a a second time"),
                      ("", "no header"), ('session,x\na,"b\n', "line 2: a quote")):
        table.write_text(text)
        run = subprocess.run([PROGRAM, *option, "/dev/null"], capture_output=True, text=True)
        assert run.returncode and f"--sessions {table}: " in run.stderr and why in run.stderr, run.stderr
    table.unlink()


def test_names():
    records, said = read(b"session,timestep,metric,value\na,0,m\xff,1\na,1,m\xfe,2\na,2,caf\xc3\xa9,3\na,3,n\x00x,3\n")
    assert records[0]["metrics"] == {"m\ufffd": [0, 1, 1, 2, 2, 0], "caf\u00e9": [2, 3, 3, 0], "n\ufffdx": [3, 3]}, (records, said)


def main():
    rng = random.Random(7)
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            test(*([rng] if test.__code__.co_argcount else []))
            print(f"ok {name}")
    FOLDER.rmdir()


main()
