"""PATCHY-SAN: put every graph's nodes in one order, then convolve as over an image."""

from __future__ import annotations

from typing import Any

import igraph
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.graphs import SparseGraphs, as_sparse_graphs
from dpcore.graphs.checks import check_stack
from dpcore.graphs.csr import offsets
from dpcore.layers import dropout, outside_compile, reset_children
from dpcore.models.output import (
    Classifier,
    Output,
    classifier_head,
    flat_output,
)

FILTERS, KERNEL = (16, 8), 10
"""Of the two convolutions, as in the paper."""

WALKS = 4
"""Longest walks that are counted to order nodes."""


class PatchySanClassifier(Classifier):
    """PATCHY-SAN (Niepert, Ahmed and Kutzkov, 2016): the first w nodes of every graph
    by :func:`canonical_rank`, each with its receptive field of k nodes by
    :func:`receptive_fields`; a convolution of one field at a time (16 filters), one
    of ten (8 filters), and the two-layer classifier.

    Order and fields are found once for a data set; a batch only looks up features.

    Args:
        num_features, num_classes: of the data.
        hidden: width of the classifier's hidden layer (the paper: 128).
        dropout: of the classifier's input, as in the paper.
        width: w, at least 10, one step of the second convolution. The paper takes
            the average size of the data set's graphs; 30 where it is not given.
        field: k; 10 as in the paper.

    Raises:
        ValueError: for a width under 10, an empty field, a dropout outside [0, 1).

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> PatchySanClassifier(num_features=2, num_classes=3)(pair).logits.shape
    torch.Size([1, 3])
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int = 64,
        dropout: float = 0.6,
        width: int = 30,
        field: int = 10,
    ):
        super().__init__()
        check_stack(1, dropout)
        for name, value, least in (("width", width, KERNEL), ("field", field, 1)):
            if value < least:
                raise ValueError(f"{name} is {value}, expected at least {least}")
        self.width, self.field, self.dropout = width, field, dropout
        first, second = FILTERS
        self.one_field = nn.Linear(field * num_features, first)
        self.ten_fields = nn.Conv1d(first, second, KERNEL)
        self.head = classifier_head(second * (width - KERNEL + 1), hidden, num_classes)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_sparse_graphs(*inputs, **tensors)
        fields = sequences(graphs, self.width, self.field)
        sequence = torch.relu(self.one_field(fields)).transpose(1, 2)
        sequence = torch.relu(self.ten_fields(sequence))
        summary = dropout(sequence.flatten(1), self.dropout, self.training)
        return flat_output(self.head(summary))


def sequences(graphs: SparseGraphs, width: int, field: int) -> Tensor:
    """The features of the first w nodes' receptive fields: [B, w, k · f], zeros where
    a graph has fewer nodes or a field is not full."""
    key = f"patchysan/{width}/{field}"
    table = graphs.computed_once(key, lambda g: _rank_and_field(g, width, field))
    rank, members = table[:, 0], table[:, 1:]
    chosen = rank < width
    start = graphs.ptr[graphs.batch].unsqueeze(1)
    nodes = torch.where(members < 0, graphs.num_nodes, members + start)[chosen]
    rows = F.pad(graphs.x, (0, 0, 0, 1))[nodes].flatten(1)
    slot = (graphs.batch * width + rank)[chosen]
    filled = rows.new_zeros(graphs.num_graphs * width, rows.size(1))
    return filled.index_copy(0, slot, rows).view(graphs.num_graphs, width, -1)


def canonical_rank(graphs: SparseGraphs) -> Tensor:
    """Every node's place in its graph, from 0, whatever order the nodes came in: [N].

    First come the nodes of highest degree; among these the ones where most walks of
    two, of three, of four steps begin (the paper leaves the choice of a centrality
    open); then by features; and where all that ties, by the canonical labelling of
    BLISS (igraph), which the paper gets from nauty. Nodes that even this cannot tell
    apart can be exchanged without changing the graph. Weights, directions and loops
    are not looked at.

    >>> edges = torch.tensor([[0, 0, 0], [1, 2, 3]])
    >>> x = torch.tensor([[0.0], [2.0], [1.0], [3.0]])
    >>> canonical_rank(SparseGraphs.from_edge_index(x, edges)).tolist()
    [0, 2, 1, 3]
    """
    row, col = _simple_edges(graphs)
    walks, key = torch.ones_like(graphs.batch), [graphs.batch]
    for _ in range(WALKS):
        walks = torch.zeros_like(walks).index_add(0, row, walks[col])
        key.append(-walks)
    key.append(torch.unique(graphs.x, dim=0, return_inverse=True)[1])
    _, color = torch.unique(torch.stack(key, 1), dim=0, return_inverse=True)
    label = torch.zeros_like(color)
    upper = row < col
    first_edge = offsets(
        torch.bincount(graphs.batch[row[upper]], minlength=len(graphs.sizes))
    )
    pairs = torch.stack([row, col], 1)[upper]
    for g, (start, end) in enumerate(graphs.ptr.unfold(0, 2, 1).tolist()):
        colors = color[start:end]
        if len(colors.unique()) < len(colors):
            edges = pairs[first_edge[g] : first_edge[g + 1]] - start
            label[start:end] = _canonical_label(edges, colors - colors.min())
    order = label.argsort(stable=True)
    order = order[color[order].argsort(stable=True)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)
    return rank - graphs.ptr[graphs.batch]


def receptive_fields(
    graphs: SparseGraphs, rank: Tensor, width: int, field: int
) -> Tensor:
    """The k nodes nearest to each of the first w nodes of every graph, itself first:
    by distance, then by rank. Numbers inside the graph [N, k], -1 where there are no
    more nodes to reach, and in the rows of the nodes beyond w.

    >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    >>> graph = SparseGraphs.from_edge_index(torch.ones(4, 1), path)
    >>> receptive_fields(graph, torch.tensor([0, 1, 2, 3]), width=2, field=3).tolist()
    [[0, 1, 2], [1, 0, 2], [-1, -1, -1], [-1, -1, -1]]
    """
    row, col = _simple_edges(graphs)
    neighbours = col.tolist()
    first = offsets(torch.bincount(row, minlength=graphs.num_nodes)).tolist()
    ranks, start = rank.tolist(), graphs.ptr[graphs.batch].tolist()
    roots, rows = (rank < width).nonzero().view(-1), []
    for root in roots.tolist():
        found, level = [root], [root]
        while level and len(found) < field:
            reached = {
                other
                for node in level
                for other in neighbours[first[node] : first[node + 1]]
            }
            level = sorted(reached - set(found), key=ranks.__getitem__)
            found += level
        rows.append([node - start[root] for node in found[:field]])
        rows[-1] += [-1] * (field - len(rows[-1]))
    fields = rank.new_full((graphs.num_nodes, field), -1)
    fields[roots] = rank.new_tensor(rows)
    return fields


def sequence_width(graphs: SparseGraphs) -> int:
    """The w of the paper: the average number of nodes; but at least 10.

    >>> batch = torch.arange(3).repeat_interleave(torch.tensor([10, 20, 33]))
    >>> x, edges = torch.ones(63, 1), torch.empty(2, 0, dtype=torch.long)
    >>> sequence_width(SparseGraphs.from_edge_index(x, edges, batch))
    21
    """
    return max(KERNEL, round(float(graphs.sizes.double().mean())))


def _rank_and_field(graphs: SparseGraphs, width: int, field: int) -> Tensor:
    rank = canonical_rank(graphs)
    fields = receptive_fields(graphs, rank, width, field)
    return torch.cat([rank.unsqueeze(1), fields], dim=1)


def _canonical_label(edges: Tensor, colors: Tensor) -> Tensor:
    """Every node's number in the canonical form of a graph with colored nodes, [n]."""
    graph = igraph.Graph(n=len(colors), edges=edges.tolist())
    graph.vs["node"] = range(len(colors))
    # Read off the permuted graph: whether the permutation leads from old to new or
    # back changed with igraph 1.0 (igraph issue 1930), its docstring did not.
    permutation = graph.canonical_permutation(color=colors.tolist())
    nodes = torch.tensor(graph.permute_vertices(permutation).vs["node"])
    return nodes.argsort().to(edges.device)


def _simple_edges(graphs: SparseGraphs) -> Tensor:
    """Both directions of every edge once, no loops, sorted: [2, E]."""
    edges = graphs.edge_index
    edges = edges[:, edges[0] != edges[1]]
    return torch.cat([edges, edges.flip(0)], dim=1).unique(dim=1)
