#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The four variants of the paper (AE and VAE, each without and with DEC) beside the default, after its Fig. 4: for true k, ARI and NMI against
the labels, and silhouette, Davies-Bouldin and Calinski-Harabasz of the groups in the space of each method, which are no quality across spaces:
read them beside ARI. Widths are smaller than the paper's (--hidden, --latent, --epochs); --variance is what is kept of the rows'."""
import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness
import sets

VARIANTS = {"AE": ("ae", 0), "AE+DEC": ("ae", 20), "VAE": ("vae", 0), "VAE+DEC": ("vae", 20)}


def main():
    parser = harness.arguments(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sets", default="planted,jvm-oom")
    parser.add_argument("--scales", default="minmax,growth-share", help="minmax is the paper's")
    parser.add_argument("--sessions", type=int, default=2560, help="of a planted set")
    for name, initial in (("hidden", "512"), ("latent", "64"), ("epochs", "100"), ("variance", "0.95")):
        parser.add_argument(f"--{name}", default=initial)
    options = parser.parse_args()
    program, place = harness.program(options, "whorl"), harness.program(options, "place")
    from sklearn import metrics
    size = {name: getattr(options, name) for name in ("hidden", "latent", "epochs", "variance")}
    print("| set | scale | method | ARI | NMI | silhouette | Davies-Bouldin | Calinski-Harabasz | CPU s |\n|---|---|---|---|---|---|---|---|---|")
    for name in options.sets.split(","):
        data = sets.find(name, options.work, sessions=options.sessions)
        records = sets.records(program, data, options.work)
        runs = [("-", "default", "whorl", {})]
        runs += [(scale, variant, "kaboom", {"network": network, "dec": dec, "scale": scale, **size})
                 for scale in options.scales.split(",") for variant, (network, dec) in VARIANTS.items()]
        for scale, variant, method, settings in runs:
            chosen = [a for s in {"k": data.k, "holdback": 0, **settings}.items() for a in ("-s", f"{s[0]}={s[1]}")]
            cost = harness.command([place, *chosen, method, records])
            rows = [line.split("\t") for line in cost.output.decode().splitlines()]
            label, group = [data.label[row[0]] for row in rows], [int(row[1]) for row in rows]
            z = np.array([row[2:] for row in rows], float)
            measures = [metrics.adjusted_rand_score(label, group), metrics.normalized_mutual_info_score(label, group)]
            if len(set(group)) > 1:
                measures += [f(z, group) for f in (metrics.silhouette_score, metrics.davies_bouldin_score, metrics.calinski_harabasz_score)]
            print(f"| {name} | {scale} | {variant} | {' | '.join(f'{m:.3f}' for m in measures)} | {cost.cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
