#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_kernel.py WHORL WHORL-CORE CRASH: real programs crash, the kernel starts whorl-core. Root only; core_pattern is the machine's, so one
test at a time has it, and it is put back whatever happens."""
import contextlib
import fcntl
import json
import os
import pwd
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time

from recording import HANDLER, SKIPPED, WHORL, ask, drain, files, losses, main, options, record

CRASH = os.path.abspath(sys.argv[3])
PATTERN = "/proc/sys/kernel/core_pattern"
PATIENCE = 60


def pattern():
    with open(PATTERN) as file:
        return file.read().rstrip("\n")


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def take_turn():
    """The lock that whoever needs core_pattern takes; held until we end."""
    lock = open(os.path.join(tempfile.gettempdir(), "core_pattern.lock"), "a")
    for _ in range(PATIENCE):
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        time.sleep(1)
    skip("somebody else needs core_pattern")


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Recorder:
    def __init__(self, *words):
        # who became somebody else is not to be traced, and LeakSanitizer has to
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0") if "--user" in words else None
        self.process = subprocess.Popen([WHORL, "stack", "record", *options(), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True, env=environment)
        self.said = self.process.stderr.readline()
        while "will be read by root" in self.said:
            self.said = self.process.stderr.readline()
        assert "recording crashes" in self.said, self.said + self.process.stderr.read()

    def holder(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            [child] = file.read().split()
        return int(child)

    def line(self):
        return json.loads(self.process.stdout.readline())

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, (self.process.returncode, out, said)
        lines = [json.loads(line) for line in out.splitlines()]
        return lines[:-1], lines[-1]["cost"]


def crash(*words):
    return subprocess.run([CRASH, *map(str, words)], capture_output=True, text=True, check=False, timeout=120)


def strangers(lines):
    """How many crashes of other programs there were: core_pattern is the whole machine's."""
    return sum(line.get("dropped", 1) for line in lines if "program" in line and line["program"] != os.path.realpath(CRASH))


def nobody():
    user = pwd.getpwnam("nobody")
    os.chown(".", user.pw_uid, user.pw_gid)
    return user.pw_uid


def test_crashes():
    uid = nobody()
    recorder = Recorder("--user", "nobody", "--keep-cores", "1")
    with open(f"/proc/{recorder.process.pid}/status") as file:
        status = dict(line.split(":", 1) for line in file)
    assert set(status["Uid"].split()) == {str(uid)} and int(status["CapEff"], 16) == 0 and status["NoNewPrivs"].strip() == "1"
    assert pattern().startswith("|" + HANDLER)
    expected = {"null": ("SIGSEGV", "read_from"), "abort": ("SIGABRT", "north"), "overflow": ("SIGSEGV", "overflow"), "smash": ("SIGABRT", None),
                "jump": ("SIGSEGV", None), "threads": ("SIGSEGV", "read_from")}
    told = {}
    for what in expected:
        assert crash(what, "--token=verysecret").returncode < 0
        told[what] = recorder.line()
    again = [crash("null") and recorder.line() for _ in range(2)]
    assert {line["group"] for line in again} == {told["null"]["group"]} and not any(line["is_new"] for line in again)
    rest, cost = recorder.end()
    assert len(rest) == strangers(rest) and cost["seen"] == cost["stored"] == 8 + len(rest) and losses(cost) == 0 and cost["waited_seconds"] < 8, cost
    assert pattern() == before
    assert len(files("cores")) == len({line["group"] for line in told.values()}) and not files("new")
    for what, (reason, function) in expected.items():
        [raw], [shown] = ask("show", "--raw", told[what]["id"]), ask("show", told[what]["id"])
        assert raw["reason"].startswith(reason) and raw["app"] == "crash", (what, raw["reason"])
        assert "verysecret" not in json.dumps(raw)
        names = [frame.get("function") for frame in shown["frames"]]
        assert function is None or function in names[:1], (what, names[:5])
        assert any(frame.get("build_id") for frame in raw["frames"]), what
        if what == "threads":
            others = raw.get("threads", [])
            assert len(others) >= 5, (len(others), raw.keys())
    for name in files("cores"):
        assert os.stat(f"spool/cores/{name}").st_uid == uid


def test_storm():
    recorder = Recorder("--per-minute", "10")
    crashed = int(crash("storm", 100, 4).stdout)
    lines, cost = recorder.end()
    dropped = sum(line.get("dropped", 0) for line in lines)
    others = strangers(lines)
    assert crashed == 400 and cost["seen"] == crashed + others, (crashed, cost)
    assert cost["stored"] == 10 + others and dropped == cost["over_rate"] == crashed - 10 and cost["lost"] == 0, cost
    assert others or {row["frames"][0]["function"] for row in ask("show")} == {"north", "east", "south", "west"} and not files("new")
    print(f"   400 crashes at 100/s, 10 cores taken: programs waited {cost['waited_seconds']:.3f} s, the recorder took {cost['cpu_seconds']:.2f} s")


