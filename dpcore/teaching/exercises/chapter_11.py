"""Chapter 11: names to numbers, clusters for each size, rare classes, pieces, files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    exercise,
    expect_close,
    expect_number,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("11.1")
def number_nodes(function: Answer) -> str:
    """``number_nodes(pairs)`` → names, edge_index [2, E]."""
    pairs = [("Di", "Ann"), ("Ann", "Cy"), ("Cy", "Ann"), ("Bo", "Di")]
    got = function(list(pairs))
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Mistake("return two things: the names, and edge_index")
    names, index = got
    want = ["Di", "Ann", "Cy", "Bo"]
    if not isinstance(names, list | tuple):
        raise Mistake(f"the names are a {type(names).__name__}, expected a list")
    if len(names) != len(set(names)):
        raise Mistake("somebody is in your names twice: one number for one person")
    if list(names) == sorted(want):
        raise Mistake("you sorted the names: keep the order of their first occurrence")
    if list(names) != want:
        raise Mistake(f"the names are {list(names)}, expected {want}")
    linked = {("Di", "Ann"), ("Ann", "Cy"), ("Bo", "Di")}
    edges = _edges(index)
    if min(map(min, edges)) > 0:
        raise Mistake("your numbers start at 1: node 0 has no edge, but Di has")
    if max(map(max, edges)) > 3:
        raise Mistake("edge_index holds a number above 3, but there are four people")
    told = [(names[a], names[b]) for a, b in edges]
    if len(told) != len(set(told)):
        raise Mistake(
            "a friendship stands twice in one direction: it would count double in A"
        )
    if not all((b, a) in told for a, b in told):
        raise Mistake("an edge lacks its other direction: A would not be symmetric")
    if set(told) != linked | {(b, a) for a, b in linked}:
        raise Mistake("the edges join the wrong people: check the numbers")
    return "any names become 0 … n − 1, in every graph for itself."


@exercise("11.2")
def clusters_each(function: Answer) -> str:
    """``clusters_each(sizes [B], ratio, most)`` → [B] integers."""
    for sizes, ratio, most in (([10, 15, 28, 60], 0.25, 7), ([1, 2, 5], 0.5, 9)):
        exact = [-(-n // round(1 / ratio)) for n in sizes]  # divides without floats
        got = expect_tensor(function(torch.tensor(sizes), ratio, most), [len(sizes)])
        if got.is_floating_point():
            raise Mistake(f"the result has dtype {got.dtype}: clusters are counted")
        found = got.tolist()
        if max(found) > most:
            raise Mistake(f"{max(found)} clusters of {most}: never more than `most`")
        if found == [min(int(n * ratio), most) for n in sizes]:
            raise Mistake("you round down: a graph of 1 node would get no cluster")
        if found == [min(round(n * ratio), most) for n in sizes]:
            raise Mistake("you round to the nearest: the brackets ⌈ ⌉ round up")
        if found == [most] * len(sizes):
            raise Mistake("all graphs get `most`: that is per_graph=False")
        want = torch.tensor([min(k, most) for k in exact])
        expect_close(got, want, "⌈ratio · n⌉, at most `most`", name=f"for {sizes}")
    return "a small graph shrinks as much as a large one."


@exercise("11.3")
def balanced_logits(function: Answer) -> str:
    """``balanced_logits(logits [B, C], counts [C])`` → [B, C]."""
    counts = torch.tensor([90, 10, 300])
    likely = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3]])
    joint = likely * counts  # p(G | c) p(c), up to a factor a row
    shift = torch.tensor([[2.0], [-1.0], [0.0]])  # a constant a row means nothing
    logits = (joint / joint.sum(1, keepdim=True)).log() + shift
    got = expect_tensor(function(logits.clone(), counts.clone()), [3, 3])
    wrong = {
        "you add log p(c): the frequent class gets even more, subtract it": (
            likely * counts.double() ** 2
        ),
        "nothing changed: the shares of the classes are still in there": joint,
        "you subtract the shares themselves: logits are logarithms": torch.exp(
            logits - counts / counts.sum()
        ),
        "you subtract the counts themselves: logits are logarithms": torch.exp(
            (logits - counts).double()
        ),
        "you divide the logits: only probabilities are divided by p(c)": torch.exp(
            logits / (counts / counts.sum())
        ),
    }
    found = torch.softmax(got.detach().double(), dim=1)
    for words, weights in wrong.items():
        expected = weights.double() / weights.double().sum(1, keepdim=True)
        if torch.allclose(found, expected, atol=1e-5):
            raise Mistake(words)
    raw = got.detach().double()
    if (raw >= 0).all() and torch.allclose(
        raw / raw.sum(1, keepdim=True), likely.double(), atol=1e-5
    ):
        raise Mistake("these are probabilities: return logits, without the softmax")
    hint = "subtract log p(c) from every row (softmax of your logits is compared)"
    expect_close(found, likely, hint, name="the probability")
    return "the border moved, the model did not."


@exercise("11.4")
def pieces(function: Answer) -> str:
    """``pieces(edge_index [2, E], cluster [n])`` → a number."""
    ring, long = [[(i, (i + 1) % n) for i in range(n)] for n in (6, 8)]
    cases = {
        "a ring of 6 in two halves": (ring, [0, 0, 0, 1, 1, 1], 2),
        "a ring of 8, clusters 0 0 1 1 0 0 1 1": (long, [0, 0, 1, 1, 0, 0, 1, 1], 4),
        "a path of 3 and a node without edges": ([(0, 1), (1, 2)], [0, 0, 0, 0], 2),
        "two pairs in one cluster number 5": ([(0, 1), (2, 3)], [5, 5, 5, 5], 2),
        "6 nodes without any edge": ([], [0, 0, 1, 1, 2, 2], 6),
    }
    for name, (edges, cluster, want) in cases.items():
        both = torch.tensor(edges + [(b, a) for a, b in edges], dtype=torch.long)
        got = function(both.view(-1, 2).T, torch.tensor(cluster))
        isolated = sum(i not in sum(edges, ()) for i in range(len(cluster)))
        mistakes = [
            (
                want - isolated,
                "nodes without edges are missing: each is a piece by itself",
            ),
            (
                len(set(cluster)),
                "you count clusters: two parts of one cluster are two pieces",
            ),
            (1, "you count parts of the whole graph: cut between clusters"),
        ]
        hint = "connected components of the edges inside clusters"
        expect_number(got, want, hint, name=f"pieces of {name}", mistakes=mistakes)
    return "same surroundings, same cluster: near or not."


@exercise("11.5")
def from_edge_list(function: Answer) -> str:
    """``from_edge_list(edges, labels)`` → list of Data."""
    edges = [("g2", "u", "v"), ("g1", "a", "hub"), ("g1", "b", "hub")]
    edges += [("g2", "v", "w"), ("g1", "c", "hub"), ("g3", "x", "y")]
    edges += [("g1", "d", "hub"), ("g2", "w", "u")]
    labels = [("g3", "pair"), ("g1", "star"), ("g2", "ring")]  # in no other order
    found = function(list(edges), list(labels))
    if not isinstance(found, list | tuple):
        raise Mistake(f"you return a {type(found).__name__}, expected a list of Data")
    if len(found) != 3:
        raise Mistake(f"{len(found)} graphs for 3 labels")
    degrees = {"g3": [1, 1], "g1": [1, 1, 1, 1, 4], "g2": [2, 2, 2]}
    for data, name in zip(found, degrees, strict=True):
        for part in ("x", "edge_index", "y"):
            if not isinstance(getattr(data, part, None), Tensor):
                raise Mistake(f"graph {name} has no tensor `{part}`")
    sizes = [data.x.size(0) for data in found]
    if sizes != [2, 5, 3] and sorted(sizes) == [2, 3, 5]:
        raise Mistake(
            "the graphs come in another order than `labels`: one graph a row of it, "
            "not sorted and not as `edges` happens to name them"
        )
    for row, (data, name) in enumerate(zip(found, degrees, strict=True)):
        _expect_structure(data, name, degrees[name])
        _expect_degrees(data, name)
        _expect_label(data, name, row, place=(0, 2, 1)[row])
    return "files in, graphs out: the rest is `learn`."


def _expect_structure(data: Any, name: str, degrees: list[int]) -> None:
    edges, nodes = _edges(data.edge_index), len(degrees)
    highest = max(map(max, edges))
    if highest >= nodes and min(map(min, edges)) >= 1:
        raise Mistake(
            f"graph {name} has {nodes} nodes, but edge_index goes from "
            f"{min(map(min, edges))} to {highest}: start at 0 in every graph"
        )
    if highest >= nodes or data.x.size(0) != nodes:
        raise Mistake(
            f"graph {name} has {nodes} nodes, you have {data.x.size(0)} rows in x and "
            f"node {highest} in edge_index: take this graph's rows of `edges` only"
        )
    if len(edges) == sum(degrees) // 2:
        raise Mistake("each edge stands once: add the other direction")
    if len(edges) != len(set(edges)) or set(edges) != {(b, a) for a, b in edges}:
        raise Mistake("edge_index is not every edge once in each direction")
    counts = sorted(sum(a == i for a, _ in edges) for i in range(nodes))
    if counts != sorted(degrees):
        raise Mistake(f"graph {name}: degrees {counts}, expected {sorted(degrees)}")


def _expect_degrees(data: Any, name: str) -> None:
    if not data.x.is_floating_point():
        raise Mistake(f"x has dtype {data.x.dtype}, features are floats: .float()")
    degree = torch.bincount(data.edge_index[0], minlength=data.x.size(0))
    if data.x.size(1) != 4:
        raise Mistake(
            f"x has {data.x.size(1)} columns in graph {name}, expected 4 in each: "
            "cap the degree, and tell one_hot how many columns there are"
        )
    want = torch.eye(4)[degree.clamp(max=3)]
    expect_close(data.x, want, "column d holds the 1 of degree d", name=f"x of {name}")


def _expect_label(data: Any, name: str, row: int, place: int) -> None:
    got = data.y.view(-1).tolist()
    if got == [row] and row != place:
        raise Mistake("the labels count in the order of the rows: sort their names")
    if got == [place + 1]:
        raise Mistake("your labels start at 1: the first class is 0")
    if got != [place]:
        raise Mistake(f"y of graph {name} is {got}, expected [{place}]")


def _edges(index: Any) -> list[tuple[int, int]]:
    """The columns of an edge_index as pairs, or a Mistake."""
    index = expect_tensor(index, name="edge_index")
    if index.dim() == 2 and index.size(1) == 2 and index.size(0) != 2:
        raise Mistake(f"edge_index has shape {list(index.shape)}: turn it, [2, E]")
    if index.dim() != 2 or index.size(0) != 2 or index.size(1) == 0:
        raise Mistake(f"edge_index has shape {list(index.shape)}, expected [2, E]")
    if index.is_floating_point():
        raise Mistake("edge_index holds floats: node numbers are integers")
    return [(a, b) for a, b in index.T.tolist()]
