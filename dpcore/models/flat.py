"""Flat models: one GNN and one readout over all nodes."""

from __future__ import annotations

from torch import nn

from dpcore.graphs import Graphs
from dpcore.layers import GNN
from dpcore.models.output import Output, classifier_head, flat_output


class FlatClassifier(nn.Module):
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

    def forward(self, graphs: Graphs) -> Output:
        z = self.gnn(graphs, graphs.x)
        return flat_output(self.head(getattr(graphs, self.readout)(z)))
