#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""write_sym.py ELF FOLDER [NAME]: the Breakpad symbols of an ELF file at FOLDER/NAME/ID/NAME.sym, as dump_syms would write them: functions, lines and
inlined calls from its DWARF, PUBLIC from its symbols, STACK CFI from what readelf says of its frames. Needs Debian's python3-pyelftools."""
import os
import re
import subprocess
import sys

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

import core_to_dump

CPUS = {"x64": "x86_64", "x86": "x86", "AArch64": "arm64", "ARM": "arm"}


def debug_id(build_id):
    raw = bytes.fromhex(build_id)[:16].ljust(16, b"\0")
    return (raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]).hex().upper() + "0"


def rule_text(text):
    """A rule as readelf prints it, as Breakpad's expression; None: nothing is said, or it cannot be."""
    if text[0] in "cv" and text[1:].lstrip("+-").isdigit():
        return f".cfa {int(text[1:])} +" + (" ^" if text[0] == "c" else "")
    return None


def without_caller(path):
    """Where the FDEs begin that say that there is no return address: in the tables that looks like one that is still in its register."""
    begin, cie, cies, found = None, None, set(), set()
    for line in subprocess.run(["readelf", "--debug-dump=frames", path], capture_output=True, text=True, check=False).stdout.splitlines():
        entry = re.search(r"^(\S+) .* (CIE|FDE cie=(\S+) pc=([0-9a-f]+))", line)
        if entry:
            begin, cie = (int(entry.group(4), 16), None) if entry.group(4) else (None, entry.group(1))
            if entry.group(3) in cies:
                found.add(begin)
        elif "DW_CFA_undefined: r30" in line or "DW_CFA_undefined: r14" in line:
            (cies if cie else found).add(cie or begin)
    return found


def tables_of(path):
    """(begin, end, rows) of every FDE: rows are (address, cfa, {register: rule})."""
    cies, columns, rows, begin, end, cie = {}, None, [], None, 0, None
    text = subprocess.run(["readelf", "--debug-dump=frames-interp", path], capture_output=True, text=True, check=False).stdout
    for line in [*text.splitlines(), "0 0 0 CIE"]:
        words = line.split()
        if len(words) > 3 and words[3] in ("CIE", "FDE"):
            if begin is not None:
                yield begin, end, rows or [(begin, *row[1:]) for row in cies.get(cie, [])]
            elif cie:
                cies[cie] = rows
            rows, columns, begin = [], None, None
            if words[3] == "FDE":
                cie = words[4].removeprefix("cie=")
                begin, end = (int(n, 16) for n in words[5].removeprefix("pc=").split(".."))
            else:
                cie = words[0]
        elif words[:1] == ["LOC"]:
            columns = words[2:]
        elif columns is not None and len(words) == len(columns) + 2:
            rows.append((int(words[0], 16), words[1], dict(zip(columns, words[2:]))))


def write_cfi(out, path, machine, first):
    sigil, names = ("$", None) if machine in ("x64", "x86") else ("", {"r13": "sp", "r14": "lr", "r15": "pc"} if machine == "ARM" else {})
    in_register = {"AArch64": "x30", "ARM": "lr"}.get(machine)
    ends = without_caller(path) if in_register else set()

    def register(name):
        return sigil + (names or {}).get(name, name)
    for begin, end, rows in tables_of(path):
        if not rows or any("exp" in (cfa, *rules.values()) for _, cfa, rules in rows):
            continue  # dump_syms cannot say these either
        before, head = {}, f"STACK CFI INIT {begin - first:x} {end - begin:x}"
        for address, cfa, rules in rows:
            name, sign, offset = re.match(r"(\w+)([+-])(\d+)$", cfa).groups()
            now = {".cfa": f"{register(name)} {sign.strip('+')}{offset} +"}
            for column, rule in rules.items():
                now[".ra" if column == "ra" else register(column)] = rule_text(rule)
            now[".ra"] = now.get(".ra") or (None if begin in ends else in_register) or ".undef"
            for column in before.keys() - now.keys() | {column for column, text in now.items() if not text and before.get(column)}:
                now[column] = column  # it has again what it had in the caller
            changed = {column: text for column, text in now.items() if text and before.get(column) != text}
            if changed:
                out.append((head or f"STACK CFI {address - first:x}") + "".join(f" {column}: {text}" for column, text in changed.items()))
            head, before = None, {**before, **now}


def name_of(die):
    for _ in range(4):
        for attribute in ("DW_AT_linkage_name", "DW_AT_name"):
            if attribute in die.attributes:
                return die.attributes[attribute].value.decode(errors="replace")
        for attribute in ("DW_AT_abstract_origin", "DW_AT_specification"):
            if attribute in die.attributes:
                die = die.get_DIE_from_attribute(attribute)
                break
        else:
            return None
    return None


def ranges_of(die, dwarf, base):
    if "DW_AT_low_pc" in die.attributes and "DW_AT_high_pc" in die.attributes:
        low, high = die.attributes["DW_AT_low_pc"].value, die.attributes["DW_AT_high_pc"]
        return [(low, low + high.value if high.form != "DW_FORM_addr" else high.value)]
    if "DW_AT_ranges" not in die.attributes:
        return []
    found = []
    for entry in dwarf.range_lists().get_range_list_at_offset(die.attributes["DW_AT_ranges"].value, die.cu):
        if hasattr(entry, "base_address"):
            base = entry.base_address
        else:
            add = 0 if getattr(entry, "is_absolute", False) else base
            found.append((add + entry.begin_offset, add + entry.end_offset))
    return found


