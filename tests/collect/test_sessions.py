#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_sessions.py WHORL LEAK [LIBRARY]: programs that leak, recorded until they die; recorders that are killed, stopped, or many."""
import contextlib
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

WHORL, LEAK = map(os.path.abspath, sys.argv[1:3])
LIBRARY = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 and "/" in sys.argv[3] else None
MIB = 1 << 20
# of each way to leak: what it dies of, and the metric that says which it was
KINDS = {"list": ("signal 6", "heap_objects leak!list_push"), "table": ("signal 6", "heap_objects leak!table_put"),
         "cache": ("signal 6", "heap_bytes leak!cache_store"), "text": ("signal 6", "heap_bytes leak!text_append"),
         "fragments": ("signal 6", "heap_bytes leak!fragment"), "threads": ("signal 6", "threads"), "descriptors": ("exit 3", "fds file"),
         "mappings": ("signal 6", "mmap_bytes leak!map_buffer"), "plugin": ("signal 6", "heap_objects libplugin.so!plugin_remember")}


def command(*words, output="out.jsonl"):
    preload = ["--preload", LIBRARY] if LIBRARY else ["--no-allocations"]
    drains = "--drain" in words
    return [WHORL, "session", "record", *(["-o", output] if output else []), "--format", "jsonl", *([] if drains else preload), *map(str, words)]


def sessions(path="out.jsonl"):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def record(*words, status=0, output="out.jsonl", **keywords):
    """One call; the sessions that it wrote."""
    result = subprocess.run(command(*words, output=output), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False, **keywords)
    assert result.returncode == status, (words, result.returncode, result.stdout, result.stderr)
    record.said, record.out = result.stderr, result.stdout
    return sessions(output) if output and os.path.exists(output) else []


def last(session, name):
    changes = session["metrics"].get(name, [])
    return changes[-1] if changes else 0


def first(session, name):
    changes = session["metrics"].get(name, [])
    return changes[1] if changes and changes[0] == 0 else 0


def grew(session, prefix):
    """Growth of all metrics whose names begin so, and the one of them that grew most."""
    growth = {name: last(session, name) - first(session, name) for name in session["metrics"] if name.startswith(prefix)}
    return sum(growth.values()), max(growth, key=growth.get, default=None)


def check_shape(session):
    steps = session["steps"]
    assert len(session["time_s"]) == steps and session["time_s"] == sorted(session["time_s"]) and session["time_s"][0] == 0
    for name, changes in session["metrics"].items():
        assert changes[::2] == sorted(set(changes[::2])) and all(0 <= step < steps for step in changes[::2]), name
        assert all(isinstance(value, (int, float)) and value >= 0 for value in changes[1::2]), name
    for name in ("platform", "kernel", "begun", "sampling", "death", "app"):
        assert session[name], name


def test_ways_to_leak():
    for kind, (death, metric) in KINDS.items():
        status = int(death.split()[1]) + (128 if death.startswith("signal") else 0)
        [session] = record("--interval", 10, "--", LEAK, kind, 64, 3, status=status)
        check_shape(session)
        assert session["death"] == death and session["app"] == "leak" and session["steps"] >= 2, (kind, session)
        assert (session.get("signal") == "SIGABRT") == (status == 134)
        assert not os.path.exists("whorl.spool"), "nothing is left"
        if kind in ("threads", "descriptors"):
            assert last(session, metric) >= 100 and last(session, metric) > 10 * first(session, metric), (kind, session["metrics"].get(metric))
        elif LIBRARY:
            what = metric.split()[0]
            growth, most = grew(session, what)
            assert most.startswith(metric), (kind, most)
            assert what.endswith("objects") or growth > 0.5 * 64 * MIB * 0.6, (kind, growth)
        if kind not in ("descriptors",):
            assert session.get("exhausted"), kind


def test_bytes_add_up():
    """What the sampler says of a list agrees with the memory that the kernel says it has: 64 bytes an entry are 80 with the allocator's own."""
    if not LIBRARY:
        return
    [session] = record("--interval", 10, "--sample-bytes", 16384, "--", LEAK, "list", 96, 1, status=134)
    [name] = [name for name in session["metrics"] if name.startswith("heap_bytes leak!list_push")]
    estimated = last(session, name) / 64 * 80
    resident = last(session, "memory_bytes anonymous") - first(session, "memory_bytes anonymous")
    assert 0.6 * resident < estimated < 1.5 * resident, (estimated, resident)
    assert name.startswith("heap_bytes leak!list_push < leak!leak < leak!main") or " < " in name


