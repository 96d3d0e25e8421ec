# SPDX-License-Identifier: Apache-2.0
"""sync_stock.py MODE: brings the stock of two shops together, and fails at it. The fault: an item that the other shop does not have."""
import sys


class Shop:
    def __init__(self, stock):
        self.stock = stock

    def count(self, name):
        return self.stock[name]["count"]

    def move(self, name, n, to):
        if self.count(name) >= n:
            to.receive(name, n)

    def receive(self, name, n):
        self.stock[name] = {"count": self.count(name) + n}


def balance(here, there):
    for name in sorted(here.stock):
        here.move(name, here.count(name) // 2, there)


def nightly(here, there):
    try:
        balance(here, there)
    finally:
        print("balanced or not")


def on_request(here, there, name):
    here.move(name, 1, there)


def main(mode):
    here, there = Shop({"cup": {"count": 4}, "tea": {"count": 9}}), Shop({"cup": {"count": 1}})
    if mode == "nightly":
        nightly(here, there)
    elif mode == "balance":
        balance(here, there)
    else:
        on_request(here, there, "tea")


main(sys.argv[1])
