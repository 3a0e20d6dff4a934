"""GIN: sums over neighbours and over nodes, which tell apart what 1-WL tells apart."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dpcore.graphs import Graphs, as_graphs
from dpcore.graphs.checks import check_stack
from dpcore.layers import RowNorm, dropout, outside_compile, reset_children
from dpcore.models.output import (
    Classifier,
    Output,
    classifier_head,
    flat_output,
)


class GINLayer(nn.Module):
    """H' = ReLU(BatchNorm(MLP((1 + ε) H + A H))), ε learned from 0 on (Xu et al.,
    2019, equation 4.1).

    The MLP has two layers with BatchNorm between them, as in the authors' code. The
    sum over neighbours is weighted by the edges.

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> GINLayer(2, 8)(pair, pair.x).shape
    torch.Size([2, 8])
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.epsilon = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(
            nn.Linear(in_channels, out_channels),
            RowNorm(out_channels),
            nn.ReLU(),
            nn.Linear(out_channels, out_channels),
        )
        self.norm = RowNorm(out_channels)

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.epsilon)
        reset_children(self)

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        """H [N, in_channels] → [N, out_channels]."""
        total = (1 + self.epsilon) * h + graphs.propagate(h)
        return torch.relu(self.norm(self.mlp(total)))


class GINClassifier(Classifier):
    """GIN layers, the sum over the nodes after every layer, all sums joined, and the
    two-layer classifier (Xu et al., 2019, equation 4.2).

    The sum of the features themselves, layer 0, is joined too.

    Args:
        num_features, num_classes: of the data.
        hidden: width of every layer.
        num_layers: GIN layers, at least 1; 3 as in the other rows (Xu et al. take 4).
        dropout: of the joined sums: one mask for a graph, not one for a node, as in
            the authors' code, where dropout comes after the readout.

    Raises:
        ValueError: for fewer than one layer or a dropout outside [0, 1).
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int = 64,
        num_layers: int = 3,
        dropout: float = 0.6,
    ):
        super().__init__()
        check_stack(num_layers, dropout)
        self.dropout = dropout
        widths = [num_features] + [hidden] * num_layers
        self.layers = nn.ModuleList(
            GINLayer(i, o) for i, o in zip(widths[:-1], widths[1:], strict=True)
        )
        self.head = classifier_head(sum(widths), hidden, num_classes)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_graphs(*inputs, **tensors)
        h = graphs.x
        sums = [graphs.sum(h)]
        for layer in self.layers:
            h = layer(graphs, h)
            sums.append(graphs.sum(h))
        summary = dropout(torch.cat(sums, dim=1), self.dropout, self.training)
        return flat_output(self.head(summary))
