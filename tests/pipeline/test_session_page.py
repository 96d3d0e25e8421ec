#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_session_page.py WHORL DATA [TEST…]: the page of `session report`: its drawings say what the verbs say; and a browser shows it."""
import csv
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

DATA = os.path.abspath(sys.argv.pop(2))

from drive import ask, fails, main, run, stack, write, write_records  # noqa: E402

run.noun = "session"
LABELS, SESSIONS = os.path.join(DATA, "labels.csv"), os.path.join(DATA, "sessions.csv.zst")
KNOWN = ["--where", "split=known", "--change-encoded", "--sessions", LABELS, SESSIONS]
ILL = ["--where", "split!=normal", *KNOWN[2:]]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
with open(LABELS) as file:
    KNOWN_IDS = {row["session"] for row in csv.DictReader(file) if row["split"] == "known"}


def page(*words):
    run("report", "--html", "page.html", "--format", "jsonl", *words)
    with open("page.html", encoding="utf-8") as text:
        return text.read()


def drawings(text):
    """The page's SVGs, by what they are of."""
    found = {name: xml.dom.minidom.parseString(svg) for name, svg in re.findall(r'<template id="plot-([\w-]+)">(<svg.*?)</template>', text, re.S)}
    assert text.count("<template") == len(found)
    return found


def texts(svg, tag, style=None):
    return ["".join(node.data for node in e.childNodes if node.nodeType == node.TEXT_NODE) for e in svg.getElementsByTagName(tag)
            if style is None or e.getAttribute("class") == style]


def test_drawings(rng):
    text, groups = page(*KNOWN), ask("report", *KNOWN)
    found = drawings(text)
    assert set(found) == {"map", "choice", *(f"exemplar-{g}" for g in range(len(groups)))}
    named = {title.split("\n")[0] for title in texts(found["map"], "title") if "\n" in title}
    assert named == KNOWN_IDS, named ^ KNOWN_IDS
    assert f"{len(groups)} here" in texts(found["choice"], "text")
    assert len([c for c in found["choice"].getElementsByTagName("circle") if c.getAttribute("class") == "chosen"]) == 3
    members = {}
    for row in ask("cluster", *KNOWN):
        members.setdefault(row["group"], set()).add(row["id"])
    explained = {group["group"]: [f["name"] for f in group["features"] if f["kind"] == "share of the growth"] for group in
                 ask("explain", *KNOWN)[0]["groups"]}
    for i, group in enumerate(groups):
        exemplar = found[f"exemplar-{i}"]
        [heading] = texts(exemplar, "text", "title")
        assert heading.split()[1] in members[group["group"]], heading
        loud = [g.getElementsByTagName("title")[0].firstChild.data for g in exemplar.getElementsByTagName("path") if g.getAttribute("class") == "loud"]
        assert loud and set(loud) == set(explained[group["group"]][:4]), (loud, explained[group["group"]][:4])


def test_threads_draw_the_same(rng):
    assert page("--threads", "1", *KNOWN) == page("--threads", "2", *KNOWN)


def test_what_is_new_stands_out(rng):
    run("train", "-o", "model", *KNOWN)
    rows = ask("assign", "--model", "model", *ILL)
    new = sum(row["is_new"] for row in rows)
    svg = drawings(page("--model", "model", *ILL))["map"]
    assert new and len(svg.getElementsByTagName("circle")) == new + 1  # and their key


def test_map_alone(rng):
    svg = run("report", "--map", "-", "--limit", "1", *KNOWN)
    assert svg.startswith("<svg") and svg == re.search(r'<template id="plot-map">(.*?)</template>', page(*KNOWN), re.S)[1]
    records = ask("report", "--map", "map.svg", *KNOWN)
    with open("map.svg", encoding="utf-8") as file:
        assert records and file.read() == svg


def test_few_sessions_are_no_map(rng):
    rows = [f"s{s},{t},m{m},{t * (s + m)}" for s in range(3) for t in range(5) for m in range(2)]
    write("few.csv", "session,timestep,metric,value\n" + "\n".join(rows) + "\n")
    found = drawings(page("few.csv"))
    assert "map" not in found and "choice" not in found and "exemplar-0" in found
    fails(2, "too few", "report", "--map", "map.svg", "few.csv")


def test_hostile_names(rng):
    bad = "</template></script><img src=x onerror=alert(1)>&amp;"
    rows = [f"{bad} {s},{t},{bad} {m},{t * t * (1 + s % 2 * m)}" for s in range(12) for t in range(8) for m in range(3)]
    write("bad.csv", "session,timestep,metric,value\n" + "\n".join(rows) + "\n")
    text = page("bad.csv")
    assert "<img" not in text and text.count("</template>") == text.count("<template")
    assert any(html.escape(bad, quote=False)[:20] in svg.toxml() for svg in drawings(text).values())


def test_stacks_have_none(rng):
    run.noun = "stack"
    try:
        write_records("stacks.jsonl", [{"id": f"r{i}", **stack("a", "b", f"c{i % 2}")} for i in range(20)])
        assert not drawings(page("stacks.jsonl"))
        fails(2, "gives stacks no place", "report", "--map", "map.svg", "stacks.jsonl")
    finally:
        run.noun = "session"


def test_browser(rng):
    if not CHROMIUM:
        print("no browser: not asked")
        return
    page(*KNOWN)
    group = ask("report", *KNOWN)[1]["group"]
    with tempfile.TemporaryDirectory() as profile:
        shown = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                                "--disable-background-networking", "--virtual-time-budget=5000", "--window-size=1300,1000", "--enable-logging=stderr", "--v=0",
                                f"--user-data-dir={profile}", "--dump-dom", f"file://{os.path.abspath('page.html')}#{group}"],
                               capture_output=True, text=True, timeout=100)
    assert not [line for line in shown.stderr.splitlines() if ":CONSOLE" in line], shown.stderr
    body = re.sub(r"<template.*?</template>|<script type=.*?</script>", "", shown.stdout, flags=re.S)
    assert 'data-ready="yes"' in body
    assert body.count('class="plot"') == 3 and 'aria-label="How many' in body, body.count('class="plot"')
    assert 'class="exemplar"' in body and "Sessions" in body and "Reports" not in body


main(test_drawings, test_threads_draw_the_same, test_what_is_new_stands_out, test_map_alone, test_few_sessions_are_no_map, test_hostile_names, test_stacks_have_none,
     test_browser)
