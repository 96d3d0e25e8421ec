# SPDX-License-Identifier: Apache-2.0
"""What READ_SESSIONS, the first argument of a test, makes of an input."""
import json
import pathlib
import subprocess
import sys
import tempfile

TEMPORARY = tempfile.TemporaryDirectory()  # goes with the test
FOLDER = pathlib.Path(TEMPORARY.name)


def read(data, *options):
    """The records, and what was said on stderr."""
    path = FOLDER / "input"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    run = subprocess.run([sys.argv[1], *options, str(path)], capture_output=True, text=True, timeout=60)
    path.unlink()
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()], run.stderr


def expand(record):
    """metric -> values at every step; None is not known."""
    out = {}
    for name, flat in record["metrics"].items():
        changes, values, holds = dict(zip(flat[::2], flat[1::2])), [], 0
        for step in range(record["steps"]):
            holds = changes.get(step, holds)
            values.append(holds)
        out[name] = values
    return out


def run_all(names):
    """Each test_* of a module; they leave nothing behind."""
    for name, test in sorted(names.items()):
        if name.startswith("test_"):
            test()
            print(f"ok {name}")
    assert not list(FOLDER.iterdir())
