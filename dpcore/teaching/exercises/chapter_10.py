"""Chapter 10: luck, the wiring in A', colour refinement, a control of equal degrees."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    exercise,
    expect_number,
    expect_tensor,
)

Answer = Callable[..., Any]
Pairs = list[tuple[int, int]]


@exercise("10.1")
def above_chance(function: Answer) -> str:
    """``above_chance(accuracy, n, classes)`` → standard errors above guessing."""
    for accuracy, n, classes in ((0.58, 200, 2), (0.52, 100, 4), (0.45, 50, 2)):
        p = 1 / classes
        above = accuracy - p
        want = above / math.sqrt(p * (1 - p) / n)
        own = math.sqrt(accuracy * (1 - accuracy) / n)
        got = function(accuracy, n, classes)
        mistakes = {
            above / own: "whoever guesses is right with p = 1/classes: take that p, "
            "not the accuracy, under the root",
            (accuracy - 0.5) / math.sqrt(0.25 / n): "with four classes a guess is "
            "right with 1/4: p = 1 / classes",
            above / (p * (1 - p) / n): "that divides by the variance: take its root",
            above / math.sqrt(p * (1 - p)): "the mean of n guesses: divide p(1 - p) "
            "by n under the root",
            above: "that is the distance: divide it by the standard error",
            -want: "the sign is turned round: accuracy minus chance",
        }
        hint = "(accuracy - p) / sqrt(p (1 - p) / n), with p = 1 / classes"
        expect_number(got, want, hint, mistakes=mistakes.items())
    return "two or more is hard to call luck; but look at many, and one will have it."


@exercise("10.2")
def wiring(function: Answer) -> str:
    """``wiring(adj [k, k])`` → "ring", "star" or "rings"."""
    ring = [(i, (i + 1) % 6) for i in range(6)]
    rings = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]
    star = [(0, i) for i in range(1, 6)]
    large = [(i, (i + 1) % 8) for i in range(8)]
    two = [(i + j, i + (j + 1) % 4) for i in (0, 4) for j in range(4)]
    cases = [("ring", ring), ("star", star), ("rings", rings)]
    cases += [("ring", large), ("rings", two)]
    order = torch.Generator().manual_seed(10)
    for want, links in cases:
        k = 1 + max(map(max, links))
        for inside in (0.0, 44.0):
            adj = torch.eye(k) * inside
            for place, (a, b) in enumerate(links):
                adj[a, b] = adj[b, a] = 2.0 + 2 * (place == 0)
            turn = torch.randperm(k, generator=order)
            got = function(adj[turn][:, turn])
            if got not in ("ring", "star", "rings"):
                raise Mistake(f"returned {got!r}: one of 'ring', 'star', 'rings'")
            if got == want:
                continue
            if inside:
                raise Mistake(
                    f"a {want} with edges inside its communities is no {got}: the "
                    "diagonal of A' is no link between two of them"
                )
            if {got, want} == {"ring", "rings"}:
                raise Mistake(
                    f"{want}, not {got}: everyone has two neighbours in both, and "
                    "only who can be reached tells them apart, in any node order"
                )
            raise Mistake(
                f"{want}, not {got}: count links, entries above 0, not their weights"
            )
    return "on A' the question is a few lines. That is what pooling is for."


@exercise("10.3")
def refined(function: Answer) -> str:
    """``refined(edge_index [2, E], colour [n])`` → colours when they are stable."""
    path = [(i, i + 1) for i in range(8)]
    ring = [(i, (i + 1) % 6) for i in range(6)]
    # 0 has two red neighbours, 1 three: as sets of colours they are the same
    fans = [(0, i) for i in (2, 3, 8)] + [(1, i) for i in (4, 5, 6, 8)]
    fans += [(2, 7), (3, 7), (4, 7), (5, 7), (6, 7)]
    two_kinds = [(0, 1), (2, 3)]
    # neighbours 0 and 3, or 1 and 2: equal sums, other colours
    sums = [(0, 4), (3, 4), (1, 5), (2, 5)]
    cases: list[tuple[str, Pairs, list[int]]] = [
        ("a ring, all alike", ring, [0] * 6),
        ("a path of nine nodes, all alike", path, [1] * 9),
        ("two pairs of other colours", two_kinds, [0, 1, 1, 2]),
        ("nodes with two and three neighbours of a colour", fans, [0] * 9),
        ("neighbours of colours 0 and 3, or 1 and 2", sums, [0, 3, 1, 2, 5, 5]),
    ]
    for kind, pairs, colour in cases:
        edges = torch.tensor([*pairs, *((v, u) for u, v in pairs)]).T
        want = _colours(pairs, colour)
        got = function(edges.clone(), torch.tensor(colour))
        if isinstance(got, torch.Tensor) and got.numel() > 1:
            raise Mistake("return how many colours there are, not the colours")
        mistakes = {
            len(set(colour)): "these are the colours at the start",
            _colours(pairs, colour, rounds=1): "one round is not enough: go on until "
            "the number of colours stays",
            _colours(pairs, colour, gather=set): "two red neighbours are not three: "
            "keep how often a colour occurs, sort it, no set",
            _colours(pairs, colour, gather=lambda near: [sum(near)]): "a sum of "
            "colour numbers mixes them up: 0 + 3 is 1 + 2; keep the sorted list",
            _colours(pairs, colour, own=False): "a node keeps its own colour: the "
            "new one comes from the pair (own, neighbours')",
        }
        hint = "new colour of a node: its own, and the sorted list of its neighbours'"
        name = f"the count for {kind}"
        expect_number(got, want, hint, name=name, mistakes=mistakes.items())
    return "a GNN without other features sees no more than this."


def _colours(
    pairs: Pairs,
    colour: list[int],
    rounds: int | None = None,
    gather: Callable[[list[int]], Iterable[int]] = sorted,
    own: bool = True,
) -> int:
    near: list[list[int]] = [[] for _ in colour]
    for u, v in pairs:
        near[u].append(v)
        near[v].append(u)
    colour = list(colour)
    for _ in range(len(colour) if rounds is None else rounds):
        seen = [
            (c * own, *sorted(gather([colour[v] for v in of])))
            for c, of in zip(colour, near, strict=True)
        ]
        names = {kind: i for i, kind in enumerate(sorted(set(seen)))}
        colour = [names[kind] for kind in seen]
    return len(set(colour))


@exercise("10.4")
def rewired(function: Answer) -> str:
    """``rewired(pairs [2, m], i, j)``: a–b, c–d → a–d, c–b, where that is allowed."""
    pairs = torch.tensor([[0, 2, 0, 1, 4, 5], [1, 3, 3, 2, 5, 0]])
    cases = [
        ((0, 4), [(0, 5), (2, 3), (0, 3), (1, 2), (4, 1), (5, 0)], "double"),
        ((1, 4), [(0, 1), (2, 5), (0, 3), (1, 2), (4, 3), (5, 0)], None),
        ((0, 3), [(0, 2), (2, 3), (0, 3), (1, 1), (4, 5), (5, 0)], "loop"),
        ((3, 2), [(0, 1), (2, 3), (0, 2), (1, 3), (4, 5), (5, 0)], None),
        ((0, 1), [(0, 3), (2, 1), (0, 3), (1, 2), (4, 5), (5, 0)], "double"),
        ((4, 5), [(0, 1), (2, 3), (0, 3), (1, 2), (4, 0), (5, 5)], "loop"),
    ]
    for (i, j), swapped, fault in cases:
        got = expect_tensor(function(pairs.clone(), i, j), pairs.shape)
        found = [tuple(pair) for pair in got.T.tolist()]
        edges = _edges(found)
        want = _edges(map(tuple, pairs.T.tolist())) if fault else _edges(swapped)
        if edges == want:
            continue
        degrees = Counter(node for pair in found for node in pair)
        if fault == "loop" and any(a == b for a, b in found):
            raise Mistake("that makes a loop, a–a: leave such a pair of edges alone")
        if fault == "double" and max(edges.values()) > 1:
            raise Mistake(
                "that makes a second edge between the same two nodes; 0–5 and 5–0 "
                "are the same edge: leave such a pair alone"
            )
        if degrees != Counter(pairs.flatten().tolist()):
            raise Mistake("a degree has changed: every end must stay in use once")
        if not fault and edges == _edges(map(tuple, pairs.T.tolist())):
            raise Mistake("nothing changed, though a–d and c–b are allowed here")
        raise Mistake("edges i: a–b and j: c–d become a–d and c–b, no others change")
    return "many such swaps: another graph, the same degrees. The fairest control."


def _edges(pairs: Iterable[tuple[int, int]]) -> Counter:
    return Counter(tuple(sorted(pair)) for pair in pairs)
