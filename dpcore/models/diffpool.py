"""DiffPool as the paper trains it: levels, a last GNN, a readout, a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import torch
from torch import nn

from dpcore.graphs import Graphs
from dpcore.layers import GNN
from dpcore.models.output import Output, classifier_head
from dpcore.pooling import DiffPool


class DiffPoolClassifier(nn.Module):
    """DiffPool levels, a last GNN, a readout and a two-layer classifier.

    With conv="gcn" the readout is the mean over the last level's clusters, as in the
    slide deck; with conv="sage" it is the maximum of every level, joined, as in the
    authors' code.

    Args:
        num_features, num_classes: of the data.
        clusters: clusters of every level, finest first.
        hidden: width of all GNNs, embeddings and the classifier.
        num_layers, conv, dropout, self_loops: see :class:`dpcore.GNN`.
        link_weight, entropy_weight: of the two losses in the objective.
        ratio: see :class:`dpcore.DiffPool`; None: all graphs use all clusters.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        clusters: Sequence[int] = (38, 10),
        hidden: int = 64,
        num_layers: int = 3,
        conv: str = "gcn",
        dropout: float = 0.6,
        self_loops: str = "add",
        link_weight: float = 1.0,
        entropy_weight: float = 1.0,
        ratio: float | None = None,
    ):
        super().__init__()
        shared = dict(
            num_layers=num_layers, conv=conv, dropout=dropout, self_loops=self_loops
        )
        widths = [num_features] + [hidden] * len(clusters)
        self.levels = nn.ModuleList(
            DiffPool(width, hidden, k, ratio=ratio, **shared)
            for width, k in zip(widths, clusters, strict=False)
        )
        self.last = GNN(widths[-1], hidden, hidden, **shared)
        self.every_level = conv == "sage"
        parts = len(clusters) + 1 if self.every_level else 1
        self.head = classifier_head(parts * hidden, hidden, num_classes)
        self.link_weight, self.entropy_weight = link_weight, entropy_weight

    def forward(self, graphs: Graphs) -> Output:
        link = entropy = torch.zeros((), device=graphs.x.device)
        readouts, assignments = [], []
        for level in self.levels:
            z = level.embed(graphs, graphs.x)
            readouts.append(graphs.max(z) if self.every_level else None)
            pooled = level.pool(graphs, z)
            link, entropy = link + pooled.link_loss, entropy + pooled.entropy_loss
            assignments.append(pooled.assignment)
            graphs = pooled.graphs
        z = self.last(graphs, graphs.x)
        readouts.append(graphs.max(z) if self.every_level else graphs.mean(z))
        summary = torch.cat(readouts, 1) if self.every_level else readouts[-1]
        auxiliary = self.link_weight * link + self.entropy_weight * entropy
        return Output(self.head(summary), link, entropy, auxiliary, assignments)


def num_clusters(max_nodes: int, ratio: float, levels: int) -> list[int]:
    """Clusters of every level: ceil(ratio · max_nodes), then ceil(ratio · that), …

    >>> num_clusters(150, 0.25, 2)
    [38, 10]
    """
    clusters = []
    for _ in range(levels):
        clusters.append(ceil(ratio * (clusters[-1] if clusters else max_nodes)))
    return clusters
