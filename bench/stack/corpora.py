# SPDX-License-Identifier: Apache-2.0
"""The corpora of crash reports that the stack benches use: real ones from $WHORL_DATA/stacks, and synthetic ones made from them."""
import csv
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness

# What the generator learns from: name, inputs, labels. Corrupted kernel reports are not comparable with others.
REAL = (
    ("launchpad", ["launchpad-ubuntu/reports"], "launchpad-ubuntu/labels.tsv"),
    ("mozilla", ["mozilla-crashsimilarity/mozilla.jsonl"], None),
    ("syzkaller", ["syzkaller"], "syzkaller/labels.tsv"),
)


def sound_kernel_labels(source, target):
    """Copies a table of labels without those of corrupted reports."""
    with open(source, encoding="utf-8", newline="") as f, open(target, "w", encoding="utf-8", newline="") as out:
        rows = csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(rows)
        out.write("id\tlabel\n")
        for row in rows:
            if len(row) > 1 and row[header.index("corrupted")] != "Y":
                out.write(f"{row[0]}\t{row[1]}\n")
    return target


def real(options):
    """The normalised real corpora as JSON lines; paths in order."""
    folder = harness.data_folder("stacks")
    work = pathlib.Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, inputs, labels in REAL:
        path = work / f"{name}.jsonl"
        if not path.exists():
            argv = [harness.program(options, "whorl"), "stack", "show", "--quiet", "--format", "jsonl"]
            if name == "syzkaller":
                argv += ["--labels", sound_kernel_labels(folder / labels, work / "syzkaller.labels.tsv")]
            elif labels:
                argv += ["--labels", folder / labels]
            harness.command(argv + [folder / i for i in inputs], output=str(path) + ".part")
            os.replace(str(path) + ".part", path)
        paths.append(path)
    return paths


# A little more than fitted (0.71), so that a million reports hold more than 250,000 distinct stacks whatever the seed: harder, not easier.
FACES = 0.75


def synthetic(options, reports, seed=1):
    """A synthetic corpus of that many reports; made once."""
    path = pathlib.Path(options.work) / f"synthetic-{reports}-{seed}.jsonl"
    if not path.exists():
        cost = harness.command([harness.program(options, "synthesise"), "--reports", reports, "--seed", seed, "--faces", FACES, *real(options)],
                               output=str(path) + ".part")
        print(cost.talk, end="", file=sys.stderr)
        os.replace(str(path) + ".part", path)
    return path
