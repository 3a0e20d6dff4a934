"""Flat models: one GNN and one readout over all nodes."""

from __future__ import annotations

from typing import Any

from dpcore.graphs import as_graphs
from dpcore.layers import GNN, outside_compile, reset_children
from dpcore.models.output import (
    Classifier,
    Output,
    classifier_head,
    flat_output,
)


class FlatClassifier(Classifier):
    """One GNN, one readout over all nodes, and the same two-layer classifier.

    Args:
        readout: "mean", "max" or "sum".
        conv: see :class:`dpcore.GNN`; "none" ignores the edges.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        readout: str = "mean",
        hidden: int = 64,
        num_layers: int = 3,
        conv: str = "gcn",
        dropout: float = 0.6,
    ):
        super().__init__()
        if readout not in ("mean", "max", "sum"):
            raise ValueError(f"readout is {readout!r}, expected mean, max or sum")
        self.readout = readout
        self.gnn = GNN(num_features, hidden, hidden, num_layers, conv, dropout)
        self.head = classifier_head(hidden, hidden, num_classes)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_graphs(*inputs, **tensors)
        z = self.gnn(graphs, graphs.x)
        return flat_output(self.head(getattr(graphs, self.readout)(z)))
