# SPDX-License-Identifier: Apache-2.0
"""The network's training beside PyTorch's autograd and optimisers, step by step from the same weights, rows and noise:
torch_network.py PROGRAM, the built network_oracle.c."""
import itertools
import subprocess
import sys

try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

R, H, Z, N, BATCH, K, INPUTS = 20, 80, 6, 48, 16, 5, 90
SHARED, ADAM, DESCENT = range(3)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def ask(*words):
    out = subprocess.run([sys.argv[1], *map(str, words)], stdout=subprocess.PIPE, text=True, check=True).stdout
    said, steps = {}, []
    for line in out.splitlines():
        name, *numbers = line.split()
        if name == "rows":
            steps.append({"rows": torch.tensor([int(n) for n in numbers])})
            continue
        values = torch.tensor([float(n) for n in numbers])
        if name in ("noise", "loss"):
            steps[-1][name] = values
        else:
            said[name] = values
    return said, steps


class Network(nn.Module):
    def __init__(self, variational):
        super().__init__()
        codes = 2 * Z if variational else Z
        self.layer_in, self.layer_code, self.layer_from, self.layer_out = nn.Linear(R, H), nn.Linear(H, codes), nn.Linear(Z, H), nn.Linear(H, R)

    def tensors(self, part=lambda w: w):
        """By the names and in the shapes that the program prints: matrices by hidden unit. part: of each, a gradient may be None."""
        layers = {"in": self.layer_in, "code": self.layer_code, "from": self.layer_from, "out": self.layer_out}
        all_of = {name: part(layer.weight) for name, layer in layers.items()}
        all_of.update({name: all_of[name].T for name in ("code", "out") if all_of[name] is not None})
        all_of.update({name + "_bias": part(layer.bias) for name, layer in layers.items()})
        return all_of

    def code(self, c):
        code = self.layer_code(F.relu(self.layer_in(c)))
        return code[:, :Z], code[:, Z:].clamp(-12, 8)

    def back(self, z):
        return self.layer_out(F.relu(self.layer_from(z)))


def shared_adam(network, state, rate, number):
    """One mean square gradient for each hidden unit of the two rotated matrices, and one for the output's bias; Adam else."""
    with torch.no_grad():
        gradients = network.tensors(lambda w: w.grad)
        for name, w in network.tensors().items():
            g = gradients[name]
            if g is None:
                continue
            square = g * g
            if name in ("in", "out"):
                square = square.sum(1, keepdim=True) / INPUTS
            if name == "out_bias":
                square = square.sum() / INPUTS
            m, v = state.get(name, (0, 0))
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * square
            state[name] = m, v
            w -= rate * (m / (1 - 0.9 ** number)) / ((v / (1 - 0.999 ** number)).sqrt() + 1e-8)


def check(variational, optimiser, kind):
    said, steps = ask(int(variational), optimiser, kind, 3 + kind)
    network = Network(variational)
    with torch.no_grad():
        for name, w in network.tensors().items():
            w.copy_(said["before." + name].reshape(w.shape))
    centroids = nn.Parameter(said["before.centroids"].reshape(K, Z).clone())
    c, p = said["c"].reshape(N, R), said["p"].reshape(N, K)
    rate = 1e-3 if optimiser == DESCENT else 2e-3
    # the shared kind takes the centroids as Adam does
    groups = [{"params": [centroids], "lr": 10 * rate}] + ([{"params": network.parameters(), "lr": rate}] if optimiser != SHARED else [])
    learn = torch.optim.SGD(groups, lr=rate, momentum=0.9) if optimiser == DESCENT else torch.optim.Adam(groups, lr=rate)
    state = {}
    for number, step in enumerate(steps, 1):
        x = c[step["rows"]]
        mu, log_square = network.code(x)
        if kind:
            q = 1 / (1 + torch.cdist(mu, centroids, compute_mode="donot_use_mm_for_euclid_dist").square() / 0.8)
            q = q / q.sum(1, keepdim=True)
            loss = F.kl_div(q.log(), p[step["rows"]], reduction="batchmean")
            if kind == 2:
                loss = 0.3 * loss + 0.5 * (network.back(mu) - x).square().sum(1).mean()
        elif variational:
            z = mu + (log_square / 2).exp() * step["noise"].reshape(BATCH, Z)
            kl = 0.5 * (mu.square() + log_square.exp() - 1 - log_square).sum(1)
            loss = (0.5 * (network.back(z) - x).square().sum(1) + kl).mean()
        else:
            loss = 0.5 * (network.back(mu) - x).square().sum(1).mean()
        assert abs(loss.item() - step["loss"].item()) < 1e-4 * (1 + abs(loss.item())), (variational, optimiser, kind, number, loss, step["loss"])
        network.zero_grad(set_to_none=True)
        centroids.grad = None
        loss.backward()
        if kind or optimiser != SHARED:
            learn.step()
        if optimiser == SHARED:
            shared_adam(network, state, rate, number)
    moved = 0
    for name, w in itertools.chain(network.tensors().items(), [("centroids", centroids)] if kind else []):
        before, after = said["before." + name].reshape(w.shape), said["after." + name].reshape(w.shape)
        change = (after - before).abs().max().item()
        assert (after - w.detach()).abs().max().item() < 2e-3 * change + 1e-6, (variational, optimiser, kind, name)
        moved += change > 1e-3
    assert moved >= 4, "nothing was learnt"


for arguments in itertools.product((False, True), (SHARED, ADAM, DESCENT), (0, 1, 2)):
    check(*arguments)
print(f"18 trainings agree with PyTorch {torch.__version__}")
