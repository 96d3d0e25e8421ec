#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py TOY: what the program of list.c does on a terminal, and how it ends when somebody interrupts it."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata

toy = sys.argv[1]
problems = []


def on_terminal(*words, columns=80, interrupt_after=None, **environment):
    """Runs with stdin, stdout and stderr on a new terminal; returns what it shows and the exit status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    environment = dict(PATH=os.environ["PATH"], LC_ALL="C.UTF-8", TERM="xterm") | environment
    child = subprocess.Popen([toy, *words], stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True)
    os.close(slave)
    shown, began = b"", time.monotonic()
    while True:
        if interrupt_after and time.monotonic() - began > interrupt_after:
            child.send_signal(signal.SIGINT)
            interrupt_after = None
        try:
            piece = os.read(master, 4096)
        except OSError:  # the terminal's other side is gone
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    return shown.decode().replace("\r\n", "\n"), child.wait(timeout=20)


def check(what, condition, shown=""):
    if not condition:
        problems.append(f"{what}\n{shown!r}")


def columns_of(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


shown, status = on_terminal("toy", "box", "--quiet")
check("a table on a terminal, its header bold", status == 0 and shown.startswith("\033[1mid "), shown)
check("nothing of a report reaches the terminal as a control", "\033[31m" not in shown and "\ufffd[31mred" in shown, shown)
for name, value in ("NO_COLOR", "1"), ("TERM", "dumb"):
    shown, status = on_terminal("toy", "box", "--quiet", **{name: value})
    check(f"{name}={value}: no bold", "\033" not in shown and shown.startswith("id "), shown)
for width in 30, 44, 50, 60, 79, 80, 200:
    shown, status = on_terminal("toy", "box", "--quiet", columns=width, NO_COLOR="1")
    lines = shown.splitlines()
    widest = max(map(columns_of, lines))
    check(f"a table of {width} columns is {widest} wide", len(lines) == 4 and (widest <= width or width < 44), shown)
    check(f"{width} columns: cut only where it must be", ("…" in shown) == (width < 74), shown)
shown, _ = on_terminal("toy", "box", "--quiet", columns=50, NO_COLOR="1", LC_ALL="C")
check("no ellipsis without UTF-8", "…" not in shown and "~" in shown, shown)

shown, status = on_terminal("toy", "watch", "--steps", "60", columns=80)
check("a bar with rate and remaining time", status == 0 and re.search(r"playing  [█░]+ +\d+%.*\d left", shown), shown)
draws = shown.count("\rplaying")
check(f"{draws} drawings in 1.2 s", 2 <= draws <= 12, shown)
check("the bar goes before a message and at the end", "\r\033[Kwhorl: half of it is over\n" in shown and shown.endswith("\r\033[K"), shown)
shown, _ = on_terminal("toy", "watch", "--steps", "60", "--no-total")
check("without a total: how many and how fast", re.search(r"playing  \d+  [0-9.]+/s\033\[K", shown) and "%" not in shown, shown)
shown, _ = on_terminal("toy", "watch", "--steps", "60", columns=24)
check("a narrow terminal", all(columns_of(re.sub(r"\033\[K", "", part)) < 24 for part in re.split(r"[\r\n]", shown)
                               if "whorl:" not in part), shown)
for words, expected in (["--no-progress"], "whorl: half of it is over\n"), (["--quiet"], ""):
    shown, _ = on_terminal("toy", "watch", "--steps", "40", *words)
    check(f"{words}: no bar", shown == expected, shown)
result = subprocess.run([toy, "toy", "watch", "--steps", "40"], capture_output=True, text=True)
check("no bar where standard error is a file", result.stderr == "whorl: half of it is over\n" and result.stdout == "", result.stderr)

shown, status = on_terminal("toy", "watch", "--steps", "1000", interrupt_after=0.8)
check("interrupted: said so, the bar gone, dead by SIGINT", status == -signal.SIGINT and shown.endswith("\r\033[Kwhorl: interrupted\n"), shown)
child = subprocess.Popen([toy, "toy", "watch", "--steps", "1000"], stderr=subprocess.PIPE, text=True)
time.sleep(0.2)
child.terminate()
check("terminated likewise", child.wait(timeout=20) == -signal.SIGTERM, child.stderr.read())

child = subprocess.Popen([toy, "toy", "box", "--repeat", "1000000000", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
child.stdout.readline()
child.stdout.close()
check("a reader that goes away ends it quietly", child.wait(timeout=20) == -signal.SIGPIPE and child.stderr.read() == b"")
result = subprocess.run(["sh", "-c", f"exec '{toy}' toy show --format json >&- 2>&-"], capture_output=True)
check("nothing to write to at all", result.returncode == 1 and not result.stderr)
result = subprocess.run(["sh", "-c", f"exec '{toy}' toy box --format table --repeat 5000"], capture_output=True, text=True)
lines = result.stdout.splitlines()
check("more rows than settle the widths", len(lines) == 15001 and sum(line.startswith("id ") for line in lines) == 1)

print(*problems, f"{len(problems)} problems", sep="\n")
sys.exit(1 if problems else 0)
