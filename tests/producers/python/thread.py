# SPDX-License-Identifier: Apache-2.0
"""An exception on a thread, and one that a logger prints."""
import logging
import threading


def work():
    raise OSError(2, "No such file")


thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
try:
    work()
except OSError:
    logging.exception("logged")
