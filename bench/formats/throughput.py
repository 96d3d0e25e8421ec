#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How fast gdb's text becomes fingerprints: the launchpad reports, 50 times, as one tree of files. `whorl stack bucket` with one thread
(reading, normalising, grouping the few hundred distinct stacks), `whorl stack import` into a store, and the floor: reading every byte
(cat). Megabytes (10^6) a second of user time and of user and system time; a tree of small files is mostly the system's time."""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--times", type=int, default=50)
    options = parser.parse_args()
    source = harness.data_folder("stacks/launchpad-ubuntu/reports")
    whorl, work = harness.program(options, "whorl"), pathlib.Path(options.work)
    tree, store = work / f"gdb-{options.times}", work / "throughput.db"
    if not tree.exists():
        for i in range(options.times):
            shutil.copytree(source, tree / f"{i:03}")
    size = sum(p.stat().st_size for p in tree.rglob("*") if p.is_file())

    def fresh_import():
        for path in work.glob("throughput.db*"):
            path.unlink()
        return harness.command([whorl, "stack", "import", "--quiet", "--store", store, "--threads", "1", tree])

    print(f"Measured on {harness.machine()}; {size / 1e6:.0f} MB in {sum(1 for p in tree.rglob('*.txt')):,} files.\n")
    costs = harness.compare({
        "whorl stack bucket": lambda: harness.command([whorl, "stack", "bucket", "--quiet", "--threads", "1", "--d", "0.67", tree]),
        "whorl stack import": fresh_import,
        "cat": lambda: harness.command(["sh", "-c", f"find {tree} -type f -print0 | xargs -0 cat >/dev/null"]),
    }, options.rounds)
    print("\n| program | MB/s of user and system time |\n|---|---|")
    for name, list_ in costs.items():
        print(f"| {name} | {harness.spread([size / 1e6 / c.cpu for c in list_])} |")


main()
