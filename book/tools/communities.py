"""Graphs of dpcore.data.synthetic as the measurements take them: one batch, and beside
it the community of every node, which no model sees."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import adjusted_mutual_info_score
from torch import Tensor

from dpcore.data import synthetic
from dpcore.graphs import SparseGraphs


def drawn(
    question: str, count: int, size: int = 12, seed: int = 0
) -> tuple[SparseGraphs, list[Tensor]]:
    """The graphs that :func:`dpcore.data.synthetic.ask` draws, as one batch, and the
    communities [n_g] of each.

    >>> batch, communities = drawn("coarse", count=4)
    >>> batch.num_graphs, len(communities), communities[0].unique().tolist()
    (4, 4, [0, 1, 2, 3, 4, 5])
    """
    data = synthetic.ask(question, count, size, seed)
    return SparseGraphs.from_data_list(data), [graph.community for graph in data]


def agreement(communities: Sequence[Tensor], assignment: Tensor) -> float:
    """How far clusters agree with communities: adjusted mutual information, the mean
    over the graphs; 1 where they are equal, 0 where no more than by chance.

    Args:
        communities: of every graph, [n_g].
        assignment: [N, k], the rows of the graphs one after another.

    >>> import torch
    >>> agreement([torch.tensor([0, 0, 1, 1])], torch.eye(2)[[1, 1, 0, 0]])
    1.0
    """
    clusters = assignment.argmax(1).split([len(own) for own in communities])
    pairs = zip(communities, clusters, strict=True)
    scores = [float(adjusted_mutual_info_score(a, b)) for a, b in pairs]
    return sum(scores) / len(scores)
