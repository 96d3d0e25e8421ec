#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""layers.py SOURCE: arrows run down. A folder includes itself and lower tiers, never a neighbour; the command and the server see
of the library only include/whorl. Checks itself first, on planted violations."""
import os
import re
import sys

TIERS = [["include/whorl"], ["base"], ["math", "observation"], ["learn", "symbol", "store"], ["format", "report"], ["trace", "collect"],
         ["method"], ["pipeline"]]
TIER = {folder: number for number, folders in enumerate(TIERS) for folder in folders}
CLIENTS = ("cli", "server")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def folder_of(path):
    """The folder of a source file that has a place in the tiers, or None."""
    parts = path.split("/")
    if parts[0] == "include":
        return "include/whorl"
    if parts[0] in CLIENTS:
        return parts[0]
    return parts[1] if parts[0] == "lib" and len(parts) > 2 else None


def target_of(quote, name, own_folder_has):
    """The folder that an #include reaches into; None: the system, or the file's own folder."""
    if name.startswith("whorl/"):
        return "include/whorl"
    if quote == "<" or "/" not in name or own_folder_has(name):
        return None
    return name.split("/")[0]


def violations(path, text, own_folder_has=lambda name: False):
    source = folder_of(path)
    if not source:
        return
    if source not in TIER and source not in CLIENTS:
        yield f"{path}: lib/{source} has no tier; it needs one in DESIGN and here"
        return
    for quote, name in INCLUDE.findall(text):
        target = target_of(quote, name, own_folder_has)
        if target is None or target == source:
            continue
        if target == "include/whorl":
            continue
        if source in CLIENTS:
            yield f"{path}: includes {name}; {source} sees only include/whorl"
        elif target not in TIER:
            yield f"{path}: includes {name}, which has no tier"
        elif TIER[target] >= TIER[source]:
            yield f"{path}: includes {name} of tier {TIER[target]}, being of tier {TIER[source]} itself"


def check_itself():
    planted = [("lib/base/x.c", '#include "learn/hclust.h"'), ("lib/learn/x.c", '#include "symbol/rules.h"'), ("lib/format/a/x.c", ' #  include "method/m.h"'),
               ("cli/x.c", '#include "base/str.h"'), ("include/whorl/x.h", '#include "base/str.h"'), ("lib/utils/x.c", ""),
               ("lib/base/x.c", '#include "nowhere/x.h"')]
    fine = [("lib/learn/x.c", '#include "base/str.h"\n#include "learn/y.h"\n#include <whorl/emit.h>\n#include <sys/stat.h>'), ("cli/x.c", '#include "tree.h"'),
            ("lib/pipeline/x.c", '#include "method/rebucket/methods.h"'), ("tests/x.c", '#include "base/str.h"')]
    for path, text in planted:
        assert list(violations(path, text)), f"not caught: {path}: {text}"
    for path, text in fine:
        assert not list(violations(path, text)), f"caught: {path}: {text}"


def main():
    check_itself()
    root, found, files = sys.argv[1], [], 0
    for top in ("include", "lib", "server", "cli"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".cc")):
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as file:
                        text = file.read()
                    found += violations(os.path.relpath(path, root), text,
                                        lambda inner, folder=folder: os.path.exists(os.path.join(folder, inner)))
                    files += 1
    print("\n".join(found))
    print(f"{files} files, {len(found)} violations")
    sys.exit(bool(found))


main()
