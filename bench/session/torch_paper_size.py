#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch beside paper_size.c: the same rows, all their columns, the same layers and batches, Adam. torch_paper_size.py [--epochs N] [--batches N]
[--threads 2] [--hidden 0] [--latent 256] [--rate 1e-4] MATRIX. Prints CPU and wall seconds of each epoch; the first one touches the
optimiser's memory for the first time. --batches: only so many of each epoch, after one that does not count; the epoch is extrapolated."""
import argparse
import sys
import time

try:
    import numpy as np
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    print(f"PyTorch: skipped, because {error}")
    sys.exit(77)


def read(path):
    data = open(path, "rb").read()
    n, d = np.frombuffer(data, np.uint64, 2)
    n, d, at = int(n), int(d), 16
    lengths = np.frombuffer(data, np.uint32, n, at)
    at += 4 * n
    x = np.zeros((n, d), np.float32)
    for i, length in enumerate(lengths):
        columns = np.frombuffer(data, np.uint32, length, at)
        x[i, columns] = np.frombuffer(data, np.float32, length, at + 4 * length)
        at += 8 * int(length)
    return x


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batches", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=0)
    parser.add_argument("--latent", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("matrix")
    options = parser.parse_args()
    x = read(options.matrix)
    n, d = x.shape
    hidden = options.hidden or d // 8
    needed = 4 * 4 * (2 * d * hidden + 3 * hidden * options.latent) + 3 * x.nbytes
    free = next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable:"))
    if needed > free:
        print(f"PyTorch: skipped, because it would take {needed / 2**30:.1f} GiB of the {free / 2**30:.1f} that are free")
        sys.exit(77)
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    x *= np.sqrt(200 / (x.astype(np.float64) ** 2).sum(1).mean())
    rows = torch.from_numpy(x)
    layers = nn.ModuleList([nn.Linear(d, hidden), nn.Linear(hidden, 2 * options.latent), nn.Linear(options.latent, hidden), nn.Linear(hidden, d)])
    learn = torch.optim.Adam(layers.parameters(), lr=options.rate)
    for epoch in range(options.epochs):
        cpu, wall, total = time.process_time(), time.perf_counter(), 0.0
        batches = torch.randperm(n).split(options.batch)
        some = [batches[0], *batches[:options.batches]] if options.batches else batches
        for number, batch in enumerate(some):
            if options.batches and number == 1:
                cpu, wall, total = time.process_time(), time.perf_counter(), 0.0
            c = rows[batch]
            mu, log_square = layers[1](F.relu(layers[0](c))).split(options.latent, 1)
            log_square = log_square.clamp(-12, 8)
            z = mu + (log_square / 2).exp() * torch.randn_like(mu)
            y = layers[3](F.relu(layers[2](z)))
            loss = (0.5 * (y - c).square().sum() + 0.5 * (mu.square() + log_square.exp() - 1 - log_square).sum()) / len(batch)
            learn.zero_grad(set_to_none=True)
            loss.backward()
            learn.step()
            total += loss.item() * len(batch)
        rows_seen = sum(map(len, some[1:] if options.batches else some))
        part = rows_seen / n
        print(f"PyTorch {torch.__version__}, {d}-{hidden}-{options.latent}, epoch {epoch + 1}: {(time.process_time() - cpu) / part:.1f} CPU s, "
              f"{(time.perf_counter() - wall) / part:.1f} wall s, loss {total / rows_seen:.6g}"
              + (f" (extrapolated from {options.batches} of {len(batches)} batches)" if options.batches else ""), flush=True)


main()
