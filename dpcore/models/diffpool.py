"""DiffPool as the paper trains it: levels, a last GNN, a readout, a classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import torch
from torch import Tensor, nn

from dpcore.assignments import HeavyEdge, Random
from dpcore.graphs import Graphs, as_graphs
from dpcore.layers import (
    GNN,
    Factory,
    check_own_stack,
    made_by,
    outside_compile,
    reads_attributes,
    reset_children,
)
from dpcore.models.output import Classifier, Output, classifier_head
from dpcore.models.repairs import (
    REPAIRS,
    dmon_losses,
    for_losses,
    for_next_level,
    mincut_losses,
)
from dpcore.models.s2v import S2V
from dpcore.pooling import Pooled, check_reduction, clusters_of_ratio, diff_pool

OWN_STACK = dict(num_layers=3, conv="gcn", dropout=0.6, self_loops="add")
"""The settings of the GNNs where a caller says nothing."""

ASSIGNMENTS = ("learned", "hard", "heavy-edge", "random")


class DiffPoolClassifier(Classifier):
    """DiffPool levels, a last GNN, a readout and a two-layer classifier.

    With conv="gcn" the readout is the mean over the last level's clusters, as in the
    slide deck; with conv="sage" it is the maximum of every level, joined, as in the
    authors' code; with conv="s2v" the sum over the last level, as in Structure2Vec.

    Args:
        num_features, num_classes: of the data.
        clusters: clusters of every level, finest first; none for a flat model.
        hidden: width of all GNNs, embeddings and the classifier.
        num_layers, dropout, self_loops: see :class:`dpcore.GNN`.
        conv: see :class:`dpcore.GNN`; "s2v" is Structure2Vec with num_layers rounds,
            see :class:`dpcore.models.s2v.S2V`.
        link_weight, entropy_weight: of the two losses in the objective.
        ratio: see :class:`dpcore.DiffPool`; None: all graphs use all clusters.
        assignments: "learned": a GNN and a softmax, as in the paper. "hard": its
            likeliest cluster, see :func:`dpcore.diff_pool`. "heavy-edge"
            and "random": not learned, see :class:`dpcore.assignments.HeavyEdge` and
            :class:`dpcore.assignments.Random`; both losses are constants then. With
            "heavy-edge" a graph of n nodes uses min(n, k) clusters and no empty ones.
        repair: None, or one of REPAIRS, see :mod:`dpcore.models.repairs`. With
            "mincut" and "dmon" `link_loss` and `entropy_loss` are the first and the
            second of those losses.
        gnn, assign_gnn: make the GNNs of all levels and the last, and those for S
            alone, as in :class:`dpcore.DiffPool`; the readout is the mean then. A
            factory's network takes no num_layers, conv, dropout or self_loops.
        reduction: how the link loss is scaled, see :func:`dpcore.diff_pool`.

    Raises:
        ValueError: for unknown assignments, repairs or reductions, fewer than one
            cluster, a ratio outside (0, 1], and all that the GNNs refuse.
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
        assignments: str = "learned",
        repair: str | None = None,
        gnn: Factory | None = None,
        assign_gnn: Factory | None = None,
        reduction: str = "rms",
    ):
        super().__init__()
        _check(clusters, ratio, assignments, repair)
        check_reduction(reduction)
        learned = assignments in ("learned", "hard")
        own = _stack(num_layers, conv, dropout, self_loops)
        given = dict(
            num_layers=num_layers, conv=conv, dropout=dropout, self_loops=self_loops
        )
        check_own_stack(gnn, given, OWN_STACK)
        embedder, assigner = _by(gnn, own), _by(assign_gnn or gnn, own)
        widths = [num_features] + [hidden] * len(clusters)
        self.levels = nn.ModuleList()
        for i, k in enumerate(clusters):
            embed = embedder(i, widths[i], hidden, hidden)
            assign = assigner(i, widths[i], hidden, k) if learned else None
            self.levels.append(Level(embed, assign))
        self.last = embedder(len(clusters), widths[-1], hidden, hidden)
        later = [part for level in self.levels[1:] for part in level.children()]
        self.carries_attributes = any(map(reads_attributes, [*later, self.last]))
        self.readout = {"sage": "max", "s2v": "sum"}.get(conv, "mean")
        self.every_level = conv == "sage"
        parts = len(clusters) + 1 if self.every_level else 1
        self.head = classifier_head(parts * hidden, hidden, num_classes)
        self.link_weight, self.entropy_weight = link_weight, entropy_weight
        self.hard, self.repair = assignments == "hard", repair
        self.ratio, self.reduction = ratio, reduction
        self.given: HeavyEdge | Random | None = None
        if assignments == "heavy-edge":
            self.ratio = ratio or 1.0
            self.given = HeavyEdge(clusters, self.ratio)
        elif assignments == "random":
            self.given = Random(clusters)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_graphs(*inputs, **tensors)
        link = entropy = torch.zeros((), device=graphs.x.device)
        readouts: list[Tensor] = []
        assignments = []
        given = self.given(graphs) if self.given else [None] * len(self.levels)
        for level, fixed in zip(self.levels, given, strict=True):
            z, logits = level(graphs, fixed)
            if self.every_level:
                readouts.append(self._read(graphs, z))
            clusters = self._open(graphs, logits)
            how = self._how(clusters)
            carried = self.carries_attributes
            pooled = diff_pool(z, graphs, logits, edge_attr=carried, **how)
            first, second = self._losses(z, graphs, logits, pooled)
            link, entropy = link + first, entropy + second
            assignments.append(pooled.assignment)
            graphs = for_next_level(pooled.graphs, self.repair)
        z = self.last(graphs, graphs.x)
        summary = torch.cat([*readouts, self._read(graphs, z)], 1)
        auxiliary = self.link_weight * link + self.entropy_weight * entropy
        return Output(self.head(summary), link, entropy, auxiliary, assignments)

    def _read(self, graphs: Graphs, z: Tensor) -> Tensor:
        return getattr(graphs, self.readout)(z)

    def _losses(self, z: Tensor, graphs: Graphs, logits: Tensor, pooled: Pooled):
        """The two losses of a level."""
        if self.repair == "mincut":
            return mincut_losses(graphs, pooled)
        if self.repair == "dmon":
            return dmon_losses(graphs, pooled)
        judged = for_losses(graphs, self.repair)
        if judged is not graphs:
            pooled = diff_pool(z, judged, logits, **self._how(pooled.clusters))
        return pooled.link_loss, pooled.entropy_loss

    def _how(self, clusters: Tensor | None) -> dict[str, Any]:
        """What decides S and the losses, for every call of the operator alike."""
        return dict(clusters=clusters, hard=self.hard, reduction=self.reduction)

    def _open(self, graphs: Graphs, logits: Tensor) -> Tensor | None:
        """How many clusters every graph may use, None for all."""
        if self.ratio is None:
            return None
        return clusters_of_ratio(graphs, self.ratio, logits.size(-1))


