#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Other ways to see a whole session, or to learn, beside the default: ARI against the labels, true k given to all, means over three seeds.

  windowed      VAE over windows of --window steps, all through each session: the code of the last one, the mean of all; and over the last
                --window readings at steps of 1, 4 and 16, the three codes side by side
  earlier       the default's growth as of seven ends of each session (all of it, 7/8, ... 1/4), square roots, added up, on all sets of counts: the
                default itself does so where most sessions have stopped growing
  recurrent     GRU autoencoder over the whole session in 50 steps, the last state of its encoder through a bottleneck
  discriminate  the last hidden layer of a classifier: against healthy sessions, where there are some, and against sessions of which each metric
                comes from another one (shuffled)
  dec           VAE + DEC with k centroids on the last 100 steps: the code before, DEC's own groups, k-means started from its centroids, k-means++
  incremental   half of the sessions first, without a quarter of the categories; then the rest, with them and with metrics that nobody had before:
                what only later causes move (planted.csv) is taken out of the first half. The VAE goes on (with the old columns; with columns of no
                weight added for new ones), or learns all at once. stability: ARI of the groups of the first half before and after; new: ARI over
                the later categories
  recalibrate   the same halves: whorl train, then calibrate with all; beside cluster of all

Networks are PyTorch's (Debian), narrower than the paper's: rows in their --directions leading directions, --hidden, --latent, --epochs. Scales:
minmax as published, within each window; growth-share: sqrt of the share of the growth since the window's first step."""
import argparse
import csv
import os
import pathlib
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
try:
    import numpy as np
    import torch
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from sklearn.utils.extmath import randomized_svd
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import quality
import reference
import sets

SEEDS = quality.SEEDS
EVERY = (1, 4, 16)


def scaled(x, scale):
    """(steps, metrics), each window by itself."""
    if scale == "minmax":
        low, span = x.min(0), np.ptp(x, axis=0)
        return (x - low) / np.where(span > 0, span, 1)
    growth = np.maximum(x - x[0], 0)
    most = growth.sum(1).max()
    return np.sqrt(growth / most) if most > 0 else growth


def window(x, end, steps, every, scale):
    """The last `steps` readings before `end`, `every` so many; zeros before the first (published: before scaling)."""
    at = np.arange(end - 1, -1, -every)[:steps][::-1]
    pad = ((steps - len(at), 0), (0, 0))
    return scaled(np.pad(x[at], pad), scale) if scale == "minmax" else np.pad(scaled(x[at], scale), pad)


def stacked(windows):
    return np.stack([w.astype(np.float32).ravel() for w in windows])


def directions(rows, most):
    """Coordinates of rows in their leading directions, to a mean squared length of 200."""
    u, s, _ = randomized_svd(rows, min(most, *rows.shape), n_iter=2, random_state=0)
    z = u * s
    return torch.from_numpy((z * np.sqrt(200 / max(np.square(z).sum(1).mean(), 1e-12))).astype(np.float32))


class Coder(nn.Module):
    """Variational autoencoder with one hidden layer on each side."""

    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.first, self.code = nn.Linear(inputs, hidden), nn.Linear(hidden, 2 * latent)
        self.back, self.last = nn.Linear(latent, hidden), nn.Linear(hidden, inputs)

    def encode(self, x):
        mu, log_square = self.code(F.relu(self.first(x))).chunk(2, 1)
        return mu, log_square.clamp(-12, 8)

    def loss(self, x):
        mu, log_square = self.encode(x)
        z = mu + (log_square / 2).exp() * torch.randn_like(mu)
        y = self.last(F.relu(self.back(z)))
        return (0.5 * (y - x).square().sum() + 0.5 * (mu.square() + log_square.exp() - 1 - log_square).sum()) / len(x)

    def points(self, x):
        with torch.no_grad():
            return self.encode(x)[0].numpy()


def descend(model, x, loss, epochs, rate=1e-3, batch=128):
    learn = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(epochs):
        for some in torch.randperm(len(x)).split(batch):
            learn.zero_grad()
            loss(some).backward()
            learn.step()
    return model


