#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""golden.py READ_STACKS DATA [--update]: every DATA/<format>/*.txt (and *.dmp, *.bin) must be detected as <format> (a `format` member in its golden
file overrides the folder) and read to exactly the JSON lines of FILE.txt.jsonl. The golden lines may leave members out: what they
name must be equal; frames are compared one by one, member by member as named, and their number must agree."""
import json
import pathlib
import subprocess
import sys


def differences(want, got, where):
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return [f"{where}: not an object"]
        return [d for k, v in want.items() for d in differences(v, got.get(k), f"{where}.{k}")]
    if isinstance(want, list):
        if not isinstance(got, list) or len(want) != len(got):
            return [f"{where}: {len(want)} expected, {len(got or [])} found"]
        return [d for i, v in enumerate(want) for d in differences(v, got[i], f"{where}[{i}]")]
    return [] if want == got else [f"{where}: {want!r} expected, {got!r} found"]


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    update = "--update" in sys.argv
    failed = checked = 0
    for path in sorted([*data.glob("*/*.txt"), *data.glob("*/*.dmp"), *data.glob("*/*.bin")]):
        if path.name == "PROVENANCE.txt":
            continue
        golden = path.with_name(path.name + ".jsonl")
        out = subprocess.run([program, str(path)], capture_output=True, text=True, timeout=60)
        got = [json.loads(line) for line in out.stdout.splitlines()]
        if update and not golden.exists():
            golden.write_text(out.stdout)
        if not golden.exists():
            print(f"not ok {path}: no golden file")
            failed += 1
            continue
        want = [json.loads(line) for line in golden.read_text().splitlines() if line]
        for w in want:
            w.setdefault("format", path.parent.name)
        problems = differences(want, got, "report")
        if out.returncode:
            problems.append(f"exit status {out.returncode}: {out.stderr.strip()}")
        checked += 1
        failed += bool(problems)
        for problem in problems[:10]:
            print(f"not ok {path.relative_to(data)}: {problem}")
    print(f"{checked - failed} passed, {failed} failed")
    return 1 if failed or not checked else 0


sys.exit(main())