class Level(nn.Module):
    """The GNN for Z and, where assignments are learned, the GNN for S of one level."""

    def __init__(self, embed: nn.Module, assign: nn.Module | None):
        super().__init__()
        self.embed, self.assign = embed, assign

    def forward(self, graphs: Graphs, given: Tensor | None) -> tuple[Tensor, Tensor]:
        """Z, and the logits of S: those that are given, or the GNN's."""
        z = self.embed(graphs, graphs.x)
        logits = given if self.assign is None else self.assign(graphs, graphs.x)
        assert logits is not None  # a level has a GNN for S or is given its logits
        return z, logits


Stack = Callable[[int, int, int, int], nn.Module]
"""Makes the GNN of a level, (level, in_channels, hidden, out_channels) → module."""


def _stack(num_layers: int, conv: str, dropout: float, self_loops: str) -> Stack:
    def s2v(level: int, width: int, hidden: int, out: int) -> nn.Module:
        return S2V(width, hidden, out, num_layers, dropout, average=level > 0)

    def gnn(level: int, width: int, hidden: int, out: int) -> nn.Module:
        return GNN(width, hidden, out, num_layers, conv, dropout, self_loops)

    return s2v if conv == "s2v" else gnn


def _by(factory: Factory | None, own: Stack) -> Stack:
    """Makes the GNN of a level by a caller's factory, where there is one."""
    if factory is None:
        return own
    return lambda level, width, hidden, out: made_by(factory, width, out)


def _check(
    clusters: Sequence[int], ratio: float | None, assignments: str, repair: str | None
) -> None:
    if any(k < 1 for k in clusters):
        raise ValueError(f"clusters is {list(clusters)}, expected at least 1 each")
    if ratio is not None and not 0 < ratio <= 1:
        raise ValueError(f"ratio is {ratio}, expected 0 < ratio ≤ 1 or None")
    if assignments not in ASSIGNMENTS:
        raise ValueError(
            f"assignments is {assignments!r}, expected {', '.join(ASSIGNMENTS)}"
        )
    if repair is not None and repair not in REPAIRS:
        raise ValueError(f"repair is {repair!r}, expected None, {', '.join(REPAIRS)}")
    if assignments in ("heavy-edge", "random") and not clusters:
        raise ValueError(f"assignments is {assignments!r}, but there is no level")


def of_ratio(
    max_nodes: int,
    ratio: float = 0.25,
    levels: int = 2,
    per_graph: bool = False,
    **settings: Any,
) -> DiffPoolClassifier:
    """The classifier with :func:`num_clusters` clusters.

    Args:
        max_nodes, ratio, levels: of :func:`num_clusters`.
        per_graph: a graph of n nodes uses ceil(ratio · n) of the clusters, not all.
        settings: of :class:`DiffPoolClassifier`.
    """
    clusters = num_clusters(max_nodes, ratio, levels)
    own = ratio if per_graph else None
    return DiffPoolClassifier(clusters=clusters, ratio=own, **settings)


def num_clusters(max_nodes: int, ratio: float, levels: int) -> list[int]:
    """Clusters of every level: ceil(ratio · max_nodes), then ceil(ratio · that), …

    >>> num_clusters(150, 0.25, 2)
    [38, 10]
    """
    clusters: list[int] = []
    for _ in range(levels):
        clusters.append(ceil(ratio * (clusters[-1] if clusters else max_nodes)))
    return clusters
