#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""coredump.py CORE PID SIGNAL EXE COMM: gives a core to systemd-coredump as its kernel-side instance would: over a socket, the fields
as datagrams, then the core's descriptor. systemd-journald must run; what it then has, journalctl and coredumpctl print:

    systemd-journald &
    coredump.py core 4242 11 /opt/demo/shopd shopd
    journalctl MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1 -o export"""
import array
import os
import socket
import sys


def main():
    core, pid, signal, exe, comm = sys.argv[1:6]
    fields = {
        "COREDUMP_PID": pid, "COREDUMP_UID": "1000", "COREDUMP_GID": "1000", "COREDUMP_SIGNAL": signal,
        "COREDUMP_TIMESTAMP": "1795253400000000", "COREDUMP_RLIMIT": "9223372036854775808", "COREDUMP_HOSTNAME": "build7",
        "COREDUMP_COMM": comm, "COREDUMP_EXE": exe, "COREDUMP_CMDLINE": exe + " threads", "COREDUMP_UNIT": "shopd.service",
        "COREDUMP_CGROUP": "/system.slice/shopd.service", "COREDUMP_SIGNAL_NAME": "SIGSEGV",
        "MESSAGE_ID": "fc2e22bc6ee647b6b90729ab34a250b1", "PRIORITY": "2",
    }
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    child = os.fork()
    if child == 0:
        os.dup2(theirs.fileno(), 3)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        os.execv("/lib/systemd/systemd-coredump", ["systemd-coredump"])
    for name, value in fields.items():
        ours.send(f"{name}={value}".encode())
    with open(core, "rb") as file:
        ours.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))])
    ours.close()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


sys.exit(main())
