# SPDX-License-Identifier: Apache-2.0
"""Compares what lib/learn does with vectors with scikit-learn and scipy: vectors.py PROGRAM, the built vectors_oracle.c."""
import subprocess
import sys
import warnings

try:
    import numpy as np
    from scipy import stats
    from scipy.cluster.hierarchy import cut_tree, linkage
    from scipy.sparse.csgraph import connected_components
    from sklearn import metrics
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture
except ImportError as error:
    print(f"skipped, because {error}")
    sys.exit(77)

warnings.simplefilter("ignore")  # of scikit-learn, about clusters without points
rng = np.random.default_rng(1)


def ask(questions):
    text = "\n".join(" ".join(map(str, q)) for q in questions)
    done = subprocess.run([sys.argv[1]], input=text, text=True, stdout=subprocess.PIPE, check=True)
    return [np.array(line.split(), dtype=float) for line in done.stdout.splitlines()]


def digits(x):
    """Floats that read back as the same."""
    return (f"{value:.9g}" for value in np.asarray(x, dtype=np.float32).ravel())


def blobs(n, d, k, spread=1.0, offset=0.0):
    truth = rng.integers(0, k, n)
    points = rng.normal(0, 3, (k, d))[truth] + spread * rng.normal(size=(n, d)) + offset
    return points.astype(np.float32), truth


def weights_of(weight):
    return [0] if weight is None else [1, *weight]


