#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""brute_force.py RECORDS.jsonl [--d D]: the plain way to bucket: all pairs, then the whole dendrogram. Reads what `whorl stack show`
prints, computes whorl's default similarity of all pairs of distinct stacks with sparse matrices (scipy), links them by fastcluster (average
linkage, equal stacks as often as they occur) and cuts at D. Writes `id group` lines. A peer in time and memory, and an oracle: with
g = 0 the similarity is a sum of minima of weights, which is what scipy can do fast; whorl is run with --g 0 beside it."""
import argparse
import json
import sys

import fastcluster
import numpy as np
import scipy.cluster.hierarchy
import scipy.sparse
import scipy.spatial.distance


def tokens(frames):
    """[(token, position, factor)]: frames, and pairs of neighbours; the k-th occurrence of a token is a token of its own."""
    seen = {}
    plain = [(f, i, 1.0) for i, f in enumerate(frames)]
    pairs = [((frames[i], frames[i + 1]), i, 0.5) for i in range(len(frames) - 1)]
    for token, i, factor in plain + pairs:
        k = seen[token] = seen.get(token, -1) + 1
        yield (token, k), token, i, factor


def name(frame):
    return frame.get("function") or "?" + frame.get("module", "").rpartition("/")[2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records")
    parser.add_argument("--d", type=float, default=0.67)
    options = parser.parse_args()
    ids, where, stacks = [], [], {}
    with open(options.records, encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            key = tuple(name(frame) for frame in record["frames"])
            ids.append(record["id"])
            where.append(stacks.setdefault(key, len(stacks)))
    n = len(stacks)
    df, number = {}, {}
    for stack in stacks:
        for token in {t for _, t, _, _ in tokens(stack)}:
            df[token] = df.get(token, 0) + 1
    row, column, value = [], [], []
    for s, stack in enumerate(stacks):
        for token, plain, i, factor in tokens(stack):
            row.append(s)
            column.append(number.setdefault(token, len(number)))
            value.append(factor / (1 + 20 * df[plain] / n) * np.exp(-0.3 * i))
    matrix = scipy.sparse.csr_matrix((value, (row, column)), shape=(n, len(number)))
    total = np.asarray(matrix.sum(axis=1)).ravel()
    csc = matrix.tocsc()
    distance = np.empty((n, n), dtype=np.float32)
    for i in range(n):  # minima with one row: only columns that the row has
        shared = np.zeros(n)
        for k in range(matrix.indptr[i], matrix.indptr[i + 1]):
            column = slice(csc.indptr[matrix.indices[k]], csc.indptr[matrix.indices[k] + 1])
            shared[csc.indices[column]] += np.minimum(csc.data[column], matrix.data[k])
        distance[i] = 1 - np.minimum(2 * shared / (total[i] + total), 1)
    np.fill_diagonal(distance, 0)
    whole = scipy.spatial.distance.squareform(distance[np.ix_(where, where)], checks=False)  # equal stacks as often as they occur
    del distance
    linkage = fastcluster.linkage(whole, "average", preserve_input=False)
    group = scipy.cluster.hierarchy.fcluster(linkage, options.d, criterion="distance")
    sys.stdout.writelines(f"{i}\t{g}\n" for i, g in zip(ids, group))


main()
