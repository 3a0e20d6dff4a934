"""Chapter 01: pool an image, read out a batch, find look-alikes, count edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    case,
    exercise,
    expect_close,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("1.1")
def pool(function: Answer) -> str:
    """``pool(image [h, w], how)``: 2×2 windows, stride 2, "max" or "mean"."""
    wide = torch.tensor([[1.0, 5, 2, 2, 0, 7], [3, 3, 8, 4, 1, 4]])
    deck = torch.tensor([[2.0, 2, 7, 3], [9, 4, 6, 1], [8, 5, 2, 4], [3, 1, 2, 6]])
    for image in (deck, wide, deck - 10):  # a maximum may be negative
        for how in ("max", "mean"):
            got = function(image.clone(), how)
            name = f'pool of the {image.shape[0]}×{image.shape[1]} image, "{how}",'
            want = _windows(image, how)
            height, width = image.shape
            if isinstance(got, torch.Tensor):
                if got.shape == (height - 1, width - 1):
                    raise Mistake("your windows overlap: the stride is 2, not 1")
                if got.numel() == want.numel():
                    got = got.reshape(got.shape[-2:])
            other = _windows(image, "mean" if how == "max" else "max")
            mistakes = [
                (other, f'for "{how}" you give the other one: look at `how`'),
                (
                    4 * _windows(image, "mean"),
                    "you add up a window: the mean divides by its 4 pixels",
                ),
                (
                    want.clamp(min=0),
                    "your maximum begins at 0, and these pixels are all below it",
                ),
            ]
            hint = "a window is 2 rows by 2 columns, not 4 pixels in a row"
            expect_close(got, want, hint, name=name, mistakes=mistakes)
    return "windows of two by two, on any even size."


def _windows(image: torch.Tensor, how: str) -> torch.Tensor:
    corners = torch.stack([image[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    return corners.amax(0) if how == "max" else corners.mean(0)


@exercise("1.2")
def mean_readout(function: Answer) -> str:
    """``mean_readout(x [N, f], batch [N], num_graphs)`` → [B, f]."""
    x = torch.tensor([[1.0, 0], [3, 2], [4, 4], [0, 6], [2, 2], [6, 0]])
    batch = torch.tensor([0, 0, 1, 1, 1, 3])
    want = torch.tensor([[2.0, 1], [2, 4], [0, 0], [6, 0]])
    got = function(x.clone(), batch.clone(), 4)
    if isinstance(got, torch.Tensor):
        if got.shape == (3, 2):
            raise Mistake(
                "3 rows for 4 graphs: graph 2 has no nodes, its row is 0. The number "
                "of rows is `num_graphs`, not what `batch` happens to hold"
            )
        if got.shape == want.shape:
            if torch.isnan(got[2]).any():
                raise Mistake("0 / 0 for the graph without nodes: clamp the count at 1")
    total = want * torch.tensor([[2.0], [3], [1], [1]])
    mistakes = [
        (total, "that is the sum: divide by the number of nodes per graph"),
        (total / len(x), "you divide by all nodes: each graph has its own count"),
    ]
    hint = "the mean of the rows with this graph's number in `batch`"
    expect_close(got, want, hint, mistakes=mistakes)
    order = torch.tensor([5, 2, 0, 4, 1, 3])
    shuffled = function(x[order], batch[order], 4)
    hint = "another node order changes it: do not rely on `batch` being sorted"
    expect_close(shuffled, want, hint)
    with case("if the last graphs have no nodes (bincount has a `minlength`)"):
        more = torch.cat([want, torch.zeros(2, 2)])
        expect_close(function(x.clone(), batch.clone(), 6), more, hint)
    return "one row a graph, in any node order, without a loop over graphs or with one."


@exercise("1.3")
def look_alikes(function: Answer) -> str:
    """``look_alikes()`` → two graphs: connected, equally regular, not isomorphic."""
    pair = function()
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise Mistake("return two graphs: `return first, second`")
    nets = [_net(pair[0], "first"), _net(pair[1], "second")]
    first, second = nets
    if len(first) != len(second):
        sizes = f"{len(first)} and {len(second)} nodes"
        raise Mistake(f"{sizes}: the sum of equal features already tells them apart")
    degrees = [{d for _, d in net.degree} for net in nets]
    for name, found in zip(("first", "second"), degrees, strict=True):
        if len(found) > 1:
            raise Mistake(
                f"in the {name} graph the degrees are {sorted(found)}: a GCN sees "
                "that. Give every node the same number of neighbours"
            )
    if degrees[0] != degrees[1]:
        told = f"degrees {degrees[0].pop()} and {degrees[1].pop()}"
        raise Mistake(f"{told}: one GCN layer tells them apart. Make them equal")
    for name, net in zip(("first", "second"), nets, strict=True):
        if not nx.is_connected(net):
            parts = nx.number_connected_components(net)
            raise Mistake(
                f"the {name} graph falls into {parts} parts: here both must be "
                "connected. With degree 2 that leaves only the ring; try degree 3"
            )
    if nx.is_isomorphic(first, second):
        raise Mistake(
            "they are the same graph with other node numbers: find something that "
            "differs, the number of triangles say"
        )
    # The stub: of a whole graph it is a dictionary, never one node's number.
    corners = [nx.triangles(net).values() for net in nets]  # pyright: ignore[reportAttributeAccessIssue]
    triangles = [sum(of_nodes) // 3 for of_nodes in corners]
    return f"no GCN readout of equal features separates them. Triangles: {triangles}."


def _net(edges: Any, name: str) -> nx.Graph:
    edges = expect_tensor(edges, name=f"the {name} graph")
    if edges.dim() != 2 or len(edges) != 2 or edges.is_floating_point():
        raise Mistake(
            f"the {name} graph is {list(edges.shape)} of {edges.dtype}: expected an "
            "edge_index, [2, E] whole numbers"
        )
    pairs = set(map(tuple, edges.T.tolist()))
    if any(i == j for i, j in pairs):
        raise Mistake(f"the {name} graph has a self-loop: leave it out")
    if any((j, i) not in pairs for i, j in pairs):
        raise Mistake(
            f"the {name} graph has edges in one direction only: list both, "
            "torch.cat([e, e.flip(0)], dim=1)"
        )
    if len(pairs) < edges.shape[1]:
        raise Mistake(f"the {name} graph lists an edge twice: each direction once")
    net = nx.Graph(pairs)
    net.add_nodes_from(range(int(edges.max()) + 1 if edges.numel() else 0))
    if not len(net):
        raise Mistake(f"the {name} graph is empty")
    return net


@exercise("1.4")
def count_edges(function: Answer) -> str:
    """``count_edges(edge_index [2, E], cluster [n], k)`` → [k, k]."""
    path = torch.tensor(
        [[0, 1, 1, 2, 2, 3, 3, 4, 0, 2], [1, 0, 2, 1, 3, 2, 4, 3, 2, 0]]
    )
    cluster = torch.tensor([2, 2, 0, 0, 1])  # cluster 3 is empty
    want = torch.tensor([[2.0, 1, 2, 0], [1, 0, 0, 0], [2, 0, 2, 0], [0, 0, 0, 0]])
    inside = want.diagonal().diag()
    mistakes = [
        (
            want > 0,
            "every count is 0 or 1: `M[a, b] += 1` with tensors of indices keeps only "
            "one of several equal ones; use index_put_(…, accumulate=True) or a loop",
        ),
        (
            want - inside,
            "the diagonal is empty: edges inside a cluster count too",
        ),
        (
            want - inside / 2,
            "the diagonal is half of what it is: an edge inside a cluster stands in "
            "edge_index twice, once in each direction, and both count",
        ),
        (2 * want, "twice too much: edge_index already holds both directions"),
    ]
    hint = "count the columns (i, j) of edge_index by their clusters"
    got = function(path.clone(), cluster.clone(), 4)
    expect_close(got, want, hint, mistakes=mistakes)
    one_way = torch.tensor([[0, 1], [2, 2]])
    want = torch.tensor([[0.0, 2], [0, 0]])
    hint = "a directed edge i → j counts in row cluster[i], column cluster[j]"
    expect_close(function(one_way, torch.tensor([0, 0, 1]), 2), want, hint)
    return "you have just computed SᵀAS, the heart of chapter 03, by counting."