def vae(x, options, seed):
    torch.manual_seed(seed)
    net = Coder(x.shape[1], options.hidden, options.latent)
    return descend(net, x, lambda some: net.loss(x[some]), options.epochs)


def groups(z, k, seed):
    return KMeans(k, n_init=10, random_state=seed).fit_predict(z)


class Case:
    """A set, read once, and what is asked of it."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.data = sets.find(name, options.work, sessions=options.sessions)
        whole = sets.find(name, options.work, split="", sessions=options.sessions)
        ids, labels, sessions, self.metrics = sets.read(whole)
        sessions = [reference.known(x).astype(np.float32) for x in sessions]
        known = [i for i, s in enumerate(ids) if s in self.data.label]
        self.ids, self.label, self.k = [ids[i] for i in known], labels[known], self.data.k
        self.sessions = [sessions[i] for i in known]
        self.healthy = [x for x, l in zip(sessions, labels) if l == "none"]
        causes = self.data.folder / "planted.csv"
        self.causes = [(row["label"], row["metric"]) for row in csv.DictReader(open(causes, newline=""))] if causes.exists() else []
        self.counts = all((x == np.rint(x)).all() for x in sessions)

    def ari(self, z, seed):
        return adjusted_rand_score(self.label, groups(z, self.k, seed))

    def report(self, scale, alternative, values, start, note=""):
        print(f"| {self.name} | {scale} | {alternative} | {np.mean(values):.3f} | {np.std(values):.3f} | {time.process_time() - start:.0f} | {note} |", flush=True)


def windowed(case, options):
    steps = options.window
    for scale in options.scales.split(","):
        start = time.process_time()
        ends = [(i, end) for i, x in enumerate(case.sessions) for end in range(len(x), 0, -steps)]
        of = np.array([i for i, _ in ends])
        last = np.flatnonzero(np.diff(of, prepend=-1))
        x = directions(stacked(window(case.sessions[i], end, steps, 1, scale) for i, end in ends), options.directions)
        found = {"last": [], "mean": []}
        for seed in range(SEEDS):
            z = vae(x, options, seed).points(x)
            found["last"].append(case.ari(z[last], seed))
            found["mean"].append(case.ari(np.stack([z[of == i].mean(0) for i in range(len(last))]), seed))
        case.report(scale, f"VAE, last {steps} steps", found["last"], start)
        case.report(scale, f"VAE, mean of all windows of {steps}", found["mean"], start)
        start = time.process_time()
        x = directions(stacked(window(s, len(s), steps, every, scale) for every in EVERY for s in case.sessions), options.directions)
        z = [vae(x, options, seed).points(x).reshape(len(EVERY), len(case.ids), -1) for seed in range(SEEDS)]
        case.report(scale, f"VAE, last {steps} at steps of 1, 4, 16", [case.ari(np.hstack(list(z[seed])), seed) for seed in range(SEEDS)], start)


def earlier(case, options):
    if case.counts:
        start = time.process_time()
        f = np.stack([reference.earlier(x) for x in case.sessions])
        f /= np.maximum(np.linalg.norm(f, axis=1, keepdims=True), 1e-12)
        still = np.median([reference.still(x) for x in case.sessions])
        case.report("-", "growth as of seven ends", [case.ari(f, seed) for seed in range(SEEDS)], start, f"still growing: {still:.2f}")


def resampled(sessions, scale, steps=50):
    return np.stack([scaled(reference.resample(x, steps), scale) for x in sessions]).astype(np.float32)


class Recurrent(nn.Module):
    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.encoder, self.code = nn.GRU(inputs, hidden, batch_first=True), nn.Linear(hidden, latent)
        self.decoder, self.last = nn.GRU(latent, hidden, batch_first=True), nn.Linear(hidden, inputs)

    def encode(self, x):
        return self.code(self.encoder(x)[1][0])

    def loss(self, x):
        z = self.encode(x)
        y = self.last(self.decoder(z[:, None].expand(-1, x.shape[1], -1))[0])
        return (y - x.flip(1)).square().sum() / len(x)  # the newest step first: it is the nearest


def recurrent(case, options):
    for scale in options.scales.split(","):
        start = time.process_time()
        rows = resampled(case.sessions, scale)
        x = directions(rows.reshape(-1, rows.shape[2]), 64).reshape(len(rows), rows.shape[1], -1)
        x = x / x.square().mean().sqrt()
        found = []
        for seed in range(SEEDS):
            torch.manual_seed(seed)
            net = Recurrent(x.shape[2], 64, options.latent)
            descend(net, x, lambda some: net.loss(x[some]), options.epochs, batch=64)
            with torch.no_grad():
                found.append(case.ari(net.encode(x).numpy(), seed))
        case.report(scale, "recurrent AE (GRU)", found, start)


def discriminate(case, options):
    for scale in options.scales.split(","):
        real = resampled(case.sessions, scale)
        random = np.random.default_rng(1)
        shuffled = real.copy()
        for metric in range(real.shape[2]):
            shuffled[:, :, metric] = real[random.permutation(len(real)), :, metric]
        for against, others in (("healthy", resampled(case.healthy, scale) if case.healthy else None), ("shuffled", shuffled)):
            if others is None:
                continue
            start = time.process_time()
            n = len(real)
            x = directions(np.vstack([real, others]).reshape(n + len(others), -1), options.directions)
            dying = (torch.arange(len(x)) < n).float()
            weight = torch.where(dying > 0, 0.5 / n, 0.5 / len(others)) * len(x)
            found, right = [], []
            for seed in range(SEEDS):
                torch.manual_seed(seed)
                hidden = nn.Sequential(nn.Linear(x.shape[1], options.hidden), nn.ReLU(), nn.Linear(options.hidden, options.latent), nn.ReLU())
                net = nn.Sequential(hidden, nn.Linear(options.latent, 1))
                descend(net, x, lambda some: F.binary_cross_entropy_with_logits(net(x[some])[:, 0], dying[some], weight[some]), options.epochs)
                with torch.no_grad():
                    found.append(case.ari(hidden(x[:n]).numpy(), seed))
                    right.append((((net(x)[:, 0] > 0) == (dying > 0)).float() * weight).mean().item())
            case.report(scale, f"dying against {against}", found, start, f"told apart: {np.mean(right):.2f}")


def similarity(z, centroids, unit):
    q = 1 / (1 + torch.cdist(z, centroids).square() / unit)
    return q / q.sum(1, keepdim=True)


def dec(case, options):
    """Xie, Girshick, Farhadi, ICML 2016; distances in units of the median one to the nearest centroid at the start, P once an epoch."""
    for scale in options.scales.split(","):
        start = time.process_time()
        x = directions(stacked(window(s, len(s), 100, 1, scale) for s in case.sessions), options.directions)
        found = {name: [] for name in ("VAE", "VAE+DEC, its own groups", "VAE+DEC, k-means from its centroids", "VAE+DEC, k-means++")}
        inertia, same = [], []
        for seed in range(SEEDS):
            net = vae(x, options, seed)
            first = KMeans(case.k, n_init=10, random_state=seed).fit(net.points(x))
            centroids = nn.Parameter(torch.from_numpy(first.cluster_centers_.astype(np.float32)))
            with torch.no_grad():
                unit = torch.cdist(net.encode(x)[0], centroids).min(1).values.square().median().clamp(min=1e-6)
            learn = torch.optim.Adam([{"params": [*net.first.parameters(), *net.code.parameters()], "lr": 1e-4}, {"params": [centroids], "lr": 1e-3}])
            before = first.labels_
            for epoch in range(options.epochs):
                with torch.no_grad():
                    q = similarity(net.encode(x)[0], centroids, unit)
                    p = q.square() / q.sum(0)
                    p /= p.sum(1, keepdim=True)
                now = q.argmax(1).numpy()
                if epoch >= 20 and np.mean(now != before) < 0.001:
                    break
                before = now
                for some in torch.randperm(len(x)).split(128):
                    learn.zero_grad()
                    (p[some] * (p[some] / similarity(net.encode(x[some])[0], centroids, unit)).log()).sum().div(len(some)).backward()
                    learn.step()
            z = net.points(x)
            warm = KMeans(case.k, init=centroids.detach().numpy(), n_init=1).fit(z)
            fresh = KMeans(case.k, n_init=10, random_state=seed).fit(z)
            for name, group in zip(found, (first.labels_, before, warm.labels_, fresh.labels_)):
                found[name].append(adjusted_rand_score(case.label, group))
            inertia.append(warm.inertia_ / fresh.inertia_)
            same.append(adjusted_rand_score(warm.labels_, fresh.labels_))
        for name, values in found.items():
            note = f"beside k-means++: inertia {np.mean(inertia):.3f}, ARI of the two {np.mean(same):.3f}" if "from" in name else ""
            case.report(scale, name, values, start, note)


def halves(case, seed):
    """Which sessions come first, as booleans; which belong to the later categories; which metrics nobody had before those."""
    random = np.random.default_rng(seed)
    names = random.permutation(sorted(set(case.label)))
    later = np.isin(case.label, names[:max(2, len(names) // 4)])
    first = np.zeros(len(later), bool)
    first[random.permutation(np.flatnonzero(~later))[:len(later) // 2]] = True
    moved = [{metric for label, metric in case.causes if (label in case.label[later]) == is_later} for is_later in (False, True)]
    return first, later, sorted(moved[1] - moved[0])


def widened(net, columns, known):
    """The same network with all columns; those it does not know have no weight yet."""
    wide = Coder(columns, net.first.out_features, net.back.in_features)
    wide.load_state_dict({name: value for name, value in net.state_dict().items() if not name.startswith(("first.weight", "last"))}, strict=False)
    with torch.no_grad():
        for part in (wide.first.weight, wide.last.weight, wide.last.bias):
            part.zero_()
        wide.first.weight[:, known] = net.first.weight
        wide.last.weight[known] = net.last.weight
        wide.last.bias[known] = net.last.bias
    return wide


def incremental(case, options):
    """Rows of 8 steps of the whole session, all columns: new metrics have to be able to appear."""
    names = ("VAE, at once", "VAE, goes on, old columns", "VAE, goes on, columns added")
    for scale in options.scales.split(","):
        start = time.process_time()
        found = {name: [] for name in names}
        for seed in range(SEEDS):
            first, later, new = halves(case, seed)
            kept = ~np.isin(case.metrics, new)
            rows = resampled([x * kept if f else x for x, f in zip(case.sessions, first)], scale, 8)
            present = (rows != 0).any(1)
            x = torch.from_numpy(rows.reshape(len(rows), -1))
            x = x * (200 / x.square().sum(1).mean()).sqrt()
            known = torch.from_numpy(np.tile(present[first].sum(0) >= 2, rows.shape[1]))
            old, rest = torch.from_numpy(np.flatnonzero(first)), torch.from_numpy(np.flatnonzero(~first))
            torch.manual_seed(seed)
            net = Coder(int(known.sum()), options.hidden, options.latent)
            columns = x[:, known]
            descend(net, old, lambda some: net.loss(columns[old[some]]), options.epochs)
            before = groups(net.points(columns)[first], len(set(case.label[first])), seed)
            wide = widened(net, x.shape[1], known)
            descend(wide, rest, lambda some: wide.loss(x[rest[some]]), options.epochs)
            descend(net, rest, lambda some: net.loss(columns[rest[some]]), options.epochs)
            whole = vae(x, options, seed)
            for name, z in zip(names, (whole.points(x), net.points(columns), wide.points(x))):
                found[name].append(judged(case, groups(z, case.k, seed), before, first, later))
        for name in names:
            told(case, scale, name, found[name], start)


def recalibrate(case, options):
    start = time.process_time()
    found = {"whorl, at once": [], "whorl, recalibrated": []}
    for seed in range(SEEDS):
        first, later, new = halves(case, seed)
        before, after, whole = halved(case, options, first, new, seed)
        found["whorl, at once"].append(judged(case, whole, before, first, later))
        found["whorl, recalibrated"].append(judged(case, after, before, first, later))
    for name, values in found.items():
        told(case, "-", name, values, start)


def judged(case, group, before, first, later):
    return (adjusted_rand_score(case.label, group), adjusted_rand_score(before, group[first]), adjusted_rand_score(case.label[later], group[later]))


def told(case, scale, name, values, start):
    ari, stable, new = np.array(values).T
    case.report(scale, name, ari, start, f"stability {stable.mean():.3f}, new {new.mean():.3f}")


def without(case, first, new):
    """The set's file; where there are new metrics, one without them in the first half."""
    if not new:
        return case.data.series
    path, first, new = pathlib.Path(case.options.work) / "sessions" / f"{case.name.replace(':', '-')}-halves.series.csv", set(np.array(case.ids)[first]), set(new)
    with sets.text(case.data) as rows, open(path, "w") as out:
        for line in rows:
            session, _, metric, _ = line.split(",")
            if session not in first or metric not in new:
                out.write(line)
    return path


