"""Chapter 07: who ends where, NMI by hand, its chance level, modularity from A'."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    entropy,
    exercise,
    expect_close,
    expect_number,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("7.1")
def ends_in(function: Answer) -> str:
    """``ends_in(s1 [n, k1], s2 [k1, k2])`` → each node's likeliest last cluster."""
    s1 = torch.tensor([[0.4, 0.3, 0.3], [0.9, 0.1, 0.0], [0.0, 0.2, 0.8], [0, 1, 0]])
    s2 = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]])
    shares = torch.einsum("nk,km->nm", s1, s2)
    want = torch.tensor([max(range(2), key=row.__getitem__) for row in shares.tolist()])
    got = expect_tensor(function(s1.clone(), s2.clone()))
    if got.shape == shares.shape:
        raise Mistake("that is a share for each cluster: return the number of one, [n]")
    sharp = s2[s1.argmax(1)].argmax(1)
    if got.shape == want.shape and torch.equal(got.long(), sharp):
        raise Mistake(
            "argmax at every level: node 0 is 0.4 in cluster 0, but 0.6 in clusters 1 "
            "and 2, which both go elsewhere. Compose the shares first, choose once"
        )
    expect_close(got, want, "compose both levels as in exercise 4.3, then argmax(1)")
    return "the likeliest way and the likeliest end are not the same."


PAIRS = {
    "unlike partitions": ([0, 0, 1, 1, 2, 2, 2, 0], [0, 1, 1, 1, 2, 0, 2, 2]),
    "two equal partitions": ([0, 0, 1, 1, 2], [0, 0, 1, 1, 2]),
    "a renaming": ([0, 0, 1, 1, 1], [5, 5, 2, 2, 2]),
    "independent halves": ([0, 0, 1, 1], [0, 1, 0, 1]),
    "a split of one part": ([0, 0, 1, 1, 2, 2, 2], [0, 0, 0, 0, 2, 2, 2]),
    "one that is constant": ([0, 0, 0, 0], [0, 1, 1, 0]),
}


@exercise("7.2")
def nmi_by_hand(function: Answer) -> str:
    """``nmi_by_hand(a [n], b [n])`` → 2·I(U; V) / (H(U) + H(V)), U in a, V in b."""
    for kind, (a, b) in PAIRS.items():
        got = function(torch.tensor(a), torch.tensor(b))
        both = list(zip(a, b, strict=True))
        h_a, h_b, h_ab = _entropy(a), _entropy(b), _entropy(both)
        shared = h_a + h_b - h_ab
        want = 2 * shared / (h_a + h_b)
        if isinstance(got, float | torch.Tensor) and math.isnan(got):
            raise Mistake(f"{kind}: NaN: 0 · log 0 has to count as 0: skip empty cells")
        agree = sum(x == y for x, y in both) / len(a)
        mistakes = [
            (h_ab, "that is the joint entropy: I = H(U) + H(V) − H(U, V)"),
            (agree, "you compare the numbers: the names of clusters mean nothing"),
            (shared, "that is I, in nats: divide by the mean of the two entropies"),
            (
                shared / (h_a + h_b),
                "divide by the mean of the entropies, not their sum",
            ),
            (
                shared / max(h_a, h_b),
                "divided by the larger entropy: here it is the mean of the two",
            ),
        ]
        hint = "I = H(U) + H(V) − H(U, V), over the mean of H(U) and H(V)"
        name = f"the value for {kind}"
        expect_number(got, want, hint, name=name, mistakes=mistakes)
    return "one number, whatever the clusters are called."


def _entropy(items: list) -> float:
    return entropy(count / len(items) for count in Counter(items).values())


@exercise("7.3")
def by_chance(function: Answer) -> str:
    """``by_chance(score, a [n], b [n], times)`` → mean score with b shuffled."""
    # every node has a number of its own, so that no two shuffles look alike by chance
    a, b = torch.arange(12), torch.arange(12) + 20
    seen: list[torch.Tensor] = []

    def score(first: torch.Tensor, second: torch.Tensor) -> float:
        first, second = (
            expect_tensor(t, [12], "an argument of score") for t in (first, second)
        )
        seen.append(torch.stack([first, second]))
        return float(len(seen))

    got = function(score, a.clone(), b.clone(), 20)
    if len(seen) != 20:
        raise Mistake(f"score was called {len(seen)} times, expected `times` = 20")
    for pair in seen:
        for part, name, whole in ((pair[0], "a", a), (pair[1], "b", b)):
            if not torch.equal(part.sort().values, whole.sort().values):
                raise Mistake(
                    f"{name} has other cluster sizes than before: shuffle it with "
                    "torch.randperm, do not draw new numbers"
                )
    links = [sorted(map(tuple, pair.T.tolist())) for pair in seen]
    if all(link == links[0] for link in links):
        kept = sorted(zip(a.tolist(), b.tolist(), strict=True))
        if links[0] == kept:
            raise Mistake("shuffled alike: who is with whom stays. Shuffle b alone")
        raise Mistake("always the same order: shuffle anew every time, in the loop")
    expect_number(got, 10.5, "the mean over all times", name="the mean of 1 … 20")
    return "a score without its chance level is half a number."


@exercise("7.4")
def modularity(function: Answer) -> str:
    """``modularity(coarse [k, k])`` → Q of the clusters, from A' = SᵀAS alone."""
    ring = torch.roll(torch.eye(6), 1, 0)
    ring = ring + ring.T
    halves = torch.eye(2).repeat_interleave(3, 0)
    soft = torch.tensor([[0.8, 0.2], [0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    soft = torch.cat([soft, torch.tensor([[0.0, 1.0], [0.3, 0.7]])])
    everyone = torch.ones(6, 1)
    for kind, s in (("halves", halves), ("soft", soft), ("one cluster", everyone)):
        coarse = s.T @ ring @ s
        got = function(coarse.clone())
        degree, mass = ring.sum(1), ring.sum()
        together = s @ s.T
        expected = torch.outer(degree, degree) / mass
        want = float(((ring - expected) * together).sum() / mass)
        rows = coarse.sum(1) / mass
        mistakes = [
            (coarse.trace() / mass, "also subtract what chance would give"),
            (coarse.trace() - mass * rows.square().sum(), "divide by the mass"),
            (
                (coarse.trace() - rows.square().sum()) / mass,
                "the rows' sums too are shares of the mass: divide before you square",
            ),
            (
                coarse.trace() / mass - rows.sum() ** 2,
                "square each row's share, then add them up, not the other way round",
            ),
        ]
        hint = "Σ_c A'_cc / m − Σ_c (Σ_d A'_cd / m)², with m the sum of A'"
        name = f"Q of a ring of six, {kind}"
        expect_number(got, want, hint, name=name, mistakes=mistakes)
    return "the small graph still knows how good its clusters are."
