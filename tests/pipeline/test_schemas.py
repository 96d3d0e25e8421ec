#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_schemas.py WHORL SCHEMAS: what every verb writes is what docs/schema says, and nothing that it does not name."""
import copy
import json
import os
import re
import subprocess
import sys

SCHEMAS = os.path.abspath(sys.argv.pop(2))

from drive import SKIPPED, WHORL, main, make_reports, run, write, write_records  # noqa: E402

try:
    import jsonschema
except ImportError:
    print("skipped: no python3-jsonschema")
    sys.exit(SKIPPED)


def closed(schema):
    """The schema with members refused that it does not name: it allows them to others, not to us."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: value if key == "required" else closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def load(name):
    noun, result = re.fullmatch(r"whorl\.([a-z]+)\.([a-z]+)/1", name).groups()
    for file in (f"whorl.{noun}.{result}.json", f"whorl.NOUN.{result}.json"):
        if os.path.exists(os.path.join(SCHEMAS, file)):
            with open(os.path.join(SCHEMAS, file)) as text:
                schema = json.load(text)
            jsonschema.Draft202012Validator.check_schema(schema)
            return schema
    raise AssertionError(f"no schema {name}")


def validate(value, schema):
    for strictness in (schema, closed(schema)):
        jsonschema.Draft202012Validator(strictness, format_checker=jsonschema.FormatChecker()).validate(value)


seen = set()


def check(verb, *words):
    before = copy.copy(sys.argv)
    document = json.loads(run(verb, *words, "--format", "json"))
    assert before == sys.argv
    schema = load(document["schema"])
    seen.add(verb)
    validate(document, schema)
    return document


def check_lines(verb, *words):
    name = check(verb, *words)["schema"]
    schema = load(name)
    lines = [json.loads(line) for line in run(verb, *words, "--format", "jsonl").splitlines()]
    assert lines or verb == "report"
    for line in lines:
        if "schema" in line:
            validate(line, schema)
        else:
            validate(line, {**schema["$defs"]["record"], "$defs": schema["$defs"]})


def check_report():
    for words in ([], ["--summary"], ["--since", "2026-03-01T00:10:00Z"], ["all.jsonl"], ["--hits", "5"], ["--bug", "r1"]):
        check_lines("report", *words)


def waits(name):
    """A file in the recorder's spool that nobody can read."""
    with open(f"spool/new/{name}.core.zst", "w") as file:
        file.write("no core")


def test_every_verb(rng):
    records = make_reports(rng, 6, 80)
    write_records("all.jsonl", records)
    write_records("few.jsonl", records[:3])
    write_records("one.jsonl", records[:1]), write_records("two.jsonl", records[1:2])
    write_records("odd.jsonl", [dict(records[5], id="odd", frames=[{
        "function": "f", "module": "m.so", "module_version": "2", "build_id": "ab", "offset": "0x12", "file": "a.c", "line": 3,
        "address": "0x7f00", "inlined": True, "unreliable": True, "handler": True, "trust": "cfi"}],
        threads=[{"thread": "t2", "frames": [{"function": "g", "trust": "scan"}]}, {"frames": []}], thread="t1", reason="SIGSEGV", app="x")])
    check_lines("bucket", "all.jsonl")
    check_lines("evaluate", "all.jsonl")
    check_lines("evaluate", "--no-ranking", "one.jsonl")
    check_lines("train", "-o", "model", "all.jsonl")
    check_lines("train", "--folds", "0", "all.jsonl")
    check_lines("calibrate", "-o", "model", "all.jsonl")
    check_lines("explain", "all.jsonl")
    check_lines("explain", "one.jsonl", "two.jsonl")
    check_lines("search", "--among", "all.jsonl", "few.jsonl")
    for words in (["all.jsonl"], ["--raw", "odd.jsonl"], ["odd.jsonl"], ["--explain-normalisation", "odd.jsonl"]):
        check_lines("show", *words)
    check_lines("list", "odd.jsonl")
    check_lines("export", "all.jsonl")
    check_lines("diff", "--among", "all.jsonl", "--d", "0.1")
    check_lines("import", "few.jsonl")
    check_lines("list")
    check("assign", "all.jsonl")
    check_lines("assign", "--dry-run", write_records("new.jsonl", [dict(records[0], id="new")]))
    check("bucket")
    check_lines("bucket", "--dry-run", "--d", "0.1")
    check_lines("list"), check_lines("show", "r0"), check_lines("export")
    groups = sorted({row["group"] for row in check("list")["records"] if "group" in row})
    check_lines("label", "r0", "x", "--who", "ann")
    check_lines("note", groups[0], "y")
    check("merge", *groups[:3])
    check("merge", groups[0], groups[4])
    check_lines("search", "r0")
    for analysis in ("presence", "absence"):
        check_lines("explain", "--analysis", analysis), check_lines("explain", "--analysis", analysis, "all.jsonl")
    check_lines("explain"), check_lines("explain", groups[0]), check_lines("explain", groups[0], groups[-1])
    check_lines("explain", "r0", "r1"), check_lines("explain", "r0")
    members = [row["id"] for row in check("list", "--group", groups[0])["records"]]
    check("split", members[0])
    check("split", members[1], "--from", members[2])
    check("undo", 2)
    check_lines("compare", "--by", "app", "a", "b", write_records("apps.jsonl", [dict(r, app="ab"[i % 2]) for i, r in enumerate(records)]))
    check_lines("history", "--parts")
    check_lines("diff", "--d", "0.2")
    check("resymbolise"), check("resymbolise", "--dry-run", "few.jsonl")
    check("record", "--drain", "--spool", "spool")
    waits("core-20260301T000000.000000001Z-1"), waits("core-20260301T000000.000000002Z-2")
    check("record", "--drain", "--spool", "spool", "--keep-cores", "1")
    verbs = {page.split("-", 2)[2] for page in subprocess.run([WHORL, "help", "--pages"], capture_output=True, text=True, check=True).stdout.split()
             if page.startswith("whorl-stack-")}
    if "report" in verbs:
        check_report()
    assert verbs == seen, verbs ^ seen


