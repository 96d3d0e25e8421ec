# SPDX-License-Identifier: Apache-2.0
"""Recursion without end, through a lambda and a comprehension."""


def down(n):
    return [up(i) for i in range(n, n + 1)]


up = lambda n: down(n + 1)
deeper = lambda n: deeper(n)

try:
    down(0)
except RecursionError:
    pass
deeper(1)
