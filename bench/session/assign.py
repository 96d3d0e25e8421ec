#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a session is placed, one by one on one thread, from its parsed record to its group: 592 metrics x 100 steps, by the default on counts that
grow and on levels, and by the VAE with DEC (narrower than the paper's, which --kaboom changes).

Floors. Of counts that grow: to read the 59,200 values once, some 10 microseconds. Of levels some 0.2 ms: a record of 0.95 MB (16 bytes a reading) is
packed to 0.53 MB, which is copied, hashed and unpacked to 0.95 MB again, 5.5 MB written or read in all, 0.13 ms at the 40 GB/s of a copy within the cache;
59,200 logarithms, 30 microseconds at 0.5 ns; 336 convolutions of 100 steps with 5 biases each, some 45,000 operations on 16 whole numbers, 15
microseconds; 50 components of 4,048 features, 0.8 MB, 25 microseconds. Of the VAE: as many products as readings that are not 0 meet training sessions that
have them, too (8,700 readings, 850,000 products of 8 bytes with 180 sessions: 0.2 ms at 30 GB/s); the layers behind are small beside that."""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import sets


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sessions", type=int, default=2560, help="that are placed")
    parser.add_argument("--train", type=int, default=600)
    parser.add_argument("--kaboom", default="hidden=512,latent=64,epochs=20,variance=0.95", help="settings of the network")
    options = parser.parse_args()
    program, place = harness.program(options, "whorl"), harness.program(options, "place")
    network = [a for s in options.kaboom.split(",") for a in ("-s", s)]
    for name, method, settings in (("planted", "whorl", []), ("planted-gauges", "whorl", []), ("planted", "kaboom", network)):
        data = sets.find(name, options.work, sessions=options.sessions)
        records = sets.records(program, data, options.work)
        learned = sets.records(program, data, options.work, options.train)
        for _ in range(options.rounds):
            out = harness.command([place, "-s", f"k={data.k}", *settings, method, learned, records]).output.decode()
            print(f"{name}\t{method}\t{out.splitlines()[0]}\n\t{out.splitlines()[1]}", flush=True)


if __name__ == "__main__":
    main()
