#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""test_models.py WHORL [TEST…]: model files, and the quality that evaluate tells against scikit-learn's."""
import os
import sys

from drive import SKIPPED, ask, fails, main, make_reports, run, stack, write, write_records

try:
    import sklearn.metrics
    from sklearn.metrics.cluster import contingency_matrix
except ImportError:
    print("skipped: no scikit-learn")
    sys.exit(SKIPPED)


def test_broken_model(rng):
    write_records("all.jsonl", make_reports(rng, 5, 80))
    ask("train", "-o", "model", "--freeze-weights", "--folds", "0", "all.jsonl")
    expected = run("bucket", "--model", "model", "all.jsonl")
    with open("model", "rb") as file:
        whole = file.read()

    def refused(content, says=""):
        with open("broken", "wb") as broken:
            broken.write(content)
        fails(1, ["broken", says], "bucket", "--model", "broken", "all.jsonl")

    for size in [0, 1, 7, 8, 15, 16, 30, 40, len(whole) // 2, len(whole) - 9, len(whole) - 8, len(whole) - 1]:
        refused(whole[:size])
    for at in sorted({0, 7, 8, 9, 15, 16, 24, 32, 40, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(40))}):
        refused(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1:])
    refused(whole + b"\n")
    refused(whole[:8] + (2).to_bytes(8, "little") + whole[16:], "version")
    refused(b'{"frames":[]}\n', "not")
    fails(1, "nowhere", "bucket", "--model", "nowhere", "all.jsonl")
    fails(1, "", "bucket", "--model", "model", "--similarity", "pdm", "all.jsonl")
    assert run("bucket", "--model", "model", "all.jsonl") == expected


def test_model_of_rules(rng):
    """A model keeps the rules that it was made with, whatever becomes of their file."""
    records = [stack("noise_a", "f", "g", "h", id="a"), stack("noise_b", "f", "g", "h", id="b"), stack("x", "y", "z", id="c")]
    write_records("all.jsonl", records)
    write("rules", "any noise_*\n")
    ask("calibrate", "--rules", "rules", "-o", "model", "all.jsonl")
    expected = ask("bucket", "--model", "model", "all.jsonl")
    assert expected[0]["group"] == expected[1]["group"] and expected[0]["similarity"] == expected[1]["similarity"] == 1
    ask("assign", "--model", "model", "all.jsonl")
    os.remove("rules")
    assert ask("bucket", "--model", "model", "all.jsonl") == expected
    later = ask("assign", write_records("later.jsonl", [stack("noise_c", "f", "g", "h", id="d")]))
    assert later[0]["group"] == expected[0]["group"] and later[0]["similarity"] == 1
    assert {row["change"] for row in ask("cluster")} == {"kept"}
    fails(1, ["rules", "line 1"], "bucket", "--rules", write("rules", "anny noise\n"), "all.jsonl")


def test_parameters_survive(rng):
    write_records("all.jsonl", make_reports(rng, 5, 80))
    for method in ("whorl", "pdm", "tracesim", "tfidf", "fast", "exact"):
        ask("train", "--similarity", method, "-o", "model", "--folds", "0", "--d", "0.31", "all.jsonl")
        [told] = ask("evaluate", "--model", "model", "--no-ranking", "all.jsonl")
        assert told["method"] == method and told["params"]["d"] == 0.31
        ask("train", "--similarity", method, "-o", "again", "--folds", "0", "--d", "0.31", "all.jsonl")
        with open("model", "rb") as one, open("again", "rb") as two:
            assert one.read() == two.read()
        fails(2, "d", "bucket", "--model", "model", "--d", "2", "all.jsonl")


def bcubed(truth, groups):
    """Amigó et al. 2009, by its definition."""
    precision = recall = 0
    for t, g in zip(truth, groups):
        both = sum(x == t and y == g for x, y in zip(truth, groups))
        precision += both / groups.count(g)
        recall += both / truth.count(t)
    return precision / len(truth), recall / len(truth)


def paper_f(matrix):
    """ReBucket IV.C: for every class the best F over the groups, weighted by the class's size."""
    total = 0
    for row in matrix:
        best = 0
        for k, both in enumerate(row):
            if both:
                p, r = both / matrix[:, k].sum(), both / row.sum()
                best = max(best, 2 * p * r / (p + r))
        total += best * row.sum()
    return total / matrix.sum()


def check_quality(told, truth, groups):
    matrix = contingency_matrix(truth, groups)
    precision, recall = bcubed(truth, groups)
    expected = {
        "n": len(truth), "classes": len(set(truth)), "groups": len(set(groups)),
        "ari": sklearn.metrics.adjusted_rand_score(truth, groups),
        "ami": sklearn.metrics.adjusted_mutual_info_score(truth, groups),
        "nmi": sklearn.metrics.normalized_mutual_info_score(truth, groups),
        "purity": matrix.max(axis=0).sum() / matrix.sum(),
        "inverse_purity": matrix.max(axis=1).sum() / matrix.sum(),
        "bcubed_precision": precision, "bcubed_recall": recall, "bcubed_f": 2 * precision * recall / (precision + recall),
        "f": paper_f(matrix),
    }
    for name, value in expected.items():
        assert abs(told[name] - value) < 1e-9, (name, told[name], value)


def test_evaluate_is_right(rng):
    for bugs, n, d in ((3, 40, "0.3"), (12, 200, "0.67"), (20, 150, "0.1"), (6, 90, "0.9"), (1, 20, "0.5")):
        records = make_reports(rng, bugs, n)
        for record in rng.sample(records, n // 5):
            del record["label"]  # grouped, not scored
        labels = {record["id"]: record["label"] for record in records if "label" in record}
        write_records("all.jsonl", records)
        groups = {row["id"]: row["group"] for row in ask("bucket", "--d", d, "all.jsonl")}
        [told] = ask("evaluate", "--d", d, "all.jsonl")
        assert told["unlabelled"] == n // 5
        check_quality(told, list(labels.values()), [groups[i] for i in labels])
        write("groups.tsv", run("bucket", "--format", "tsv", "--d", d, "all.jsonl"))
        [again] = ask("evaluate", "--groups", "groups.tsv", "all.jsonl")
        assert all(told[name] == value for name, value in again.items())
    write("groups.tsv", "id\tgroup\nr0\tg\n")
    fails(1, "no group for", "evaluate", "--groups", "groups.tsv", "all.jsonl")
    write_records("bare.jsonl", [stack("f", id="a"), stack("g", id="b")])
    fails(2, "no observation has a label", "evaluate", "bare.jsonl")


def test_pair_auc(rng):
    records = make_reports(rng, 5, 50)
    for i, record in enumerate(records):
        write_records(f"box/{i:02}.jsonl", [record])
    [told] = ask("evaluate", "box")
    same, similarity = [], []
    hits = {(hit["query"], hit["id"]): hit["similarity"] for hit in
            ask("search", "--among", "box", "--nearest", "1000", "--least", "0", "box")}
    for i, a in enumerate(records):
        for b in records[:i]:
            same.append(a["label"] == b["label"])
            similarity.append(hits.get((a["id"], b["id"]), 0))
    assert abs(told["pair_auc"] - sklearn.metrics.roc_auc_score(same, similarity)) < 1e-4


main(test_broken_model, test_model_of_rules, test_parameters_survive, test_evaluate_is_right, test_pair_auc)
