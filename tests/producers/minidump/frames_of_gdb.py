# SPDX-License-Identifier: Apache-2.0
"""gdb -batch -x frames_of_gdb.py PROGRAM CORE: a line FRAMES and JSON a thread: its number, and its frames."""
import json

import gdb


def frames():
    out, frame = [], gdb.newest_frame()
    while frame is not None and len(out) < 2000:
        kind, place = frame.type(), frame.find_sal()
        if kind != gdb.TAILCALL_FRAME:  # not on the stack: gdb infers it
            out.append({"pc": frame.pc(), "function": frame.name(), "inlined": kind == gdb.INLINE_FRAME, "signal": kind == gdb.SIGTRAMP_FRAME,
                        "file": place.symtab.filename if place.symtab else None, "line": place.line if place.symtab else 0,
                        "module": gdb.solib_name(frame.pc())})
        try:
            frame = frame.older()
        except gdb.error:
            break
    return out


gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
current = gdb.selected_thread()
for thread in gdb.selected_inferior().threads():
    thread.switch()
    print("FRAMES", json.dumps({"thread": thread.ptid[1] or thread.ptid[0], "crashed": thread.num == current.num, "frames": frames()}))
