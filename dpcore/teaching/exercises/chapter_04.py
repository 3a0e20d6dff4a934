"""Chapter 04: entropies of S, what the link loss counts, two levels, names."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import permutations
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    entropy,
    exercise,
    expect_close,
    expect_number,
    expect_pair,
)

Answer = Callable[..., Any]


@exercise("4.1")
def two_numbers(function: Answer) -> str:
    """``two_numbers(s [n, k])`` → clusters in use, clusters a node."""
    soft = [[0.5, 0.5, 0.0], [0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [1.0, 0.0, 0.0]]
    sharp = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    for s, kind in ((soft, "a soft s"), (sharp, "an s of zeros and ones")):
        pair = expect_pair(function(torch.tensor(s)), "in_use, a_node")
        if any(math.isnan(float(number)) for number in pair):
            raise Mistake("NaN: 0 · log 0 has to count as 0, see torch.special.entr")
        masses = [sum(column) for column in zip(*s, strict=True)]
        rows = [entropy(row) for row in s]
        mean_row, mean = entropy(m / len(s) for m in masses), sum(rows) / len(rows)
        in_use, a_node = math.exp(mean_row), math.exp(mean)
        swapped = "the other way round: first clusters in use, then a node"
        plain = "this is the entropy: take the exponential of both"
        bits = "exp of an entropy in bits: use log, not log2"
        mistakes = [
            (a_node, swapped),
            (mean_row, plain),
            (math.exp(mean_row / math.log(2)), bits),
            (math.exp(entropy(masses)), "the average row is s.mean(0), not s.sum(0)"),
        ]
        hint = "exp of the entropy of the average row, s.mean(0)"
        name = f"clusters in use of {kind}"
        expect_number(pair[0], in_use, hint, name=name, mistakes=mistakes)
        mistakes = [
            (in_use, swapped),
            (mean, plain),
            (math.exp(mean / math.log(2)), bits),
            (
                sum(math.exp(h) for h in rows) / len(rows),
                "average the entropies first, then take one exponential: exp of the "
                "entropy loss",
            ),
        ]
        hint = "exp of the average entropy of the rows"
        name = f"clusters a node of {kind}"
        expect_number(pair[1], a_node, hint, name=name, mistakes=mistakes)
    return "in use: are there clusters? a node: has anyone decided?"


@exercise("4.2")
def wrong_entries(function: Answer) -> str:
    """``wrong_entries(edge_index [2, E], cluster [n])`` → how many entries differ."""
    ring = [(i, (i + 1) % 6) for i in range(6)]
    square = [(0, 1), (1, 2), (2, 3), (3, 0), (3, 4), (5, 6)]  # 7 and 8: no edge
    cases = [
        (square, [0, 0, 0, 0, 2, 1, 1, 1, 3]),
        (ring, [0, 0, 0, 0, 0, 0]),
        (ring, [0, 0, 1, 1, 2, 2]),
    ]
    found = []
    for pairs, cluster in cases:
        edges = torch.tensor([*pairs, *((j, i) for i, j in pairs)]).T
        got = function(edges.clone(), torch.tensor(cluster))
        if isinstance(got, torch.Tensor) and got.numel() > 1:
            raise Mistake(f"that is a tensor {list(got.shape)}: add its entries up")
        n, linked = len(cluster), {frozenset(pair) for pair in pairs}
        apart = sum(cluster[i] != cluster[j] for i, j in pairs)
        gaps = sum(
            cluster[i] == cluster[j] and frozenset((i, j)) not in linked
            for i in range(n)
            for j in range(i)
        )
        want = 2 * apart + 2 * gaps + n
        mistakes = [
            (2 * (apart + gaps), "the diagonal is wrong too: SSᵀ has 1 there, A has 0"),
            (apart + gaps, "every pair stands in A twice, and the diagonal counts too"),
            (apart + gaps + n, "off the diagonal every pair stands in A twice"),
            (2 * apart + n, "also wrong: two nodes of one cluster without an edge"),
            (2 * apart, "only the bridges: what of pairs in one cluster, unlinked?"),
            (2 * gaps + n, "also wrong: edges between two clusters"),
            (n * n - want, "these are the entries that agree: count the others"),
            (
                2 * apart - 2 * gaps - n,
                "entries of −1 and of +1 cancel: count both, abs() or !=",
            ),
            (
                2 * gaps + n - 2 * apart,
                "entries of −1 and of +1 cancel: count both, abs() or !=",
            ),
        ]
        hint = "compare all n² entries of A with cluster[i] == cluster[j]"
        found.append(expect_number(got, want, hint, mistakes=mistakes))
    whole, three = (int(count) for count in found[1:])
    return f"the ring: {whole} in one cluster, {three} as pairs. It would be cut up."


@exercise("4.3")
def both_levels(function: Answer) -> str:
    """``both_levels(s1 [n, k1], s2 [k1, k2])`` → one assignment [n, k2]."""
    s1 = torch.tensor([[0.6, 0.3, 0.1], [0.6, 0.4, 0], [0, 0.5, 0.5], [0, 0.1, 0.9]])
    s2 = torch.tensor([[0.7, 0.3], [0.4, 0.6], [0.1, 0.9]])
    want = torch.einsum("nk,km->nm", s1, s2)
    got = function(s1.clone(), s2.clone())
    hint = (
        "the share of node i in last cluster m: over all clusters c, s1[i, c]·s2[c, m]"
    )
    sharp = torch.eye(3)[s1.argmax(1)]
    mistakes = [
        (sharp @ s2, "no argmax between the levels: a soft node stays soft"),
        (want.softmax(1), "no softmax: the rows of the product add up to 1 already"),
        (
            torch.eye(2)[want.argmax(1)],
            "no argmax at the end: return the shares themselves",
        ),
    ]
    expect_close(got, want, hint, mistakes=mistakes)
    return "two levels are one assignment: A'' follows from A in one step."


@exercise("4.4")
def matched(function: Answer) -> str:
    """``matched(found [n], groups [n], k)`` → share that is right, best renaming."""
    cases = {
        "groups with other names": ([2, 2, 0, 0, 1, 1], [0, 0, 1, 1, 2, 2], 3),
        # the largest overlap first gives 4, the best renaming 6 of 10
        "clusters that overlap": ([0] * 7 + [1] * 3, [0] * 4 + [1] * 3 + [0] * 3, 2),
        "a collapse into one cluster": ([1] * 7, [0, 0, 0, 0, 1, 1, 2], 3),
        "groups torn in two": ([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 1, 1, 1, 1], 4),
    }
    for kind, (found, groups, k) in cases.items():
        tensors = torch.tensor(found), torch.tensor(groups)
        got = function(tensors[0].clone(), tensors[1].clone(), k)
        n, both = len(found), list(zip(found, groups, strict=True))
        right = max(sum(p[f] == g for f, g in both) for p in permutations(range(k)))
        own = [[groups[i] for i in range(n) if found[i] == c] for c in range(k)]
        pure = sum(max(map(part.count, part), default=0) for part in own)
        same = sum(f == g for f, g in both)
        mistakes = [
            (right, "that is how many nodes are right: divide by all nodes"),
            (
                _greedy(both) / n,
                "taking the largest overlap first is not always the best",
            ),
            (same / n, "you compare the numbers: rename them first"),
            (pure / n, "two clusters took the same name: every name only once"),
        ]
        hint = "try every renaming of 0 … k - 1 and keep the best share"
        name = f"the share for {kind}"
        expect_number(got, right / n, hint, name=name, mistakes=mistakes)
    return "now a number can say it, whatever the clusters are called."


def _greedy(pairs: list[tuple[int, int]]) -> int:
    """Nodes that are right if the pair of names with most nodes is fixed first."""
    total, left = 0, list(pairs)
    while left:
        best = max(sorted(set(left)), key=left.count)
        total += left.count(best)
        left = [(f, g) for f, g in left if f != best[0] and g != best[1]]
    return total
