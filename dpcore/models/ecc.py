"""ECC: the edge between two nodes decides by which matrix they talk."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dpcore.graphs import SparseGraphs, as_sparse_graphs
from dpcore.graphs.checks import check_stack
from dpcore.graphs.csr import Csr
from dpcore.layers import RowNorm, dropout, outside_compile, reset_children
from dpcore.models.output import (
    Classifier,
    Output,
    classifier_head,
    flat_output,
)


class ECCLayer(nn.Module):
    """h'_i = mean over the neighbours j of Θ(L_ij) h_j, plus W h_i + b, for edges with
    attributes L_ij (Simonovsky and Komodakis, 2017, equation 2).

    The network that makes filters of attributes is linear here: Θ(L) = Σ_r L_r Θ_r.
    For labels, one-hot, that is one matrix a label, and no other network can say more.
    It also spares a matrix an edge: the neighbours are added up label by label, and
    then multiplied. W h_i stands for the paper's loop with a label of its own.

    Args:
        edge_features: attributes an edge, a.

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> ECCLayer(2, 8, edge_features=1)(by_attribute(pair, 0), pair.x).shape
    torch.Size([2, 8])
    """

    def __init__(self, in_channels: int, out_channels: int, edge_features: int):
        super().__init__()
        self.root = nn.Linear(in_channels, out_channels)
        self.filters = nn.Linear(edge_features * in_channels, out_channels, bias=False)

    reset_parameters = reset_children

    def forward(self, neighbours: Csr, h: Tensor) -> Tensor:
        """H [N, in_channels] → [N, out_channels]; see :func:`by_attribute`."""
        means = (neighbours @ h).view(len(h), -1)
        return self.root(h) + self.filters(means)


class ECCClassifier(Classifier):
    """ECC layers, each followed by BatchNorm, ReLU and dropout, the mean over the
    nodes, and the two-layer classifier.

    Simonovsky and Komodakis also coarsen the graph between their layers, by a fixed
    rule; this row is flat.

    Args:
        num_features, num_classes: of the data.
        hidden: width of every layer.
        num_layers: ECC layers, at least 1; 3 as in the other rows.
        dropout: after every layer.
        edge_features: attributes an edge, `graphs.edge_attr.size(1)`. Default 0: the
            one attribute of an edge is its weight, the constant 1 in most data; what
            else the edges have is not looked at.

    Raises:
        ValueError: for fewer than one layer, a dropout outside [0, 1), and in the
            forward pass for edges without that many attributes.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int = 64,
        num_layers: int = 3,
        dropout: float = 0.6,
        edge_features: int = 0,
    ):
        super().__init__()
        check_stack(num_layers, dropout)
        if edge_features < 0:
            raise ValueError(f"edge_features is {edge_features}, expected 0 or more")
        self.edge_features, self.dropout = edge_features, dropout
        widths = [num_features] + [hidden] * num_layers
        self.layers = nn.ModuleList(
            ECCLayer(i, o, edge_features or 1)
            for i, o in zip(widths[:-1], widths[1:], strict=True)
        )
        self.norms = nn.ModuleList(RowNorm(hidden) for _ in range(num_layers))
        self.head = classifier_head(hidden, hidden, num_classes)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_sparse_graphs(*inputs, **tensors)
        h, neighbours = graphs.x, by_attribute(graphs, self.edge_features)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            h = torch.relu(norm(layer(neighbours, h)))
            h = dropout(h, self.dropout, self.training)
        return flat_output(self.head(graphs.mean(h)))


def by_attribute(graphs: SparseGraphs, edge_features: int) -> Csr:
    """The matrix [N · a, N] that takes the mean over every node's neighbours, once for
    each attribute: row (i, r), column j holds L_ijr / (the number of i's neighbours).

    Args:
        edge_features: a, or 0 for the edges' weights as their one attribute.

    Raises:
        ValueError: for edges without that many attributes.
    """
    found = graphs.edge_attr if edge_features else graphs.edge_weight.unsqueeze(1)
    if found is None or edge_features not in (0, found.size(1)):
        raise ValueError(
            f"the edges have {edge_width(graphs)} attributes, but this model was made "
            f"for edge_features = {edge_features}"
        )
    row, col = graphs.edge_index
    a, nodes = found.size(1), graphs.num_nodes
    share = found / torch.bincount(row, minlength=nodes)[row].unsqueeze(1)
    entry, attribute = share.nonzero().T
    index = torch.stack([row[entry] * a + attribute, col[entry]])
    return Csr.from_coo(index, share[entry, attribute], (nodes * a, nodes))


def edge_width(graphs: SparseGraphs) -> int:
    """Attributes an edge, 0 where there are none."""
    return 0 if graphs.edge_attr is None else graphs.edge_attr.size(1)
