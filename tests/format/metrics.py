#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""metrics.py READ_SESSIONS DATA: what services export of themselves. OTLP/JSON: the fixture is read to what its producer says it recorded, and exports that
are shuffled, deltas, repeated or broken to what a dictionary says. Remote write: the fixture is read to what a decoder of our own in Python says, and to what
the scraped program had printed; random requests, packed in every way that Snappy has, to what was packed."""
import ctypes.util
import json
import math
import pathlib
import random
import struct
import sys

from reading import expand, read, run_all

DATA = pathlib.Path(sys.argv[2])


# ---- OTLP ----

def test_sdk():
    """What OpenTelemetry's SDK exported, cumulative with a restart and as deltas, against what was recorded."""
    records, said = read((DATA / "otlp/sdk.txt").read_bytes())
    told = json.loads((DATA / "otlp/sdk.told.json").read_text())
    assert [r["id"] for r in records] == [f"{t['service']}/{t['instance']}" for t in told] and not said, said
    for record, t in zip(records, told):
        got, want = expand(record), t["values"]
        orders, runtime = 'otel_scope_name="shop.orders"', 'otel_scope_name="shop.runtime"'
        assert record["app"] == t["service"] and record["platform"] == "linux" and record["process.pid"] == "4711"
        pairs = {f"queue.length{{{orders}}}": want["queue"], f'heap.used{{{runtime},space="old "large""}}': want["heap"],
                 f"order.items_count{{{orders}}}": [n for n, _ in want["items"]], f"order.items_sum{{{orders}}}": [s for _, s in want["items"]],
                 f"order.seconds_count{{{orders}}}": [n for n, _ in want["seconds"]],
                 f'requests{{http.route="/order",http.status_code="200",{orders}}}': want["requests"],
                 f'requests{{http.route="/order",http.status_code="500",{orders}}}': want["failed"]}
        for name, values in pairs.items():
            assert got[name] == values, (name, got[name], values)
        assert all(math.isclose(a, b) for a, (_, b) in zip(got[f"order.seconds_sum{{{orders}}}"], want["seconds"]))
        assert all(b > a for a, b in zip(record["time_s"], record["time_s"][1:]))


def attributes(pairs):
    return [{"key": k, "value": {"stringValue": v}} for k, v in pairs.items()]


def export(resource, metrics, scope=None):
    scopes = {"metrics": metrics}
    if scope:
        scopes["scope"] = {"name": scope}
    return {"resourceMetrics": [{"resource": {"attributes": attributes(resource)}, "scopeMetrics": [scopes]}]}


def point(ns, value, **more):
    return {"timeUnixNano": str(ns), "asInt" if isinstance(value, int) else "asDouble": str(value) if isinstance(value, int) else value, **more}


S = 10**9
T0 = 1_795_000_000 * S


def random_order(rng, members):
    pairs = list(members.items())
    rng.shuffle(pairs)
    return {k: random_order(rng, v) if isinstance(v, dict) else [random_order(rng, x) if isinstance(x, dict) else x for x in v] if isinstance(v, list) else v
            for k, v in pairs}


def test_random_exports():
    """Resources, metrics and points in any order, members of objects too: each resource is one session, its points at their times, deltas added up."""
    rng = random.Random(11)
    for _ in range(30):
        want, documents = {}, []
        for app in rng.sample(["a", "b", "c", 'q"uo\\te', "über"], rng.randint(1, 4)):
            cells = want.setdefault(app, {})
            times = sorted(rng.sample(range(1, 40), rng.randint(1, 8)))
            for name in rng.sample(["m1", "m2", "m3"], rng.randint(1, 3)):
                delta, total = rng.random() < 0.5, 0
                for t in rng.sample(times, rng.randint(1, len(times))) if not delta else times:
                    value = rng.choice([0, 1, 7, -2, 0.5, 1e12])
                    total += value
                    cells.setdefault(t, {})[name] = total if delta else value
                    documents.append(export({"service.name": app, "host": "h"}, [
                        {"name": name, "sum": {"aggregationTemporality": rng.choice([1, "AGGREGATION_TEMPORALITY_DELTA"]) if delta else 2, "isMonotonic": False,
                                               "dataPoints": [point(T0 + t * S, value)]}}]))
        rng.shuffle(documents)
        text = "\n".join(json.dumps(random_order(rng, d), indent=rng.choice([None, 1]), ensure_ascii=rng.random() < 0.5) for d in documents)
        records, said = read(text)
        assert not said and {r["app"] for r in records} == set(want) and len(records) == len(want), said
        for record in records:
            cells = want[record["app"]]
            got = expand(record)
            assert record["host"] == "h" and record["time_s"] == [1_795_000_000 + t for t in sorted(cells)], record
            for name in {n for at in cells.values() for n in at}:
                assert got[name] == [cells[t].get(name) for t in sorted(cells)], (name, got[name], cells)


