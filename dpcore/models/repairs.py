"""What to do about level 2, whose losses reach level 1 through A' (chapter 05).

Every repair is a word that :class:`DiffPoolClassifier` takes:

- "detached": a level's losses take its adjacency for a constant;
- "normalised": the next level gets D^−½ A' D^−½, whose entries are at most 1 again,
  with 1e-6 of an edge more in D;
- "no-diagonal": the next level gets A' without the edge mass inside clusters;
- "mincut", "dmon": other losses in place of the two.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dpcore.graphs import DenseGraphs, Graphs
from dpcore.graphs.dense import TINY, inverse_power
from dpcore.pooling import Pooled

LEAST = 1e-6
"""Edge mass that "normalised" adds to every cluster's. Without it the slopes of 1 / √d
of nearly empty clusters, one level's times the next's, overflow in float32."""

REPAIRS = ("detached", "normalised", "no-diagonal", "mincut", "dmon")


def for_losses(graphs: Graphs, repair: str | None) -> Graphs:
    """The graphs that a level's losses see: without gradients in A if "detached"."""
    if repair != "detached" or not isinstance(graphs, DenseGraphs):
        return graphs
    return _with(graphs, graphs.adj.detach())


def for_next_level(graphs: DenseGraphs, repair: str | None) -> DenseGraphs:
    """The coarsened graphs that the next level gets.

    >>> two = DenseGraphs(torch.ones(1, 2, 1), torch.tensor([[[6.0, 2], [2, 0]]]))
    >>> for_next_level(two, "no-diagonal").adj
    tensor([[[0., 2.],
             [2., 0.]]])
    >>> for_next_level(two, "normalised").adj
    tensor([[[0.7500, 0.5000],
             [0.5000, 0.0000]]])
    """
    if repair == "normalised":
        scale = (graphs.adj.sum(2) + LEAST).rsqrt()
        return _with(graphs, scale.unsqueeze(2) * graphs.adj * scale.unsqueeze(1))
    if repair == "no-diagonal":
        inside = graphs.adj.diagonal(dim1=1, dim2=2)
        return _with(graphs, graphs.adj - torch.diag_embed(inside))
    return graphs


def mincut_losses(graphs: Graphs, pooled: Pooled) -> tuple[Tensor, Tensor]:
    """−tr(SᵀAS) / tr(SᵀDS) and ‖SᵀS / ‖SᵀS‖_F − I / √k‖_F, both meaned over the graphs.

    Source: Bianchi, Grattarola and Alippi (2020), equation 9. A graph without edges
    has a first loss of 0.
    """
    s = pooled.assignment
    degrees = graphs.propagate(torch.ones_like(s[..., :1]))
    whole = graphs.sum(degrees * s.square().sum(-1, keepdim=True)).squeeze(-1)
    inside = pooled.adj.diagonal(dim1=1, dim2=2).sum(1)
    cut = -inside * inverse_power(whole, 1.0)
    gram = graphs.contract(s, s)
    is_open = _is_open(pooled)
    even = torch.diag_embed(is_open / is_open.sum(1, keepdim=True).sqrt())
    unlike = gram / gram.square().sum((1, 2), keepdim=True).sqrt() - even
    return cut.mean(), _norm(unlike.flatten(1)).mean()


def dmon_losses(graphs: Graphs, pooled: Pooled) -> tuple[Tensor, Tensor]:
    """−modularity of S, and √k/n · ‖Σ_i S_i‖ − 1 against collapse, meaned.

    Source: Tsitsulin, Palowitch, Perozzi and Müller (2023), equation 9. Modularity
    needs A' alone. A graph without edges has a first loss of 0.
    """
    shares = pooled.adj * inverse_power(pooled.adj.sum((1, 2), keepdim=True), 1.0)
    inside = shares.diagonal(dim1=1, dim2=2).sum(1)
    modularity = inside - shares.sum(2).square().sum(1)
    masses = graphs.mean(pooled.assignment)
    collapse = _is_open(pooled).sum(1).sqrt() * _norm(masses) - 1
    return -modularity.mean(), collapse.mean()


def _is_open(pooled: Pooled) -> Tensor:
    """1 for every cluster that a graph may use, else 0, [B, k]."""
    one = torch.ones_like(pooled.adj[:, 0])
    if pooled.clusters is None:
        return one
    place = torch.arange(one.size(1), device=one.device)
    return one * (place < pooled.clusters.unsqueeze(1))


def _norm(rows: Tensor) -> Tensor:
    """Length of every row, with gradient 0 where it is 0."""
    square = rows.square().sum(1)
    some = square > TINY
    return torch.where(some, square, 1.0).sqrt() * some


def _with(graphs: DenseGraphs, adj: Tensor) -> DenseGraphs:
    sizes = None if graphs.mask is None else graphs.sizes
    changed = DenseGraphs(graphs.x, adj, sizes)
    changed.edge_attr = graphs.edge_attr
    return changed
