#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs.py SOURCE WHORL: every noun, verb, method, format and parameter that the tables name is told to people, in the program's own manual
pages or in docs/."""
import os
import re
import subprocess
import sys


def ask(program, *arguments):
    run = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                         env=dict(os.environ, MANPAGER="cat", PAGER="cat", TERM="dumb"))
    return run.stdout


def written(root):
    text = ""
    for folder, _, names in os.walk(os.path.join(root, "docs")):
        for name in names:
            if name.endswith(".md"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text += file.read()
    return text


def names_in_tables(root):
    """Names of parameters, methods and formats as the tables of the sources have them."""
    for folder, _, names in os.walk(os.path.join(root, "lib")):
        for name in names:
            if not name.endswith((".c", ".h")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            for match in re.finditer(r'\{\s*\.name = "([^"]+)", \.type = WH_PARAM_', text):
                yield "parameter", match.group(1)
            for kind in ("method", "format", "verb", "signal"):
                for match in re.finditer(r"const struct wh_%s wh_\w+ = \{\s*\.(?:name|noun) = \"([^\"]+)\"" % kind, text):
                    yield kind, match.group(1)


def main():
    root, whorl = sys.argv[1:3]
    overview = ask(whorl, "help") + ask(whorl, "help", "formats") + ask(whorl, "help", "methods")
    told = overview + written(root)
    names = set(names_in_tables(root))
    if sum(kind == "format" for kind, _ in names) < 5 or sum(kind == "method" for kind, _ in names) < 5:
        sys.exit(f"the tables were not understood: {sorted(names)}")
    for noun in (name for kind, name in names if kind == "signal"):
        told += ask(whorl, noun, "--help")
        for verb in (name for kind, name in names if kind == "verb"):
            told += ask(whorl, noun, verb, "--help")
            for method in (name for kind, name in names if kind == "method"):
                if verb == "cluster":
                    told += ask(whorl, noun, verb, f"--similarity={method}", "--help")
        told += ask(whorl, noun, "bucket", "--help")
    told = re.sub(r".\x08", "", told).replace("\\-", "-").replace("\u2010", "-")
    silent = sorted(f"{kind} {name}" for kind, name in names if not re.search(r"(?<![\w-])(--)?" + re.escape(name) + r"(?![\w-])", told))
    print("\n".join(f"told nowhere: {name}" for name in silent))
    print(f"{len(names)} names, {len(silent)} told nowhere")
    sys.exit(bool(silent))


main()
