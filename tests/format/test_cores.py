#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_cores.py WHORL DATA: cores of the four machines give the frames that are kept beside them; modules are found at every place that the
manual names, and only if they are the same build; what is missing is said once; a core that is cut anywhere gives what is there or a reason."""
import http.server
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

WHORL, DATA = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
MACHINES = ["x86_64", "x86", "arm64", "arm"]


def run(*arguments, folder=DATA, fine=True):
    done = subprocess.run([WHORL, *map(str, arguments)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=60)
    assert not fine or done.returncode == 0, (arguments, done.stderr)
    assert done.returncode in (0, 1), (arguments, done.returncode, done.stderr)
    return done


def show(*arguments, **options):
    done = run("stack", "show", "--raw", "--format", "jsonl", *arguments, **options)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def names(record):
    return [frame.get("function") for frame in record["frames"]]


EXPECTED = ["load", "inner", "middle", "middle", "middle", "outer", "begin", "_start"]


def golden():
    for machine in MACHINES:
        records, said = show("--executable", f"{machine}.elf", f"{machine}.core")
        with open(DATA / f"{machine}.jsonl", encoding="utf-8") as file:
            assert records == [json.loads(line) for line in file], machine
        assert names(records[0]) == EXPECTED and not said, (machine, said)
        assert all(frame["trust"] in ("context", "cfi") for frame in records[0]["frames"]), machine


def build_id(machine):
    with open(DATA / f"{machine}.jsonl", encoding="utf-8") as file:
        return json.loads(file.readline())["frames"][0]["build_id"]


def strip(program, stripped, *flags):
    return subprocess.run(["objcopy", *flags, program, stripped], check=False).returncode == 0


def places(scratch):
    """Every place where a module may be; whole programs, and stripped ones with a debug file elsewhere."""
    program, core, name = DATA / "x86_64.elf", DATA / "x86_64.core", build_id("x86_64")
    records, said = show(core)
    assert "load" not in names(records[0]) and records[0]["frames"][0]["offset"] and f"build-id {name} would help" in said, said
    assert records[0]["symbols_missing"] == f"/srv/tiny/tiny-x86_64 {name}"
    folders = {"build-id": f".build-id/{name[:2]}/{name[2:]}", "debug": f".build-id/{name[:2]}/{name[2:]}.debug",
               "path": "srv/tiny/tiny-x86_64", "base": "tiny-x86_64", "debuginfod": f"{name}/executable"}
    for kind, place in folders.items():
        target = scratch / kind / place
        target.parent.mkdir(parents=True)
        shutil.copy(program, target)
        records, said = show("--symbols", f"/nowhere:{scratch / kind}", core)
        assert names(records[0]) == EXPECTED and not said, (kind, said, names(records[0]))
    records, _ = show("--sysroot", scratch / "path", core)
    assert names(records[0]) == EXPECTED
    wrong = scratch / "wrong/srv/tiny"
    wrong.mkdir(parents=True)
    shutil.copy(DATA / "x86.elf", wrong / "tiny-x86_64")
    records, said = show("--sysroot", scratch / "wrong", core)
    assert "load" not in names(records[0]) and "another build of it" in said, said


def debuglink(scratch):
    """The debug file that a stripped program names is used if its CRC is right."""
    if not shutil.which("objcopy"):
        return
    folder = scratch / "debuglink"
    (folder / ".debug").mkdir(parents=True)
    debug = folder / ".debug/tiny.debug"
    strip(DATA / "x86_64.elf", debug, "--only-keep-debug")
    strip(debug, debug, "--remove-section=.note.gnu.build-id")
    done = subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", DATA / "x86_64.elf", folder / "tiny"], check=False)
    assert done.returncode == 0
    records, said = show("--executable", folder / "tiny", DATA / "x86_64.core")
    assert names(records[0]) == EXPECTED, (said, names(records[0]))
    with open(debug, "ab") as file:
        file.write(b"x")
    records, said = show("--executable", folder / "tiny", DATA / "x86_64.core")
    assert "load" not in names(records[0]) and "it is stripped" in said, said


class Server(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):  # noqa: N802
        Server.asked.append(self.path)
        found = self.path == f"/buildid/{build_id('x86_64')}/executable"
        body = (DATA / "x86_64.elf").read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def debuginfod():
    if "debuginfod (libcurl): built in" not in " ".join(run("version").stdout.split()):
        return
    server = http.server.HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    os.environ["DEBUGINFOD_URLS"] = url
    show(DATA / "x86_64.core")
    assert not Server.asked, "asked a server that only the environment names"
    records, said = show("--debuginfod", url, DATA / "x86_64.core")
    assert names(records[0]) == EXPECTED and not said, said
    assert Server.asked
    records, said = show("--debuginfod", "http://127.0.0.1:1", DATA / "x86_64.core")
    assert "load" not in names(records[0]) and "would help" in said, said
    server.shutdown()


def cut(scratch):
    """Cut off anywhere, and with bytes changed: a record, or a reason."""
    for machine in MACHINES:
        whole, gave = (DATA / f"{machine}.core").read_bytes(), 0
        folder = scratch / f"cut-{machine}"
        folder.mkdir()
        lengths = sorted({*range(37, 2048, 37), *range(2048, len(whole), 509), len(whole) - 1})
        for n in lengths:
            (folder / f"{n:06}").write_bytes(whole[:n])
        records, said = show("--executable", DATA / f"{machine}.elf", folder)
        for record in records:
            gave += 1
            assert record["format"] == "core" and "truncated" in record, record["id"]
        refused = said.count("skipped")
        assert gave > 10 and refused > 3, (machine, gave, refused, said)
        folder = scratch / f"bent-{machine}"
        folder.mkdir()
        for at in range(16, min(len(whole), 4096), 61):
            for value in (b"\xff\xff\xff\xff", b"\0\0\0\x80"):
                (folder / f"{at:05}-{value[0]}").write_bytes(whole[:at] + value + whole[at + 4:])
        records, said = show("--executable", DATA / f"{machine}.elf", folder)
        assert len(records) > 20, said


def many_said_once(scratch):
    folder = scratch / "many"
    folder.mkdir()
    for i in range(20):
        shutil.copy(DATA / "x86_64.core", folder / f"{i}.core")
    records, said = show("--threads", 4, folder)
    assert len(records) == 20 and said.count("would help") == 1, said


def crowd(scratch):
    """More headers and notes than any process has: bounded, and said."""
    core = (DATA / "x86_64.core").read_bytes()
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x10000, 0, 4096, 4096, 1)
    header = bytearray(core[:64])
    struct.pack_into("<H", header, 56, 65534)
    note = core[struct.unpack_from("<Q", core, 64 + 8)[0]:][:struct.unpack_from("<Q", core, 64 + 32)[0]]
    place = 64 + 56 * 65534
    first = struct.pack("<IIQQQQQQ", 4, 0, place, 0, 0, len(note) * 300, 0, 4)
    (scratch / "crowd.core").write_bytes(bytes(header) + first + load * 65533 + note * 300)
    records, _ = show(scratch / "crowd.core")
    assert len(records) == 1 and len(records[0].get("threads", [])) <= 4096


def main():
    golden()
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        places(scratch)
        debuglink(scratch)
        cut(scratch)
        many_said_once(scratch)
        crowd(scratch)
    debuginfod()
    print("cores: as expected")


main()
