#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rules.py SOURCE LIBRARY: what every file owes. Library code calls no banned function and keeps no writable data; every source names
its licence in the first lines; every .c is in a meson.build. Files over 800 lines are said, not failed. Checks itself first."""
import os
import re
import subprocess
import sys

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|printf|vprintf|fprintf|puts|putchar|perror|exit|_exit|abort|getenv|"
                    r"secure_getenv|setenv|system|popen|rand|srand|strerror_r|setlocale)\s*\(")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
SCANNED = (".c", ".h", ".cc", ".py", ".sh", ".rules")
SPDX = "SPDX-License-Identifier: "
LONGEST = 800
# code that is injected into other programs or runs in the kernel plays by other rules
APART = ("lib/collect/preload/", "lib/collect/bpf/", "lib/collect/kmod/")


def banned(text):
    code = COMMENT_OR_STRING.sub(lambda m: "\n" * m.group().count("\n") or " ", text)
    for number, line in enumerate(code.split("\n"), 1):
        for match in BANNED.finditer(line):
            if not re.search(r"(\.|->|\bwh_\w*)\s*$", line[:match.start()]):
                yield number, match.group(1)


def check_itself():
    assert list(banned("int f(void)\n{\n\tstrcpy(a, b);\n}")) == [(3, "strcpy")]
    assert list(banned('x = getenv ("A"); /* printf(1) */ "exit(2)"')) == [(1, "getenv")]
    assert not list(banned("snprintf(a, 3, b); wh_str_printf(s, x); wh_str_puts(s, y); e->puts(1); // system(1)"))


def tracked(root):
    try:
        out = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                             check=True).stdout
        return sorted(name for name in out.decode().split("\0") if name and os.path.isfile(os.path.join(root, name)))
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive
        return sorted(os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names
                      if "/build" not in folder and "/.git" not in folder)


def is_source(path, first):
    if path.startswith(("tests/data/", "tests/corpus/", "demo/")) and not path.endswith((".c", ".py", ".sh")):
        return False
    return path.endswith(SCANNED) or os.path.basename(path) in ("meson.build",) or first.startswith(b"#!")


def check_files(root, found):
    meson = ""
    paths = tracked(root)
    for path in paths:
        if path.endswith("meson.build"):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                meson += file.read()
    # names that a foreach puts together: 'test_' + name + '.c'
    listed = set(re.findall(r"[\w./-]+\.c\b", meson))
    words = set(re.findall(r"'([\w-]+)'", meson))
    for path in paths:
        with open(os.path.join(root, path), "rb") as file:
            data = file.read()
        if not is_source(path, data[:2]):
            continue
        if SPDX.encode() not in b"\n".join(data.split(b"\n")[:4]):
            found.append(f"{path}: no {SPDX}line at its top")
        lines = data.count(b"\n")
        if lines > LONGEST:
            print(f"long: {path}: {lines} lines")
        name = os.path.basename(path)
        if path.endswith(".c") and path.startswith(("lib/", "cli/", "server/", "tests/")) and not path.startswith("tests/producers/"):
            stem = name[:-2].split("_", 1)[-1]
            if not any(other == name or other.endswith("/" + name) for other in listed) and stem not in words:
                found.append(f"{path}: in no meson.build")
        if path.startswith("lib/") and path.endswith((".c", ".h")) and not path.startswith(APART):
            found += [f"{path}:{number}: {what}() in library code" for number, what in banned(data.decode())]
    return len(paths)


def writable(library):
    """Writable symbols of its objects; .data.rel.ro is const but for the loader."""
    out = subprocess.run(["objdump", "-t", library], stdout=subprocess.PIPE, check=True, text=True).stdout
    member = ""
    for line in out.splitlines():
        if ":     file format" in line:
            member = line.split(":")[0]
        match = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(\S+)$", line)
        if not match or match.group(1).endswith(("d", "f")):
            continue
        section, size, name = match.group(2), int(match.group(3), 16), match.group(4)
        if size and not section.startswith(".data.rel.ro") and section.startswith((".data", ".bss", ".tbss", ".tdata", "*COM*")):
            if not re.match(r"(__.*san|__gcov|__asan|\.L|__odr_asan|\.?__?lprof)", name):
                yield f"{member}: {name}: {size} writable bytes in {section}"


def main():
    root, library = sys.argv[1:3]
    found = []
    check_itself()
    files = check_files(root, found)
    with open(library, "rb") as file:
        sanitized = b"__asan_" in file.read()
    if not sanitized:
        found += writable(library)
    print("\n".join(found))
    print(f"{files} files, {len(found)} found")
    sys.exit(bool(found))


main()