def test_together():
    """Instruments that ask the clock one after the other were sampled together; a series has one value a step."""
    def at(ms, name):
        return {"name": name, "gauge": {"dataPoints": [point(T0 + ms * 10**6, ms)]}}
    records, _ = read(json.dumps(export({"x": "y"}, [at(0, "a"), at(3, "b"), at(99, "c"), at(100, "d"), at(120, "a"), at(130, "d"), at(131, "d")])))
    got = expand(records[0])
    assert got == {"a": [0, 120, None, None], "b": [3, None, None, None], "c": [99, None, None, None], "d": [None, 100, 130, 131]}, got


def test_points():
    histogram = {"timeUnixNano": str(T0), "count": "6", "sum": 9.5, "min": 0.25, "max": 4, "bucketCounts": ["1", "2", 3], "explicitBounds": [0.5, 2]}
    summary = {"timeUnixNano": T0, "count": 2, "sum": 3, "quantileValues": [{"quantile": 0.5, "value": 1.5}, {"value": 1}]}
    metrics = [{"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [histogram]}}, {"name": "s", "summary": {"dataPoints": [summary]}},
               {"name": "nan", "gauge": {"dataPoints": [point(T0, "NaN")]}}, {"name": "inf", "gauge": {"dataPoints": [point(T0, "-Infinity")]}},
               {"name": "none", "gauge": {"dataPoints": [point(T0, 3, flags=1)]}}, {"name": "big", "gauge": {"dataPoints": [point(T0, 2**63 - 1)]}},
               {"name": "k", "gauge": {"dataPoints": [point(T0, 1, attributes=[{"key": "z", "value": {"arrayValue": {"values": [{"intValue": "1"}]}}},
                                                                             {"key": "a", "value": {"boolValue": True}}, {"key": "d", "value": {"doubleValue": 0.5}}])]}}]
    records, said = read(json.dumps(export({}, metrics, "sc")))
    got = {k: v[0] for k, v in expand(records[0]).items()}
    sc = 'otel_scope_name="sc"'
    assert got == {f"h_count{{{sc}}}": 6, f"h_sum{{{sc}}}": 9.5, f"h_min{{{sc}}}": 0.25, f"h_max{{{sc}}}": 4, f'h_bucket{{le="0.5",{sc}}}': 1,
                   f'h_bucket{{le="2",{sc}}}': 3, f"s_count{{{sc}}}": 2, f"s_sum{{{sc}}}": 3, f's{{{sc},quantile="0.5"}}': 1.5,
                   f's{{{sc},quantile="0"}}': 1, f"nan{{{sc}}}": None, f"inf{{{sc}}}": None, f"none{{{sc}}}": None, f"big{{{sc}}}": 2.0**63,
                   f'k{{a="true",d="0.5",{sc},z="{{"values": [{{"intValue": "1"}}]}}"}}': 1}, got
    assert "1 infinite" in said, said


def test_identity():
    """service.instance.id names the session, whatever else changes; an attribute called as a member of the record is none."""
    gauge = [{"name": "g", "gauge": {"dataPoints": [point(T0, 1)]}}]
    later = [{"name": "g", "gauge": {"dataPoints": [point(T0 + S, 2), point(T0 + S, 3)]}}]
    one, two = {"service.namespace": "n", "service.name": "s", "service.instance.id": "i"}, {"service.name": "s"}
    text = "\n".join(json.dumps(d) for d in [export({**one, "id": "x", "steps": "9", "k8s": "a"}, gauge), export({**one, "k8s": "b"}, later), export(two, gauge),
                                             {"resourceLogs": []}, {"resourceMetrics": [{"scopeMetrics": [{"metrics": gauge}]}]}])
    records, said = read(text)
    assert [r.get("id") for r in records] == ["n/s/i", None, None] and records[0]["k8s"] == "a" and records[0]["steps"] == 2, records
    assert records[0]["metrics"] == {"g": [0, 1, 1, 3]} and "1 values of a metric and step that had one" in said, (records, said)
    assert records[1]["app"] == "s" and "app" not in records[2]


def test_broken_exports():
    good = json.dumps(export({"service.name": "s"}, [{"name": "g", "gauge": {"dataPoints": [point(T0, 1)]}}]))
    bad = json.dumps(export({"service.name": "s"}, [{"name": "g", "gauge": {"dataPoints": [point(0, 1), {"timeUnixNano": str(T0)}, point(2**64 - 1, 1),
                                                                                      {"timeUnixNano": "x", "asInt": "y"}]}},
                                                    {"gauge": {"dataPoints": [point(T0, 1)]}}, {"name": 3, "sum": []}, 7]))
    records, said = read(good + "\n" + bad + "\n[1]\n" + good[:-9] + "\n" + good.replace(str(T0), str(T0 + S)) + "\n")
    assert len(records) == 1 and records[0]["metrics"] == {"g": [0, 1]} and records[0]["steps"] == 2, records
    lines = said.splitlines()
    assert len(lines) == 3 + ("twice" in said) or "had one" in said, said
    for n, why in ((2, "4 data points without a time or without a number"), (3, "not a JSON object"), (4, "JSON: ")):
        assert any(f"line {n}: " in line and why in line for line in lines), (n, why, said)


def test_a_million_metrics():
    """In one export: read, or a counted skip that says why; here it is more than the reader's arena."""
    points = ",".join(f'{{"attributes":[{{"key":"k","value":{{"intValue":"{i}"}}}}],"timeUnixNano":"{T0}","asInt":"{i}"}}' for i in range(1_000_000))
    records, said = read(f'{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{points}]}}}}]}}]}}]}}')
    assert not records and "more than 64 MiB needed" in said and said.count("line 1: ") == 1, said


# ---- Snappy and protobuf, of our own ----

def varint(n):
    out = bytearray()
    n &= 2**64 - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, value):
    """bytes: a message or string; float: fixed64; int: varint."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3) + varint(value)


def pack(data, rng):
    """A Snappy block of data, by tags of every kind."""
    out, at = bytearray(varint(len(data))), 0
    while at < len(data):
        length = min(rng.choice([1, 5, 11, 40, 64, 70, 300, 70000]), len(data) - at)
        start = data.rfind(data[at:at + min(length, 8)], 0, at + min(length, 8) - 1) if rng.random() < 0.8 else -1
        if start >= 0:
            offset, m = at - start, 1
            while m < min(length, 64) and data[at + m - offset] == data[at + m]:
                m += 1
            if 4 <= m <= 11 and offset < 2048 and rng.random() < 0.7:
                out += bytes([1 | (m - 4) << 2 | offset >> 8 << 5, offset & 255])
            elif offset < 65536 and rng.random() < 0.7:
                out += bytes([2 | m - 1 << 2]) + struct.pack("<H", offset)
            else:
                out += bytes([3 | m - 1 << 2]) + struct.pack("<I", offset)
            at += m
            continue
        more = rng.choice([n for n in (0, 1, 2, 3, 4) if length <= (60 if n == 0 else 256**n)])
        out += bytes([length - 1 << 2]) if not more else bytes([59 + more << 2]) + struct.pack("<I", length - 1)[:more]
        out += data[at:at + length]
        at += length
    return bytes(out)


def unpack(packed, at):
    """(the data of the block at `at`, where the next begins)"""
    size = shift = 0
    while True:
        size |= (packed[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if packed[at - 1] < 128:
            break
    out = bytearray()
    while len(out) < size:
        tag, at = packed[at], at + 1
        if tag & 3 == 0:
            n = tag >> 2
            if n >= 60:
                n, at = int.from_bytes(packed[at:at + n - 59], "little"), at + n - 59
            out += packed[at:at + n + 1]
            at += n + 1
            continue
        if tag & 3 == 1:
            n, offset, at = (tag >> 2 & 7) + 4, tag >> 5 << 8 | packed[at], at + 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            n, offset, at = (tag >> 2) + 1, int.from_bytes(packed[at:at + wide], "little"), at + wide
        for _ in range(n):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out), at


def fields(message):
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if message[at - 1] < 128:
                return value
    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            yield tag >> 3, number()
        elif tag & 7 == 1:
            yield tag >> 3, struct.unpack_from("<d", message, at)[0]
            at += 8
        else:
            n = number()
            yield tag >> 3, message[at:at + n]
            at += n


def decode(packed):
    """[(labels, [(ms, value)])] of all bodies, and how many they are."""
    at, bodies, out = 0, 0, []
    while at < len(packed):
        body, at = unpack(packed, at)
        bodies += 1
        for number, series in fields(body):
            if number != 1:
                continue
            labels, samples = {}, []
            for kind, part in fields(series):
                parts = dict(fields(part))
                if kind == 1:
                    labels[parts[1].decode()] = parts[2].decode()
                elif kind == 2:
                    samples.append((parts.get(2, 0), parts.get(1, 0.0)))
            out.append((labels, samples))
    return out, bodies


def called(labels, without):
    rest = ",".join(f'{k}="{v}"' for k, v in sorted(labels.items()) if k != "__name__" and k not in without)
    return labels.get("__name__", "") + (f"{{{rest}}}" if rest else "") or "value"


def cells_of(series):
    """{target: {time: {name: value}}} as the reader should say it."""
    shared = set.intersection(*({(k, v) for k, v in labels.items() if k not in ("job", "instance", "__name__")} for labels, _ in series)) if series else set()
    out = {}
    for labels, samples in series:
        target = labels.get("job"), labels.get("instance")
        for ms, value in samples:
            out.setdefault(target, {}).setdefault(ms, {})[called(labels, {k for k, _ in shared} | {"job", "instance"})] = value
    return out


def check(records, series):
    want = cells_of(series)
    assert {(r.get("job"), r.get("instance")) for r in records} == set(want) and len(records) == len(want), (records, want)
    for record in records:
        cells, got = want[record.get("job"), record.get("instance")], expand(record)
        times = sorted(cells)
        assert [round(t * 1000) for t in record["time_s"]] == times
        assert set(got) == {name for at in cells.values() for name in at}, set(got)
        for name, values in got.items():
            for t, value in zip(times, values):
                v = cells[t].get(name, math.nan)
                assert value == v or (value is None and not math.isfinite(v)), (name, t, value, v)


# ---- remote write ----

def test_prometheus():
    packed = (DATA / "remote-write/shop.bin").read_bytes()
    records, said = read(packed)
    series, bodies = decode(packed)
    assert bodies >= 3 and len(records) == 1 and records[0]["cluster"] == "east" and records[0]["instance"] == "shop-1:80", records
    check(records, series)
    first, _ = read((DATA / "remote-write/one.bin").read_bytes())
    assert first[0]["steps"] == 1
    # … and what the program had printed, scrape by scrape
    scraped = json.loads((DATA / "remote-write/shop.scraped.json").read_text())
    got = expand(records[0])
    assert records[0]["steps"] <= len(scraped)
    for step, text in enumerate(scraped[:records[0]["steps"]]):
        for line in text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name, value = name.replace('\\"', '"'), float(value)
                assert got[name][step] == value or (got[name][step] is None and not math.isfinite(value)), (step, line, got[name])


def random_request(rng):
    series = []
    for _ in range(rng.randint(1, 30)):
        labels = {"__name__": rng.choice(["a", "b_total", "c:d"]), "zone": "z1"}
        if rng.random() < 0.8:
            labels.update(job=rng.choice(["j", "k"]), instance=rng.choice(["1", "2"]))
        if rng.random() < 0.5:
            labels["le"] = rng.choice(["0.5", "+Inf"])
        if rng.random() < 0.2:
            labels["name \u00fc"] = "\u4e16" * rng.randint(1, 90)
        samples = [(rng.choice([0, 1, 5000, 1_795_000_000_000]) + rng.randrange(20), rng.choice([0.0, 1.5, -2.0, math.nan, 1e300])) for _ in range(rng.randint(0, 4))]
        series.append((labels, samples))
    return series


def encode(series, rng):
    out = b""
    for labels, samples in series:
        parts = [field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in sorted(labels.items())]
        parts += [field(2, (field(1, v) if v or rng.random() < 0.5 else b"") + (field(2, t) if t else b"")) for t, v in samples]
        if rng.random() < 0.3:
            parts = parts[len(labels):] + parts[:len(labels)]  # labels last
        if rng.random() < 0.3:
            parts.append(field(3, field(2, 1.0) + field(3, 7)))  # an exemplar
        out += field(1, b"".join(parts))
    if rng.random() < 0.5:
        out += field(3, field(1, 2) + field(2, b"a") + field(4, b"help"))
    return out


def test_random_requests():
    rng = random.Random(5)
    for _ in range(60):
        requests = [random_request(rng) for _ in range(rng.randint(1, 5))]
        packed = b"".join(pack(encode(r, rng), rng) for r in requests)
        records, said = read(packed, "--format", "remote-write")
        check(records, [(labels, samples) for r in requests for labels, samples in r])
        assert "line" not in said, said


def test_library():
    """Blocks by the library itself, where it is installed."""
    name = ctypes.util.find_library("snappy")
    if not name:
        print("# libsnappy is not there: blocks are those of Prometheus and of our own packer")
        return
    library, rng = ctypes.CDLL(name), random.Random(6)
    for _ in range(20):
        data = encode([({"__name__": "m", "x": "".join(rng.choices("ab\n", k=rng.choice([3, 5000, 200000])))}, [(1, 2.0)])], rng)
        out = ctypes.create_string_buffer(library.snappy_max_compressed_length(ctypes.c_size_t(len(data))))
        n = ctypes.c_size_t(len(out))
        assert library.snappy_compress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(n)) == 0
        block = out.raw[:n.value]
        assert unpack(block, 0) == (data, len(block))
        records, said = read(block * 2, "--format", "remote-write")
        assert len(records) == 1 and records[0]["steps"] == 1 and "had one" in said, said


def test_native_histograms():
    rng = random.Random(1)
    labels = [field(1, field(1, k) + field(2, v)) for k, v in ((b"__name__", b"h"), (b"x", b"y"))]
    histograms = [field(4, field(1, 7) + field(3, 2.5) + field(15, 1000)), field(4, field(2, 8.5) + field(3, 3.5) + field(15, 2000)), field(4, field(3, math.nan) + field(15, 3000))]
    other = field(1, field(1, field(1, b"__name__") + field(2, b"o")) + field(2, field(1, 1.0) + field(2, 1000)))
    records, _ = read(pack(field(1, b"".join(labels + histograms)) + other, rng))
    assert records[0]["metrics"] == {'h_count{x="y"}': [0, 7, 1, 8.5, 2, None], 'h_sum{x="y"}': [0, 2.5, 1, 3.5, 2, None], "o": [0, 1, 1, None]}, records


def test_broken_bodies():
    rng = random.Random(2)
    good = pack(encode([({"__name__": "m", "job": "j"}, [(1000, 1.0)])], rng), rng)
    series = field(1, field(1, field(1, b"__name__") + field(2, b"m")) + field(2, field(1, 2.0) + field(2, 2000)))
    label = field(1, field(1, b"job") + field(2, b"\xff\xfe"))
    for bad, why, rest in ((good[:-3], "cut off", False), (b"\xff" * 9, "no Snappy block", False), (varint(2**30) + b"\0a", "more than 64 MiB", False),
                           (varint(2**25) + b"\0a", "cut off", False), (varint(4) + b"\x01\x05", "broken", False),
                           (pack(b"\x0a\xff", rng), "no WriteRequest", True), (pack(field(1, label), rng), "1 series that are none", True),
                           (pack(field(1, field(1, field(1, b"n")) + field(2, field(2, 2**63 - 1))), rng), "1 series that are none", True)):
        records, said = read(good + bad + (pack(series, rng) if rest else b""), "--format", "remote-write")
        assert f"at byte {len(good)}: " in said and why in said, (why, said)
        assert any(r.get("job") == "j" and r["metrics"].get("m") == [0, 1] for r in records) and len(records) == 1 + rest, (why, records)
        assert ("what is behind it is left out" in said) == (not rest)


run_all(globals())
