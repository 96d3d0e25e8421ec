#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""dumped.py READ_SESSIONS DATA: what tools print of processes of Android, macOS and .NET. Each fixture is read to what a few lines of Python
make of it; series of dumps, made of the fixtures with other numbers, to those numbers; and what is cut off or garbled to what is left of it."""
import json
import pathlib
import random
import re
import sys

from reading import expand, read, run_all

DATA = pathlib.Path(sys.argv[2])


# ---- Android ----

COLUMNS = {4: ["pss", "shared_dirty", "private_dirty", "heap_size", "heap_alloc", "heap_free"],
           6: ["pss_total", "private_dirty", "private_clean", "swapped_dirty", "heap_size", "heap_alloc", "heap_free"],
           11: ["pss_total", "private_dirty", "private_clean", "swappss_dirty", "rss_total", "heap_size", "heap_alloc", "heap_free"]}


def parse_meminfo(text, columns):
    """Of one dump with one process: rows have two blanks before each number."""
    out, part = {}, "table"
    for line in text.splitlines():
        if line.strip() in ("App Summary", "Objects", "SQL", "DATABASES", "Asset Allocations"):
            part = line.strip()
        elif part == "table" and (row := re.fullmatch(r" *(\S.*?)((?:  +\d+)+) *", line)):
            out |= {f"{kind}_bytes {row[1]}": 1024 * int(n) for kind, n in zip(columns, row[2].split())}
        elif part == "App Summary" and (row := re.fullmatch(r" *(\w[\w ]*): +(\d+)", line)):
            out[f"summary_pss_bytes {row[1]}"] = 1024 * int(row[2])
        elif part in ("Objects", "SQL"):
            for name, n in re.findall(r"(\w[\w ]*): +(\d+)", line):
                kilo = part == "SQL" or name == "Parcel memory"
                out[f"{'sql_bytes' if part == 'SQL' else 'objects_bytes' if kilo else 'objects'} {name}"] = int(n) * (1024 if kilo else 1)
    return out


def test_meminfo():
    for version, columns in COLUMNS.items():
        text = (DATA / f"meminfo/android{version}.txt").read_text()
        records, said = read(text)
        want = parse_meminfo(text, columns)
        assert len(want) >= 16 and len(records) == 1 and not said
        assert {k: v[0] for k, v in expand(records[0]).items()} == want
        uptime, pid, app = re.search(r"Uptime: (\d+)[^*]*\*\* MEMINFO in pid (\d+) \[([^]]+)\]", text).groups()
        assert records[0]["pid"] == pid and records[0]["app"] == app and records[0]["time_s"] == [int(uptime) / 1000]


def test_meminfo_series():
    """Dumps in any order, of a process that begins again: steps by uptime, a session each."""
    rng = random.Random(3)
    text = (DATA / "meminfo/android6.txt").read_text()
    for end in ("\n", "\r\n", "\r\r\n"):
        want, dumps = {}, []
        for n in range(8):
            pid, uptime, heap, views = rng.choice([22861, 22999]), 166891747 + 5000 * n, rng.randrange(10**6), rng.randrange(99)
            want.setdefault(str(pid), []).append((uptime / 1000, 1024 * heap, views))
            dump = text.replace("22861", str(pid)).replace("166891747", str(uptime)).replace("   24501    24240", f"{heap:8}    24240")
            dumps.append(dump.replace("Views:      553", f"Views: {views:8}").replace("\n", end))
        rng.shuffle(dumps)
        records, _ = read("".join(dumps))
        assert {r["pid"] for r in records} == set(want)
        for record in records:
            got = expand(record)
            assert list(zip(record["time_s"], got["pss_total_bytes Native Heap"], got["objects Views"])) == want[record["pid"]], (record, want)


def test_meminfo_of_two():
    """Two processes of a package in one dump; columns that nobody knows yet, and a summary of two."""
    text = """Uptime: 5000 Realtime: 5000

** MEMINFO in pid 1 [a] **
                   Pss      Gpu
                 Total  Private
                ------   ------
  Native Heap        1        2
        TOTAL        3
 
 App Summary
                       Pss(KB)                        Rss(KB)
                        ------                         ------
           Java Heap:        7                              8
             Unknown:                                       9
           TOTAL PSS:        7            TOTAL RSS:        8

** MEMINFO in pid 2 [a:remote] **
                   Pss
                 Total
                ------
  Native Heap        4