def test_sessions(rng):
    """What they say otherwise than stacks, or alone."""
    lines = ["session,timestep,metric,value"]
    for i in range(30):
        for step in range(40):
            lines += [f"s{i},{step},leak{i % 3},{4 * step + rng.randrange(3)}", f"s{i},{step},other{rng.randrange(9)},{rng.randrange(9)}"]
    write("all.csv", "\n".join(lines) + "\n")
    write("few.csv", "\n".join(line for line in lines if line.startswith(("session", "s1,", "s2,"))) + "\n")
    write("moved.csv", "session,timestep,metric,value\n" + "".join(f"a,{i},x,{rng.random() + (i >= 80)}\n" for i in range(100)))
    run.noun = "session"
    try:
        check_lines("cluster", "all.csv"), check_lines("evaluate", "--labels", write("labels.csv", "session,label\ns1,a\ns2,b\n"), "all.csv")
        check_lines("train", "-o", "model", "all.csv"), check_lines("assign", "--model", "model", "few.csv")
        check_lines("calibrate", "--model", "model", "-o", "model", "all.csv")
        check_lines("explain", "all.csv"), check_lines("leak", "few.csv"), check_lines("changed", "moved.csv")
        write("one.csv", "\n".join(line for line in lines if line.startswith(("session", "s1,"))) + "\n")
        for analysis in ("contrast", "presence", "absence", "average", "mutation", "onset"):
            [told] = [check("explain", "--analysis", analysis, "all.csv")]
            assert told["analysis"] == analysis and any(group["features"] for group in told["groups"]), analysis
        assert check("explain", "all.csv")["groups"][0]["moved_first"]["asked"]
        assert check("explain", "--analysis", "onset", "one.csv")["features"]
        assert check("explain", "--analysis", "mutation", "--model", "model", "one.csv")["features"]
        for words in ([], ["--raw"]):
            check_lines("show", *words, "few.csv")
        check("assign", "all.csv"), check("cluster"), check_lines("calibrate"), check_lines("report"), check_lines("search", "s1")
        check_lines("explain"), check_lines("explain", "s1", "s2"), check_lines("list")
        assert all(check("explain", "--analysis", analysis, "s1")["features"] for analysis in ("mutation", "onset"))
        check_lines("drift", "--model", "model", "few.csv"), check("watch", "--rounds", "1", "--rate", "1")
        told = write("told.csv", "session,version,platform\n" + "".join(f"s{i},{'3' if i == 29 else 1 + i % 2},{'' if i == 29 else 'p'}\n" for i in range(30)))
        several = ["--store", "several.db", "--sessions", told]
        [trained] = [check("train", *several, "--per", "platform,version", "--least", "10", "all.csv")]
        assert trained["models"] and trained["refused"] and trained["models"][0]["moves"]
        check_lines("assign", *several, "--dry-run", "all.csv"), check("assign", *several, "all.csv"), check_lines("drift", *several, "--every", "7")
        assert check("calibrate", "--store", "several.db", "--least", "10")["refused"]
        check("watch", *several, "--rounds", "1", "--rate", "1")
        check("train", "--store", "several.db", "--per", "version", "--least", "10", "--labels", write("v.csv", "session,label\ns1,a\ns2,b\n"))
    finally:
        run.noun = "stack"


def test_every_schema(rng):
    for file in os.listdir(SCHEMAS):
        if file.endswith(".json"):
            noun, result = file.split(".")[1:3]
            load(f"whorl.{'stack' if noun == 'NOUN' else noun}.{result}/1")


main(test_every_verb, test_sessions, test_every_schema)
