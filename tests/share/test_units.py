#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_units.py WHORL SESSIONS UNIT…: systemd takes the units and finds them hardened, and the very lines that they start do what they are for."""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WHORL, SESSIONS, UNITS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), [os.path.abspath(path) for path in sys.argv[3:]]
SKIPPED = 77
MOST_EXPOSED = 10  # of systemd-analyze security, in tenths


def read(path):
    """The unit's text with the program under test in place of the one that will be installed, and its settings: a list for each name."""
    with open(path) as file:
        text = file.read()
    assert "@bindir@" not in text
    text = re.sub(r"^(ExecStart=)\S*/whorl ", lambda match: f"{match.group(1)}{WHORL} ", text, flags=re.M)
    settings = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([A-Za-z]+)=(.*)", line)
        if match:
            settings.setdefault(match.group(1), []).append(match.group(2))
    return text, settings


def unit(name):
    [path] = [path for path in UNITS if os.path.basename(path) == name]
    return read(path)[1]


def environment(settings, folder):
    """As systemd makes it: Environment, then what EnvironmentFile has, if it is there."""
    values = {}
    for line in settings.get("Environment", []):
        values.update(word.split("=", 1) for word in shlex.split(line.replace("%f", folder)))
    for path in settings.get("EnvironmentFile", []):
        path = path.lstrip("-").replace("%f", folder)
        if os.path.exists(path):
            with open(path) as file:
                values.update(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    return values


def command(line, values, folder):
    """ExecStart as systemd reads it: $NAME alone as a word is split at blanks, ${NAME} is not."""
    words = []
    for word in shlex.split(line.replace("%f", folder)):
        if re.fullmatch(r"\$[A-Z_]+", word):
            words += values.get(word[1:], "").split()
        else:
            words.append(re.sub(r"\$\{([A-Z_]+)\}", lambda match: values.get(match.group(1), ""), word))
    return words


def start(name, folder, **keywords):
    """The unit's commands, one after the other, as long as their status is one of success; the result of the last."""
    settings = unit(name)
    values = environment(settings, folder)
    good = {0, *(int(text) for text in settings.get("SuccessExitStatus", []))}
    results = []
    for line in settings["ExecStart"]:
        words = command(line, values, folder)
        assert words[0] == WHORL, words
        results.append(subprocess.run(words, env={"PATH": os.environ["PATH"], **values}, capture_output=True, text=True, timeout=120, cwd="/", **keywords))
        assert results[-1].returncode in good, (words, results[-1])
    return results


def test_verified(folder):
    """systemd-analyze verify says nothing about them."""
    for path in UNITS:
        text, settings = read(path)
        with open(os.path.join(folder, os.path.basename(path)), "w") as file:
            file.write(text)
    for path in UNITS:
        name = os.path.basename(path)
        result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", os.path.join(folder, name)], capture_output=True, text=True,
                                timeout=60)
        said = [line for line in result.stderr.splitlines() if name.split("@")[0] in line or folder in line]
        assert result.returncode == 0 and not said, (name, result.returncode, result.stderr)
    with open(os.path.join(folder, "bad@.service"), "w") as file:
        file.write("[Service]\nExecStart=/nowhere/at/all\nProtectSistem=strict\n")
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", os.path.join(folder, "bad@.service")], capture_output=True,
                            text=True, timeout=60)
    assert result.returncode != 0 and "ProtectSistem" in result.stderr, "it would say so of a bad one"


def test_hardened(folder):
    for path in UNITS:
        if not path.endswith(".service"):
            continue
        name = os.path.basename(path)
        with open(os.path.join(folder, name), "w") as file:
            file.write(read(path)[0])
        result = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", os.path.join(folder, name)],
                                capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, (name, result.stdout[-300:], result.stderr)
        settings = read(path)[1]
        for key in ("NoNewPrivileges", "PrivateTmp", "ProtectSystem", "MemoryMax", "ReadWritePaths", "User"):
            assert key in settings, (name, key)


def whorl(folder, *words):
    result = subprocess.run([WHORL, *words], env={"PATH": os.environ["PATH"], "WHORL_STORE": os.path.join(folder, "whorl.db")}, capture_output=True, text=True,
                            timeout=120, cwd="/")
    assert result.returncode == 0, (words, result.stderr)
    return result.stdout


