#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_spool.py WHORL WHORL-CORE: the handler and the recorder without the kernel: cores come on standard input."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from recording import HANDLER, WHORL, ask, drain, feed, files, handler, losses, main, options, record, scratch

CORE = b"\x7fELF not really a core\n" * 4000


def fresh():
    """A spool that the recorder has made; nothing waits."""
    lines, cost = drain()
    assert not lines and cost["seen"] == 0


def test_a_core_becomes_a_record():
    fresh()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "--password=hunter2", "a b"])
    try:
        time.sleep(0.3)
        feed(CORE, pid=sleeper.pid, number=signal.SIGABRT)
    finally:
        sleeper.kill()
        sleeper.wait()
    [name] = files("new")
    assert os.stat(f"spool/new/{name}").st_mode & 0o777 == 0o600 and not files("tmp")
    assert subprocess.run(["zstd", "-dcq", f"spool/new/{name}"], capture_output=True, check=True).stdout == CORE if shutil.which("zstd") else True
    [line], cost = drain()
    assert line["is_new"] and line["program"] == os.path.realpath(sys.executable), line
    assert cost["seen"] == cost["captured"] == cost["stored"] == 1 and losses(cost) == 0 and cost["bytes_read"] == len(CORE)
    [shown] = ask("show", "--raw", line["id"])
    assert shown["reason"] == "SIGABRT" and shown["process"] == str(sleeper.pid) and shown["frames"] == [] and shown["unread"], shown
    assert shown["app"] == os.path.basename(os.path.realpath(sys.executable)) and "hunter2" not in json.dumps(shown), shown
    assert os.path.basename(shown["command"]) == os.path.basename(sys.executable), shown
    for folder in ("new", "tmp", "records", "cores"):
        assert not files(folder), folder
    lines, cost = drain()
    assert not lines and cost["seen"] == 0, "told once"


def test_rate():
    fresh()
    drain("--per-minute", "3")
    for _ in range(20):
        feed(CORE)
    feed(CORE, name="another")
    assert len(files("new")) == 4
    lines, cost = drain("--per-minute", "3")
    assert [line["dropped"] for line in lines if "dropped" in line] == [17] and cost["over_rate"] == 17 and cost["lost"] == 0
    assert cost["seen"] == 21 and cost["stored"] == 4 and [line["program"] for line in lines if "dropped" in line] == ["fed"]


def test_limits():
    fresh()
    drain("--core-size", "1", "--core-seconds", "1")
    feed(os.urandom(3 << 20))
    slow = subprocess.Popen([HANDLER, os.path.abspath("spool"), "4194303", "1", "0", "0", "11", "1", "slow"], stdin=subprocess.PIPE)
    slow.stdin.write(b"begin")
    slow.stdin.flush()
    start = time.monotonic()
    assert slow.wait(timeout=30) == 0 and time.monotonic() - start < 5
    lines, cost = drain()
    assert cost["truncated"] == 2 and cost["bytes_read"] == (1 << 20) + 5, cost
    assert sorted(ask("show", "--raw", line["id"])[0]["truncated"] for line in lines) == ["size", "time"]
    drain("--spool-size", "1")
    for i in range(6):
        feed(os.urandom(400 << 10), name=f"p{i}")
    waiting = len(files("new"))
    lines, cost = drain()
    assert 2 <= waiting <= 4 and cost["over_spool"] == 6 - waiting and losses(cost) == 6 - waiting and cost["stored"] == waiting


def test_an_empty_core():
    fresh()
    feed(b"")
    [line], _ = drain()
    assert ask("show", "--raw", line["id"])[0]["unread"] == "it is empty"


def test_kept():
    fresh()
    for i in range(4):
        feed(CORE, name="one")
        feed(CORE, name="two", dumpable=2)
    lines, _ = drain("--keep-cores", "2")
    # records without frames are groups of their own, so each is the first of its group; what was not dumpable is never kept
    kept = [line for line in lines if "kept" in line]
    assert len(lines) == 8 and len(kept) == 4 and {line["program"] for line in kept} == {"one"} and len(files("cores")) == 4
    for line in kept:
        assert os.path.basename(line["kept"]).startswith(line["group"]) and os.path.exists(line["kept"])
    drain("--keep-cores", "2")
    assert len(files("cores")) == 4, "kept means kept"
    path = max(line["kept"] for line in kept)
    os.utime(path, (time.time() - 3 * 86400,) * 2)
    drain("--keep-cores", "2", "--keep-days", "2")
    assert len(files("cores")) == 3 and not os.path.exists(path)
    for i in range(5):
        feed(os.urandom(400 << 10), name=f"big{i}")
    drain("--keep-cores", "1", "--keep-size", "1")
    assert 1 <= len(files("cores")) <= 4 and sum(os.stat(f"spool/cores/{name}").st_blocks * 512 for name in files("cores")) <= 1 << 20


