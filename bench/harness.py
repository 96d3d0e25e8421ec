# SPDX-License-Identifier: Apache-2.0
"""Measures whorl and its peers in turn, in one run, so that a busy machine hurts all of them alike. Nothing here asserts on time.

A bench gives competitors: {name: function}; a function runs once and returns a Cost (see command()). compare() runs them in rounds,
A B C, A B C, …, and reports for each the median and the quartiles of its own numbers, and of its ratio to the first in the same round.
"""
import argparse
import dataclasses
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass
class Cost:
    wall: float       # seconds
    cpu: float        # seconds, user and system, of all threads and children
    rss: int          # bytes, the peak of one process
    output: bytes = b""
    talk: str = ""    # stderr


def data_folder(*parts):
    """A folder of $WHORL_DATA; ends the bench as skipped where it is not there."""
    root = pathlib.Path(os.environ.get("WHORL_DATA", pathlib.Path.home() / ".cache/whorl-data"))
    path = root.joinpath(*parts)
    if not path.exists():
        print(f"skipped: no {path}; set WHORL_DATA", file=sys.stderr)
        sys.exit(SKIPPED)
    return path


def arguments(description):
    """The options of every bench; add your own, then parse with programs()."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.environ.get("WHORL_BUILD", str(ROOT / "build")), help="a meson build folder")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", default="/tmp/whorl-bench", help="where made data are kept from run to run")
    return parser


def program(options, name):
    """Path of a program of the build: whorl is $WHORL if that is set."""
    if name == "whorl":
        path = os.environ.get("WHORL") or f"{options.build}/cli/whorl"
    else:
        path = f"{options.build}/bench/{name}"
    if not shutil.which(path):
        print(f"skipped: no {path}; give --build", file=sys.stderr)
        sys.exit(SKIPPED)
    return path


def command(argv, output=None, check=True, **kwargs):
    """Runs argv to its end. output: a file for stdout, else it is kept in the result."""
    sink = open(output, "wb") if output else subprocess.PIPE
    start = time.monotonic()
    with subprocess.Popen([str(a) for a in argv], stdout=sink, stderr=subprocess.PIPE, **kwargs) as child:
        import threading
        talk = []
        listener = threading.Thread(target=lambda: talk.append(child.stderr.read()))
        listener.start()
        out = b"" if output else child.stdout.read()
        listener.join()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if output:
        sink.close()
    text = talk[0].decode("utf-8", "replace")
    if check and child.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{text}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, out, text)


def quartiles(values):
    values = sorted(values)
    if len(values) < 3:
        return values[0], statistics.median(values), values[-1]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def compare(competitors, rounds, out=sys.stdout):
    """Runs all in turn; prints a table; returns {name: [Cost, …]}."""
    costs = {name: [] for name in competitors}
    for _ in range(rounds):
        for name, run in competitors.items():
            costs[name].append(run())
    first = next(iter(costs))
    print("| program | wall s | CPU s | peak MiB | CPU, times the first's |\n|---|---|---|---|---|", file=out)
    for name, list_ in costs.items():
        ratios = [c.cpu / base.cpu for c, base in zip(list_, costs[first]) if base.cpu > 0]
        print(f"| {name} | {spread([c.wall for c in list_])} | {spread([c.cpu for c in list_])} | "
              f"{max(c.rss for c in list_) / 2**20:.0f} | {spread(ratios) if ratios else '-'} |", file=out)
    return costs


def spread(values):
    low, middle, high = quartiles(values)
    return f"{middle:.3g} ({low:.3g}–{high:.3g})"


def machine():
    """One line about where this runs, and how busy it is."""
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), "")
    except OSError:
        pass
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{os.cpu_count()} cores ({model or platform.machine()}), Linux {platform.release().split('-')[0]}, load {load}"