def halved(case, options, first, new, seed):
    """Groups of the first half by a model of it; of all by that, recalibrated with all; of all by a model of all."""
    work = pathlib.Path(options.work) / "sessions"
    table, model, next_model = (work / f"{case.name.replace(':', '-')}-halves.{kind}" for kind in ("csv", "old", "new"))
    table.write_text("session,half,known\n" + "".join(f"{s},{'first' if f else 'rest'},yes\n" for s, f in zip(case.ids, first)))
    arguments = [without(case, first, new), "--sessions", table] + (["--change-encoded"] if case.data.changes else [])
    common = ["--seed", seed + 1, "--threads", 1, "--no-progress"]
    place = {s: i for i, s in enumerate(case.ids)}

    def told_by(*command):
        out = harness.command([options.whorl, "session", *command, "--format", "tsv", *common]).output.decode()
        names, group = {}, np.full(len(place), -1)
        for row in csv.DictReader(out.splitlines(), delimiter="\t"):
            group[place[row["id"]]] = names.setdefault(row["group"], len(names))
        return group
    half, whole = ["--where", "half=first"], ["--where", "known=yes"]
    harness.command([options.whorl, "session", "train", *arguments, *half, "-k", len(set(case.label[first])), "-o", model, *common])
    before = told_by("assign", *arguments, *half, "--model", model)
    harness.command([options.whorl, "session", "calibrate", *arguments, *whole, "-k", case.k, "--model", model, "-o", next_model, *common])
    after = told_by("assign", *arguments, *whole, "--model", next_model)
    return before[first], after, told_by("cluster", *arguments, *whole, "-k", case.k)


FAMILIES = {f.__name__: f for f in (windowed, earlier, recurrent, discriminate, dec, incremental, recalibrate)}


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sets", default="jvm-oom,tep,ERing,planted,planted-past")
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--scales", default="minmax,growth-share")
    parser.add_argument("--sessions", type=int, default=240, help="of a planted set")
    for name, initial in (("window", 32), ("directions", 256), ("hidden", 256), ("latent", 32), ("epochs", 60)):
        parser.add_argument(f"--{name}", type=int, default=initial)
    options = parser.parse_args()
    options.whorl = harness.program(options, "whorl")
    torch.set_num_threads(1)
    print("| set | scale | alternative | ARI | sd | CPU s | |\n|---|---|---|---|---|---|---|")
    for name in options.sets.split(","):
        case = Case(name, options)
        case.report("-", "whorl, the default", [ari for ari, _ in quality.whorl(options.whorl, case.data)], time.process_time())
        for family in options.families.split(","):
            FAMILIES[family](case, options)


if __name__ == "__main__":
    main()
