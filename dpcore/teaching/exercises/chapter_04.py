"""Chapter 04: entropies of S, what the link loss counts, two levels, names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    exercise,
    expect_close,
    expect_number,
)

Answer = Callable[..., Any]


@exercise("4.1")
def two_numbers(function: Answer) -> str:
    """``two_numbers(s [n, k])`` → clusters in use, clusters a node."""
    soft = [[0.5, 0.5, 0.0], [0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [1.0, 0.0, 0.0]]
    sharp = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    for s, kind in ((soft, "a soft s"), (sharp, "an s of zeros and ones")):
        pair = function(torch.tensor(s))
        if not isinstance(pair, tuple | list | torch.Tensor) or len(pair) != 2:
            raise Mistake("return two numbers: `return in_use, a_node`")
        got = [float(number) for number in pair]
        if any(math.isnan(number) for number in got):
            raise Mistake("NaN: 0 · log 0 has to count as 0, see torch.special.entr")
        masses = [sum(column) for column in zip(*s, strict=True)]
        rows = [_entropy(row) for row in s]
        mean_row, mean = _entropy([m / len(s) for m in masses]), sum(rows) / len(rows)
        want = [math.exp(mean_row), math.exp(mean)]
        if _near(got, want[::-1]):
            raise Mistake("the other way round: first clusters in use, then a node")
        if _near(got, [mean_row, mean]):
            raise Mistake("these are the entropies: take the exponential of both")
        if _near(got, [math.exp(h / math.log(2)) for h in (mean_row, mean)]):
            raise Mistake("exp of an entropy in bits: use log, not log2")
        if _near(got[:1], [math.exp(_entropy(masses))]):
            raise Mistake("clusters in use: the average row is s.mean(0), not s.sum(0)")
        if kind == "a soft s":
            averaged_late = sum(math.exp(h) for h in rows) / len(rows)
            if _near(got[1:], [averaged_late]):
                raise Mistake(
                    "clusters a node: average the entropies first, then take one "
                    "exponential: exp of the entropy loss"
                )
        hint = "exp of the entropy of the average row, s.mean(0)"
        expect_number(got[0], want[0], hint, name=f"clusters in use of {kind}")
        hint = "exp of the average entropy of the rows"
        expect_number(got[1], want[1], hint, name=f"clusters a node of {kind}")
    return "in use: are there clusters? a node: has anyone decided?"


def _entropy(shares: Sequence[float]) -> float:
    return -sum(p * math.log(p) for p in shares if p > 0)


def _near(got: Sequence[float], want: Sequence[float]) -> bool:
    return all(abs(a - b) < 1e-4 for a, b in zip(got, want, strict=True))


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
        typical = {
            2 * (apart + gaps): "the diagonal is wrong too: SSᵀ has 1 there, A has 0",
            apart + gaps: "every pair stands in A twice, and the diagonal counts too",
            apart + gaps + n: "off the diagonal every pair stands in A twice",
            2 * apart + n: "also wrong: two nodes of one cluster without an edge",
            2 * apart: "only the bridges: what of pairs in one cluster, unlinked?",
            2 * gaps + n: "also wrong: edges between two clusters",
            n * n - want: "these are the entries that agree: count the others",
        }
        typical.pop(want, None)
        hint = "compare all n² entries of A with cluster[i] == cluster[j]"
        value = got.item() if isinstance(got, torch.Tensor) else got
        found.append(expect_number(got, want, typical.get(value, hint)))
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
    if isinstance(got, torch.Tensor) and got.shape == want.shape:
        got, sharp = got.to(want.dtype), torch.eye(3)[s1.argmax(1)]
        if torch.allclose(got, sharp @ s2):
            raise Mistake("no argmax between the levels: a soft node stays soft")
        if torch.allclose(got, want.softmax(1)):
            raise Mistake("no softmax: the rows of the product add up to 1 already")
        if torch.allclose(got, torch.eye(2)[want.argmax(1)]):
            raise Mistake("no argmax at the end: return the shares themselves")
    expect_close(got, want, hint)
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
        typical = {
            sum(f == g for f, g in both): "you compare the numbers: rename them first",
            pure: "two clusters took the same name: every name only once",
            _greedy(both): "taking the largest overlap first is not always the best",
        }
        hint = "try every renaming of 0 … k - 1 and keep the best share"
        value = float(got) if isinstance(got, int | float | torch.Tensor) else got
        if value == right and right > 1:
            raise Mistake("that is how many nodes are right: divide by all nodes")
        for count, told in typical.items():
            if count != right and value == count / n:
                hint = told
        expect_number(got, right / n, hint, name=f"the share for {kind}")
    return "now a number can say it, whatever the clusters are called."


def _greedy(pairs: list[tuple[int, int]]) -> int:
    """Nodes that are right if the pair of names with most nodes is fixed first."""
    total, left = 0, list(pairs)
    while left:
        best = max(sorted(set(left)), key=left.count)
        total += left.count(best)
        left = [(f, g) for f, g in left if f != best[0] and g != best[1]]
    return total
