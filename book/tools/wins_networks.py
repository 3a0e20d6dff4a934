"""The networks of chapter 12's measurement, see measure_wins.py."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from wins_rows import GNNS, TRUE

import dpcore
from dpcore.graphs import DenseGraphs
from dpcore.models.walks import READERS

HOPS, HIDDEN = 3, 16


class Pooled(nn.Module):
    """S from a two-layer perceptron on a node's averages, A' = SᵀAS, a reader. With
    `given`, the last k columns of x are S, and the rest is read; without `diagonal`,
    the usual reader gets A' without what is inside the clusters."""

    def __init__(
        self,
        features: int,
        k: int,
        reader: str,
        hard: bool = False,
        given: bool = False,
        diagonal: bool = True,
        hidden: int = HIDDEN,
    ):
        super().__init__()
        if not given:
            self.assign = _two_layers(features, k, hidden)
        self.reader, self.hard, self.k = reader, hard, k
        self.given, self.diagonal = given, diagonal
        if reader == "usual":
            self.embed = _two_layers(features, hidden, hidden)
            self.own, self.near = (nn.Linear(hidden, hidden) for _ in "12")
        width = hidden if reader == "usual" else READERS[reader][1](k)
        self.head = _head(width, hidden)

    def forward(self, x: Tensor, adj: Tensor):
        if self.given:
            x, logits = x[..., : -self.k], 200 * x[..., -self.k :]
        else:
            logits = self.assign(x)
        z = self.embed(x) if self.reader == "usual" else x[..., :1]
        flat = DenseGraphs(x, adj)
        pooled = dpcore.diff_pool(z, flat, logits, hard=self.hard)
        if self.reader == "usual":
            coarse = pooled.graphs
            if not self.diagonal:
                inside = torch.diag_embed(pooled.adj.diagonal(dim1=1, dim2=2))
                coarse = DenseGraphs(pooled.x, pooled.adj - inside)
            mean = coarse.averaged().propagate(pooled.x)
            read = torch.relu(self.own(pooled.x) + self.near(mean)).mean(1)
        else:
            read = READERS[self.reader][0](pooled.adj)
        losses = pooled.link_loss, pooled.entropy_loss
        return self.head(read), losses, pooled.assignment


class Flat(nn.Module):
    """The same perceptron on a node's averages, then mean and maximum over nodes."""

    def __init__(self, features: int, hidden: int):
        super().__init__()
        self.embed = _two_layers(features, hidden, hidden)
        self.head = _head(2 * hidden, hidden)

    def forward(self, x: Tensor, adj: Tensor):
        h = self.embed(x)
        return self.head(torch.cat([h.mean(1), h.amax(1)], 1)), (0.0, 0.0), None


class Given(nn.Module):
    """A classifier of numbers that were read once."""

    def __init__(self, width: int):
        super().__init__()
        self.head = _head(width)

    def forward(self, x: Tensor, adj: Tensor):
        return self.head(x), (0.0, 0.0), None


class Network(nn.Module):
    """A flat row of the tables, on a node's own features."""

    def __init__(self, features: int, name: str, hidden: int = HIDDEN, **settings):
        super().__init__()
        self.features = features
        self.model = dpcore.build_model(
            name,
            num_features=features,
            num_classes=2,
            hidden=hidden,
            dropout=0.0,
            **settings,
        )

    def forward(self, x: Tensor, adj: Tensor):
        out = self.model(DenseGraphs(x[..., : self.features], adj))
        return out.logits, (0.0, 0.0), None


def build(row: str, features: int, hidden: int = HIDDEN) -> nn.Module:
    width = features * (HOPS + 1)
    if row in GNNS:
        return Network(features, hidden=hidden, **GNNS[row])
    if row == "flat":
        return Flat(width, hidden)
    if row == "wide":
        return Flat(width, 4 * HIDDEN)
    what = row.removesuffix(TRUE).removesuffix(" of 24")
    k = 24 if row.endswith(" of 24") else 6
    if what in ("hard", "no losses"):
        return Pooled(width, k, "walks", hard=what == "hard")
    if row.startswith("k = "):
        return Pooled(width, int(row[4:]), "walks")
    if what in ("usual", "no diagonal"):
        given, diagonal = row.endswith(TRUE), what == "usual"
        return Pooled(width, k, "usual", False, given, diagonal, hidden)
    return Pooled(width, k, what)


def _two_layers(features: int, out: int, hidden: int = HIDDEN) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, out))


def _head(width: int, hidden: int = HIDDEN) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm1d(width), *_two_layers(width, 2, hidden))