def test_names_are_stable():
    names = []
    for _ in range(2):
        [session] = record("--interval", 10, "--", LEAK, "cache", 64, 3, status=134)
        names.append({name for name in session["metrics"] if name.split()[0] in ("heap_bytes", "map_bytes")})
        assert not any(str(word) in name for name in names[-1] for word in (session["process"], "0x")), names[-1]
    assert len(names[0] & names[1]) >= 0.9 * len(names[0] | names[1])


def test_stripped():
    """Without symbols functions are told apart all the same, by names that stay."""
    if not LIBRARY or not shutil.which("strip"):
        return
    subprocess.run(["strip", "-o", "bare", LEAK], check=True)
    found = {}
    for kind in ("cache", "list", "cache"):
        [session] = record("--interval", 10, "--", "./bare", kind, 48, 3, status=134)
        name = grew(session, "heap_bytes")[1]
        assert name.startswith("heap_bytes bare!fn_"), name
        assert found.setdefault(kind, name) == name
    assert found["cache"] != found["list"], found


def test_statuses():
    for words, status, death in ((["true"], 0, "exit 0"), (["sh", "-c", "exit 7"], 7, "exit 7"), (["sh", "-c", "kill -TERM $$"], 143, "signal 15"),
                                 (["sh", "-c", "kill -9 $$"], 137, "signal 9")):
        [session] = record("--", *words, status=status)
        assert session["death"] == death and session["steps"] >= 1, session
    record("--", "/nowhere/at/all", status=1)
    assert "/nowhere/at/all: No such file" in record.said and sessions() == []
    record("--", "/", status=1)
    record(status=2)
    record("--pid", 1, "--", "true", status=2)
    record("--drain", "--", "true", status=2)
    record("--pid", 4194304, status=1)
    assert "No such process" in record.said
    record("--cgroup", "no/such/group", status=1)
    assert not os.path.exists("whorl.spool")


def test_output_of_the_command():
    """What it writes is its own, and so is what it reads."""
    result = subprocess.run(command("--quiet", "--", "sh", "-c", "read x; echo got $x; echo said >&2"), input="word\n", capture_output=True, text=True,
                            timeout=60, check=True)
    assert "got word\n" in result.stdout and result.stderr == "said\n"


def test_ends_at_once():
    for _ in range(10):
        [session] = record("--interval", 1, "--", "true")
        assert session["steps"] >= 1 and session["death"] == "exit 0"
        check_shape(session)


