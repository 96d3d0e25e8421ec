#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_java.py WHORL: a Java machine recorded until its heap is full, by attaching; 77 where there is no JDK."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

WHORL = os.path.abspath(sys.argv[1])
SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "producers", "session-leak", "Leak.java")
JAVA = ["java", "-Xmx24m", "-Xshare:auto", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", ".", "Leak"]


def check(session, histograms):
    assert session["app"] == "java" and session["death"] == "exit 3", session["death"]
    metrics = session["metrics"]
    growth = {name: values[-1] - (values[1] if values[0] == 0 else 0) for name, values in metrics.items() if name.startswith("jvm_objects ") and values}
    assert max(growth, key=growth.get) in ("jvm_objects Leak$Order", "jvm_objects [J", "jvm_objects java.lang.Integer",
                                           "jvm_objects java.util.HashMap$Node"), growth
    orders, size = metrics["jvm_objects Leak$Order"], metrics["jvm_bytes Leak$Order"]
    assert len(orders) // 2 >= histograms and orders[-1] > 1000 and size[-1] == 16 * orders[-1], (orders, size)
    assert not any("@" in name or "(" in name for name in metrics if name.startswith("jvm_")), "modules and versions are no part of a class's name"


def run(*words):
    subprocess.run([WHORL, "--quiet", "session", "record", "-o", "out.jsonl", "--no-allocations", *words], stdout=subprocess.DEVNULL, check=False, timeout=120)
    with open("out.jsonl", encoding="utf-8") as file:
        [session] = map(json.loads, file)
    return session


def main():
    if not shutil.which("java") or not shutil.which("javac"):
        print("skipped, because there is no JDK")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="whorl-") as folder:
        os.chdir(folder)
        subprocess.run(["javac", "-d", ".", SOURCE], check=True, timeout=120)
        check(run("--interval", "20", "--jvm", "--jvm-interval", "50", "--", *JAVA), 3)
        left = [name for name in os.listdir(".") if name.startswith(".attach_pid")]
        assert not left, left
        # a program that runs already: a machine is found out about, and ours is not the only user of its listener
        child = subprocess.Popen(JAVA)
        session = run("--interval", "20", "--jvm-interval", "50", "-p", str(child.pid))
        child.wait(timeout=60)
        if session["death"] != "unknown":  # we reap it; older kernels tell nobody else then
            check(session, 1)
        # without a JVM, or without being asked: nothing is
        assert not any(name.startswith("jvm_") for name in run("--jvm", "--interval", "20", "--", "sleep", "0.2")["metrics"])
        assert not any(name.startswith("jvm_") for name in run("--interval", "50", "--", *JAVA)["metrics"])


main()
