# SPDX-License-Identifier: Apache-2.0
"""Exceptions that caused each other, one of several lines."""
import json


class Refused(Exception):
    pass


def parse(text):
    return json.loads(text)


def load(text):
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        raise Refused("cannot load\n  File \"x\", as it were") from error


def main():
    try:
        load("{")
    except Refused:
        {}["missing"]


main()
