#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check.py WHORL [SCDOC]: what the program says about itself agrees with itself, for every noun and verb that it knows.

-h and --help answer with exit 0; the options of -h, under any method, are those of the manual page and (global ones aside) of the JSON
schema; scdoc takes every page without
complaint; completion, run in a real bash, offers every noun, verb and option, and the methods' names."""
import json
import re
import subprocess
import sys

whorl, scdoc = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
problems = []


def ask(*words):
    result = subprocess.run([whorl, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    if result.returncode or result.stderr or not result.stdout:
        problems.append(f"{' '.join(words)}: exit status {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def options(text):
    """Lines that begin with an option: `  -k, --groups N` in -h, `*-k*, *--groups* _N_` in the page."""
    text = text.replace("*", "").replace("\\", "")
    return set(re.findall(r"^ *(?:-\w, )?(--(?:\[no-\])?[a-z0-9-]+)", text, re.M))


def typed(option):
    return option.replace("[no-]", "no-")


def complete(lines):
    """What bash offers after each of the command lines; the last word is the one being typed."""
    script = ask("help", "--completion", "bash")
    for words in lines:
        quoted = " ".join(f"'{w}'" for w in ["whorl", *words])
        script += f'\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words)}; COMPREPLY=(); _whorl; echo "${{COMPREPLY[*]}}"\n'
    result = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=120)
    if result.returncode or result.stderr:
        problems.append(f"completion: {result.stderr.strip()}")
    return [set(line.split()) for line in result.stdout.splitlines()]


def want(what, expected, found):
    if not set(expected) <= found:
        problems.append(f"completion of {what}: {sorted(set(expected) - found)} missing")


pages = ask("help", "--pages").split()
nouns = [p.split("-")[1] for p in pages if p.count("-") == 1]
verbs = [p.split("-", 2)[1:] for p in pages if p.count("-") > 1]
methods = {}
for line in ask("help", "methods").splitlines():
    if head := re.fullmatch(r"(\S+): --(\S+) NAME \(default \S+\)", line):
        noun, chooser = head.groups()
        methods[noun] = (chooser, [])
    elif line.startswith("  ") and not line.startswith("   "):
        methods[noun][1].append(line.split()[0])
ask("help", "formats"), ask("version"), ask("help")
for noun in nouns:
    ask(noun, "-h"), ask(noun, "--help"), ask("help", noun)

everywhere = {re.sub(r"^--(\[no-\])?", "", option) for option in options(ask("-h"))}
lines, wanted = [[""], *([noun, ""] for noun in nouns)], [["help", "version", *nouns]]
wanted += [[verb for of, verb in verbs if of == noun] for noun in nouns]
for noun, verb in verbs:
    short = options(ask(noun, verb, "-h"))
    chooser, names = methods.get(noun, ("", []))
    if f"--{chooser}" in short:
        for name in names:
            short |= options(ask(noun, verb, f"--{chooser}", name, "-h"))
        lines.append([noun, verb, f"--{chooser}", ""])
        wanted.append(names)
    ask(noun, verb, "--help")
    page = options(ask("help", "--scdoc", f"whorl-{noun}-{verb}"))
    if short != page:
        problems.append(f"{noun} {verb}: -h and the manual page differ in {sorted(short ^ page)}")
    schema = json.loads(ask("help", "--schema", noun, verb))
    named = set(schema["properties"]).union(*(s["properties"] for s in schema.get("oneOf", [])))
    said = {re.sub(r"^--(\[no-\])?", "", option) for option in short} - everywhere
    if named != said:
        problems.append(f"{noun} {verb}: -h and the schema differ in {sorted(named ^ said)}")
    lines.append([noun, verb, "--"])
    wanted.append([typed(option) for option in short])
for words, expected, found in zip(lines, wanted, complete(lines), strict=True):
    want(" ".join(words), expected, found)

for page in pages:
    source = ask("help", "--scdoc", page)
    if scdoc:
        result = subprocess.run([scdoc], input=source, capture_output=True, text=True, timeout=60)
        if result.returncode or f".TH \"{page}\"" not in result.stdout:
            problems.append(f"{page}: scdoc: {result.stderr.strip()}")

print(*problems, f"{len(nouns)} nouns, {len(verbs)} pages of verbs, {len(problems)} problems", sep="\n")
sys.exit(1 if problems or not verbs else 0)