def test_another_program():
    """A shell that becomes another program is that one."""
    [session] = record("--interval", 10, "--", "sh", "-c", f"ulimit -v 65536; exec {LEAK} list", status=134)
    assert session["app"] == "leak" and session["exhausted"] == "address space", session
    with open("service.sh", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nsleep 0.1\n")
    os.chmod("service.sh", 0o755)
    [session] = record("--interval", 10, "--", "./service.sh")
    assert session["app"] == "service.sh", session["app"]
    [session] = record("--interval", 10, "--app", "shop", "--app-version", "1.1", "--", LEAK, "none")
    assert session["app"] == "shop" and session["version"] == "1.1"


def test_attached():
    child = subprocess.Popen([LEAK, "list", "64"], stderr=subprocess.DEVNULL)
    recorder = subprocess.Popen(command("-p", child.pid, "--interval", 10), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    child.wait(timeout=60)
    assert recorder.wait(timeout=60) == 0, recorder.stderr.read()
    recorder.stderr.close()
    [session] = sessions()
    check_shape(session)
    # we reaped it as soon as it was dead: only kernels from 6.15 on tell all the same
    assert session["death"] in ("signal 6", "unknown") and session["process"] == str(child.pid) and session["steps"] > 5, session


def test_tables_of_others():
    if not LIBRARY:
        return
    os.mkdir("tables")
    environment = dict(os.environ, LD_PRELOAD=LIBRARY, WHORL_ALLOC=os.path.abspath("tables"))
    child = subprocess.Popen([LEAK, "list", "64"], stderr=subprocess.DEVNULL, env=environment)
    recorder = subprocess.Popen(command("-p", child.pid, "--interval", 10, "--tables", "tables"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child.wait(timeout=60)
    assert recorder.wait(timeout=60) == 0
    [session] = sessions()
    assert grew(session, "heap_objects")[1].startswith("heap_objects leak!list_push") and os.listdir("tables"), "they are not ours to delete"


def test_interrupted():
    """SIGINT: the session so far is written; a command is ended, a process that we attached to lives on."""
    recorder = subprocess.Popen(command("--interval", 10, "--", "sleep", "100"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(timeout=30) == 128 + signal.SIGTERM
    recorder.stderr.close()
    [session] = sessions()
    assert session["death"] == "signal 15" and session["steps"] >= 5, session
    child = subprocess.Popen(["sleep", "100"])
    recorder = subprocess.Popen(command("--interval", 10, "-p", child.pid), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    recorder.send_signal(signal.SIGTERM)
    assert recorder.wait(timeout=30) == 0 and child.poll() is None
    child.kill()
    child.wait()
    [session] = sessions()
    assert session["death"] == "none" and session["steps"] >= 5, session
    [session] = record("--seconds", 1, "--interval", 10, "--", "sleep", "100", status=143)
    assert session["death"] == "signal 15"


def test_bounded():
    [session] = record("--interval", 2, "--steps", 10, "--no-allocations", "--", LEAK, "none")
    check_shape(session)
    assert 10 <= session["steps"] <= 20 and session["time_s"][-1] > 0.4, session
    samples, thinned = int(session["sampling"].split()[0]), int(session["sampling"].split(" missed, ")[1].split()[0])
    # one sample may have met the process dying; the tables would add a step, but there are none
    assert thinned > 0 or samples < 22, session["sampling"]
    assert samples - 1 <= session["steps"] + thinned <= samples + 1, session["sampling"]


def start(*words):
    """A recorder of a command, once its journal has a few steps."""
    recorder = subprocess.Popen(command("--interval", 5, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while time.monotonic() < until and not any(steps_on_disk(path) > 10 for path in glob.glob("whorl.spool/*.session")):
        time.sleep(0.01)
    return recorder


def steps_on_disk(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return text.count("\n.\n")


def test_killed_recorder():
    """What it had sampled is there for the next one, once; the process lives on."""
    recorder = start("--", "sleep", "30")
    recorder.kill()
    recorder.wait()
    [journal] = glob.glob("whorl.spool/*.session")
    steps = steps_on_disk(journal)
    [process] = [line.split()[2] for line in open(journal, encoding="utf-8") if line.startswith("A process")]
    os.kill(int(process), 9)
    [session] = record("--drain")
    check_shape(dict(session, sampling="-"))
    assert session["death"] == "unknown" and session["steps"] == steps > 10, (session, steps)
    assert record("--drain") == [] and not os.path.exists("whorl.spool")


def test_torn_journals():
    """Cut off anywhere, what is whole before the cut counts; what is no journal is said and left alone."""
    recorder = start("--", LEAK, "none")
    recorder.kill()
    recorder.wait()
    [path] = glob.glob("whorl.spool/*.session")
    with open(path, "rb") as file:
        whole = file.read()
    rng, name = random.Random(4), os.path.basename(path)
    for at in sorted(rng.sample(range(20, len(whole)), 25)):
        os.makedirs("whorl.spool", 0o700, exist_ok=True)
        with open(path, "wb") as file:
            file.write(whole[:at])
        [session] = record("--drain")
        expected = whole[:at].count(b"\n.\n")
        assert session["steps"] == max(expected, 0) and session["id"] + ".session" == name, (at, session["steps"], expected)
    garbage = [b"", b"whorl-session 2\n", b"\0" * 5000, b"whorl-session 1\nM 5 x\n", b"whorl-session 1\nS x\n9 9\n.\n", b"whorl-session 1\nA a\n",
               b"whorl-session 1\nM 0 a\nM 1 a\nS 1\n0 nan\n1 inf\n.\n", b"whorl-session 1\nM 0 a\nS 1\n0 1e999\n.\nS 99999999999999999999\n0 1 1\n.\n",
               os.urandom(3000), b"whorl-session 1\n" + os.urandom(3000)]
    os.makedirs("whorl.spool", 0o700, exist_ok=True)
    for i, data in enumerate(garbage):
        with open(f"whorl.spool/garbage-{i}.session", "wb") as file:
            file.write(data)
    os.symlink("/etc/passwd", "whorl.spool/link.session")
    os.mkdir("whorl.spool/folder.session")
    result = subprocess.run(command("--drain"), capture_output=True, text=True, timeout=60, check=False)
    found = sessions()
    assert result.returncode in (0, 1) and "no journal" in result.stderr, result
    assert all(session["death"] == "unknown" for session in found)


def test_a_spool_open_to_others():
    os.mkdir("whorl.spool", 0o777)
    os.chmod("whorl.spool", 0o777)
    record("--", "true", status=1)
    assert "nobody else may write" in record.said


def test_ten_at_once():
    recorders = [subprocess.Popen(command("--interval", 50, "--", LEAK, "none", 0, i, output=f"out{i}.jsonl"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) for i in range(10)]
    for recorder in recorders:
        assert recorder.wait(timeout=120) == 0, recorder.stderr.read()
        recorder.stderr.close()
    found = [session for i in range(10) for session in sessions(f"out{i}.jsonl")]
    assert len(found) == 10 == len({session["id"] for session in found}) and all(session["death"] == "exit 0" for session in found)
    assert not os.path.exists("whorl.spool")


def test_stored():
    """The same through a store, short of a model: nothing is lost, and the last line counts it."""
    for i in range(2):
        record("--interval", 10, "--store", "whorl.db", "--", LEAK, "list", 48, i, status=134, output=None)
    lines = [json.loads(line) for line in record.out.splitlines()]
    assert lines[-1]["cost"]["stored"] == 1 and lines[-1]["cost"]["lost"] == 0 and lines[0]["program"] == "leak", lines
    out = subprocess.run([WHORL, "session", "list", "--store", "whorl.db", "--format", "jsonl"], capture_output=True, text=True, check=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 2 and all(row["death"] == "signal 6" for row in rows), rows


def memory_groups():
    """Where a memory group can be made: its folder and the file of its limit, or None."""
    for mount, limit in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
        path = f"{mount}/whorl-test-{os.getpid()}"
        try:
            os.mkdir(path)
        except OSError:
            continue
        if os.path.exists(f"{path}/{limit}"):
            return path, f"{path}/{limit}"
        os.rmdir(path)
    return None, None


@contextlib.contextmanager
def group(mib):
    path, limit = memory_groups()
    try:
        if path:
            with open(limit, "w", encoding="ascii") as file:
                file.write(str(mib * MIB))
        yield path
    finally:
        for _ in range(50 if path else 0):
            try:
                os.rmdir(path)
                break
            except OSError:
                time.sleep(0.1)


def test_killed_by_the_kernel():
    with group(48) as path:
        if not path:
            print("skipped: no memory group can be made here")
            return
        [session] = record("--interval", 10, "--", "sh", "-c", f"echo $$ >{path}/cgroup.procs; exec {LEAK} cache", status=137)
        check_shape(session)
        assert session["death"] == "oom" and session["signal"] == "SIGKILL" and session["app"] == "leak", session
        assert session["exhausted"] == "control group" and last(session, "cgroup_bytes usage") > 0.6 * 48 * MIB, session


def test_a_service():
    """One session for each kill, the last sample from just before it."""
    with group(48) as path:
        if not path:
            print("skipped: no memory group can be made here")
            return
        recorder = subprocess.Popen(command("--interval", 50, "--cgroup", path, "--app", "web"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        recorder.stderr.readline()
        for kind in ("cache", "list", "mappings"):
            status = subprocess.run(["sh", "-c", f"echo $$ >{path}/cgroup.procs; exec {LEAK} {kind}"], check=False, timeout=60).returncode
            assert status == -9, status
            time.sleep(0.5)
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(timeout=30) == 0
        recorder.stderr.close()
    found = sessions()
    assert [session["death"] for session in found] == ["oom"] * 3 and {session["app"] for session in found} == {"web"}, found
    for session in found:
        check_shape(session)
        usage = session["metrics"]["cgroup_bytes usage"][1::2]
        assert max(usage) > 0.75 * 48 * MIB and session["exhausted"] == "control group", usage


def main():
    bad = 0
    names = [word for word in sys.argv[3:] if "/" not in word]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (names and name not in names):
            continue
        with tempfile.TemporaryDirectory(prefix="whorl-") as folder:
            os.chdir(folder)
            os.environ.pop("WHORL_STORE", None)
            begun = time.monotonic()
            try:
                test()
                print("ok", name, f"{time.monotonic() - begun:.1f} s", flush=True)
            except Exception:  # the next test is one of its own
                bad += 1
                print("not ok", name, traceback.format_exc(), flush=True)
            os.chdir("/")
    sys.exit(1 if bad else 0)


main()
