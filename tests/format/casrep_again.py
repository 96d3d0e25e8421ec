#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""casrep_again.py WHORL DATA: every fixture written as CASR's reports has the members of libcasr's CrashReport, each of its type, and is
read back to as many frames, with the functions, the files and the lines that it had, where the style of its tool has a place for them."""
import json
import pathlib
import subprocess
import sys
import tempfile

# libcasr/src/report.rs: CrashReport, as serde writes it
STRINGS = """Date Uname OS OSRelease Architecture ExecutablePath ProcCmdline Stdin Package PackageVersion PackageArchitecture
PackageDescription CrashLine""".split()
ARRAYS = """ProcEnviron ProcStatus ProcMaps ProcFiles NetworkConnections Stacktrace Disassembly AsanReport MsanReport UbsanReport PythonReport
GoReport JavaReport RustReport JsReport CSharpReport LuaReport Source""".split()
SEVERITY = ["Type", "ShortDescription", "Description", "Explanation"]
CLASSES = ["EXPLOITABLE", "PROBABLY_EXPLOITABLE", "NOT_EXPLOITABLE", "UNDEFINED"]


def bad_members(report):
    bad = [name for name in STRINGS if not isinstance(report.get(name), str)]
    bad += [name for name in ARRAYS
            if not isinstance(report.get(name), list) or not all(isinstance(line, str) for line in report[name])]
    severity = report.get("CrashSeverity", {})
    bad += [name for name in SEVERITY if not isinstance(severity.get(name), str)]
    if severity.get("Type") not in CLASSES:
        bad.append("CrashSeverity.Type")
    if not isinstance(report.get("Registers"), dict):
        bad.append("Registers")
    return bad + sorted(set(report) - set(STRINGS) - set(ARRAYS) - {"CrashSeverity", "Registers"})


def whorl(program, *arguments):
    out = subprocess.run([program, "stack", *arguments], capture_output=True, timeout=300)
    return out.stdout.decode("utf-8", "replace")


def records(program, path):
    return [json.loads(line) for line in whorl(program, "show", "--raw", "--format", "jsonl", str(path)).splitlines()]


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    failed = documents = frames = same = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(data.glob("*/*.txt")):
            before = records(program, path)
            if path.name == "PROVENANCE.txt" or not before:
                continue
            target = pathlib.Path(folder) / path.parent.name / path.stem
            target.parent.mkdir(exist_ok=True)
            whorl(program, "export", "--as", "casrep", "--folder", str(target), str(path))
            written = sorted(target.glob("*.casrep"))
            if len(written) != len(before):
                print(f"not ok {path.relative_to(data)}: {len(before)} reports, {len(written)} written")
                failed += 1
                continue
            # one after the other, as on standard output: in the order of the records
            again_path = target.with_suffix(".all")
            again_path.write_text(whorl(program, "export", "--format", "casrep", str(path)))
            after = records(program, again_path)
            for file in written:
                bad = bad_members(json.loads(file.read_text()))
                if bad:
                    print(f"not ok {file.relative_to(folder)}: {', '.join(bad)}")
                    failed += 1
            if len(after) != len(before):
                print(f"not ok {path.relative_to(data)}: {len(before)} reports, {len(after)} read back")
                failed += 1
                continue
            for old, new in zip(before, after):
                documents += 1
                frames += len(old["frames"])
                if old.get("reason") != new.get("reason") or len(old["frames"]) != len(new["frames"]):
                    print(f"not ok {path.relative_to(data)}: {len(old['frames'])} frames, {len(new['frames'])} read back, "
                          f"reason {old.get('reason')!r}, {new.get('reason')!r}")
                    failed += 1
                    continue
                for a, b in zip(old["frames"], new["frames"]):
                    alike = all(a.get(name) == b.get(name) for name in ("function", "file", "line"))
                    same += alike
                    if not alike and "-v" in sys.argv:
                        print(f"    {path.relative_to(data)}: {a} {b}")
    print(f"{documents} reports, {frames} frames, {same} with function, file and line as before; {failed} failed")
    return 1 if failed or not documents or same < 0.97 * frames else 0


sys.exit(main())