def test_kmeans():
    cases = []
    for n, d, k, offset in ((5, 1, 2, 0), (60, 2, 4, 0), (400, 5, 7, 0), (400, 40, 12, 0), (300, 3, 30, 1000), (700, 8, 5, 0)):
        for spread in (0.3, 2.0):
            for weighted in (False, True):
                points, _ = blobs(n, d, k, spread, offset)
                points[: n // 5] = points[n // 5 : 2 * (n // 5)]  # some points twice
                weight = rng.integers(1, 4, n) if weighted else None
                start = points[rng.permutation(n)[:k]]
                cases.append((points, weight, start))
    far = blobs(200, 3, 4)[0]
    cases.append((far, None, np.concatenate([far[:2], far[:1] + 500])))  # a cluster that starts without points
    answers = ask([["kmeans", *x.shape, *digits(x), *weights_of(w), len(s), *digits(s)] for x, w, s in cases])
    for (points, weight, start), answer in zip(cases, answers):
        # the copies that weights stand for: scikit-learn's variance, and so where it stops, does not know weights
        points, start = points.astype(float), start.astype(float)
        heavy = points if weight is None else np.repeat(points, weight, axis=0)
        labels = answer[2:] if weight is None else np.repeat(answer[2:], weight)
        with_sklearn = KMeans(len(start), init=start, n_init=1, algorithm="lloyd").fit(heavy)
        assert np.array_equal(labels, with_sklearn.labels_), points.shape
        assert np.isclose(answer[0], with_sklearn.inertia_, rtol=1e-6), (points.shape, answer[0], with_sklearn.inertia_)
        assert answer[1] == with_sklearn.n_iter_, points.shape


def test_internal():
    cases = []
    for n, d, k in ((3, 1, 2), (50, 2, 3), (300, 7, 5), (700, 30, 12), (600, 3, 250)):
        for spread, offset in ((0.3, 0), (2.0, 1000)):
            for weighted in (False, True):
                points, truth = blobs(n, d, k, spread, offset)
                truth[:3] = 0, 0, 1
                points[: n // 3] = points[n // 3 : 2 * (n // 3)]
                cases.append((points, rng.integers(1, 4, n) if weighted else None, truth))
    cases.append((np.repeat([[1.0], [2.0]], 5, axis=0), None, np.repeat([0, 1], 5)))  # tight
    cases.append((np.ones((6, 2)), None, np.arange(6) % 2))  # all in one place
    cases.append((np.array([[-1.0], [1.0], [-1.0], [1.0]]), None, np.array([0, 0, 3, 3])))  # one centroid for both
    answers = ask([["internal", *x.shape, *digits(x), *weights_of(w), *g] for x, w, g in cases])
    for (points, weight, group), answer in zip(cases, answers):
        repeat = np.ones(len(points), dtype=int) if weight is None else weight
        heavy, groups = np.repeat(points.astype(float), repeat, axis=0), np.repeat(group, repeat)
        expected = [f(heavy, groups) for f in (metrics.silhouette_score, metrics.davies_bouldin_score, metrics.calinski_harabasz_score)]
        assert np.allclose(answer[:3], expected, rtol=1e-7, atol=1e-7), (points.shape, answer[:3], expected)
        got, silhouettes = np.repeat(answer[3:], repeat), metrics.silhouette_samples(heavy, groups)
        assert np.allclose(got, silhouettes, rtol=1e-6, atol=1e-6), (points.shape, np.abs(got - silhouettes).max())


def test_binomial():
    cases = [(0, 0, 0.3), (0, 5, 0.0), (5, 5, 0.0), (5, 5, 1.0), (0, 5, 1.0), (1, 1, 0.5), (3, 1000000, 1e-6), (500200, 1000000, 0.5)]
    for n in (1, 2, 10, 63, 1000, 100000):
        for p in (1e-5, 0.01, 0.05, 0.3, 0.5, 0.9, 0.9999):
            cases += [(int(k), n, p) for k in (0, n, *rng.binomial(n, p, 3), *rng.integers(0, n + 1, 2))]
    answers = ask([["binomial", k, n, repr(p), 0.95] for k, n, p in cases])
    for (k, n, p), answer in zip(cases, answers):
        interval = stats.binomtest(k, n).proportion_ci(0.95, "exact") if n else (0, 1)
        expected = [stats.binom.sf(k - 1, n, p), stats.binom.cdf(k, n, p), *interval]
        assert np.allclose(answer, expected, rtol=1e-9, atol=1e-12), ((k, n, p), answer, expected)


def test_window():
    cases, expected = [], []
    for held, count, e in (
        ([63], [20], 0.05), ([20, 80, 200], [7, 9, 100], 0.1), ([19, 300], [10, 3], 0.05), ([1000], [3000], 0.01), ([5, 5], [0, 4], 0.5),
    ):
        whole = np.ones(1)
        for h, c in zip(held, count):
            whole = np.convolve(whole, stats.betabinom.pmf(np.arange(c + 1), c, e * (h + 1), (1 - e) * (h + 1)))
        for flagged in (0, 1, 2, 5, sum(count)):
            if flagged <= sum(count):
                cases.append(["window", len(held), *held, *count, e, flagged])
                expected.append(whole[flagged:].sum())
    for case, answer, p in zip(cases, ask(cases), expected):
        assert np.isclose(answer[0], p, rtol=1e-7, atol=1e-13), (case, answer, p)


def test_pca():
    cases = []
    for n, d in ((5, 3), (40, 6), (300, 30), (20, 80), (60, 200)):
        for weighted in (False, True):
            points = (rng.normal(size=(n, d)) @ np.diag(2.0 ** -np.arange(d).clip(0, 9)) + 5).astype(np.float32)
            weight = rng.integers(1, 4, n) if weighted else None
            for share, most in ((1.0, 0), (0.9, 0), (1.0, 2)):
                cases.append((points, weight, share, most, (rng.normal(size=(7, d)) + 5).astype(np.float32)))
    answers = ask([["pca", *x.shape, *digits(x), *weights_of(w), s, m, len(f), *digits(f)] for x, w, s, m, f in cases])
    for (points, weight, share, most, further), answer in zip(cases, answers):
        d, r, m = points.shape[1], int(answer[0]), len(further)
        heavy = points.astype(float) if weight is None else np.repeat(points.astype(float), weight, axis=0)
        whole = PCA(svd_solver="full").fit(heavy)
        ratio = whole.explained_variance_ratio_
        if share < 1:
            assert r == np.searchsorted(ratio.cumsum(), share) + 1, (points.shape, r)
        else:
            assert r == (most or min(len(points) - 1, d)), (points.shape, r)
        assert np.isclose(answer[1], heavy.var(axis=0, ddof=1).sum(), rtol=1e-5)
        variance, component = answer[2 : 2 + r], answer[2 + r : 2 + r + r * d].reshape(r, d)
        assert np.allclose(variance, whole.explained_variance_[:r], rtol=1e-4), points.shape
        y, outside = answer[2 + r + r * d :][: m * r].reshape(m, r), answer[2 + r + r * d + m * r :]
        assert np.allclose(component @ component.T, np.eye(r), atol=1e-5)
        sign = np.sign((component * whole.components_[:r]).sum(axis=1))
        assert np.allclose(component * sign[:, None], whole.components_[:r], atol=1e-4), points.shape
        assert np.allclose(y, (further - heavy.mean(axis=0)) @ component.T, atol=1e-4)
        off = (further - heavy.mean(axis=0)) - y @ component
        assert np.allclose(outside, (off**2).sum(axis=1), rtol=1e-3, atol=1e-3), points.shape


def first_seen(labels):
    """Groups numbered from 0 by their smallest point."""
    seen = {}
    return [seen.setdefault(label, len(seen)) for label in labels]


def test_tree():
    methods, cases = ["complete", "average", "single", "ward"], []
    for n, d, offset in ((2, 1, 0), (3, 2, 0), (40, 3, 0), (120, 30, 1000)):
        for number in range(4):
            cases.append((number, blobs(n, d, 5, 1.0, offset)[0]))
    answers = ask([["tree", number, *x.shape, *digits(x), 0] for number, x in cases])
    for (number, points), answer in zip(cases, answers):
        n = len(points)
        tree = linkage(points.astype(float), methods[number])
        rows = answer[: 4 * (n - 1)].reshape(n - 1, 4)
        assert np.array_equal(rows[:, [0, 1, 3]], tree[:, [0, 1, 3]]), (n, methods[number])
        assert np.allclose(rows[:, 2], tree[:, 2], rtol=1e-5), (n, methods[number])
        groups, expected = answer[4 * (n - 1) :].reshape(n, n), cut_tree(tree)
        for k in range(1, n + 1):
            assert groups[k - 1].tolist() == first_seen(expected[:, n - k]), (n, methods[number], k)


def test_tree_weighted():
    """A point of weight w gives the same heights as w points in one place."""
    cases = [(number, blobs(n, 3, 4)[0], rng.integers(1, 5, n)) for n in (2, 4, 30) for number in (1, 3)]
    answers = ask([["tree", number, *x.shape, *digits(x), 1, *w] for number, x, w in cases])
    for (number, points, weight), answer in zip(cases, answers):
        heavy = linkage(np.repeat(points.astype(float), weight, axis=0), ["", "average", "", "ward"][number])
        heights = answer[: 4 * (len(points) - 1)].reshape(-1, 4)[:, 2]
        assert np.allclose(heights, heavy[heavy[:, 2] > 1e-9][:, 2], rtol=1e-5), len(points)


def test_gmm():
    cases = []
    for n, d, k in ((30, 1, 2), (200, 3, 3), (500, 6, 4), (300, 2, 8)):
        for diagonal in (0, 1):
            for weighted in (False, True):
                points, truth = blobs(n, d, k, 1.5)
                truth[:k] = np.arange(k)
                weight = rng.integers(1, 4, n) if weighted else None
                cases.append((points, weight, k, np.where(rng.random(n) < 0.8, truth, rng.integers(0, k, n)), diagonal))
    answers = ask([["gmm", *x.shape, *digits(x), *weights_of(w), k, *start, diagonal] for x, w, k, start, diagonal in cases])
    for (points, weight, k, start, diagonal), answer in zip(cases, answers):
        (n, d), repeat = points.shape, np.ones(len(points), dtype=int) if weight is None else weight
        heavy, first = np.repeat(points.astype(float), repeat, axis=0), np.repeat(start, repeat)
        groups = [heavy[first == j] for j in range(k)]
        cov = [g.var(axis=0) + 1e-6 if diagonal else np.cov(g.T, bias=True).reshape(d, d) + 1e-6 * np.eye(d) for g in groups]
        mixture = GaussianMixture(
            k,
            covariance_type="diag" if diagonal else "full",
            weights_init=[len(g) / len(heavy) for g in groups],
            means_init=[g.mean(axis=0) for g in groups],
            precisions_init=[1 / c if diagonal else np.linalg.inv(c) for c in cov],
        ).fit(heavy)
        assert answer[0] == mixture.n_iter_, points.shape
        assert np.isclose(answer[1], mixture.score(heavy) * len(heavy), rtol=1e-6), points.shape
        assert np.isclose(answer[2], mixture.bic(heavy), rtol=1e-6), points.shape
        expected = np.concatenate([np.ravel(a) for a in (mixture.weights_, mixture.means_, mixture.covariances_)])
        rest = answer[3:]
        assert np.allclose(rest[: len(expected)], expected, rtol=1e-5, atol=1e-5), points.shape
        labels, density = rest[len(expected) :][:n], rest[len(expected) + n :]
        assert np.array_equal(labels, mixture.predict(points.astype(float))), points.shape
        assert np.allclose(density, mixture.score_samples(points.astype(float)), rtol=1e-5, atol=1e-5), points.shape


def slow_hdbscan(points, least_size, least_near):
    """Straight from the definition: cuts the whole graph of mutual reachability at each of its heights, from the top. Returns labels and
    strengths."""
    n = len(points)
    distance = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    core = np.sort(distance, axis=1)[:, min(least_near, n) - 1]
    reach = np.maximum(distance, np.maximum(core[:, None], core[None, :]))
    np.fill_diagonal(reach, 0)
    floor = None
    clusters = []  # of each: parent, birth, stability, members, and when they leave

    def grow(parent, birth, members):
        nonlocal floor
        own = {"parent": parent, "birth": birth, "members": members, "leave": {}}
        clusters.append(own)
        number = len(clusters) - 1
        while len(members):
            inside = reach[np.ix_(members, members)]
            # the largest height at which it is in one piece: the least one that does not cut it
            heights, low = np.unique(inside[np.triu_indices(len(members), 1)]), 0
            high = len(heights) - 1
            while low < high:
                middle = (low + high) // 2
                if connected_components(inside <= heights[middle])[0] == 1:
                    high = middle
                else:
                    low = middle + 1
            height = heights[low]
            floor = height * 1e-9 if floor is None else floor
            density = 1 / max(height, floor)
            # a point is still connected to itself where a core distance is as high as the cut
            _, part = connected_components(inside < height)
            parts = [members[part == p] for p in np.unique(part)]
            large = [p for p in parts if len(p) >= least_size]
            stay = large[0] if len(large) == 1 else np.array([], dtype=int)
            for point in set(members.tolist()) - set(stay.tolist()):
                own["leave"][point] = density
            members = stay
            if len(large) > 1:
                for p in large:
                    grow(number, density, p)

    grow(None, 0.0, np.arange(n))
    best = {}
    labels, strengths = np.full(n, -1), np.zeros(n)

    def value(number):
        own = clusters[number]
        stability = sum(at - own["birth"] for at in own["leave"].values())
        below = sum(value(c) for c in range(len(clusters)) if clusters[c]["parent"] == number)
        best[number] = number > 0 and stability >= below
        return stability if best[number] else below

    value(0)

    def last(number, point):
        """When a point leaves what is below a cluster."""
        inside = [c for c in range(len(clusters)) if clusters[c]["parent"] == number and point in clusters[c]["members"]]
        return last(inside[0], point) if inside else clusters[number]["leave"][point]

    def take(number):
        if best[number]:
            members = clusters[number]["members"]
            times = np.array([last(number, p) for p in members])
            labels[members], strengths[members] = number, times / times.max()
            return
        for c in range(len(clusters)):
            if clusters[c]["parent"] == number:
                take(c)

    take(0)
    seen = {}
    return [-1 if label < 0 else seen.setdefault(label, len(seen)) for label in labels], strengths


def test_hdbscan():
    cases = []
    for n, d, k, spread in ((2, 1, 1, 1), (9, 2, 2, 0.3), (60, 2, 4, 0.5), (120, 2, 3, 1.5), (90, 6, 5, 0.7)):
        for least_size, least_near in ((2, 1), (3, 3), (5, 5), (8, 2)):
            cases.append((blobs(n, d, k, spread)[0], least_size, least_near))
    cases.append((rng.integers(0, 4, (80, 2)), 4, 4))  # many points in few places, many equal distances
    cases.append((rng.integers(0, 9, (80, 2)), 3, 2))
    cases.append((np.concatenate([np.full((6, 1), 1.0), np.full((7, 1), 2.0), [[9.0]]]), 5, 5))
    cases.append((np.ones((12, 2)), 3, 3))
    cases = [(np.asarray(x, dtype=np.float32), size, near) for x, size, near in cases]
    answers = ask([["hdbscan", *x.shape, *digits(x), size, near] for x, size, near in cases])
    found = 0
    for (points, size, near), answer in zip(cases, answers):
        n = len(points)
        labels, strengths = slow_hdbscan(points.astype(float), size, near)
        assert answer[1 : n + 1].tolist() == labels, (points.shape, size, near)
        assert answer[0] == max(labels) + 1
        assert np.allclose(answer[n + 1 :], strengths, rtol=1e-6), (points.shape, size, near)
        found += max(labels) + 1
    assert found > 40


for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
        print(f"{name}: ok")
