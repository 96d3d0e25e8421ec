#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What counting allocations costs a program that allocates a lot: alone, with libwhorl-alloc.so preloaded, and recorded (every 100 ms), in turn in
one run. CPU time is of the program itself (and its children); for `recorded` the recorder's is printed apart. Floor: the program alone."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness

PERL = r"""my %h; for my $round (1 .. 12) { my @a = map { "key" . ($_ * 7919 % 100003) } 1 .. 60000; $h{$_} = [$round, "$_-$round"] for @a;
my $n = 0; for (@a) { $n += length(join ",", split /-/, $h{$_}[1]) } %h = () if $round % 3 == 0 }"""
PYTHON = """
import json, re
rows = [{"id": i, "name": f"user {i}", "tags": ["a" * (i % 50), "b" * (i % 70)], "at": {"x": i, "y": [i] * 40}} for i in range(12000)]
for i in range(6):
    text = json.dumps(rows)
    rows = json.loads(text)
    words = re.findall(r"[a-z]+ [0-9]+", text)
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + len(text[:600])
"""
SQL = """create table t(a integer primary key, b text, c blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 250000) insert into t select i, 'name ' || (i * 7919 % 100003), randomblob(i % 300) from n;
create index x on t(b); select count(*), sum(length(c)) from (select b, max(c) as c from t group by b order by b);
select group_concat(b) from (select b from t where a % 3 = 0 order by b desc limit 20000);"""
PROGRAMS = {"perl": ["perl", "-e", PERL], "python3": ["/usr/bin/python3", "-c", PYTHON], "python3, every object by malloc": ["/usr/bin/python3", "-c", PYTHON],
            "sqlite3": ["sqlite3", ":memory:", SQL]}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--preload", help="libwhorl-alloc.so (of the build)")
    options = parser.parse_args()
    whorl = harness.program(options, "whorl")
    library = os.path.abspath(options.preload or f"{options.build}/lib/collect/preload/libwhorl-alloc.so")
    shares = {}
    for name, argv in PROGRAMS.items():
        if not shutil.which(argv[0]):
            print(f"{name}: not here")
            continue
        base = dict(os.environ, PYTHONMALLOC="malloc" if "malloc" in name else "default")
        with tempfile.TemporaryDirectory() as folder:

            def alone():
                return harness.command(argv, env=base)

            def preloaded():
                return harness.command(argv, env=dict(base, LD_PRELOAD=library, WHORL_ALLOC=folder))

            def loaded_only():
                return harness.command(argv, env=dict(base, LD_PRELOAD=library, WHORL_ALLOC=""))

            def recorded():
                out = f"{folder}/out.jsonl"
                cost = harness.command([whorl, "--quiet", "session", "record", "-o", out, "--preload", library, "--spool", f"{folder}/spool", "--", *argv], env=base)
                with open(out, encoding="utf-8") as file:
                    session = json.loads(file.readline())
                shares.setdefault(name, []).append((session["sampling"], session.get("allocations", "")))
                return cost

            print(f"\n{name}")
            harness.compare({"alone": alone, "hooks only": loaded_only, "preloaded": preloaded, "recorded, recorder included": recorded}, options.rounds)
        print("\n".join(f"  {sampling}; {allocations}" for sampling, allocations in shares.get(name, [])[-1:]))


main()
