"""Graph classifiers: DiffPool, its variants, and the flat models to set beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dpcore.graphs import Graphs
from dpcore.layers import GNN
from dpcore.pooling import DiffPool, diff_pool


class Output(NamedTuple):
    """What every model returns for a batch of B graphs.

    Attributes:
        logits: class scores [B, C], before any softmax.
        link_loss, entropy_loss: scalars, added up over the levels, unweighted; zero
            for flat models.
        auxiliary: the scalar that training adds to the cross-entropy: both losses
            times the model's weights.
        assignments: S of every level, finest first; empty for flat models.
    """

    logits: Tensor
    link_loss: Tensor
    entropy_loss: Tensor
    auxiliary: Tensor
    assignments: list[Tensor]


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
    ):
        super().__init__()
        shared = dict(
            num_layers=num_layers, conv=conv, dropout=dropout, self_loops=self_loops
        )
        widths = [num_features] + [hidden] * len(clusters)
        self.levels = nn.ModuleList(
            DiffPool(width, hidden, k, **shared)
            for width, k in zip(widths, clusters, strict=False)
        )
        self.last = GNN(widths[-1], hidden, hidden, **shared)
        self.every_level = conv == "sage"
        parts = len(clusters) + 1 if self.every_level else 1
        self.head = _head(parts * hidden, hidden, num_classes)
        self.link_weight, self.entropy_weight = link_weight, entropy_weight

    def forward(self, graphs: Graphs) -> Output:
        link = entropy = torch.zeros((), device=graphs.x.device)
        readouts, assignments = [], []
        for level in self.levels:
            z = level.embed(graphs, graphs.x)
            readouts.append(graphs.max(z) if self.every_level else None)
            pooled = diff_pool(z, graphs, level.assign(graphs, graphs.x))
            link, entropy = link + pooled.link_loss, entropy + pooled.entropy_loss
            assignments.append(pooled.assignment)
            graphs = pooled.graphs
        z = self.last(graphs, graphs.x)
        readouts.append(graphs.max(z) if self.every_level else graphs.mean(z))
        summary = torch.cat(readouts, 1) if self.every_level else readouts[-1]
        auxiliary = self.link_weight * link + self.entropy_weight * entropy
        return Output(self.head(summary), link, entropy, auxiliary, assignments)


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
        self.head = _head(hidden, hidden, num_classes)

    def forward(self, graphs: Graphs) -> Output:
        z = self.gnn(graphs, graphs.x)
        zero = torch.zeros((), device=z.device)
        summary = getattr(graphs, self.readout)(z)
        return Output(self.head(summary), zero, zero, zero, [])


def _head(width: int, hidden: int, num_classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, num_classes)
    )


def num_clusters(max_nodes: int, ratio: float, levels: int) -> list[int]:
    """Clusters of every level: ceil(ratio · max_nodes), then ceil(ratio · that), …

    >>> num_clusters(150, 0.25, 2)
    [38, 10]
    """
    clusters = []
    for _ in range(levels):
        clusters.append(ceil(ratio * (clusters[-1] if clusters else max_nodes)))
    return clusters


def _diffpool(
    max_nodes: int, ratio: float = 0.25, levels: int = 2, **settings
) -> nn.Module:
    clusters = num_clusters(max_nodes, ratio, levels)
    return DiffPoolClassifier(clusters=clusters, **settings)


def _flat(max_nodes: int, **settings) -> nn.Module:
    return FlatClassifier(**settings)


MODELS: dict[str, Callable[..., nn.Module]] = {
    "diffpool": _diffpool,
    "diffpool-nolp": partial(_diffpool, link_weight=0.0),
    "diffpool-noentropy": partial(_diffpool, entropy_weight=0.0),
    "gcn-mean": partial(_flat, conv="gcn", readout="mean"),
    "gcn-max": partial(_flat, conv="gcn", readout="max"),
    "gcn-sum": partial(_flat, conv="gcn", readout="sum"),
    "graphsage": partial(_flat, conv="sage", readout="mean"),
    "mlp": partial(_flat, conv="none", readout="sum"),
}


def fixed_settings(name: str) -> set[str]:
    """The settings that a model's name decides, so that none may be passed.

    >>> sorted(fixed_settings("mlp")), sorted(fixed_settings("diffpool"))
    (['conv', 'readout'], [])
    """
    return set(getattr(MODELS[name], "keywords", {}))


def build_model(
    name: str,
    *,
    num_features: int,
    num_classes: int,
    max_nodes: int = 150,
    hidden: int = 64,
    dropout: float = 0.6,
    **settings,
) -> nn.Module:
    """A graph classifier by its name in the tables.

    Args:
        name: diffpool; diffpool-nolp (no link prediction loss); diffpool-noentropy;
            gcn-mean, gcn-max, gcn-sum (flat readouts of the same GNN); graphsage (SAGE
            layers, mean readout); mlp (structure-blind: sum readout of single nodes).
        num_features, num_classes: of the data set.
        max_nodes: sets the number of clusters, ceil(ratio · max_nodes); larger graphs
            work as well, no node is dropped. 150 as in the slide deck.
        hidden: width of every layer; 64 as in the slide deck.
        dropout: after every convolution; 0.6 as in the slide deck.
        settings: ratio=0.25 and levels=2 (DiffPool only); num_layers=3; conv="gcn" or
            "sage"; self_loops="add" (DiffPool only; "replace" for the deck's own).

    Raises:
        ValueError: for an unknown name, or a setting that this model does not have.

    >>> model = build_model("diffpool", num_features=3, num_classes=2)
    >>> [level.assign.layers[-1].weight.size(1) for level in model.levels]
    [38, 10]
    """
    if name not in MODELS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(MODELS)}")
    for argument, value in (
        ("num_features", num_features),
        ("num_classes", num_classes),
        ("max_nodes", max_nodes),
        ("hidden", hidden),
    ):
        if value < 1:
            raise ValueError(f"{argument} is {value}, expected at least 1")
    fixed = fixed_settings(name) & settings.keys()
    if fixed:
        raise ValueError(f"{name} does not take {', '.join(fixed)}: its name fixes it")
    try:
        return MODELS[name](
            num_features=num_features,
            num_classes=num_classes,
            max_nodes=max_nodes,
            hidden=hidden,
            dropout=dropout,
            **settings,
        )
    except TypeError as error:
        raise ValueError(f"{name} does not take these settings: {error}") from error
