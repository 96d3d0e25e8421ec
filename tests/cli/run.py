#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run.py WHORL FOLDER [--data FOLDER] [--update] [NAME…]: command line tests as scripts.

Every FOLDER/**/NAME.test is run with `sh -e` in a scratch directory of its own, `whorl` on its PATH, the tests' data under $DATA.
Beside it stand what must come out: NAME.stdout (no file: nothing), NAME.stderr (no file: not looked at; a test whose exit is 0 and
that has none may say what it likes) and NAME.exit (no file: 0). --update writes them from what came out; read the difference
before you commit it. NAMEs choose tests whose path contains one of them."""
import argparse
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile


def run(script, whorl, data):
    with tempfile.TemporaryDirectory(prefix="whorl-test-") as scratch:
        bin_folder = pathlib.Path(scratch, "bin")
        bin_folder.mkdir()
        (bin_folder / "whorl").symlink_to(whorl)
        work = pathlib.Path(scratch, "work")
        work.mkdir()
        keep = {k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_", "TSAN_", "LSAN_"))}
        environment = dict(keep, PATH=f"{bin_folder}:/usr/bin:/bin", HOME=scratch, TMPDIR=scratch, LC_ALL="C.UTF-8", TZ="UTC",
                           DATA=str(data), TERM="dumb")
        return subprocess.run(["sh", "-e", str(script)], cwd=work, env=environment, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=120)


def compare(want, got, name):
    if want == got:
        return []
    lines = difflib.unified_diff(want.decode(errors="replace").splitlines(), got.decode(errors="replace").splitlines(),
                                 f"{name} expected", f"{name} found", lineterm="")
    return list(lines) or [f"{name}: differs in line ends"]


def write(path, content, default):
    if content == default:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("whorl", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    whorl, data, failed, n = options.whorl.resolve(), options.data.resolve(), 0, 0
    for script in sorted(options.folder.resolve().glob("**/*.test")):
        name = str(script.relative_to(options.folder.resolve()).with_suffix(""))
        if options.names and not any(part in name for part in options.names):
            continue
        n += 1
        result = run(script, whorl, data)
        stdout, stderr, status = (script.with_suffix(s) for s in (".stdout", ".stderr", ".exit"))
        if options.update:
            write(stdout, result.stdout, b"")
            write(status, b"%d\n" % result.returncode, b"0\n")
            if stderr.exists() or result.returncode:
                write(stderr, result.stderr, b"")
            continue
        want_status = int(status.read_text()) if status.exists() else 0
        problems = compare(stdout.read_bytes() if stdout.exists() else b"", result.stdout, "stdout")
        if stderr.exists():
            problems += compare(stderr.read_bytes(), result.stderr, "stderr")
        if result.returncode != want_status:
            problems.append(f"exit status {want_status} expected, {result.returncode} found")
            problems += [] if stderr.exists() else result.stderr.decode(errors="replace").splitlines()[:20]
        if problems:
            failed += 1
            print(f"not ok {name}", *("  " + line for line in problems), sep="\n")
    print(f"{n - failed} of {n} passed" if not options.update else f"{n} updated")
    return 1 if failed or not n else 0


sys.exit(main())