def test_one_recorder_a_spool():
    fresh()
    first = subprocess.Popen([WHORL, "stack", "record", *options(), "--from-systemd", "spool/cores", "--seconds", "60"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
    first.stderr.readline()
    record("--drain", status=1)
    assert "another recorder" in record.said
    first.terminate()
    assert first.wait(timeout=10) == 0
    drain()


def test_a_spool_open_to_others():
    os.mkdir("spool", 0o755)
    record("--drain", status=1)
    assert "0700" in record.said
    result = handler(CORE)
    assert result.returncode == 1 and b"0700" in result.stderr
    os.rename("spool", "real")
    os.chmod("real", 0o700)
    os.symlink("real", "spool")
    assert handler(CORE).returncode == 1 and not os.listdir("real")


def test_wrong_arguments():
    fresh()
    for words in ([], ["spool"], [os.path.abspath("spool")] + ["1"] * 5, [os.path.abspath("spool"), "x"] + ["1"] * 5,
                  [os.path.abspath("spool"), "-1"] + ["1"] * 5, ["/nowhere"] + ["1"] * 6):
        result = subprocess.run([HANDLER, *words], input=CORE, capture_output=True, check=False)
        assert result.returncode == 1 and result.stderr.startswith(b"whorl-core: "), (words, result)
    assert not files("new")


def test_hostile_spool():
    fresh()
    secret = os.path.abspath("secret")
    with open(secret, "w") as file:
        file.write("secret")
    new = "spool/new/core-20260101T000000.00000000"
    os.symlink(secret, new + "1Z-1.core.zst")
    os.mkdir(new + "2Z-1.core.zst")
    os.mkfifo(new + "3Z-1.core.zst")
    os.link(secret, new + "4Z-1.core.zst")
    for name in ("core-x/../../y", "no-core.core.zst", "core-" + "9" * 200 + ".core.zst", "core-\n.core.zst", "core-é.core.zst", ".core-1.core.zst"):
        with open("spool/new/" + name.replace("/", "_"), "w") as file:
            file.write("x")
    garbage = {5: b"", 6: os.urandom(9000), 7: b"\x5a\x2a\x4d\x18\xf8\x1f\0\0" + b"whorl-core 1\n" + os.urandom(8184),
               8: b"\x5a\x2a\x4d\x18\xf8\x1f\0\0" + b"whorl-core 1\n" + b"comm \\x\nexe " + b"/" * 5000 + b"\ntime 99999999999999999999\nargument " + b"\\x00" * 900,
               9: b"\x28\xb5\x2f\xfd" + os.urandom(100)}
    for number, data in garbage.items():
        with open(f"{new}{number}Z-1.core.zst", "wb") as file:
            file.write(data)
    lines, _ = drain("--keep-cores", "3")
    assert {line["id"][-4] for line in lines} == set("56789"), lines
    assert len(os.listdir("spool/new")) == 10 and open(secret).read() == "secret"
    os.symlink(secret, "spool/limits.new")
    for name in ("limits", "ledger"):
        os.unlink(f"spool/{name}")
        os.symlink(secret, f"spool/{name}")
    assert handler(CORE).returncode == 1 and open(secret).read() == "secret"
    os.unlink("spool/ledger")
    with open("spool/ledger", "wb") as file:
        file.write(b"whorl-lg" + bytes(100))
    assert handler(CORE).returncode == 1
    record("--drain", status=1)
    assert "ledger" in record.said and "Invalid argument" in record.said
    os.unlink("spool/ledger")
    feed(CORE)
    lines, cost = drain()
    assert cost["stored"] == 1 and open(secret).read() == "secret"


def test_left_behind():
    fresh()
    for name in ("core-20260101T000000.000000001Z-1.core.zst", "odd"):
        with open("spool/tmp/" + name, "w") as file:
            file.write("half")
        os.utime("spool/tmp/" + name, (0, 0))
    with open("spool/tmp/young", "w") as file:
        file.write("half")
    drain()
    assert files("tmp") == ["young"]


def test_killed_handlers():
    """Killed at any moment: what was counted as spooled is there and whole, what is missing is said."""
    fresh()
    drain("--per-minute", "100000")
    rng, core = random.Random(1), os.urandom(1 << 20)
    for _ in range(60):
        child = subprocess.Popen([HANDLER, os.path.abspath("spool"), "4194303", "1", "0", "0", "11", "1", "victim"], stdin=subprocess.PIPE)
        try:
            child.stdin.write(core[:rng.randrange(len(core))])
            if rng.random() < 0.5:
                child.stdin.close()
            time.sleep(rng.choice((0, 0.001, 0.004)))
        except BrokenPipeError:
            pass
        child.kill()
        child.wait()
        try:
            child.stdin.close()
        except BrokenPipeError:
            pass
    whole = files("new")
    for name in whole:
        if shutil.which("zstd"):
            subprocess.run(["zstd", "-tq", f"spool/new/{name}"], check=True)
    lines, cost = drain("--per-minute", "100000")
    assert cost["stored"] == len(whole) == len([line for line in lines if "id" in line])
    assert cost["captured"] <= len(whole) <= cost["captured"] + cost["lost"] and cost["seen"] == cost["captured"] + cost["lost"], (cost, len(whole))
    assert cost["lost"] > 0


def test_killed_recorders():
    """Killed at any moment: nothing is lost, nothing is stored twice."""
    fresh()
    drain("--per-minute", "100000")
    rng, n, told = random.Random(2), 0, set()
    for round_ in range(25):
        for _ in range(6):
            feed(CORE, name=f"p{n % 3}")
            n += 1
        recorder = subprocess.Popen([WHORL, "stack", "record", *options(), "--drain", "--per-minute", "100000", "--keep-cores", "2"],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.15)
        recorder.kill()
        told |= {json.loads(line)["id"] for line in recorder.communicate()[0].splitlines() if b'"id"' in line and line.endswith(b"}")}
    drain("--keep-cores", "2")
    stored = [row["id"] for row in ask("list")]
    assert len(stored) == len(set(stored)) == n and told <= set(stored), (len(stored), n)
    assert not files("new") and not files("records")


def test_full_disk():
    if os.geteuid() != 0:
        print("skipped: a small file system needs root")
        return
    os.mkdir("small", 0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", "small"], check=False).returncode:
        print("skipped: no tmpfs may be mounted")
        return
    try:
        drain(spool="small/spool")
        with open("small/fill", "wb") as file:
            file.write(bytes(1300 << 10))
        start = time.monotonic()
        result = handler(os.urandom(4 << 20), spool="small/spool")
        assert result.returncode == 1 and b"fed: cannot write: No space left on device" in result.stderr and time.monotonic() - start < 5, result
        assert not files("tmp", "small/spool") and not files("new", "small/spool")
        feed(CORE, spool="small/spool")
        lines, cost = drain(spool="small/spool")
        assert cost["failed"] == 1 and cost["stored"] == 1 and cost["seen"] == 2, cost
        # the store is on the full disk: what waits goes on waiting, and is there when there is room again
        feed(CORE, spool="small/spool")
        with open("small/more", "wb") as file:
            try:
                file.write(bytes(4 << 20))
            except OSError:
                pass
        os.environ["WHORL_STORE"] = os.path.abspath("small/store.db")
        result = subprocess.run([WHORL, "stack", "record", "--drain", "--spool", "small/spool"], capture_output=True, text=True, check=False)
        assert result.returncode == 1 and ("full" in result.stderr or "No space" in result.stderr), result
        assert len(files("new", "small/spool")) == 1
        os.unlink("small/more"), os.unlink("small/fill")
        lines, cost = drain(spool="small/spool")
        assert cost["stored"] == 1 and not files("new", "small/spool")
    finally:
        subprocess.run(["umount", "-l", "small"], check=True)


def test_scrub_options():
    fresh()
    with open("rules", "w") as file:
        file.write('drop app\nkeep command\nreplace reason "SEGV" "XXXX"\n')
    feed(CORE, pid=os.getpid())
    [line], _ = drain("--scrub", "rules")
    [shown] = ask("show", "--raw", line["id"])
    assert "app" not in shown and shown["reason"] == "SIGXXXX" and "test_spool.py" in shown["command"], shown
    feed(CORE, pid=os.getpid())
    [line], _ = drain("--no-builtin-scrub")
    assert "test_spool.py" in ask("show", "--raw", line["id"])[0]["command"]
    with open("rules", "w") as file:
        file.write("keep\n")
    record("--drain", "--scrub", "rules", status=1)
    assert "rules: line 1" in record.said


def test_systemd_store():
    os.mkdir("systemd")
    boot = "0123456789abcdef0123456789abcdef"
    base = "systemd/core.we\\x2fird.name.1000." + boot + ".4711.1785000000123456"
    with open(base, "wb") as file:
        file.write(CORE)
    for name in ("core.short", "other", "core.a.1.2.3.4", f"core.x.y.{boot}.1.1785000000123456"):
        with open("systemd/" + name, "wb") as file:
            file.write(CORE)
    try:
        for name, value in (("exe", "/home/ann/bin/weird"), ("signal", "6"), ("comm", "weird")):
            os.setxattr(base, "user.coredump." + name, value.encode())
        attributes = True
    except OSError:
        attributes = False
        print("no extended attributes here: names only")
    [line], _ = drain("--from-systemd", "systemd")
    assert line["id"] == "core-20260725T172000.123456000Z-4711", line
    [shown] = ask("show", "--raw", line["id"])
    if attributes:
        assert (shown["app"], shown["exe"], shown["reason"]) == ("weird", "~/bin/weird", "SIGABRT"), shown
    else:
        assert shown["app"] == "we/ird.name", shown
    assert os.path.exists(base)
    lines, _ = drain("--from-systemd", "systemd")
    assert not lines
    record("--drain", "--from-systemd", "nowhere", status=1)


main(test_a_core_becomes_a_record, test_rate, test_limits, test_an_empty_core, test_kept, test_one_recorder_a_spool, test_a_spool_open_to_others,
     test_wrong_arguments, test_hostile_spool, test_left_behind, test_killed_handlers, test_killed_recorders, test_full_disk, test_scrub_options,
     test_systemd_store)
