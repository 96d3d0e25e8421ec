#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_allocations.py LIBRARY ALLOCATE LEAK: what libwhorl-alloc.so says is alive, against programs that know; read from outside, as
the recorder does, from lib/collect/preload/table.h alone."""
import os
import struct
import subprocess
import sys
import tempfile
import traceback

LIBRARY, ALLOCATE, LEAK = map(os.path.abspath, sys.argv[1:4])
FRAMES, SITES, MODULES, HEAD, PATH = 16, 4096, 255, 2048, 256
MODULE = struct.Struct(f"=IIQ{PATH}s{HEAD}s")
SITE = struct.Struct(f"=IBBxxQ{FRAMES}Q{FRAMES}IQQQQ")
HEADER = struct.Struct("=8sIIQQQQQII")


def addresses(program):
    """Where functions of a program are: {name: (first, last)}."""
    out = subprocess.run(["nm", "-S", "--defined-only", program], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {row[3]: (int(row[0], 16), int(row[0], 16) + int(row[1], 16)) for row in rows if len(row) == 4 and row[2] in "tT"}


class Table:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        magic, version, self.pid, self.samples, self.lost, self.failed, self.nanoseconds, self.mean, n_sites, n_modules = HEADER.unpack_from(data)
        assert magic == b"whorl-al" and version == 1, (magic, version)
        at = HEADER.size + 4 * 2 * SITES
        modules = [MODULE.unpack_from(data, at + i * MODULE.size) for i in range(min(n_modules, MODULES))]
        self.modules = [module[3].split(b"\0")[0].decode() for module in modules]
        self.heads = [module[4][:module[1]] for module in modules]
        at += MODULES * MODULE.size
        self.sites = []
        for i in range(min(n_sites, SITES)):
            ready, n_frames, kind, _, *rest = SITE.unpack_from(data, at + i * SITE.size)
            frames, (made_objects, made_bytes, freed_objects, freed_bytes) = rest[:n_frames], rest[2 * FRAMES:]
            assert made_objects >= freed_objects and made_bytes >= freed_bytes, "nothing is freed twice"
            if ready:
                self.sites.append((kind, frames, (made_objects - freed_objects) / 256, made_bytes - freed_bytes))
        assert len(data) == at + SITES * SITE.size

    def live(self, program, function):
        """Objects and bytes of the sites that have the function in them."""
        first, last = addresses(program)[function]
        numbers = {number for number, path in enumerate(self.modules, 1) if path == program} # two threads may each have written it down
        mine = [site for site in self.sites
                if any(frame >> 48 in numbers and first <= frame & (1 << 48) - 1 < last for frame in site[1])]
        return sum(site[2] for site in mine), sum(site[3] for site in mine)


def start(what, folder, program=ALLOCATE, mean=65536):
    environment = dict(os.environ, LD_PRELOAD=LIBRARY, WHORL_ALLOC=folder, WHORL_ALLOC_MEAN=str(mean))
    child = subprocess.Popen([program, *what], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    told = {}
    for line in child.stdout:
        words = line.split()
        if words == ["ready"]:
            break
        told[words[0]] = words[1:]
    return child, told


def finish(child):
    child.stdin.close()
    assert child.wait(timeout=30) == 0


def check(table, told, function, objects=0.3, size=0.3):
    """Samples scatter: with 250 of them, one standard deviation is 6 %."""
    live = table.live(ALLOCATE, function)
    true = [int(word) for word in told[function]]
    assert abs(live[0] - true[0]) <= objects * true[0] and abs(live[1] - true[1]) <= size * true[1], (function, live, true, table.samples, table.mean)
    return live


def simple(what, *functions):
    with tempfile.TemporaryDirectory() as folder:
        child, told = start([what], folder)
        table = Table(f"{folder}/alloc.{child.pid}")
        for function in functions:
            check(table, told, function)
        finish(child)
        assert table.lost == 0 and table.samples > 20 and os.listdir(folder) == [f"alloc.{child.pid}"]
        assert Table(f"{folder}/alloc.{child.pid}").samples >= table.samples, "it is there when the process is no more"
        return table


def test_sizes():
    table = simple("sizes", "take_small", "take_large")
    assert table.failed == 0
    assert all(head.startswith(b"\x7fELF") for head in table.heads)


def test_reallocs():
    table = simple("reallocs", "grow", "grow_array")
    assert table.failed == 1


def test_aligned():
    simple("aligned", "take_aligned")


def test_mappings():
    table = simple("mappings", "take_map", "mappings")
    assert {site[0] for site in table.sites} >= {1}


def test_threads():
    simple("threads", "take_small")


def test_forks():
    with tempfile.TemporaryDirectory() as folder:
        child, told = start(["forks"], folder)
        number, _, parent = told["process"]
        assert int(parent) == child.pid
        inner, outer = Table(f"{folder}/alloc.{number}"), Table(f"{folder}/alloc.{parent}")
        check(inner, told, "take_large")
        check(inner, told, "take_small")
        assert abs(outer.live(ALLOCATE, "take_large")[1] - 40e6) < 12e6 and outer.live(ALLOCATE, "take_small")[1] < 1e6, "the child's are not the parent's"
        finish(child)


def test_execs():
    with tempfile.TemporaryDirectory() as folder:
        child, told = start(["execs"], folder)
        table = Table(f"{folder}/alloc.{child.pid}")
        assert table.live(ALLOCATE, "take_small")[1] < 1e6 and sum(site[3] for site in table.sites) < 5e6, "the old program's are gone"
        finish(child)


def test_unbiased():
    """Over many runs what is found is what there is: the mean of 24 estimates of 30 samples each."""
    found = []
    for _ in range(24):
        with tempfile.TemporaryDirectory() as folder:
            child, told = start(["aligned"], folder, mean=1 << 20)
            found.append(Table(f"{folder}/alloc.{child.pid}").live(ALLOCATE, "take_aligned"))
            finish(child)
    true = [int(word) for word in told["take_aligned"]]
    for i in range(2):
        mean = sum(row[i] for row in found) / len(found)
        assert abs(mean / true[i] - 1) < 0.2, (mean, true[i])  # 5.5 standard deviations


def test_without_a_folder():
    for folder in ("", "relative", "/nowhere/at/all", "/" + "x" * 5000):
        child, _ = start(["sizes"], folder)
        finish(child)


def test_a_plugin():
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, LD_PRELOAD=LIBRARY, WHORL_ALLOC=folder, WHORL_ALLOC_MEAN="16384")
        child = subprocess.Popen([LEAK, "plugin", "64"], env=environment, stderr=subprocess.DEVNULL)
        assert child.wait(timeout=60) == -6
        table = Table(f"{folder}/alloc.{child.pid}")
        assert any(os.path.basename(name) == "libplugin.so" for name in table.modules) and table.failed >= 1
        plugin = next(i for i, name in enumerate(table.modules, 1) if os.path.basename(name) == "libplugin.so")
        kept = sum(site[3] for site in table.sites if site[1] and site[1][0] >> 48 == plugin)
        assert kept > 0.5 * sum(site[3] for site in table.sites), "what a plugin keeps is the plugin's"


def main():
    bad = 0
    names = sys.argv[4:]
    for name, test in sorted(globals().items()):
        if not name.startswith("test_") or (names and name not in names):
            continue
        try:
            test()
            print("ok", name, flush=True)
        except Exception:
            bad += 1
            print("not ok", name, traceback.format_exc(), flush=True)
    sys.exit(1 if bad else 0)


main()
