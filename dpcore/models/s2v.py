"""Structure2Vec: one embedded mean-field update, repeated."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dpcore.graphs import Graphs
from dpcore.graphs.checks import check_stack
from dpcore.layers import RowNorm, dropout, reset_children


class S2V(nn.Module):
    """μ⁽⁰⁾ = ReLU(X W₁ + b), then in every round μ⁽ᵗ⁾ = ReLU(X W₁ + b + A μ⁽ᵗ⁻¹⁾ W₂),
    with the same weights in all rounds; the output is ReLU(μ W₃ + c).

    In every round BatchNorm over the nodes stands before the ReLU, which Structure2Vec
    does not have: its sums over neighbours grow with the degree to the power of the
    rounds, to a first loss of 17 000 on COLLAB.

    Args:
        in_channels, hidden_channels, out_channels: features a node.
        num_layers: rounds, at least 1; 3 as in the authors' code.
        dropout: chance that an entry is set to zero while training, in every round.
        average: take the mean over the neighbours, D⁻¹A for A: for coarsened graphs,
            where a row of A holds the edge mass of a whole cluster.

    Raises:
        ValueError: for fewer than one round or a dropout outside [0, 1).

    Source: Dai, Dai and Song (2016), 'Discriminative embeddings of latent variable
    models for structured data', the mean-field variant without edge features.

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> S2V(2, 8, 4)(pair, pair.x).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        num_layers: int = 3,
        dropout: float = 0.0,
        average: bool = False,
    ):
        super().__init__()
        check_stack(num_layers, dropout)
        self.own = nn.Linear(in_channels, hidden_channels)
        self.neighbours = nn.Linear(hidden_channels, hidden_channels, bias=False)
        self.norms = nn.ModuleList(RowNorm(hidden_channels) for _ in range(num_layers))
        self.out = nn.Linear(hidden_channels, out_channels)
        self.dropout, self.average = dropout, average

    reset_parameters = reset_children

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        """H [N, in_channels] (or [B, k, in_channels]) → [N, out_channels]."""
        graphs = graphs.averaged() if self.average else graphs
        own = self.own(h)
        mu = torch.relu(own)
        for norm in self.norms:
            mu = norm(own + graphs.propagate(self.neighbours(mu)), graphs.mask)
            mu = dropout(torch.relu(mu), self.dropout, self.training)
        return torch.relu(self.out(mu))
