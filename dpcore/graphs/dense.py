"""A batch of coarsened graphs: after pooling every graph has the same k clusters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dpcore.graphs.verbs import EdgeList

TINY = 1e-30
"""Row sums up to this count as zero: their inverse would overflow in float32."""


class DenseGraphs:
    """B graphs of k nodes each: a batch of coarsened graphs.

    Attributes:
        x: node features [B, k, d].
        adj: adjacency [B, k, k]; its diagonal holds the edge mass inside a cluster.
        sizes: nodes of every graph, [B]. Where a graph has fewer than k, its other
            rows are no nodes: they must have no edges, and no verb counts them.

    >>> pair = DenseGraphs(torch.eye(2).unsqueeze(0), torch.ones(1, 2, 2))
    >>> pair.propagate(pair.x)
    tensor([[[1., 1.],
             [1., 1.]]])
    """

    edge_attr: Tensor | None = None
    """Attributes of the edges [B, k, k, a], where pooling carried them along."""

    def __init__(self, x: Tensor, adj: Tensor, sizes: Tensor | None = None):
        if x.dim() != 3 or adj.shape != (x.size(0), x.size(1), x.size(1)):
            raise ValueError(
                f"x has shape {list(x.shape)} and adj {list(adj.shape)}, expected "
                "[B, k, d] and [B, k, k]"
            )
        self.x, self.adj = x, adj
        self.sizes = torch.full(x.shape[:1], x.size(1), device=x.device)
        self.mask: Tensor | None = None
        """True for the rows that are nodes [B, k]; None where all are."""
        if sizes is not None:
            nodes = torch.arange(x.size(1), device=x.device)
            self.sizes, self.mask = sizes, nodes < sizes.unsqueeze(1)
        self._normalized: dict[str, DenseGraphs] = {}

    @property
    def num_graphs(self) -> int:
        return self.x.size(0)

    @property
    def num_nodes(self) -> int:
        return int(self.sizes.sum())

    def edge_list(self) -> EdgeList:
        """Every entry of A that is not zero, as an edge; see `EdgeList`."""
        nodes = torch.ones_like(self.adj[:, 0], dtype=torch.bool)
        nodes = nodes if self.mask is None else self.mask
        number = (nodes.flatten().cumsum(0) - 1).view_as(nodes)
        graph, row, col = self.adj.nonzero(as_tuple=True)
        return EdgeList(
            torch.stack([number[graph, row], number[graph, col]]),
            self.adj[graph, row, col],
            None if self.edge_attr is None else self.edge_attr[graph, row, col],
            nodes.nonzero()[:, 0],
        )

    def propagate(self, h: Tensor) -> Tensor:
        """A·H for H [B, k, d]."""
        self._check_rows("h", h)
        return self.adj.to(h.dtype) @ h

    def propagate_attributes(self, h: Tensor) -> Iterator[Tensor]:
        """(A ∘ E_r)·H for every attribute r of the edges; see `Graphs`."""
        if self.edge_attr is not None:
            for attribute in self.edge_attr.unbind(-1):
                yield (self.adj * attribute).to(h.dtype) @ h

    def contract(self, s: Tensor, h: Tensor) -> Tensor:
        """S_gᵀ·H_g for every graph g: S [B, k, m], H [B, k, d] → [B, m, d]."""
        self._check_rows("s", s)
        self._check_rows("h", h)
        return self.only_nodes(s).transpose(1, 2) @ h

    def sum(self, h: Tensor) -> Tensor:
        """The sum of H's rows over the nodes of every graph: [B, k, …] → [B, …]."""
        self._check_rows("h", h)
        return self.only_nodes(h).sum(1)

    def max(self, h: Tensor) -> Tensor:
        """The largest value of each column over the nodes of every graph, [B, d]."""
        self._check_rows("h", h)
        return self.only_nodes(h, -torch.inf).amax(1)

    def mean(self, h: Tensor) -> Tensor:
        """The mean of H's rows over the nodes of every graph: [B, k, …] → [B, …]."""
        total = self.sum(h)
        return total / self.sizes.view(-1, *[1] * (total.dim() - 1)).to(h.dtype)

    def of_nodes(self, of_graphs: Tensor) -> Tensor:
        """What is known of a graph, for each of its nodes: [B, …] → [B, k, …]."""
        k = self.x.size(1)
        return of_graphs.unsqueeze(1).expand(-1, k, *of_graphs.shape[1:])

    def only_nodes(self, h: Tensor, fill: float = 0.0) -> Tensor:
        """H with the rows that are no nodes set to `fill`."""
        if self.mask is None:
            return h
        return torch.where(self.mask.view(*h.shape[:2], *[1] * (h.dim() - 2)), h, fill)

    def squared_norm(self) -> Tensor:
        """‖A_g‖²_F of every graph, [B], in float64."""
        return self.adj.double().square().sum((1, 2))

    def normalized(self, self_loops: str = "add") -> DenseGraphs:
        """The same graphs with D̃^−½ Ã D̃^−½; see `SparseGraphs.normalized`."""
        check_self_loops(self_loops)
        if self_loops not in self._normalized:
            one = torch.eye(self.x.size(1), dtype=self.adj.dtype, device=self.x.device)
            off_diagonal = self.adj * (1 - one) if self_loops == "replace" else self.adj
            with_loops = off_diagonal + one
            scale = inverse_power(with_loops.sum(2), 0.5)
            scaled = scale.unsqueeze(2) * with_loops * scale.unsqueeze(1)
            self._normalized[self_loops] = self._with(scaled)
        return self._normalized[self_loops]

    def averaged(self) -> DenseGraphs:
        """The same graphs with D⁻¹ A; see `SparseGraphs.averaged`. A cluster whose row
        sum is below 1e-30, an empty one, has no neighbours."""
        if "mean" not in self._normalized:
            total = self.adj.sum(2, keepdim=True)  # its inverse squared may overflow
            some = total > TINY
            mean = self.adj / torch.where(some, total, 1.0) * some
            self._normalized["mean"] = self._with(mean)
        return self._normalized["mean"]

    def __repr__(self) -> str:
        graphs, nodes, features = self.x.shape
        return f"DenseGraphs(graphs={graphs}, nodes={nodes} each, features={features})"

    def _with(self, adj: Tensor) -> DenseGraphs:
        return DenseGraphs(self.x, adj, None if self.mask is None else self.sizes)

    def _check_rows(self, name: str, h: Tensor) -> None:
        if h.shape[:2] != self.x.shape[:2]:
            raise ValueError(
                f"{name} has shape {list(h.shape)}, expected "
                f"[{self.x.size(0)}, {self.x.size(1)}, …]: one row a node"
            )


def inverse_power(values: Tensor, power: float) -> Tensor:
    """values^-power where above 1e-30, else 0. Its slope counts as 0 where values are
    so small that no number of their type could hold it (below 4e-26 for an inverse
    root in float32): a cluster that nobody is in would end training otherwise.

    >>> inverse_power(torch.tensor([4.0, 0.0]), 0.5)
    tensor([0.5000, 0.0000])
    """
    positive = values > TINY
    steepest = 0.25 * torch.finfo(values.dtype).max
    flat = values < steepest ** (-1 / (power + 1))
    given = torch.where(flat, values.detach(), values)
    return torch.where(positive, given, 1.0).pow(-power) * positive


def check_self_loops(self_loops: str) -> None:
    if self_loops not in ("add", "replace"):
        raise ValueError(f"self_loops is {self_loops!r}, expected 'add' or 'replace'")
