# SPDX-License-Identifier: Apache-2.0
"""A segmentation fault that faulthandler reports."""
import ctypes
import faulthandler
import threading

faulthandler.enable()


def read(address):
    return ctypes.string_at(address)


def main():
    read(0)


threading.Thread(target=lambda: threading.Event().wait(5), daemon=True).start()
main()
