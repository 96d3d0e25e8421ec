# SPDX-License-Identifier: Apache-2.0
"""A group of exceptions (Python 3.11)."""


def fail(n):
    raise ValueError(f"number {n}")


def collect():
    errors = []
    for n in range(2):
        try:
            fail(n)
        except ValueError as error:
            errors.append(error)
    raise ExceptionGroup("all failed", [ExceptionGroup("inner", errors), KeyError("x")])


collect()
