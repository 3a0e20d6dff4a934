"""Readers of a coarsened adjacency A' = SᵀAS: by name, and without regard to names.

A cluster's number is a name. What is read entry by entry depends on names; closed walks
and eigenvalues do not: for a permutation P, tr (PNPᵀ)ᵖ = tr Nᵖ. Chapter 12
of the book compares the three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import torch
from torch import Tensor

from dpcore.assignments import HeavyEdge, Random
from dpcore.graphs import as_graphs
from dpcore.graphs.dense import inverse_power
from dpcore.layers import GNN, RowNorm, outside_compile, reset_children
from dpcore.models.diffpool import ASSIGNMENTS
from dpcore.models.output import Classifier, Output, classifier_head
from dpcore.pooling import diff_pool

LONGEST = 7
"""Steps of the longest closed walk that is counted."""


def between(adj: Tensor) -> Tensor:
    """N = D^−½ (A' without its diagonal, symmetrised) D^−½, [B, k, k].

    Only edges between clusters are left, whatever mass they have: the eigenvalues lie
    in [-1, 1]. A cluster that shares no edge with another has a row of zeros.

    >>> between(torch.tensor([[[9.0, 2, 2], [2, 9, 0], [2, 0, 9]]]))[0, 0]
    tensor([0.0000, 0.7071, 0.7071])
    """
    if adj.dim() != 3 or adj.size(1) != adj.size(2):
        raise ValueError(f"adj has shape {list(adj.shape)}, expected [B, k, k]")
    both = (adj + adj.mT) / 2
    both = both - torch.diag_embed(both.diagonal(dim1=1, dim2=2))
    scale = inverse_power(both.sum(2), 0.5)
    return scale.unsqueeze(2) * both * scale.unsqueeze(1)


def closed_walks(adj: Tensor) -> Tensor:
    """tr Nᵖ for p = 2 … 7 of N = :func:`between`: [B, k, k] → [B, 6].

    Weights of closed walks, one number a length, the same for every order of the
    clusters. tr N³ is above 0 only where three clusters are joined in a triangle.

    >>> triangle = 1 - torch.eye(3)
    >>> closed_walks(triangle[None])
    tensor([[1.5000, 0.7500, 1.1250, 0.9375, 1.0312, 0.9844]])
    """
    n = between(adj)
    power, traces = n, []
    with torch.autocast(n.device.type, enabled=False):  # bfloat16 loses the walks
        for _ in range(2, LONGEST + 1):
            power = power @ n
            traces.append(power.diagonal(dim1=1, dim2=2).sum(1))
    return torch.stack(traces, 1)


def spectrum(adj: Tensor) -> Tensor:
    """The eigenvalues of N = :func:`between`, smallest first: [B, k, k] → [B, k]."""
    return torch.linalg.eigvalsh(between(adj))


def table(adj: Tensor) -> Tensor:
    """The entries of N = :func:`between` above its diagonal, row by row: the table as
    it is named, [B, k, k] → [B, k(k-1)/2]."""
    above = torch.triu_indices(adj.size(1), adj.size(1), 1, device=adj.device)
    return between(adj)[:, above[0], above[1]]


READERS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[int], int]]] = {
    "walks": (closed_walks, lambda k: LONGEST - 1),
    "spectrum": (spectrum, lambda k: k),
    "table": (table, lambda k: k * (k - 1) // 2),
}
"""By name: what is read of A', and how many numbers that is for k clusters."""


def of_ratio(max_nodes: int, ratio: float = 0.25, **settings) -> WalksClassifier:
    """One level of ceil(ratio · max_nodes) clusters, at least 2."""
    return WalksClassifier(clusters=[max(2, ceil(ratio * max_nodes))], **settings)


class WalksClassifier(Classifier):
    """One DiffPool level whose coarse graph is read from its wiring.

    A GNN and a softmax give S, a reader turns A' = SᵀAS into numbers, a BatchNorm
    scales them and a two-layer classifier takes them.

    Args:
        num_features, num_classes: of the data.
        clusters: of the level: one number, as a sequence.
        hidden: width of the GNNs and the classifier.
        reader: "walks", "spectrum" or "table", see READERS.
        readout: read the nodes as well, the maximum of Z over the nodes and over the
            clusters, as :class:`DiffPoolClassifier` does with conv="sage".
        num_layers, conv, dropout: see :class:`dpcore.GNN`.
        link_weight, entropy_weight: of the two losses in the objective.
        assignments: "learned", "hard", "heavy-edge" or "random", see
            :class:`DiffPoolClassifier`.

    Raises:
        ValueError: for an unknown reader or assignments, other than one level or
            fewer than two clusters, and all that :class:`dpcore.GNN` refuses.

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> path = SparseGraphs.from_edge_index(torch.rand(3, 2), edges)
    >>> WalksClassifier(2, 5, clusters=[4]).eval()(path).logits.shape
    torch.Size([1, 5])
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        clusters: Sequence[int],
        hidden: int = 32,
        reader: str = "walks",
        readout: bool = False,
        num_layers: int = 3,
        conv: str = "sage",
        dropout: float = 0.0,
        link_weight: float = 1.0,
        entropy_weight: float = 0.3,
        assignments: str = "learned",
    ):
        super().__init__()
        if len(clusters) != 1 or clusters[0] < 2:
            raise ValueError(
                f"clusters is {list(clusters)}, expected one level of at least 2"
            )
        if reader not in READERS:
            raise ValueError(
                f"reader is {reader!r}, expected one of {', '.join(READERS)}"
            )
        k = clusters[0]
        shared: dict[str, Any] = dict(num_layers=num_layers, conv=conv, dropout=dropout)
        if assignments not in ASSIGNMENTS:
            raise ValueError(
                f"assignments is {assignments!r}, expected one of "
                f"{', '.join(ASSIGNMENTS)}"
            )
        self.assign: GNN | HeavyEdge | Random
        if assignments == "heavy-edge":
            self.assign = HeavyEdge([k])
        elif assignments == "random":
            self.assign = Random([k])
        else:
            self.assign = GNN(num_features, hidden, k, **shared)
        self.hard = assignments == "hard"
        self.embed: GNN | None = None
        self.last: GNN | None = None
        if readout:
            self.embed = GNN(num_features, hidden, hidden, **shared)
            self.last = GNN(hidden, hidden, hidden, **shared)
        self.read, width = READERS[reader]
        self.scale = RowNorm(width(k))
        joined = width(k) + 2 * hidden * readout
        self.head = classifier_head(joined, hidden, num_classes)
        self.link_weight, self.entropy_weight = link_weight, entropy_weight

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_graphs(*inputs, **tensors)
        if isinstance(self.assign, HeavyEdge | Random):
            logits = self.assign(graphs)[0]
        else:  # a GNN, or what stands in for one
            logits = self.assign(graphs, graphs.x)
        z = graphs.x if self.embed is None else self.embed(graphs, graphs.x)
        pooled = diff_pool(z, graphs, logits, hard=self.hard)
        numbers = [self.scale(self.read(pooled.adj))]
        if self.last is not None:
            coarse = pooled.graphs
            numbers += [graphs.max(z), coarse.max(self.last(coarse, coarse.x))]
        link, entropy = pooled.link_loss, pooled.entropy_loss
        auxiliary = self.link_weight * link + self.entropy_weight * entropy
        scores = self.head(torch.cat(numbers, 1))
        return Output(scores, link, entropy, auxiliary, [pooled.assignment])
