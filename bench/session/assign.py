#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a session is placed, one by one on one thread, from its parsed record to its group: 592 metrics x 100 steps, by the default on counts that
grow and on levels, and by the VAE with DEC (narrower than the paper's, which --kaboom changes). The floor of the default's: to read the 59,200
values once, at memory's speed some 10 microseconds."""
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
