#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""oracle.py SHOW_BASE: times against Python's datetime, random numbers against the published algorithm."""
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MASK = (1 << 64) - 1


def ns_of(moment, ns=0):
    delta = moment - EPOCH
    return (delta.days * 86400 + delta.seconds) * 10**9 + ns


def random_times(rng, cases):
    for _ in range(4000):
        moment = EPOCH + timedelta(seconds=rng.randint(-9_000_000_000, 9_000_000_000))
        moment = moment.replace(microsecond=0)
        ns = rng.choice([0, 0, rng.randrange(10**9)])
        value = ns_of(moment, ns)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{ns:09d}" if ns else "") + "Z"
        cases.append((f"format {value}", text))
        cases.append((f"parse {text}", str(value)))
        cases.append((f"parse {text.replace('T', ' ').rstrip('Z')}", str(value)))
        digits = rng.randint(1, 14)
        fraction = "".join(rng.choice("0123456789") for _ in range(digits))
        offset = rng.choice([-1, 1]) * rng.randint(0, 14 * 60)
        zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
        expected = ns_of(moment - timedelta(minutes=offset), int(fraction[:9].ljust(9, "0")))
        cases.append((f"parse {moment:%Y-%m-%dT%H:%M:%S}.{fraction}{zone}", str(expected)))
        cases.append((f"parse {moment:%Y-%m-%d}", str(ns_of(moment.replace(hour=0, minute=0, second=0)))))
        cases.append((f"parse {moment:%Y-%m-%d %H:%M}", str(ns_of(moment.replace(second=0)))))


def dates(cases):
    """Every day there is, and the days there are not."""
    for year in (1900, 1970, 1999, 2000, 2023, 2024, 2100, 2200):
        for month in range(0, 14):
            for day in range(0, 33):
                try:
                    expected = str(ns_of(datetime(year, month, day, tzinfo=timezone.utc)))
                except ValueError:
                    expected = "none"
                cases.append((f"parse {year}-{month:02d}-{day:02d}", expected))


def numbers(rng, cases):
    for text, value in (("0", 0), ("1700000000", 1700000000 * 10**9), ("-5", -5 * 10**9), ("99999999999", "none"), ("9999999999", "none"),
                        ("1700000000000000000", 1700000000000000000), ("9223372036854775807", 9223372036854775807),
                        ("9223372036854775808", "none"), ("", "none"), ("-", "none"), ("1x", "none"), ("2026-1-1", "none"),
                        ("2026-01-01T", "none"), ("2026-01-01T24:00:00", "none"), ("2026-01-01T10:60", "none"),
                        ("2026-01-01X10:00", "none"), ("2026-01-01T10:00:00Zx", "none"), ("2026-01-01T10:00:00+1", "none"),
                        ("2026-01-01T10:00:00+25:00", "none"), ("2026-01-01T10:00:00+01:60", "none"), ("9999-12-31", "none"), ("0001-01-01", "none"),
                        (" 5", "none"), ("2026-01-01T10:00:00,5Z", ns_of(datetime(2026, 1, 1, 10, tzinfo=timezone.utc), 5 * 10**8))):
        cases.append((f"parse {text}", str(value)))
    for text in ("2026-11-20T10:00:00.5+01:00", "1700000000", "2026-11-20"):
        for _ in range(300):
            at = rng.randrange(len(text))
            cases.append((f"parse {text[:at]}{chr(rng.randrange(33, 127))}{text[at + 1:]}", None))  # it answers


def xoshiro(seed):
    """Blackman and Vigna's xoshiro256** 1.0, seeded by splitmix64."""
    def rotl(x, k):
        return (x << k | x >> 64 - k) & MASK
    s = []
    for _ in range(4):
        seed = (seed + 0x9e3779b97f4a7c15) & MASK
        z = seed
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK
        z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
        s.append(z ^ z >> 31)
    while True:
        yield rotl(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 45)


def main():
    rng = random.Random(7)
    cases = []
    random_times(rng, cases)
    dates(cases)
    numbers(rng, cases)
    for seed in (0, 1, 42, MASK):
        stream = xoshiro(seed)
        cases.append((f"random {seed}", " ".join(str(next(stream)) for _ in range(5))))
    out = subprocess.run([sys.argv[1]], input="".join(c[0] + "\n" for c in cases), text=True, check=True,
                         stdout=subprocess.PIPE).stdout.splitlines()
    assert len(out) == len(cases), (len(out), len(cases))
    wrong = [(case, got) for case, got in zip(cases, out) if case[1] is not None and case[1] != got]
    for (request, expected), got in wrong[:20]:
        print(f"{request}: {got}, not {expected}")
    print(f"{len(cases)} requests, {len(wrong)} wrong")
    sys.exit(bool(wrong))


main()