"""
    records, _ = read(text)
    kib = [{k: v[0] / 1024 for k, v in expand(r).items()} for r in records]
    assert [r["app"] for r in records] == ["a", "a:remote"] and [r["time_s"] for r in records] == [[5], [5]], records
    assert kib == [{"pss_total_bytes Native Heap": 1, "gpu_private_bytes Native Heap": 2, "pss_total_bytes TOTAL": 3, "summary_pss_bytes Java Heap": 7,
                    "summary_rss_bytes Java Heap": 8, "summary_rss_bytes Unknown": 9}, {"pss_total_bytes Native Heap": 4}], kib


# ---- macOS ----

def size(text):
    return round(float(text.rstrip("KMG")) * 1024 ** (" KMG".index(text[-1]) if text[-1] in "KMG" else 0))


def parse_heap(text):
    total, out = re.search(r"All zones: (\d+) nodes \((\d+) bytes\)", text), {}
    for count, n, name in re.findall(r"^ +(\d+) +(\d+) +[\d.]+   (\S+(?: \S+)*)", text, re.M):
        out["heap_objects " + name] = out.get("heap_objects " + name, 0) + int(count)
        out["heap_bytes " + name] = out.get("heap_bytes " + name, 0) + int(n)
    return out | {"heap_objects": int(total[1]), "heap_bytes": int(total[2])}


def parse_vmmap(text):
    out, number = {}, r" +([\d.]+[KMG]?)"
    regions, zones = text[:text.index("MALLOC ZONE  ")], text[text.index("MALLOC ZONE  "):]
    for row in re.findall(r"^(\S.*?)  " + 8 * number + r"(?: |$)", regions, re.M):
        kinds = ["virtual_bytes", "resident_bytes", "dirty_bytes", "swapped_bytes", "volatile_bytes", "nonvol_bytes", "empty_bytes", "regions"]
        out |= {f"{kind} {row[0].strip()}": size(n) for kind, n in zip(kinds, row[1:])}
    for row in re.findall(r"^(\S.*?)(?:_0x[0-9a-f]+)?  " + 7 * number + r" +\d+% +(\d+)$", zones, re.M):
        kinds = ["virtual_bytes", "resident_bytes", "dirty_bytes", "swapped_bytes", "allocations", "allocated_bytes", "frag_bytes", "regions"]
        out |= {f"zone_{kind} {row[0].strip()}": size(n) for kind, n in zip(kinds, row[1:])}
    return out


FOOTPRINT = {"footprint_bytes": size("919.0M"), "footprint_peak_bytes": size("941.4M")}


def test_macos():
    heap, vmmap = ((DATA / f"macos/{name}.txt").read_text() for name in ("heap", "vmmap"))
    assert len(parse_heap(heap)) == 2 * 13 + 2 and len(parse_vmmap(vmmap)) == 8 * 17 + 8 * 7
    for text, want in ((heap, parse_heap(heap)), (vmmap, parse_vmmap(vmmap)), (vmmap + heap, parse_heap(heap) | parse_vmmap(vmmap))):
        records, said = read(text)
        got = {k: v[0] for k, v in expand(records[0]).items()}
        assert len(records) == 1 and not said and got == want | FOOTPRINT, {k: (got.get(k), v) for k, v in want.items() if got.get(k) != v}
        assert records[0]["app"] == "ferryx" and records[0]["pid"] == "70940" and records[0]["time"].startswith("2026-09-05T03:23:00.5")


def test_macos_series():
    """Both tools again and again, of a process that begins again; sizes as newer tools print them, times that are not known."""
    heap, vmmap = ((DATA / f"macos/{name}.txt").read_text() for name in ("heap", "vmmap"))
    text = ""
    for n in range(6):
        pid = "70940" if n < 4 else "70999"
        more = vmmap.replace("433.2M", f" {n}.25G") + heap.replace("13048 ", f"{n:5} ").replace(" 683568", "   12.5K")
        text += more.replace("12:23", f"12:2{n}").replace("70940", pid)
    records, _ = read(text)
    assert [(r["pid"], r["steps"]) for r in records] == [("70940", 4), ("70999", 2)]
    got = expand(records[0])
    assert got["virtual_bytes IOSurface"] == [n * 2**30 + 2**28 for n in range(4)] and got["heap_objects CFString"] == [0, 1, 2, 3]
    assert got["heap_bytes CFString"] == [12800] * 4 and [round(b - a) for a, b in zip(records[0]["time_s"], records[0]["time_s"][1:])] == [60] * 3
    records, _ = read(2 * re.sub(r"Date/Time:.*", "Date/Time:       (null)", heap))
    assert records[0]["steps"] == 2 and "time_s" not in records[0]


# ---- .NET ----

def parse_counters(data):
    steps, step = [], {}
    for event in data["Events"]:
        name = event["provider"] + " " + event["name"] + (f"{{{event['tags']}}}" if event.get("tags") else "")
        if name in step:
            steps.append(step)
            step = {}
        step[name] = event["value"]
    return steps + [step]


def check_counters(record, steps):
    got = expand(record)
    assert record["steps"] == len(steps) and set(got) == {name for step in steps for name in step}
    for name, values in got.items():
        assert values == [step.get(name) for step in steps], (name, values, steps)


def test_counters():
    text = (DATA / "dotnet-counters/scenarios.txt").read_text()
    records, said = read(text)
    assert len(records) == 1 and not said and records[0]["app"] == "DiagnosticScenarios" and records[0]["time"] == "2020-08-05T15:02:50Z"
    check_counters(records[0], parse_counters(json.loads(text)))


def event(second, name, value, tags=None):
    return {"timestamp": f"2026-11-20 10:00:{second:02}Z", "provider": "System.Runtime", "name": name, **({"tags": tags} if tags else {}), "counterType": "Metric", "value": value}


def test_random_counters():
    rng = random.Random(9)
    for _ in range(30):
        data = {"TargetProcess": 'sh"op', "StartTime": "x", "Events": []}
        for second in range(rng.randint(1, 20)):
            names = [(n, t) for n in ("GC Heap Size (MB)", "a\tb") for t in (None, "f=abc,Percentile=50")]
            for name, tags in names[:rng.randint(1, 4)]:
                data["Events"].append(event(second, name, rng.choice([0, 1.5, 1e300, -3, second]), tags))
        whole = json.dumps(data, indent=rng.choice([None, 1]))
        records, said = read(whole)
        check_counters(records[0], parse_counters(data))
        assert not said and records[0]["app"] == 'sh"op'


def test_killed():
    """The process died, so that the end was not written; the next run is of another one."""
    events = [event(s, n, s) for s in range(4) for n in ("a", "b")]
    text = json.dumps({"TargetProcess": "one", "StartTime": "", "Events": events})
    other = text.replace('"one"', '"two"')
    records, said = read(text[:text.rindex(', {')] + ",\n" + other + "\n" + other)
    assert [r["app"] for r in records] == ["one", "two"] and [r["steps"] for r in records] == [4, 8], (records, said)
    assert expand(records[0])["System.Runtime b"] == [0, 1, 2, None] and "line 1: JSON: it is cut off" in said, said
    assert expand(records[1])["System.Runtime a"] == [0, 1, 2, 3, 0, 1, 2, 3]


def test_odd_counters():
    events = [event(0, "a", "NaN"), event(0, "b", "x"), {"name": "c"}, 7, event(0, "d", 1e999), {"provider": "", "name": "e", "value": 4}]
    records, said = read(json.dumps({"TargetProcess": "p", "Events": events, "x": {"counterType": []}}).replace("Infinity", "1e999"))
    assert records[0]["metrics"] == {"System.Runtime d": [0, None], "e": [0, 4]} and "1 infinite" in said, (records, said)


def parse_gcdump(text):
    out = {}
    for line in text.splitlines():
        if row := re.fullmatch(r" *([\d,]+)  (GC Heap bytes|GC Heap objects|Total references)", line):
            out[{"b": "gc_heap_bytes", "o": "gc_heap_objects", "T": "gc_references"}[row[2][8 if row[2][0] == "G" else 0]]] = int(row[1].replace(",", ""))
        elif row := re.fullmatch(r" *([\d,]+) +([\d,]+)  (.*?)(?: \(Bytes > \w+\))?(?:  \[.*\])?", line):
            size, n = (int(t.replace(",", "")) for t in row.groups()[:2])
            out["gc_objects " + row[3]] = out.get("gc_objects " + row[3], 0) + n
            out["gc_bytes " + row[3]] = out.get("gc_bytes " + row[3], 0) + size * n
    return out


def test_gcdump():
    for name in ("report", "head"):
        text = (DATA / f"gcdump/{name}.txt").read_text()
        records, said = read(text)
        want = parse_gcdump(text)
        assert len(want) >= 10 and not said and {k: v[0] for k, v in expand(records[0]).items()} == want, (records, want)
        for separator in (".", "'", "\u00a0", "\u202f", "\u2019"):
            other = re.sub(r"(?<=\d),(?=\d{3})", separator, text)
            assert other != text and read(other)[0] == records, separator


def test_gcdump_series():
    rng, want, text = random.Random(4), [], ""
    for _ in range(12):
        types = {f"App.T{i}<System.Int32,{i}>": (rng.randrange(1, 10**7), rng.randrange(1, 10**6)) for i in rng.sample(range(6), rng.randint(0, 6))}
        text += f"{sum(s * n for s, n in types.values()):15,}  GC Heap bytes\n{sum(n for _, n in types.values()):15,}  GC Heap objects\n\n   Object Bytes     Count  Type\n"
        text += "".join(f"{s:15,}  {n:8,}  {t}  [app.dll]\n" for t, (s, n) in types.items()) + "\n"
        want.append(types)
    got = expand(read(text)[0][0])
    for name in {t for types in want for t in types}:
        assert got["gc_objects " + name] == [types.get(name, (0, 0))[1] for types in want]
        assert got["gc_bytes " + name] == [s * n for s, n in (types.get(name, (0, 0)) for types in want)]
    assert got["gc_heap_objects"] == [sum(n for _, n in types.values()) for types in want]


def test_strangers():
    """Text that only speaks of these formats is nobody's."""
    for text in ("GC Heap bytes\nObject Bytes Count Type\n", "we ran ** MEMINFO in pid\n", '{"TargetProcess":"x"}\n', '{"resourceMetrics":', "{\"a\":\"resourceMetrics\"}\n",
                 "\n\x0c\x0a\x0a\x08__name__", "  1,024  GC Heap bytes\n",
                 "Process: x [1]\nAnalysis Tool: /usr/bin/heap\n"):
        records, said = read(text)
        assert not records and ("no reader knows" in said or "JSON" in said), (text, records, said)


run_all(globals())
