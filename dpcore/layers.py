"""Stacks of graph convolutions that run on a sparse and on a coarsened batch alike."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.graphs import Graphs
from dpcore.graphs.checks import check_stack

STACKS = ("gcn", "sage", "none", "sage-none")


class GCNLayer(nn.Module):
    """H' = D̃^-½ Ã D̃^-½ H W + b (Kipf and Welling, 2017).

    Args:
        self_loops: "add" keeps the diagonal of a coarsened adjacency, the edge mass
            inside each cluster; "replace" overwrites it with 1 as PyG's
            `DenseGCNConv` does.
    """

    def __init__(self, in_channels: int, out_channels: int, self_loops: str = "add"):
        super().__init__()
        self.self_loops = self_loops
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        graphs = graphs.normalized(self.self_loops)
        narrow = self.weight.size(0) < self.weight.size(1)
        if narrow:  # (ÃH)W = Ã(HW): propagate whichever has fewer columns
            return graphs.propagate(h) @ self.weight + self.bias
        return graphs.propagate(h @ self.weight) + self.bias


class SAGELayer(nn.Module):
    """H' = (H W₁ + D⁻¹A H W₂ + b), each row scaled to length 1 (Hamilton et al., 2017).

    The mean is over the neighbours, weighted by the edges, also where the weights of a
    coarsened graph add up to less than 1.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.root = nn.Linear(in_channels, out_channels)
        self.neighbours = nn.Linear(in_channels, out_channels, bias=False)

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        mean = graphs.averaged().propagate(h)
        return F.normalize(self.root(h) + self.neighbours(mean), dim=-1)


class NodeLayer(nn.Module):
    """H' = H W + b: every node for itself, the structure-blind control.

    Args:
        unit: scale each row to length 1, as :class:`SAGELayer` does.
    """

    def __init__(self, in_channels: int, out_channels: int, unit: bool = False):
        super().__init__()
        self.linear, self.unit = nn.Linear(in_channels, out_channels), unit

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        h = self.linear(h)
        return F.normalize(h, dim=-1) if self.unit else h


class GNN(nn.Module):
    """A stack of graph convolutions: [nodes, in_channels] → [nodes, out_channels].

    Args:
        in_channels, hidden_channels, out_channels: features a node.
        num_layers: convolutions, at least 1; 3 as in the paper.
        conv: "gcn": GCN layers, each followed by ReLU and dropout, the last too. This
            is the slide deck's stack. "sage": close to the authors' stack: SAGE layers
            (the mean over neighbours, where theirs sum) with rows of length 1, ReLU,
            BatchNorm over the real nodes, dropout; all layers' outputs joined and
            mapped to out_channels. "none": as "gcn" without edges;
            "sage-none": as "sage" without edges.
        dropout: chance that an entry is set to zero while training.
        self_loops: see :class:`GCNLayer`.

    Raises:
        ValueError: for an unknown `conv`, fewer than one layer or a dropout outside
            [0, 1).

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> GNN(2, 8, 4)(pair, pair.x).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        num_layers: int = 3,
        conv: str = "gcn",
        dropout: float = 0.0,
        self_loops: str = "add",
    ):
        super().__init__()
        if conv not in STACKS:
            raise ValueError(f"conv is {conv!r}, expected one of {', '.join(STACKS)}")
        check_stack(num_layers, dropout)
        self.in_channels, self.dropout = in_channels, dropout
        joined = conv.startswith("sage")
        last = hidden_channels if joined else out_channels
        widths = [in_channels] + [hidden_channels] * (num_layers - 1) + [last]
        layer = {
            "gcn": lambda i, o: GCNLayer(i, o, self_loops),
            "sage": SAGELayer,
            "none": NodeLayer,
            "sage-none": partial(NodeLayer, unit=True),
        }[conv]
        self.layers = nn.ModuleList(
            layer(i, o) for i, o in zip(widths[:-1], widths[1:], strict=True)
        )
        self.norms = nn.ModuleList(RowNorm(width) for width in widths[1:] if joined)
        joined_width = sum(widths[1:])
        self.join = nn.Linear(joined_width, out_channels) if joined else None

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        """H [N, in_channels] (or [B, k, in_channels]) → [N, out_channels].

        Raises:
            ValueError: if H has another width than the GNN was made for.
        """
        if h.size(-1) != self.in_channels:
            raise ValueError(
                f"h has {h.size(-1)} features a node, but this GNN was made for "
                f"in_channels = {self.in_channels}"
            )
        outputs = []
        for i, layer in enumerate(self.layers):
            h = torch.relu(layer(graphs, h))
            h = self.norms[i](h, graphs.mask) if self.norms else h
            h = dropout(h, self.dropout, self.training)
            outputs.append(h)
        return h if self.join is None else self.join(torch.cat(outputs, dim=-1))


class RowNorm(nn.BatchNorm1d):
    """BatchNorm over all nodes of a batch. Only rows that are nodes count, so that no
    statistic depends on padding; a lone node is left to the running ones."""

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """H [N, d] or [B, k, d]; `mask` as in `DenseGraphs.mask`."""
        rows = h.reshape(-1, h.size(-1)) if mask is None else h[mask]
        if self.training and rows.size(0) == 1:
            rows = F.batch_norm(
                rows, self.running_mean, self.running_var, self.weight, self.bias
            )
        else:
            rows = super().forward(rows)
        if mask is None:
            return rows.view_as(h)
        return torch.zeros_like(h).masked_scatter(mask.unsqueeze(-1), rows)


def dropout(h: Tensor, p: float, training: bool) -> Tensor:
    """Set each entry to zero with chance p and divide the rest by 1 - p.

    The same distribution as `torch.nn.functional.dropout` up to p's rounding to
    1/65536; the mask is cut out of 64-bit random words, 16 bits an entry, which takes
    a CPU a quarter of the time of torch's Bernoulli generator.
    """
    if not training or p == 0:
        return h
    entries = h.numel()
    words = torch.empty((entries + 3) // 4, dtype=torch.int64, device=h.device)
    bits = words.random_(-(2**63), None).view(torch.int16)[:entries].view(h.shape)
    dropped = round(p * 65536)
    keep = bits.to(h.dtype).ge_(dropped - 32768)
    return h * keep.mul_(65536 / (65536 - dropped))
