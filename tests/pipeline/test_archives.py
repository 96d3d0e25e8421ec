#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_archives.py WHORL [TEST…]: an archive is a folder: the same ids, the same buckets, whatever it is packed with."""
import gzip
import io
import os
import subprocess
import tarfile
import zipfile

from drive import WHORL, ask, fails, main, run, stack, write, write_records

GDB = "Program terminated with signal SIGSEGV, Segmentation fault.\n#0  0x1 in {} () at a.c:1\n#1  0x2 in main () at a.c:2\n"


def make_folder(n=40):
    for i in range(n):
        write(f"reports/{'even' if i % 2 == 0 else 'odd'}/r{i}.txt", GDB.format("crash" + str(i % 5)))
    write("reports/README", "nothing\n")
    write("reports/.hidden", GDB.format("hidden"))
    write_records("reports/many.jsonl", [stack("f", "g"), stack("h"), stack("i", id="named")])


def pack(path, folder="reports", top=""):
    if path.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for root, _, names in os.walk(folder):
                for name in names:
                    whole = os.path.join(root, name)
                    archive.write(whole, os.path.join(top, os.path.relpath(whole, folder)))
    elif path.endswith(".zst"):
        pack("plain.tar", folder, top)
        subprocess.run(["zstd", "-q", "-f", "-o", path, "plain.tar"], check=True)
    else:
        kind = path.rpartition(".")[2]
        with tarfile.open(path, "w:" + (kind if kind != "tar" else "")) as archive:
            archive.add(folder, top or ".")
    return path


def records(*inputs, **keywords):
    return sorted(ask("show", "--raw", *inputs, **keywords), key=lambda record: record["id"])


def test_same_as_folder(rng):
    """What the folder gives, the archive gives, from a file and from standard input."""
    make_folder()
    want = records("reports")
    assert len(want) == 43, len(want)
    kinds = ["a.tar", "a.tar.gz", "a.tar.xz", "a.tar.bz2", "a.zip"]
    if subprocess.run(["which", "zstd"], capture_output=True).returncode == 0:
        kinds.append("a.tar.zst")
    for kind in kinds:
        path = pack(kind)
        assert records(path) == want, kind
        with open(path, "rb") as file:
            out = subprocess.run([WHORL, "stack", "show", "--raw", "--format", "jsonl", "-"], stdin=file, capture_output=True, timeout=60)
        assert out.returncode == 0 and len(out.stdout.splitlines()) == 43, (kind, out.stderr)
        assert b"skipped 0 bad records and 1 files that no reader knows" in out.stderr, out.stderr
    groups = {row["id"]: row["group"] for row in ask("bucket", "reports")}
    for threads in (1, 3, 8):
        assert {row["id"]: row["group"] for row in ask("bucket", "--threads", threads, "a.zip")} == groups


def test_ids(rng):
    """Within a folder an archive is a folder; several folders have their names in front."""
    make_folder(4)
    write_records("reports/many.jsonl", [stack("f", "g"), stack("h")])
    pack("a.tar.gz")
    os.rename("a.tar.gz", "reports/odd/inner.tar.gz")
    ids = {record["id"] for record in records("reports")}
    assert {"even/r0.txt", "odd/inner.tar.gz/even/r0.txt", "odd/inner.tar.gz/many.jsonl#2", "many.jsonl#2"} <= ids, ids
    os.rename("reports/odd/inner.tar.gz", "one.tar.gz")
    pack("two.zip", top="deep/er")
    write("single.txt", GDB.format("single"))
    ids = {record["id"] for record in records("one.tar.gz", "two.zip", "single.txt")}
    assert {"one.tar.gz/even/r0.txt", "two.zip/deep/er/even/r0.txt", "single.txt"} <= ids, ids
    fails(1, ["even/r0.txt", "one.tar.gz"], "show", "one.tar.gz", "one.tar.gz")


def add(archive, name, text, **members):
    info = tarfile.TarInfo(name)
    data = text.encode() if isinstance(text, str) else text
    info.size = len(data)
    for member, value in members.items():
        setattr(info, member, value)
    archive.addfile(info, io.BytesIO(data))


def test_passed_over(rng):
    """Names that lead out, links, devices and archives inside are counted and told; --strict refuses them; nothing is written."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        add(archive, "deep.txt", GDB.format("deep"))
    with tarfile.open("a.tar", "w") as archive:
        add(archive, "good.txt", GDB.format("good"))
        add(archive, "../escaped.txt", GDB.format("bad"))
        add(archive, "/absolute.txt", GDB.format("absolute"))
        add(archive, "link", "", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0)
        add(archive, "hard", "", type=tarfile.LNKTYPE, linkname="good.txt", size=0)
        add(archive, "device", "", type=tarfile.CHRTYPE, size=0)
        add(archive, "inner.tar.gz", inner.getvalue())
        add(archive, "inner.txt.gz", gzip.compress(GDB.format("packed").encode()))
        add(archive, "broken.gz", gzip.compress(GDB.format("packed").encode())[:30])
    assert [record["id"] for record in records("a.tar")] == ["absolute.txt", "good.txt", "inner.txt.gz"]
    for why in ("leads out", "link: a link", "hard: a link", "device: no file", "an archive inside an archive", "broken.gz: gzip: ends too early",
                "skipped 6 bad records"):
        assert why in run.said, (why, run.said)
    fails(1, "leads out", "show", "--strict", "a.tar")
    assert not os.path.exists("../escaped.txt")


def test_cut(rng):
    """A truncated archive gives what it has; what is no archive after all is an error alone, a skip among others."""
    for i in range(30):
        write(f"reports/{i:02}.txt", GDB.format(f"crash{i}") + "".join(f"#{k}  0x3 in f{rng.getrandbits(64):x} ()\n" for k in range(2, 99)))
    for path in (pack("a.tar"), pack("a.tar.gz"), pack("a.tar.xz"), pack("a.zip")):
        with open(path, "rb") as file:
            data = file.read()
        with open("cut" + path[1:], "wb") as file:
            file.write(data[:len(data) * 2 // 3])
        got = records("cut" + path[1:])
        assert "skipped" in run.said, run.said
        assert path == "a.zip" or 10 <= len(got) < 30, (path, len(got))
        assert [record for record in records("a.tar") if record["id"] in {row["id"] for row in got}] == got
    write("bad.zip", "PK\3\4 not really, but long enough to be taken for one")
    write("good.txt", GDB.format("good"))
    assert [record["id"] for record in records("bad.zip", "good.txt")] == ["good.txt"]


def test_bomb(rng):
    """Gigabytes of nothing in a few kilobytes end in a counted skip, in bounded memory and little time."""
    with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("first.txt", GDB.format("first"))
        with archive.open("zeros", "w", force_zip64=True) as file:
            for _ in range(96):
                file.write(bytes(1 << 20))
    assert [record["id"] for record in records("bomb.zip")] == ["first.txt"]


def test_large(rng):
    """An archive of more than a round, with a file that is cut to pieces, in the middle."""
    write_records("reports/middle.jsonl", [stack(f"f{i % 7}", "x" * 200, "main", id=f"m{i}") for i in range(25000)])
    for i in range(300):
        write(f"reports/{'a' if i < 150 else 'z'}{i}.txt", GDB.format("crash" + str(i % 5)))
    assert os.path.getsize("reports/middle.jsonl") > 5 << 20
    want = records("reports")
    assert len(want) == 25300
    for path in (pack("a.tar"), pack("a.tar.gz"), pack("a.zip")):
        assert records(path) == want, path


main(test_same_as_folder, test_ids, test_passed_over, test_cut, test_bomb, test_large)
