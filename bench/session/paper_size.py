#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The paper's network at the paper's size on this machine: 2,560 planted sessions x (592 metrics x 100 steps), 59,200-7,400-256, trained
exactly, in single precision and in bfloat16, each beside the bare matrix products of its own epochs; then a narrow network on a truncated row
space; and, asked for, PyTorch on the unreduced network for a few epochs in the same run.

    paper_size.py [--build B] [--epochs N] [--dec N] [--scale growth|minmax] [--compute fp32,bf16] [--threads 2] [--torch N] [--torch-batches N]
                  [--rows N]

--epochs 1000 --dec 100 is the whole training. CPU seconds are what to compare; wall seconds are true on a quiet machine only. PyTorch's
unreduced network with its optimiser holds 14 GB."""
import json
import os
import pathlib
import struct
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402
import planted  # noqa: E402


def fingerprint(x, names, scale):
    """(steps, metrics) of a session to a row of metric x step."""
    if scale == "minmax":
        low, high = x.min(0), x.max(0)
        return ((x - low) / np.where(high > low, high - low, 1)).T.ravel()
    growth = np.maximum(x - x[0], 0)
    sized = np.array([name.endswith(" bytes") for name in names])
    for block in (sized, ~sized):  # objects and bytes are shares of their own totals
        total = growth[:, block].sum()
        growth[:, block] /= total if total > 0 else 1
    return np.sqrt(growth / 2).T.ravel()


def matrix(options):
    """The file that the C program reads; made once."""
    path = pathlib.Path(options.work) / f"paper_size.{options.scale}.{options.rows}.bin"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    world, sessions = planted.generate(seed=options.seed, sessions=options.rows)
    rows, labels = [], []
    for _, label, split, x in sessions:
        if split == "known":
            row = fingerprint(x.astype(np.float64), world.names, options.scale).astype(np.float32)
            at = np.flatnonzero(row)
            rows.append((at.astype(np.uint32), row[at]))
            labels.append(int(label[-2:]))
            width = len(row)
    with open(f"{path}.part", "wb") as out:
        out.write(struct.pack("<QQ", len(rows), width))
        out.write(np.array([len(at) for at, _ in rows], np.uint32).tobytes())
        for at, values in rows:
            out.write(at.tobytes() + values.tobytes())
        out.write(np.array(labels, np.uint32).tobytes())
    os.rename(f"{path}.part", path)
    return path


def run(program, path, **settings):
    # a name of kernels in the environment would be measured in place of the processor's own
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    done = subprocess.run([program, *(f"{k}={v}" for k, v in settings.items()), str(path)], stdout=subprocess.PIPE, check=True, env=clean,
                          stderr=None if "-v" in sys.argv else subprocess.DEVNULL)
    return json.loads(done.stdout)


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--dec", type=int, default=0)
    parser.add_argument("--scale", choices=("growth", "minmax"), default="growth")
    parser.add_argument("--compute", default="fp32,bf16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=2560)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--torch", type=int, default=0, metavar="EPOCHS", help="PyTorch on the unreduced network, beside")
    parser.add_argument("--torch-batches", type=int, default=0, metavar="N", help="only so many of an epoch; the rest extrapolated")
    parser.add_argument("--narrow-epochs", type=int, default=200)
    parser.add_argument("--only", choices=("full", "narrow"))
    parser.add_argument("-v", action="store_true", help="the loss of every epoch, on stderr")
    options = parser.parse_args()
    program = harness.program(options, "paper_size")
    path = matrix(options)
    common = {"threads": options.threads, "seed": options.seed, "dec": options.dec}
    print(f"{'network':34} {'epoch':>8} {'floor':>8} {'ratio':>6} {'TFLOP':>6} {'whole':>9} {'wall':>9} {'GiB':>5} {'ARI':>6} {'+DEC':>6}  (CPU s, wall s)")

    def show(name, r):
        r = {key: float("nan") if value is None else value for key, value in r.items()}
        print(f"{name:34} {r['epoch_cpu_s']:8.3f} {r['floor_cpu_s']:8.3f} {r['cpu_over_floor']:6.2f} {r['epoch_tflop']:6.3f} {r['whole_cpu_s']:9.1f} "
              f"{r['whole_wall_s']:9.1f} {r['peak_mib'] / 1024:5.2f} {r['ari']:6.3f} {r['ari_dec']:6.3f}", flush=True)
        print(json.dumps(r), file=sys.stderr)

    for compute in options.compute.split(",") if options.only != "narrow" else ():
        r = run(program, path, compute=compute, epochs=options.epochs, rate=options.rate, **common)
        show(f"{r['inputs']}-{r['hidden']}-{r['latent']}, r {r['rank']}, {compute}", r)
    for compute in options.compute.split(",") if options.only != "full" else ():
        r = run(program, path, compute=compute, epochs=options.narrow_epochs, hidden=1024, variance=0.95, batch=128, rate=options.rate,
                **{**common, "dec": options.dec or 40})
        show(f"{r['inputs']}-{r['hidden']}-{r['latent']}, r {r['rank']}, {compute}", r)
    if options.torch:
        peer = pathlib.Path(__file__).with_name("torch_paper_size.py")
        done = subprocess.run(["/usr/bin/python3", str(peer), "--epochs", str(options.torch), "--batches", str(options.torch_batches),
                               "--threads", str(options.threads), str(path)],
                              stdout=subprocess.PIPE, env={k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")})
        print(done.stdout.decode().strip() if done.returncode == 0 else "PyTorch: skipped")


if __name__ == "__main__":
    main()