class Files:
    def __init__(self):
        self.numbers = {}

    def number(self, path):
        return self.numbers.setdefault(path, len(self.numbers))


def lines_of(dwarf, unit, files):
    """(low, high, line, file number) of a unit"""
    program = dwarf.line_program_for_CU(unit)
    rows, last = [], None
    if not program:
        return rows
    version, header = program["version"], program.header

    def path(index):
        entries = header["file_entry"]
        entry = entries[index if version >= 5 else index - 1]
        folder = header["include_directory"][entry.dir_index if version >= 5 else entry.dir_index - 1] if version >= 5 or entry.dir_index else b""
        folder = folder if isinstance(folder, bytes) else folder.encode()
        compiled_in = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
        if not folder.startswith(b"/") and compiled_in:
            folder = compiled_in.value + (b"/" + folder if folder else b"")
        return os.path.join(folder, entry.name).decode(errors="replace")
    for entry in program.get_entries():
        state = entry.state
        if state is None:
            continue
        if last and state.address > last.address and not last.end_sequence:
            rows.append((last.address, state.address, last.line, files.number(path(last.file))))
        last = state
    return rows


def write_inlines(out, die, level, dwarf, base, first, files, unit_files, origins):
    for child in die.iter_children():
        deeper = level
        if child.tag == "DW_TAG_inlined_subroutine":
            ranges = ranges_of(child, dwarf, base)
            origin = origins.setdefault(name_of(child) or "<name omitted>", len(origins))
            call = child.attributes
            if ranges:
                out.append(f"INLINE {level} {call['DW_AT_call_line'].value if 'DW_AT_call_line' in call else 0} "
                           f"{files.number(unit_files(call['DW_AT_call_file'].value)) if 'DW_AT_call_file' in call else 0} {origin} "
                           + " ".join(f"{a - first:x} {b - a:x}" for a, b in ranges))
                deeper = level + 1
        if child.tag in ("DW_TAG_inlined_subroutine", "DW_TAG_lexical_block"):
            write_inlines(out, child, deeper, dwarf, base, first, files, unit_files, origins)


def file_namer(dwarf, unit):
    program = dwarf.line_program_for_CU(unit)

    def name(index):
        version, header = program["version"], program.header
        entry = header["file_entry"][index if version >= 5 else index - 1]
        folder = header["include_directory"][entry.dir_index if version >= 5 else entry.dir_index - 1] if version >= 5 or entry.dir_index else b""
        folder = folder if isinstance(folder, bytes) else folder.encode()
        compiled_in = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
        if not folder.startswith(b"/") and compiled_in:
            folder = compiled_in.value + (b"/" + folder if folder else b"")
        return os.path.join(folder, entry.name).decode(errors="replace")
    return name


def write_functions(out, dwarf, first):
    files, origins, body = Files(), {}, []
    for unit in dwarf.iter_CUs():
        top = unit.get_top_DIE()
        base = top.attributes["DW_AT_low_pc"].value if "DW_AT_low_pc" in top.attributes else 0
        lines = sorted(lines_of(dwarf, unit, files))
        for die in unit.iter_DIEs():
            if die.tag != "DW_TAG_subprogram" or not name_of(die):
                continue
            for low, high in ranges_of(die, dwarf, base):
                if high <= low:
                    continue
                body.append(f"FUNC {low - first:x} {high - low:x} 0 {name_of(die)}")
                write_inlines(body, die, 0, dwarf, base, first, files, file_namer(dwarf, unit), origins)
                body += [f"{max(a, low) - first:x} {min(b, high) - max(a, low):x} {line} {file}"
                         for a, b, line, file in lines if a < high and b > low]
    out += [f"FILE {number} {path}" for path, number in files.numbers.items()]
    out += [f"INLINE_ORIGIN {number} {name}" for name, number in origins.items()]
    out += body


def write_publics(out, elf, first):
    seen = {}
    for name in (".symtab", ".dynsym"):
        section = elf.get_section_by_name(name)
        for symbol in section.iter_symbols() if section else []:
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_value"] and symbol["st_shndx"] != "SHN_UNDEF":
                seen.setdefault(symbol["st_value"], symbol.name)
    out += [f"PUBLIC {address - first:x} 0 {name}" for address, name in sorted(seen.items())]


def symbols(path, name):
    with open(path, "rb") as file:
        build_id = core_to_dump.build_id_of(file.read())
        file.seek(0)
        elf = ELFFile(file)
        machine = elf.get_machine_arch()
        first = min(s["p_vaddr"] for s in elf.iter_segments() if s["p_type"] == "PT_LOAD")
        out = [f"MODULE Linux {CPUS[machine]} {debug_id(build_id)} {name}", f"INFO CODE_ID {build_id.upper()}"]
        dwarf = elf.get_dwarf_info()
        if dwarf.has_debug_info:
            write_functions(out, dwarf, first)
        write_publics(out, elf, first)
        write_cfi(out, path, machine, first)
    return debug_id(build_id), "\n".join(out) + "\n"


def write(path, folder, name=None):
    name = name or os.path.basename(path)
    identifier, text = symbols(path, name)
    place = os.path.join(folder, name, identifier)
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, (name[:-4] if name.lower().endswith(".pdb") else name) + ".sym"), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        write(*sys.argv[1:4])
    except ELFError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
