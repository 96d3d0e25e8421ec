# SPDX-License-Identifier: Apache-2.0
"""For gdb's own Python (gdb -x): the frames of every thread of a core as JSON, one line a thread, the one that crashed first."""
import json

import gdb

MOST = 300
KINDS = {gdb.INLINE_FRAME: "inline", gdb.TAILCALL_FRAME: "tailcall", gdb.SIGTRAMP_FRAME: "signal"}


def frames(most):
    frame, found = gdb.newest_frame(), []
    while frame is not None and len(found) < most:
        line = frame.find_sal()
        found.append({"name": frame.name(), "pc": frame.pc(), "kind": KINDS.get(frame.type(), "normal"), "line": line.line,
                      "file": line.symtab.filename if line.symtab else None})
        try:
            frame = frame.older()
        except gdb.error:
            break
    return found


def main():
    gdb.execute("set pagination off")
    gdb.execute("set backtrace past-main on")
    gdb.execute("set backtrace past-entry on")
    crashed = gdb.selected_thread()
    print(json.dumps({"thread": crashed.ptid[1], "frames": frames(MOST)}))
    for thread in gdb.selected_inferior().threads():
        if thread.num != crashed.num:
            thread.switch()
            print(json.dumps({"thread": thread.ptid[1], "frames": frames(MOST)}))


main()