def test_storm_of_all():
    recorder = Recorder("--per-minute", "100000")
    crashed = int(crash("storm", 100, 3).stdout)
    lines, cost = recorder.end()
    assert crashed == 300 and cost["seen"] == crashed + strangers(lines) == cost["stored"] + losses(cost) and cost["lost"] == 0, (crashed, cost)
    assert len(ask("list")) == cost["stored"] == len([line for line in lines if "group" in line]) and not files("new")
    print(f"   300 crashes at 100/s, {cost['stored']} cores taken: programs waited {cost['waited_seconds']:.3f} s, the recorder took "
          f"{cost['cpu_seconds']:.2f} s, {cost['bytes_read'] >> 20} MiB read, {cost['bytes_written'] >> 20} MiB written")


def test_killed_recorder():
    recorder = Recorder()
    recorder.process.kill()
    recorder.process.communicate()
    until(lambda: pattern() == before)


def test_killed_holder():
    recorder = Recorder()
    os.kill(recorder.holder(), signal.SIGKILL)
    said = recorder.process.communicate(timeout=20)[1]
    assert recorder.process.returncode == 1 and "--restore" in said, said
    assert pattern().startswith("|" + HANDLER)
    # a recorder that starts now does not take whorl's own pattern for what was before
    Recorder().end()
    assert pattern() == before
    recorder = Recorder()
    os.kill(recorder.holder(), signal.SIGKILL)
    recorder.process.kill()
    recorder.process.communicate()
    assert pattern().startswith("|" + HANDLER)
    record("--restore")
    assert "restored" in record.said and pattern() == before
    record("--restore")
    assert "nothing to restore" in record.said and pattern() == before


def test_killed_under_load():
    """The handler stays while recorders are killed at any moment: every crash is stored or counted, none twice."""
    drain("--per-minute", "100000")
    holder = subprocess.Popen([HANDLER, "--hold", os.path.abspath("spool")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"ready\n"
    storm = subprocess.Popen([CRASH, "storm", "50", "5"], stdout=subprocess.PIPE, text=True)
    rng, kills = random.Random(3), 0
    while storm.poll() is None:
        recorder = subprocess.Popen([WHORL, "stack", "record", *options(), "--drain", "--per-minute", "100000"], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.4)
        recorder.kill()
        recorder.wait()
        kills += 1
    crashed = int(storm.stdout.read())
    holder.stdin.close()
    holder.wait(timeout=10)
    assert pattern() == before
    until(lambda: not files("tmp"))
    lines, _ = drain("--per-minute", "100000")
    stored = {row["id"] for row in ask("show", "--raw") if row["app"] == "crash"}
    dropped = sum(line.get("dropped", 0) for line in lines)
    assert len(stored) + dropped == crashed == 250, (len(stored), dropped, crashed)
    assert kills > 5 and not files("new") and not files("records")
    print(f"   {crashed} crashes, {kills} recorders killed: {len(stored)} stored, {dropped} counted only")


def test_someone_else():
    """What somebody sets while we record stays as it is."""
    recorder = Recorder()
    with open(PATTERN, "w") as file:
        file.write("elsewhere.%p")
    recorder.end()
    assert pattern() == "elsewhere.%p"
    with open(PATTERN, "w") as file:
        file.write(before)


def test_set_for_good():
    """whorl-core that an administrator has set stays; another spool's is not taken over."""
    drain()
    mine = f"|{HANDLER} {os.path.abspath('spool')} %P %I %u %g %s %d %e"
    with open(PATTERN, "w") as file:
        file.write(mine)
    assert crash("abort").returncode < 0
    recorder = Recorder()
    crash("abort")
    lines, cost = recorder.end()
    assert cost["stored"] == 2 + strangers(lines) and pattern() == mine
    record("--restore")
    assert "nothing to restore" in record.said and pattern() == mine
    record(spool="elsewhere", status=1)
    assert "for another spool" in record.said and pattern() == mine


def restoring(test):
    def guarded():
        try:
            test()
        finally:
            with open(PATTERN, "w") as file:
                file.write(before or "\n")
    guarded.__name__ = test.__name__
    return guarded


if os.geteuid() != 0:
    skip("core_pattern is root's")
if not os.access(PATTERN, os.W_OK):
    skip("core_pattern cannot be written here")
turn = take_turn()
before = pattern()
if before.startswith("|"):
    skip("core_pattern is in use: " + before)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda *_: sys.exit(1))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
main(*map(restoring, (test_crashes, test_storm, test_storm_of_all, test_killed_recorder, test_killed_holder, test_killed_under_load,
                      test_someone_else, test_set_for_good)))
