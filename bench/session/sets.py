# SPDX-License-Identifier: Apache-2.0
"""The labelled sets of sessions that benches use: those of $WHORL_DATA/sessions, and planted ones, made where they are not there yet."""
import csv
import dataclasses
import gzip
import io
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import planted

# Name: folder, are its rows changes, which split counts ("": all).
REAL = {
    "jvm-oom": ("jvm-oom/easy", True, "known"), "tep": ("tep", False, "known"), "petshop": ("petshop", False, ""),
    "DEPL": ("openstack-failures/DEPL", False, ""), "NET": ("openstack-failures/NET", False, ""), "STO": ("openstack-failures/STO", False, ""),
    "BasicMotions": ("uea/BasicMotions", False, ""), "ERing": ("uea/ERing", False, ""), "Epilepsy": ("uea/Epilepsy", False, ""),
    "JapaneseVowels": ("uea/JapaneseVowels", False, ""), "RacketSports": ("uea/RacketSports", False, ""),
}
DEFAULT = [*REAL, "planted"]  # others: planted-hard, -gauges, -past, -hard-past, and any of them with :SEED


@dataclasses.dataclass
class Set:
    name: str
    folder: pathlib.Path
    series: pathlib.Path
    changes: bool
    split: str
    label: dict     # session: label, of the split
    labels: pathlib.Path  # id and label, of the split only

    @property
    def k(self):
        return len(set(self.label.values()))

    def arguments(self):
        """What whorl reads the split with, labels apart."""
        arguments = [str(self.series)]
        if self.changes:
            arguments += ["--change-encoded"]
        if self.split:
            arguments += ["--sessions", str(self.folder / "labels.csv"), "--where", f"split={self.split}"]
        return arguments


def planted_folder(name, work, sessions):
    kind, _, seed = name.partition(":")
    folder = pathlib.Path(work) / "sessions" / f"{kind}-{seed or 1}-{sessions}"
    if not (folder / "planted.csv").exists():
        planted.write(folder, seed=int(seed or 1), sessions=sessions, hard="-hard" in kind, gauge="-gauges" in kind, past="-past" in kind)
    return folder


def find(name, work, split=None, sessions=2560):
    """A set by name. split: another than it usually has."""
    if name in REAL:
        folder, changes, usual = REAL[name]
        folder = harness.data_folder("sessions", *folder.split("/"))
    else:
        folder, changes, usual = planted_folder(name, work, sessions), True, "known"
    split = usual if split is None else split
    with open(folder / "labels.csv", newline="") as f:
        label = {row["session"]: row["label"] for row in csv.DictReader(f) if not split or row["split"] == split}
    table = pathlib.Path(work) / "sessions" / f"{name.replace(':', '-')}-{split or 'all'}.labels.tsv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("id\tlabel\n" + "".join(f"{s}\t{l}\n" for s, l in label.items()))
    return Set(name, folder, next(folder.glob("series.csv*")), changes, split, label, table)


def text(data):
    """The lines of a set's file."""
    if data.series.suffix == ".zst":
        return io.TextIOWrapper(subprocess.Popen(["zstd", "-dc", data.series], stdout=subprocess.PIPE).stdout)
    return gzip.open(data.series, "rt") if data.series.suffix == ".gz" else open(data.series)


def read(data):
    """(ids, labels, [(steps, metrics) float32 array], names of metrics) of a set."""
    rows, column = {}, {}
    with text(data) as lines:
        next(lines)
        for session, step, metric, value in csv.reader(lines):
            if session not in data.label:
                continue
            at = rows.setdefault(session, ([], [], []))
            at[0].append(int(step))
            at[1].append(-1 if metric[0] == "@" else column.setdefault(metric, len(column)))
            at[2].append(float(value) if value else np.nan)
    order = sorted(column)
    place = np.empty(len(column) + 1, int)
    place[[column[m] for m in order]] = np.arange(len(order))
    ids = [s for s in data.label if s in rows]
    sessions = []
    for s in ids:
        step, metric, value = (np.array(a) for a in rows.pop(s))
        step -= step.min()
        real = metric >= 0
        x = np.zeros((step.max() + 1, len(order)), np.float32)
        if data.changes:
            changed = np.zeros(x.shape, np.int32)
            x[step[real], place[metric[real]]] = value[real]
            changed[step[real], place[metric[real]]] = step[real]
            x = np.take_along_axis(x, np.maximum.accumulate(changed, axis=0), axis=0)
        else:
            x[step[real], place[metric[real]]] = value[real]
        sessions.append(x)
    return ids, np.array([data.label[s] for s in ids]), sessions, order


def records(program, data, work, first=None):
    """A file of the set's neutral records; first: of so many sessions only."""
    path = pathlib.Path(work) / "sessions" / f"{data.name.replace(':', '-')}-{data.split or 'all'}-{len(data.label)}.jsonl"
    if not path.exists():
        harness.command([program, "session", "show", *data.arguments(), "--format", "jsonl", "--no-progress"], output=path)
    if first is None:
        return path
    some = path.with_suffix(f".{first}.jsonl")
    with open(path) as whole, open(some, "w") as out:
        for number, line in enumerate(whole):
            if number < first:
                out.write(line)
    return some
