"""Chapter 02: neighbours' means, batches, masks, equivariance, a one-number model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from dpcore.teaching.exercises.mechanism import (
    Largest,
    Mistake,
    exercise,
    expect_close,
    expect_pair,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("2.1")
def neighbour_mean(function: Answer) -> str:
    """``neighbour_mean(x [n, f], edge_index [2, E])`` → [n, f]."""
    x = torch.tensor([[2.0, 1], [4, 0], [6, 3], [8, -5], [1, 7], [3, 3]])
    edges = _both_ways([(0, 1), (0, 2), (1, 2), (2, 3)])  # nodes 4 and 5 are alone
    adj = torch.zeros(6, 6)
    adj[edges[0], edges[1]] = 1
    total, count = adj @ x, adj.sum(1, keepdim=True)
    some, voices = count.clamp(min=1), count + 1
    gcn = ((adj + torch.eye(6)) / (voices * voices.T).sqrt()) @ x
    got = function(x.clone(), edges.clone())
    if isinstance(got, Tensor) and got.shape == x.shape:
        if torch.isnan(got[4:]).any():
            raise Mistake("0 / 0 at a node without neighbours: clamp the count at 1")
    mistakes = [
        (total, "that is the sum: divide by the number of neighbours"),
        ((total + x) / voices, "the node itself is in your mean: leave it out"),
        (total / voices, "you divide by neighbours + 1: the node does not count"),
        (total / len(x), "you divide by all nodes: every node has its own count"),
        (gcn, "that is the GCN's weighting: here it is the plain mean"),
    ]
    hint = "the mean of x[j] over the columns (i, j)"
    expect_close(got, total / some, hint, mistakes=mistakes)
    i = torch.arange(399)
    path = torch.stack([torch.cat([i, i + 1]), torch.cat([i + 1, i])])
    with Largest() as watch:
        function(torch.ones(400, 1), path)
    if watch.entries > 40_000:
        raise Mistake(
            f"right, but on a path of 400 nodes you make a tensor of {watch.entries:,} "
            "entries, n × n: go along the edges, x[j] and index_add"
        )
    return "half of a GraphSAGE layer, along the edges only."


@exercise("2.2")
def side_by_side(function: Answer) -> str:
    """``side_by_side([(x, edge_index), …])`` → x, edge_index, batch."""
    sizes = [3, 2, 4, 1, 3]
    pairs = [[(0, 1)], [], [(0, 2), (1, 2)], [], [(2, 0)]]  # some nodes are alone
    graphs = [
        (10.0 * g + torch.arange(2.0 * n).view(n, 2), _both_ways(pairs[g]))
        for g, n in enumerate(sizes)
    ]
    given = [(x.clone(), edges.clone()) for x, edges in graphs]
    result = function(given)
    for old, new in zip(graphs, given, strict=True):
        if not all(map(torch.equal, old, new)):
            raise Mistake(
                "your function changes the graphs that it got: `edge_index += …` works "
                "in place, `edge_index + …` makes a new tensor"
            )
    if not isinstance(result, tuple | list) or len(result) != 3:
        raise Mistake("return three tensors: `return x, edge_index, batch`")
    x, edges, batch = result
    rows = torch.cat([x for x, _ in graphs])
    expect_close(x, rows, "all rows of the first graph, then the second …", name="x")
    whose = torch.tensor([g for g, n in enumerate(sizes) for _ in range(n)])
    batch = expect_tensor(batch, whose.shape, "batch")
    if torch.equal(batch.long(), whose + 1):
        raise Mistake("batch counts the graphs from 1: the first one has number 0")
    expect_close(batch, whose, "the number of the node's graph", name="batch")
    edges = expect_tensor(edges, [2, 8], "edge_index")
    if edges.is_floating_point():
        raise Mistake(f"edge_index is {edges.dtype}: keep whole numbers")

    def moved(by: Sequence[int]) -> list[tuple[int, int]]:
        shifted = [edges + move for (_, edges), move in zip(graphs, by, strict=True)]
        return _columns(torch.cat(shifted, dim=1))

    largest = [max(map(max, own), default=-1) + 1 for own in pairs]
    typical = {
        "every graph still counts from 0: move its numbers up": [0] * 5,
        "you move by the previous graph only: count all earlier ones": [0, *sizes[:-1]],
        "nodes without edges count too: a graph has len(x) nodes": _before(largest),
        "you move by the edges before: it is the nodes": _before(
            [2 * len(own) for own in pairs]
        ),
        "a graph moves by the nodes before it, its own do not count": [
            before + n for before, n in zip(_before(sizes), sizes, strict=True)
        ],
        "you move by the graph's number: it is the nodes before it": list(range(5)),
    }
    for told, by in typical.items():
        if _columns(edges) == moved(by):
            raise Mistake(told)
    if _columns(edges) != moved(_before(sizes)):
        raise Mistake("an edge has to join the same two rows of x as before")
    return "one big graph, in which no message gets lost next door."


def _before(sizes: Sequence[int]) -> list[int]:
    """How much stands before each."""
    return [sum(sizes[:g]) for g in range(len(sizes))]


def _columns(edge_index: Tensor) -> list[tuple[int, int]]:
    return sorted(map(tuple, edge_index.T.tolist()))


def _both_ways(pairs: Sequence[tuple[int, int]]) -> Tensor:
    both = [*pairs, *((j, i) for i, j in pairs)]
    return torch.tensor(both, dtype=torch.long).reshape(-1, 2).T


@exercise("2.3")
def masked_readouts(function: Answer) -> str:
    """``masked_readouts(h [B, n, d], mask [B, n])`` → mean, maximum, [B, d] each."""
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0]]).bool()
    torch.manual_seed(23)
    nodes = -1 - torch.rand(3, 4, 2)  # every entry of a node is negative
    rows = [h[m] for h, m in zip(nodes, mask, strict=True)]
    want = {
        "the mean": torch.stack([row.sum(0) / len(row) for row in rows]),
        "the maximum": torch.stack([row.max(0).values for row in rows]),
    }
    for fill in (0.0, 7.0, float("nan")):
        h = torch.where(mask[:, :, None], nodes, fill)
        pair = expect_pair(function(h.clone(), mask.clone()), "mean, maximum")
        for (name, right), got in zip(want.items(), pair, strict=True):
            name = f"{name} (padded rows hold {fill:g})"
            if isinstance(got, Tensor) and torch.isnan(got).any():
                raise Mistake(
                    f"{name} is NaN: 0 · NaN is NaN. Replace those rows, "
                    "h.masked_fill(~mask[:, :, None], …)"
                )
            mistakes = _mask_forgotten(h, mask, nodes)
            hint = "only rows where the mask is true"
            expect_close(got, right, hint, name=name, mistakes=mistakes)
    return "no graph notices how large its neighbours in the batch are."


def _mask_forgotten(
    h: Tensor, mask: Tensor, nodes: Tensor
) -> Iterable[tuple[Tensor, str]]:
    count = mask.sum(1, keepdim=True)
    total = torch.where(mask[:, :, None], nodes, 0.0).sum(1)
    counts_padding = "padded rows count as nodes: divide by mask.sum(1)"
    yield h.mean(1), counts_padding
    yield total / mask.size(1), counts_padding
    yield h.sum(1) / count, "padded rows are in your sum: set them to 0 first"
    yield total, "that is the sum: divide by the number of nodes, mask.sum(1)"
    yield total / mask.sum(), "you divide by all nodes of the batch: each its own"
    yield (
        torch.where(mask[:, :, None], nodes, 0.0).amax(1),
        "padded rows win with 0, since every node is negative: fill them with -inf",
    )
    yield h.amax(1), "a padded row wins: fill those rows with -inf before the maximum"


@exercise("2.4")
def is_equivariant(function: Answer) -> str:
    """``is_equivariant(layer, x, adj)`` → bool, for honest layers and for cheats."""
    torch.manual_seed(24)
    x = torch.arange(14.0).view(7, 2)[[3, 0, 5, 1, 6, 2, 4]]
    adj = (torch.rand(7, 7) < 0.4).to(x)  # directed

    def says(layer: Callable[[Tensor, Tensor], Tensor]) -> bool:
        torch.manual_seed(0)
        answer = function(layer, x.clone(), adj.clone())
        if isinstance(answer, Tensor) and answer.numel() == 1:
            answer = answer.item()
        if not isinstance(answer, bool):
            kind = type(answer).__name__
            raise Mistake(f"returned a {kind}: return True or False, of all rows")
        return answer

    if not says(lambda x, adj: 2 * x):
        if says(_sorted_rows):
            raise Mistake(
                "you ask whether the rows *stay*, that is invariance: they have to "
                "move along. Compare layer(x[p], …) with before[p]"
            )
        raise Mistake(
            "you accuse an honest layer, 2·x, every node for itself: if x[p] goes in, "
            "before[p] must come out"
        )
    if not says(lambda x, adj: adj @ x):
        raise Mistake(
            "you accuse an honest layer, adj @ x: the adjacency moves with the nodes, "
            "rows and columns, adj[p][:, p]"
        )
    if not says(_attention):
        raise Mistake(
            "you accuse an honest layer, a softmax over all nodes: sums in another "
            "order round otherwise, so compare with torch.allclose"
        )
    for cheat, does in _CHEATS.items():
        if says(cheat):
            raise Mistake(f"a cheat got through: it {does}")
    return "three honest layers acquitted, six cheats caught."


def _sorted_rows(x: Tensor, adj: Tensor) -> Tensor:
    return x.sort(dim=0).values


def _attention(x: Tensor, adj: Tensor) -> Tensor:
    return (x @ x.T / 17).softmax(1) @ (x / 3).exp()


def _numbered(x: Tensor, adj: Tensor) -> Tensor:
    return adj @ x + torch.arange(float(len(x)))[:, None]


def _mirrored(x: Tensor, adj: Tensor) -> Tensor:
    middle = (len(x) - 1) / 2
    return x + (torch.arange(float(len(x))) - middle).abs()[:, None]


def _in_pairs(x: Tensor, adj: Tensor) -> Tensor:
    return x + (torch.arange(len(x)) // 2)[:, None]


def _small_difference(x: Tensor, adj: Tensor) -> Tensor:
    return x + 0.01 * x[:1]


def _rarely(x: Tensor, adj: Tensor) -> Tensor:
    return x + float(x[0, 0] == x[:, 0].min())


_CHEATS = {
    _sorted_rows: "sorts the rows, so that they stay where they should move along",
    _numbered: "adds the node's number to its row",
    _mirrored: "adds the distance from the middle of the list, which reversing the "
    "order does not show. Try many permutations, torch.randperm",
    _in_pairs: "treats numbers 0 and 1 alike, 2 and 3 alike …: swapping two neighbours "
    "in the list does not show it. Try many permutations, torch.randperm",
    _small_difference: "adds a hundredth of the first node's row to all: your "
    "tolerance is too wide",
    _rarely: "cheats only if the node with the smallest feature comes first: one "
    "permutation is not enough, try fifty",
}


@exercise("2.5")
def ruler(function: Answer) -> str:
    """``ruler(train_sizes, train_labels, test_sizes)`` → labels of the test graphs."""
    cases = {
        "where small graphs are class 1": (
            [20, 5, 41, 9, 12, 8, 30, 25],
            [0, 1, 0, 1, 0, 1, 1, 0],
            [12, 9, 41, 5, 30, 8, 20],
            9,
            25,
        ),
        "where large graphs are class 1": (
            [14, 28, 10, 15, 11, 17, 10, 22, 13, 19],
            [0, 1, 0, 1, 1, 1, 0, 0, 0, 1],
            [14, 15, 28, 10, 22, 13, 17, 11],
            14,
            14,
        ),
    }
    # t is the only best threshold; t_up the first best one where large must mean 1
    for kind, (sizes, labels, test, t, t_up) in cases.items():
        train_sizes, train_labels = torch.tensor(sizes), torch.tensor(labels)
        test_sizes, large = torch.tensor(test), int("large" in kind)
        got = function(train_sizes.clone(), train_labels.clone(), test_sizes.clone())
        if isinstance(got, Tensor) and got.shape == train_labels.shape:
            raise Mistake("these are labels of the training graphs: label the test's")
        want = torch.where(test_sizes > t, large, 1 - large)
        mean, constant = train_sizes.double().mean(), "the same label for all"
        mistakes = [
            (test_sizes > t_up, "you try one direction only, large means 1"),
            (1 - want, "the direction is wrong: large may mean 0 or 1, try both"),
            (
                torch.where(test_sizes >= t, large, 1 - large),
                "graphs of exactly the threshold's size are on the wrong side: use the "
                "same comparison for training and test",
            ),
            (
                torch.where(test_sizes > mean, large, 1 - large),
                "the threshold is the mean: count who is right at every size",
            ),
            (torch.zeros_like(want), f"{constant}: let the size decide"),
            (torch.ones_like(want), f"{constant}: the size has to decide"),
        ]
        hint = "take the threshold and direction with the most right in training"
        name = f"the result {kind}"
        expect_close(got, want, hint, name=name, mistakes=mistakes)
    return "one number, no network: 81.9 ± 8.3 % on MUTAG. Compare with the table."
