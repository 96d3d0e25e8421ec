# SPDX-License-Identifier: Apache-2.0
"""What the tests of the recorder share: a spool, the handler fed by hand, the recorder draining it."""
import contextlib
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback

WHORL, HANDLER = map(os.path.abspath, sys.argv[1:3])
SKIPPED = 77


def options(spool="spool", store="whorl.db"):
    return ["--spool", spool, "--store", store, "--handler", HANDLER, "--format", "jsonl"]


def record(*words, spool="spool", status=0, **keywords):
    """One call of the recorder: its lines, with the last one, the cost, apart."""
    result = subprocess.run([WHORL, "stack", "record", *options(spool), *map(str, words)], capture_output=True, text=True, timeout=120,
                            stdin=subprocess.DEVNULL, check=False, **keywords)
    assert result.returncode == status, (words, result.returncode, result.stdout, result.stderr)
    record.said = result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return (lines[:-1], lines[-1]["cost"]) if lines else ([], None)


def drain(*words, **keywords):
    return record("--drain", *words, **keywords)


def ask(verb, *words):
    result = subprocess.run([WHORL, "stack", verb, "--format", "jsonl", *words], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def handler(core, pid=None, spool="spool", number=signal.SIGSEGV, dumpable=1, name="fed", **keywords):
    """Starts the handler as the kernel does. Without a pid: that of a process which is no more."""
    pid = pid if pid is not None else 4194303
    words = [pid, pid, 1000, 1000, int(number), dumpable, name]
    return subprocess.run([HANDLER, os.path.abspath(spool), *map(str, words)], input=core, capture_output=True, timeout=60, check=False, **keywords)


def feed(core, **keywords):
    result = handler(core, **keywords)
    assert result.returncode == 0 and not result.stderr, result
    return result


def files(folder, spool="spool"):
    return sorted(os.path.basename(path) for path in glob.glob(f"{spool}/{folder}/*"))


def losses(cost):
    return cost["over_rate"] + cost["over_spool"] + cost["failed"] + cost["lost"]


@contextlib.contextmanager
def scratch():
    # not where the tests run: the path must fit into the kernel's 127 bytes
    with tempfile.TemporaryDirectory(prefix="whorl-") as folder:
        os.chdir(folder)
        os.environ.pop("WHORL_STORE", None)
        try:
            yield folder
        finally:
            os.chdir("/")


def main(*tests):
    bad = 0
    names = [word for word in sys.argv[3:] if "/" not in word]
    for test in tests:
        if names and test.__name__ not in names:
            continue
        with scratch():
            try:
                test()
                print("ok", test.__name__, flush=True)
            except Exception:  # the next test is one of its own
                bad += 1
                print("not ok", test.__name__, traceback.format_exc(), flush=True)
    sys.exit(1 if bad else 0)