def sessions():
    return ["--change-encoded", "--sessions", os.path.join(SESSIONS, "labels.csv"), os.path.join(SESSIONS, "sessions.csv.zst")]


def test_calibrate(folder):
    """A store of two versions: the one with enough sessions gets a model; those are older than a day, which is no failure; of a longer time they do."""
    whorl(folder, "session", "import", *sessions())
    trained, calibrated = start("whorl-session-calibrate@.service", folder)
    assert '"platform":"jvm17","version":"1.0"' in trained.stdout and '"why":"4 observations are too few' in trained.stdout
    assert calibrated.returncode == 2 and "could be made" in calibrated.stderr, calibrated
    with open(os.path.join(folder, "whorl.conf"), "w") as file:
        file.write("WHORL_SINCE=2026-09-01\nWHORL_CALIBRATE=--least 25 --alarm 0.1\n")
    trained, calibrated = start("whorl-session-calibrate@.service", folder)
    assert '"models":[]' in trained.stdout and calibrated.returncode == 0
    assert '"before_choice":"own"' in calibrated.stdout and '"alarm":0.1' in calibrated.stdout


def test_calibrate_empty(folder):
    whorl(folder, "session", "import", "--where", "version=1.1", *sessions())
    trained, calibrated = start("whorl-session-calibrate@.service", folder)
    assert '"refused":[{' in trained.stdout and calibrated.returncode == 2
    whorl(folder, "session", "list")


def test_watch(folder):
    """It takes in what its folder has, goes on, and ends well when it is told to."""
    settings = unit("whorl-session-watch@.service")
    os.mkdir(os.path.join(folder, "incoming"))
    with open(os.path.join(folder, "whorl.conf"), "w") as file:
        file.write(f"WHORL_WATCH=--interval 0.1 {' '.join(sessions()[:-1])}\nWHORL_INPUT={folder}/incoming\n")
    values = environment(settings, folder)
    [line] = settings["ExecStart"]
    with open(os.path.join(folder, "said"), "w") as said:
        process = subprocess.Popen(command(line, values, folder), env={"PATH": os.environ["PATH"], **values}, stdout=subprocess.PIPE, stderr=said, cwd="/")
        try:
            shutil.copy(sessions()[-1], os.path.join(folder, "incoming", ".part"))
            os.rename(os.path.join(folder, "incoming", ".part"), os.path.join(folder, "incoming", "all.csv.zst"))
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                done = os.path.exists(values["WHORL_STORE"]) and subprocess.run([WHORL, "session", "list", "--store", values["WHORL_STORE"], "--format", "tsv"],
                                                                               capture_output=True, text=True, timeout=60, cwd="/")
                if done and done.returncode == 0 and len(done.stdout.splitlines()) == 44:
                    break
                time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) in (0, -signal.SIGTERM), process.returncode
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    assert done and len(done.stdout.splitlines()) == 44, (done, open(os.path.join(folder, "said")).read())


def test_drain(folder):
    """An empty spool is nothing to do."""
    with open(os.path.join(folder, "whorl.conf"), "w") as file:
        file.write(f"WHORL_SPOOL={folder}/spool\n")
    os.mkdir(os.path.join(folder, "spool"), 0o700)
    [drained] = start("whorl-stack-record@.service", folder)
    assert '"stored":0' in drained.stdout, drained


def main():
    bad, skipped = 0, []
    for test in (test_verified, test_hardened, test_calibrate, test_calibrate_empty, test_watch, test_drain):
        if test in (test_verified, test_hardened) and not shutil.which("systemd-analyze"):
            print("skipped", test.__name__, "because there is no systemd-analyze")
            skipped.append(test)
            continue
        with tempfile.TemporaryDirectory(prefix="whorl-units-") as folder:
            try:
                test(folder)
                print("ok", test.__name__, flush=True)
            except Exception:  # the next test is one of its own
                import traceback
                bad += 1
                print("not ok", test.__name__, traceback.format_exc(), flush=True)
    sys.exit(1 if bad else SKIPPED if skipped else 0)


main()
