# SPDX-License-Identifier: Apache-2.0
"""Compares Fourier transforms with numpy's and maps with scikit-learn's: maps.py PROGRAM, the built map_oracle.c."""
import os
import subprocess
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # threads of OpenMP wait by spinning

try:
    import numpy as np
    from sklearn.manifold import TSNE
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

rng = np.random.default_rng(1)


def ask(*questions):
    text = "\n".join(" ".join(map(str, q)) for q in questions)
    done = subprocess.run([sys.argv[1]], input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [np.array(line.split(), dtype=float) for line in done.stdout.splitlines()]


def plain(x):
    return [f"{v:.9g}" for v in np.asarray(x, dtype=np.float32).ravel()]


def test_transforms():
    for n in (2, 6, 16, 96, 512, 768, 4096):
        x = (rng.random(n) - 0.5) + 1j * (rng.random(n) - 0.5)
        (answer,) = ask(["transform", n, *plain(np.stack([x.real, x.imag], axis=1))])
        ours, theirs = answer[::2] + 1j * answer[1::2], np.fft.fft(x)
        assert np.abs(ours - theirs).max() < 3e-6 * np.sqrt(n) * np.abs(theirs).max() ** 0.5, n


def test_divergence():
    """The same settings as ours give no better a map, and what scikit-learn says of its map is what we say of it."""
    n, d, groups = 500, 12, 6
    x = (6 * rng.random((groups, d)))[np.arange(n) % groups] + rng.normal(size=(n, d))
    # its learning rate is a quarter of ours for the same step
    theirs = TSNE(perplexity=30, early_exaggeration=12, learning_rate=50 / 4, init="pca", n_iter=1000, method="exact", random_state=0)
    map_ = theirs.fit_transform(x.astype(np.float32))
    for kind in (1, 2):
        ((ours, same),) = ask(["map", n, d, kind, *plain(x), *plain(map_)])
        print(f"n {n}, kind {kind}: ours {ours:.4f}, scikit-learn's {theirs.kl_divergence_:.4f}, computed as ours {same:.4f}")
        assert abs(same - theirs.kl_divergence_) < 0.02 * same
        assert ours < 1.03 * same


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print("ok", name)
